//! Store keys of the module.

use ve_base::Address;
use ve_proto::ve::escrow::v1::Params;
use ve_store::{Index, IndexedMap, Item, Map};

use super::types::{Account, AccountId, Payment};

pub static PARAMS: Item<Params> = Item::new("escrow", 0);

/// By owner.
pub static BY_OWNER: Index<Address, AccountId, Account> =
    Index::new("escrow", 2, |_, account| vec![account.owner.clone()]);
/// By the time at which the queue looks at them, oldest first.
pub static DUE: Index<u64, AccountId, Account> =
    Index::new("escrow", 3, |_, account| if account.due_at == 0 { Vec::new() } else { vec![account.due_at] });
pub static ACCOUNTS: IndexedMap<AccountId, Account> = IndexedMap::new("escrow", 1, &[&BY_OWNER, &DUE]);

/// By payee.
pub static BY_PAYEE: Index<Address, (AccountId, String), Payment> =
    Index::new("escrow", 5, |_, payment| vec![payment.payee.clone()]);
pub static PAYMENTS: IndexedMap<(AccountId, String), Payment> = IndexedMap::new("escrow", 4, &[&BY_PAYEE]);

/// Payments that are not closed: what settling an account has to read.
pub static OPEN_PAYMENTS: Map<(AccountId, String), ()> = Map::new("escrow", 6);

/// Accounts that are neither closed nor on the way to it.
pub static LIVE: Item<u64> = Item::new("escrow", 7);
/// Accounts that ran dry, by the minute: its first second.
pub static DRY: Map<u64, u64> = Map::new("escrow", 8);
