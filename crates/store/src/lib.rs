//! Versioned Merkle key-value store.

pub mod kv;

pub use kv::{KvError, KvIter, Read, Write, prefix_end};
