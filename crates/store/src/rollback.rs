//! Taking the last version back, so that its block can be executed again, by another release for example.

use fjall::{PersistMode, Readable};

use crate::history;
use crate::kv::KvError;
use crate::prune::read_record;
use crate::store::{LATEST, OLDEST, Store, Version, io};
use crate::tree::sha256;

impl Store {
    /// Makes the version before the last one the last one again, durably and in one batch; returns it. What is cached
    /// in memory goes with the store.
    ///
    /// # Errors
    /// [`KvError::UnknownVersion`] when the version before was pruned or never existed.
    pub fn roll_back(self) -> Result<Version, KvError> {
        self.finish_pruning()?;
        let disk = self.disk();
        let _writing = disk.lock();
        let view = disk.db.snapshot();
        let latest = disk.version(&view, LATEST)?.unwrap_or(0);
        let before = latest.saturating_sub(1);
        if disk.version(&view, OLDEST)?.is_none_or(|oldest| oldest > before) {
            return Err(KvError::UnknownVersion(before));
        }
        let mut batch = disk.db.batch();
        for record in view.prefix(&disk.log, latest.to_be_bytes()) {
            let (log_key, record) = record.into_inner().map_err(io)?;
            for key in read_record(&record)?.into_iter().filter_map(|entry| entry.changed_key()) {
                let entry = history::entry_key(key, latest);
                let old = view.get(&disk.history, &entry).map_err(io)?;
                let old = old.ok_or_else(|| KvError::corrupt(key, "a change has no history"))?;
                match history::decode(&old)? {
                    Some(value) => batch.insert(&disk.state, key, value),
                    None => {
                        batch.remove(&disk.state, key);
                        let earlier = history::entry_key(key, 0)..entry.clone();
                        if view.range(&disk.history, earlier).next().is_none() {
                            batch.remove(&disk.keys, sha256(&[key]));
                        }
                    }
                }
                batch.remove(&disk.history, entry);
            }
            batch.remove(&disk.log, log_key);
        }
        for node in view.prefix(&disk.nodes, latest.to_be_bytes()) {
            batch.remove(&disk.nodes, node.key().map_err(io)?);
        }
        batch.insert(&disk.meta, LATEST, before.to_be_bytes());
        batch.durability(Some(PersistMode::SyncAll)).commit().map_err(io)?;
        Ok(before)
    }
}

#[cfg(test)]
#[path = "rollback_tests.rs"]
mod tests;
