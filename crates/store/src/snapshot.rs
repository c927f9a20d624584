//! A consistent view of one version.

use std::sync::Arc;

use fjall::Readable;

use crate::history::History;
use crate::kv::{KvError, KvIter, Read};
use crate::proof::{self, ProofOp, Root};
use crate::store::{Disk, LATEST, OLDEST, StoredNodes, Version, io};
use crate::tree::{EMPTY_ROOT, Hash, Nodes, Prover, root_key};

/// State as of one version, unaffected by later commits and pruning. Cheap to clone; it keeps replaced data on disk
/// while it lives, so do not hold it for long.
#[derive(Clone)]
pub struct Snapshot {
    disk: Arc<Disk>,
    view: fjall::Snapshot,
    version: Option<Version>,
    /// Present if the version is not the last one in `view`.
    past: Option<History>,
}

impl Snapshot {
    pub(crate) fn open(disk: Arc<Disk>, version: Option<Version>) -> Result<Self, KvError> {
        let view = disk.db.snapshot();
        let latest = disk.version(&view, LATEST)?;
        let oldest = disk.version(&view, OLDEST)?;
        let version = match (version, latest, oldest) {
            (None, latest, _) => latest,
            (Some(version), Some(latest), Some(oldest)) if (oldest..=latest).contains(&version) => Some(version),
            (Some(version), ..) => return Err(KvError::UnknownVersion(version)),
        };
        let past = version.filter(|_| version != latest).map(|version| History {
            view: view.clone(),
            entries: disk.history.clone(),
            version,
        });
        Ok(Self { disk, view, version, past })
    }

    /// The version seen; `None` before genesis.
    pub fn version(&self) -> Option<Version> {
        self.version
    }

    /// App hash of this version.
    pub fn root(&self) -> Result<Root, KvError> {
        Ok(proof::app_hash(&self.tree_root()?))
    }

    fn nodes(&self) -> StoredNodes<'_> {
        StoredNodes { disk: &self.disk, view: &self.view }
    }

    fn tree_root(&self) -> Result<Hash, KvError> {
        match self.version {
            Some(version) => Ok(self.nodes().node(&root_key(version))?.hash()),
            None => Ok(EMPTY_ROOT),
        }
    }

    /// Proves to the app hash of this version what is stored under `key`, or that nothing is: the tree's proof, then
    /// that of the tree's root among the stores. Fails with [`KvError::Refused`] for an empty key or an empty state.
    pub fn prove(&self, key: &[u8]) -> Result<Vec<ProofOp>, KvError> {
        crate::kv::check_key(key)?;
        let version = self.version.ok_or(KvError::UnknownVersion(0))?;
        let nodes = self.nodes();
        let entry = |hash: &Hash| {
            let raw = self.view.get(&self.disk.keys, hash).map_err(io)?;
            let raw = raw.ok_or_else(|| KvError::corrupt(hash, "the key behind a leaf of the tree is missing"))?;
            let value = self.get(&raw)?;
            let value = value.ok_or_else(|| KvError::corrupt(&raw, "the tree holds a key that state does not"))?;
            Ok((raw.to_vec(), value))
        };
        let prover = Prover { nodes: &nodes, version, entry: &entry };
        let proof = prover.prove(key, self.get(key)?)?;
        Ok(proof::ops(key, proof, &self.tree_root()?))
    }
}

impl Read for Snapshot {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, KvError> {
        if let Some(past) = &self.past
            && let Some(value) = past.get(key)?
        {
            return Ok(value);
        }
        // A load under way has written entries that belong to no version yet.
        let Some(version) = self.version else { return Ok(None) };
        if let Some(known) = self.disk.recent.get(key, version) {
            return Ok(known.map(|value| value.to_vec()));
        }
        let value = self.view.get(&self.disk.state, key).map_err(io)?;
        if self.past.is_none() {
            self.disk.recent.found(key, value.as_deref().map(Arc::from), version);
        }
        Ok(value.map(|value| value.to_vec()))
    }

    fn range(&self, start: &[u8], end: Option<&[u8]>, reverse: bool) -> KvIter<'_> {
        let entries = match end {
            _ if self.version.is_none() => return Box::new(std::iter::empty()),
            Some(end) if start >= end => return Box::new(std::iter::empty()),
            Some(end) => self.view.range(&self.disk.state, start..end),
            None => self.view.range(&self.disk.state, start..),
        };
        let decode = |entry: fjall::Guard| {
            let (key, value) = entry.into_inner().map_err(io)?;
            Ok((key.to_vec(), value.to_vec()))
        };
        let latest: KvIter<'_> =
            if reverse { Box::new(entries.rev().map(decode)) } else { Box::new(entries.map(decode)) };
        match &self.past {
            Some(past) => past.over(latest, start, end, reverse),
            None => latest,
        }
    }
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").field("version", &self.version).finish_non_exhaustive()
    }
}
