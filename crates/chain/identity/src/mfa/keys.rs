//! Store keys of the module.

use ve_base::{Address, Amount};
use ve_proto::ve::mfa::v1::*;
use ve_store::{Index, IndexedMap, Item, Map};

pub static PARAMS: Item<Params> = Item::new("mfa", 0);
/// Rows of the table of actions that governance changed, by action.
pub static ACTIONS: Map<u32, ActionConfig> = Map::new("mfa", 1);
/// Accounts that have had a factor. One read of this table is all that an account without factors costs.
pub static PROFILES: Map<Address, Profile> = Map::new("mfa", 2);
/// Set when accounts that never had a factor are held to the demands, too.
pub static EVERYBODY: Item<bool> = Item::new("mfa", 3);
/// The last challenge, session or change.
pub static LAST_ID: Item<u64> = Item::new("mfa", 4);

/// Factors by the time at which they expire.
pub static FACTOR_DUE: Index<u64, (Address, u64), Factor> = Index::new("mfa", 6, |_, factor| {
    let live = matches!(factor.state(), FactorState::Pending | FactorState::Active);
    if factor.expires_at > 0 && live { vec![factor.expires_at] } else { Vec::new() }
});
pub static FACTORS: IndexedMap<(Address, u64), Factor> = IndexedMap::new("mfa", 5, &[&FACTOR_DUE]);

pub static CHALLENGES_OF: Index<String, u64, Challenge> =
    Index::new("mfa", 8, |_, challenge| vec![super::challenge::group(&challenge.sender, &challenge.address)]);
pub static CHALLENGE_DUE: Index<u64, u64, Challenge> = Index::new("mfa", 9, |_, challenge| vec![challenge.expires_at]);
pub static CHALLENGES: IndexedMap<u64, Challenge> = IndexedMap::new("mfa", 7, &[&CHALLENGES_OF, &CHALLENGE_DUE]);

pub static SESSIONS_OF: Index<String, u64, Session> = Index::new("mfa", 11, |_, session| vec![session.address.clone()]);
pub static SESSION_DUE: Index<u64, u64, Session> = Index::new("mfa", 12, |_, session| vec![session.expires_at]);
pub static SESSIONS: IndexedMap<u64, Session> = IndexedMap::new("mfa", 10, &[&SESSIONS_OF, &SESSION_DUE]);

/// (account, recipient that it has sent to).
pub static KNOWN: Map<(Address, Address), ()> = Map::new("mfa", 13);
/// What an account moved, by purpose and hour since 1970.
pub static SUMS: Map<(Address, u8, u64), Amount> = Map::new("mfa", 14);

pub static CHANGE_DUE: Index<u64, (Address, u64), DelayedChange> =
    Index::new("mfa", 16, |_, change| vec![change.effective_at]);
pub static CHANGES: IndexedMap<(Address, u64), DelayedChange> = IndexedMap::new("mfa", 15, &[&CHANGE_DUE]);

pub static RECOVERIES: Map<Address, Recovery> = Map::new("mfa", 17);

/// The next number of [`LAST_ID`].
pub fn next_id(ctx: &mut ve_sdk::Context<'_>) -> Result<u64, ve_base::CodedError> {
    let id = LAST_ID.get_or_default(ctx)?.saturating_add(1);
    LAST_ID.set(ctx, &id)?;
    Ok(id)
}
