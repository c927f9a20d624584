//! Store keys of the module.

use ve_proto::ve::audit::v1::{Entry, Params, Root};
use ve_store::{Index, IndexedMap, Item, Map};

pub static PARAMS: Item<Params> = Item::new("audit", 0);

pub static BY_ACTOR: Index<String, u64, Entry> = Index::new("audit", 2, |_, entry| vec![entry.actor.clone()]);

pub static BY_RESOURCE: Index<String, u64, Entry> = Index::new("audit", 3, |_, entry| vec![entry.resource_id.clone()]);

/// Bodies that are kept, by number.
pub static ENTRIES: IndexedMap<u64, Entry> = IndexedMap::new("audit", 1, &[&BY_ACTOR, &BY_RESOURCE]);

/// By level and index: at level 0 the hash of the entry with that number, above it the hash of a complete subtree.
pub static NODES: Map<(u8, u64), Vec<u8>> = Map::new("audit", 4);

/// Number of entries ever written.
pub static SIZE: Item<u64> = Item::new("audit", 5);

/// By size.
pub static ROOTS: Map<u64, Root> = Map::new("audit", 6);
