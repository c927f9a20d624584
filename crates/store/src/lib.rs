//! Versioned Merkle key-value store and typed access to it.

pub mod index;
pub mod key;
pub mod kv;
pub mod memory;
mod merge;
pub mod overlay;
pub mod scan;
pub mod typed;

pub use index::{Index, IndexedMap, Indexer, UniqueIndex};
pub use key::{AsKey, AsPrefix, Key, KeyError};
pub use kv::{KvError, KvIter, Read, Write, prefix_end};
pub use memory::MemoryState;
pub use overlay::{ChangeSet, Checkpoint, Overlay};
pub use scan::{Page, PageRequest, Scan};
pub use typed::{Item, Map, Space};
pub use ve_base::value::{Value, ValueError};
