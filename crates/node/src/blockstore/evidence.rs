//! Evidence that waits, and who was convicted.

use super::{BlockStore, StoreError, io};
use crate::evidence::Key;

impl BlockStore {
    pub fn save_pending_evidence(&self, key: Key, evidence: &[u8]) -> Result<(), StoreError> {
        self.write(|batch| batch.insert(&self.evidence, key.to_bytes(), evidence))
    }

    pub fn pending_evidence(&self, key: Key) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.evidence.get(key.to_bytes()).map_err(io)?.map(|bytes| bytes.to_vec()))
    }

    /// Encodings, by height.
    pub fn all_pending_evidence(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        let entries = self.evidence.iter().map(|entry| entry.into_inner());
        entries.map(|entry| entry.map(|(_, value)| value.to_vec()).map_err(io)).collect()
    }

    /// Forgets evidence that no block may carry any more.
    pub fn drop_pending_evidence(&self, keys: &[Key]) -> Result<(), StoreError> {
        if keys.is_empty() {
            return Ok(());
        }
        self.write(|batch| keys.iter().for_each(|key| batch.remove(&self.evidence, key.to_bytes())))
    }

    /// Whether a block convicted this validator for this height.
    pub fn is_convicted(&self, key: Key) -> Result<bool, StoreError> {
        self.convicted.contains_key(key.to_bytes()).map_err(io)
    }
}
