//! A first version of any size in bounded memory: large genesis states and restored snapshots.

use fjall::PersistMode;

use crate::kv::{Entry, KvError, check_entry};
use crate::proof::{self, Root};
use crate::store::{Disk, LATEST, OLDEST, Store, Version, io};
use crate::tree::{Assembly, Hash, Leaf, Outcome, StoredNode, sha256};

/// Set while a load is under way; a store found with it is emptied.
const LOADING: &[u8] = b"loading";
/// Entries per batch.
const CHUNK: usize = 20_000;

/// Removes what a load that did not end left behind.
pub(crate) fn discard_unfinished(disk: &Disk) -> Result<(), KvError> {
    if !disk.meta.contains_key(LOADING).map_err(io)? {
        return Ok(());
    }
    for keyspace in [&disk.state, &disk.keys, &disk.nodes] {
        keyspace.clear().map_err(io)?;
    }
    disk.meta.remove(LOADING).map_err(io)?;
    disk.db.persist(PersistMode::SyncAll).map_err(io)
}

impl Store {
    /// Makes `entries` the first version of an empty store. The version appears whole and durable at the end; a load
    /// that is interrupted leaves an empty store. A key given twice keeps its last value.
    pub fn load(
        &self,
        version: Version,
        entries: impl IntoIterator<Item = Result<Entry, KvError>>,
    ) -> Result<Root, KvError> {
        let disk = self.disk();
        let _writing = disk.lock();
        discard_unfinished(disk)?;
        if let Some(latest) = self.latest()? {
            return Err(KvError::WrongVersion { latest, found: version });
        }
        disk.meta.insert(LOADING, version.to_be_bytes()).map_err(io)?;
        let loaded = load_entries(disk, entries).and_then(|()| load_tree(disk, version));
        let (root, nodes) = match loaded {
            Ok(loaded) => loaded,
            Err(error) => {
                discard_unfinished(disk)?;
                return Err(error);
            }
        };
        let mut batch = disk.db.batch();
        for (key, node) in &nodes {
            batch.insert(&disk.nodes, key.as_slice(), node.encode());
        }
        batch.insert(&disk.meta, OLDEST, version.to_be_bytes());
        batch.insert(&disk.meta, LATEST, version.to_be_bytes());
        batch.remove(&disk.meta, LOADING);
        batch.durability(Some(PersistMode::SyncAll)).commit().map_err(io)?;
        Ok(proof::app_hash(&root))
    }
}

fn load_entries(disk: &Disk, entries: impl IntoIterator<Item = Result<Entry, KvError>>) -> Result<(), KvError> {
    let mut batch = disk.db.batch();
    for entry in entries {
        let (key, value) = entry?;
        check_entry(&key, &value)?;
        batch.insert(&disk.keys, sha256(&[&key]), key.as_slice());
        batch.insert(&disk.state, key, value);
        if batch.len() >= CHUNK {
            std::mem::replace(&mut batch, disk.db.batch()).commit().map_err(io)?;
        }
    }
    batch.commit().map_err(io)
}

/// Builds the tree from its 256 subtrees of depth 2, one at a time; returns the root and the nodes not written yet.
fn load_tree(disk: &Disk, version: Version) -> Result<(Hash, Vec<StoredNode>), KvError> {
    let mut top = Assembly::new(version);
    let mut halves = Vec::with_capacity(16);
    for high in 0..16u8 {
        let mut parts = Vec::with_capacity(16);
        for low in 0..16u8 {
            parts.push((usize::from(low), load_subtree(disk, version, (high << 4) | low)?));
        }
        let mut path = [0; 32];
        path[0] = high << 4;
        halves.push((usize::from(high), top.join(1, &path, parts)));
    }
    let outcome = top.join(0, &[0; 32], halves);
    let root = top.finish(outcome);
    Ok((root, top.written))
}

fn load_subtree(disk: &Disk, version: Version, first: u8) -> Result<Outcome, KvError> {
    let mut leaves = Vec::new();
    for entry in disk.keys.prefix([first]) {
        let (hash, raw) = entry.into_inner().map_err(io)?;
        let key = (*hash).try_into().map_err(|_| KvError::corrupt(&hash, "a key hash has 32 bytes"))?;
        let value = disk.state.get(&raw).map_err(io)?;
        let value = value.ok_or_else(|| KvError::corrupt(&raw, "a loaded key has no value"))?;
        leaves.push(Leaf { key, value: sha256(&[&value]) });
    }
    let mut assembly = Assembly::new(version);
    let outcome = assembly.build(2, &leaves);
    let mut batch = disk.db.batch();
    for (key, node) in assembly.written {
        batch.insert(&disk.nodes, key, node.encode());
    }
    batch.commit().map_err(io)?;
    Ok(outcome)
}
