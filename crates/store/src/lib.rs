//! Versioned Merkle key-value store and typed access to it.

pub mod archive;
#[cfg(feature = "bench")]
pub mod bench;
mod history;
pub mod index;
pub mod key;
pub mod kv;
pub mod load;
pub mod memory;
mod merge;
pub mod options;
pub mod overlay;
pub mod proof;
mod prune;
mod recent;
pub mod restore;
mod rollback;
pub mod scan;
pub mod snapshot;
pub mod store;
pub mod stream;
mod tree;
pub mod typed;

pub use archive::Archive;
pub use index::{Index, IndexedMap, Indexer, UniqueIndex};
pub use key::{AsKey, AsPrefix, Key, KeyError};
pub use kv::{Entry, KvError, KvIter, Read, Write, prefix_end};
pub use memory::MemoryState;
pub use options::{Options, Pruning};
pub use overlay::{ChangeSet, Checkpoint, Overlay};
pub use proof::{ProofOp, Root};
pub use restore::{Restore, Taken};
pub use scan::{Page, PageRequest, Scan};
pub use snapshot::Snapshot;
pub use store::{Prepared, Store, Version};
pub use stream::Manifest;
pub use typed::{Item, Map, Space};
pub use ve_base::value::{Value, ValueError};
