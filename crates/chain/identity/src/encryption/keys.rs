//! Store keys of the module.

use ve_base::Address;
use ve_proto::ve::encryption::v1::{KeyState, Params, PurgedKey, RecipientKey};
use ve_store::index::UniqueIndex;
use ve_store::{Index, IndexedMap, Item, Map};

use super::timers;

pub static PARAMS: Item<Params> = Item::new("encryption", 0);

/// When the next thing happens to a key: a warning, its expiry or its purge.
pub static DUE: Index<u64, (Address, u32), RecipientKey> =
    Index::new("encryption", 2, |_, key| timers::next(key).into_iter().collect());

pub static BY_FINGERPRINT: UniqueIndex<String, (Address, u32), RecipientKey> =
    UniqueIndex::new("encryption", 3, |_, key| vec![key.fingerprint.clone()]);

/// By owner and version.
pub static KEYS: IndexedMap<(Address, u32), RecipientKey> = IndexedMap::new("encryption", 1, &[&DUE, &BY_FINGERPRINT]);

/// By fingerprint.
pub static PURGED: Map<String, PurgedKey> = Map::new("encryption", 4);

/// The last version that an owner used.
pub static VERSIONS: Map<Address, u32> = Map::new("encryption", 5);

/// Whether a key still opens what was sealed to it.
pub fn is_live(key: &RecipientKey) -> bool {
    matches!(key.state(), KeyState::Active | KeyState::Deprecated)
}
