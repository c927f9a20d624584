//! Snapshots of the state for nodes that join late: made beside the chain, taken over before genesis.

use std::path::PathBuf;
use std::sync::Mutex;

use bytes::Bytes;
use ve_sdk::application::{ChunkVerdict, Fatal, OfferVerdict, StateSnapshot};
use ve_store::stream::FORMAT;
use ve_store::{Archive, Manifest, Restore, Taken};

use crate::application::{App, fatal, lock};

/// Where snapshots lie and how often they are made. Nothing here changes the result of a block.
#[derive(Clone, Debug)]
pub struct SnapshotOptions {
    pub directory: PathBuf,
    /// Blocks between two snapshots; 0 makes none, but those that are there are still served.
    pub interval: u64,
    /// Snapshots that stay, at least one.
    pub keep: usize,
}

/// The snapshots of this node, and one that it takes over.
pub(crate) struct Snapshots {
    archive: Option<(Archive, u64)>,
    restore: Mutex<Option<Restore>>,
}

impl Snapshots {
    pub fn open(options: Option<&SnapshotOptions>) -> Result<Self, Fatal> {
        let open = |options: &SnapshotOptions| {
            Archive::open(&options.directory, options.keep).map(|archive| (archive, options.interval)).map_err(fatal)
        };
        Ok(Self { archive: options.map(open).transpose()?, restore: Mutex::default() })
    }

    /// Starts a snapshot of the committed block if it is its turn. The height of the oldest finished snapshot, whose
    /// following blocks others may ask for.
    pub fn after_commit(&self, app: &App, height: u64) -> Result<Option<u64>, Fatal> {
        let Some((archive, interval)) = &self.archive else { return Ok(None) };
        if height.checked_rem(*interval) == Some(0) {
            // While the one before is still being written, this one is left out.
            archive.take(app.store.snapshot(Some(height)).map_err(fatal)?);
        }
        archive.oldest().map_err(fatal)
    }

    pub fn list(&self) -> Result<Vec<StateSnapshot>, Fatal> {
        let Some((archive, _)) = &self.archive else { return Ok(Vec::new()) };
        let describe = |manifest: Manifest| StateSnapshot {
            height: manifest.version,
            format: FORMAT,
            chunks: u32::try_from(manifest.chunks.len()).unwrap_or(u32::MAX),
            hash: manifest.hash(),
            metadata: manifest.metadata().into(),
        };
        Ok(archive.list().map_err(fatal)?.into_iter().map(describe).collect())
    }

    pub fn chunk(&self, height: u64, format: u32, index: u32) -> Result<Option<Bytes>, Fatal> {
        let Some((archive, _)) = self.archive.as_ref().filter(|_| format == FORMAT) else { return Ok(None) };
        Ok(archive.chunk(height, index).map_err(fatal)?.map(Bytes::from))
    }

    pub fn offer(&self, app: &App, snapshot: &StateSnapshot, app_hash: &[u8]) -> Result<OfferVerdict, Fatal> {
        let reject = |reason: &str| Ok(OfferVerdict::Reject(reason.to_owned()));
        if snapshot.format != FORMAT {
            return reject("its format is of another release");
        }
        let Some(manifest) = Manifest::parse(snapshot.height, &snapshot.metadata) else {
            return reject("its list of chunks does not decode");
        };
        if manifest.hash() != snapshot.hash || usize::try_from(snapshot.chunks) != Ok(manifest.chunks.len()) {
            return reject("its name does not belong to its list of chunks");
        }
        let Ok(expected) = app_hash.try_into() else { return reject("the app hash has another length than ours") };
        let mut restore = lock(&self.restore);
        *restore = None;
        *restore = Some(app.store.begin_restore(manifest, expected).map_err(fatal)?);
        Ok(OfferVerdict::Accept)
    }

    pub fn apply(&self, app: &App, index: u32, chunk: &Bytes) -> Result<ChunkVerdict, Fatal> {
        let mut guard = lock(&self.restore);
        let restore = guard.as_mut().ok_or_else(|| Fatal("a chunk came without an accepted snapshot".into()))?;
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        match app.store.restore_chunk(restore, index, chunk).map_err(fatal)? {
            Taken::More => Ok(ChunkVerdict::Accept),
            Taken::WrongBytes => Ok(ChunkVerdict::Refetch),
            Taken::WrongSnapshot(reason) => {
                *guard = None;
                Ok(ChunkVerdict::RejectSnapshot(reason))
            }
            Taken::Whole => {
                *guard = None;
                app.publish(Vec::new())?;
                app.reset_check();
                Ok(ChunkVerdict::Accept)
            }
        }
    }
}
