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
/// Bytes of keys and values per batch.
const CHUNK_BYTES: usize = 8 << 20;

/// Removes what a load that did not end left behind.
pub(crate) fn discard_unfinished(disk: &Disk) -> Result<(), KvError> {
    if !is_loading(disk)? {
        return Ok(());
    }
    for keyspace in [&disk.state, &disk.keys, &disk.nodes] {
        keyspace.clear().map_err(io)?;
    }
    disk.meta.remove(LOADING).map_err(io)?;
    disk.db.persist(PersistMode::SyncAll).map_err(io)
}

pub(crate) fn is_loading(disk: &Disk) -> Result<bool, KvError> {
    disk.meta.contains_key(LOADING).map_err(io)
}

/// A load under way: what [`Store::begin_load`] gives and [`Store::finish_load`] takes.
#[derive(Debug)]
#[must_use = "finish the load or abandon it"]
pub struct Load {
    version: Version,
}

impl Store {
    /// Makes `entries` the first version of an empty store. The version appears whole and durable at the end; a load
    /// that is interrupted leaves an empty store. A key given twice keeps its last value.
    pub fn load(
        &self,
        version: Version,
        entries: impl IntoIterator<Item = Result<Entry, KvError>>,
    ) -> Result<Root, KvError> {
        let mut load = self.begin_load(version)?;
        match self.add_to_load(&mut load, entries) {
            Ok(()) => self.finish_load(load, None),
            Err(error) => {
                self.abandon_load(load)?;
                Err(error)
            }
        }
    }

    /// Starts a load in pieces. Until it ends nothing can be committed; an unfinished earlier one is forgotten.
    pub fn begin_load(&self, version: Version) -> Result<Load, KvError> {
        let disk = self.disk();
        let _writing = disk.lock();
        discard_unfinished(disk)?;
        if let Some(latest) = self.latest()? {
            return Err(KvError::WrongVersion { latest, found: version });
        }
        disk.meta.insert(LOADING, version.to_be_bytes()).map_err(io)?;
        Ok(Load { version })
    }

    /// Writes more entries of the load.
    pub fn add_to_load(
        &self,
        load: &mut Load,
        entries: impl IntoIterator<Item = Result<Entry, KvError>>,
    ) -> Result<(), KvError> {
        let disk = self.disk();
        let _writing = disk.lock();
        self.still_loading(load)?;
        load_entries(disk, entries)
    }

    /// Builds the tree and makes the version appear, if its app hash is `expected` or none is; else forgets the load and
    /// fails with [`KvError::OtherRoot`].
    pub fn finish_load(&self, load: Load, expected: Option<Root>) -> Result<Root, KvError> {
        let disk = self.disk();
        let _writing = disk.lock();
        self.still_loading(&load)?;
        let version = load.version;
        let checked = load_tree(disk, version).and_then(|(root, nodes)| {
            let root = proof::app_hash(&root);
            match expected {
                Some(expected) if expected != root => Err(KvError::OtherRoot(version)),
                _ => Ok((root, nodes)),
            }
        });
        let (root, nodes) = match checked {
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
        Ok(root)
    }

    /// Empties the store again.
    pub fn abandon_load(&self, load: Load) -> Result<(), KvError> {
        let disk = self.disk();
        let _writing = disk.lock();
        self.still_loading(&load)?;
        discard_unfinished(disk)
    }

    /// A later load may have taken the place of this one.
    fn still_loading(&self, load: &Load) -> Result<(), KvError> {
        let found = self.disk().meta.get(LOADING).map_err(io)?;
        if found.as_deref() == Some(load.version.to_be_bytes().as_slice()) {
            return Ok(());
        }
        Err(KvError::WrongVersion { latest: self.latest()?.unwrap_or(0), found: load.version })
    }
}

fn load_entries(disk: &Disk, entries: impl IntoIterator<Item = Result<Entry, KvError>>) -> Result<(), KvError> {
    let mut batch = disk.db.batch();
    let mut bytes = 0usize;
    for entry in entries {
        let (key, value) = entry?;
        check_entry(&key, &value)?;
        bytes = bytes.saturating_add(key.len()).saturating_add(value.len());
        batch.insert(&disk.keys, sha256(&[&key]), key.as_slice());
        batch.insert(&disk.state, key, value);
        if batch.len() >= CHUNK || bytes >= CHUNK_BYTES {
            std::mem::replace(&mut batch, disk.db.batch()).commit().map_err(io)?;
            bytes = 0;
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
