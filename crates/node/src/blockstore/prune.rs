//! Dropping old blocks.

use super::{BlockStore, EARLIEST, StoreError, at, io};
use crate::rpc::backend::StoredBlock;

/// Blocks dropped at one commit, so that no commit waits long.
const MAX_PRUNED: u64 = 100;

impl BlockStore {
    /// Drops the oldest blocks below `retain` for which `useless` holds, some at a time, with everything that is kept of
    /// their heights: also the validator sets, which light clients and late evidence need.
    pub fn prune(&self, retain: u64, useless: impl Fn(&StoredBlock) -> bool) -> Result<(), StoreError> {
        let earliest = self.earliest()?;
        let mut end = earliest;
        let mut hashes = Vec::new();
        while end < retain.min(earliest.saturating_add(MAX_PRUNED)) {
            match self.block(end)? {
                Some(stored) if !useless(&stored) => break,
                Some(stored) => hashes.push(stored.id.hash),
                None => {}
            }
            end += 1;
        }
        if end == earliest {
            return Ok(());
        }
        let mut convicted = Vec::new();
        for entry in self.convicted.range(..at(end).to_vec()) {
            convicted.push(entry.into_inner().map_err(io)?.0);
        }
        self.write(|batch| {
            for height in earliest..end {
                for keyspace in [&self.blocks, &self.commits, &self.results, &self.sets, &self.params] {
                    batch.remove(keyspace, at(height));
                }
            }
            for hash in &hashes {
                batch.remove(&self.hashes, hash.as_slice());
            }
            for key in &convicted {
                batch.remove(&self.convicted, key.clone());
            }
            batch.insert(&self.meta, EARLIEST, at(end));
        })
    }
}
