//! Store keys of the module.

use ve_base::{ACCOUNT_PREFIX, Address};
use ve_proto::ve::roles::v1::{AccountStatus, AdminAction, Delegation, Params, RoleAssignment};
use ve_store::{Index, IndexedMap, Item};

use super::{actions, delegations};

pub static PARAMS: Item<Params> = Item::new("roles", 0);

pub static BY_ROLE: Index<u32, (Address, u32), RoleAssignment> = Index::new("roles", 2, |key, _| vec![key.1]);

/// By account and role.
pub static ASSIGNMENTS: IndexedMap<(Address, u32), RoleAssignment> = IndexedMap::new("roles", 1, &[&BY_ROLE]);

/// When flags end that nobody reviewed.
pub static REVIEWS: Index<u64, Address, AccountStatus> =
    Index::new("roles", 4, |_, status| if status.review_until == 0 { Vec::new() } else { vec![status.review_until] });

/// Accounts that are not active.
pub static STATES: IndexedMap<Address, AccountStatus> = IndexedMap::new("roles", 3, &[&REVIEWS]);

/// When time next changes an action: it expires, its time lock or its ratification ends, or it is forgotten.
pub static ACTIONS_DUE: Index<u64, u64, AdminAction> =
    Index::new("roles", 6, |_, action| actions::next(action).into_iter().collect());

pub static OPEN_BY_PROPOSER: Index<Address, u64, AdminAction> =
    Index::new("roles", 7, |_, action| if actions::is_open(action) { known(&action.proposer) } else { Vec::new() });

pub static ACTIONS: IndexedMap<u64, AdminAction> = IndexedMap::new("roles", 5, &[&ACTIONS_DUE, &OPEN_BY_PROPOSER]);

pub static NEXT_ACTION: Item<u64> = Item::new("roles", 8);

pub static DELEGATIONS_DUE: Index<u64, u64, Delegation> =
    Index::new("roles", 10, |_, delegation| vec![delegations::next(delegation)]);

pub static BY_DELEGATOR: Index<Address, u64, Delegation> =
    Index::new("roles", 11, |_, delegation| known(&delegation.delegator));

pub static BY_DELEGATE: Index<Address, u64, Delegation> =
    Index::new("roles", 12, |_, delegation| known(&delegation.delegate));

pub static DELEGATIONS: IndexedMap<u64, Delegation> =
    IndexedMap::new("roles", 9, &[&DELEGATIONS_DUE, &BY_DELEGATOR, &BY_DELEGATE]);

pub static NEXT_DELEGATION: Item<u64> = Item::new("roles", 13);

/// Addresses in records were checked when they were written.
fn known(text: &str) -> Vec<Address> {
    Address::from_bech32(text, ACCOUNT_PREFIX).into_iter().collect()
}
