//! Taking over a snapshot that somebody else made: chunk by chunk into an empty store.

use crate::kv::KvError;
use crate::load::Load;
use crate::proof::Root;
use crate::store::Store;
use crate::stream::{Frames, Manifest};
use crate::tree::sha256;

/// A restore under way. Chunks are taken in order; memory does not grow with their number.
#[derive(Debug)]
pub struct Restore {
    manifest: Manifest,
    expected: Root,
    next: usize,
    frames: Frames,
    /// `None` after the end.
    load: Option<Load>,
}

/// What became of a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    More,
    /// It was the last one, and the store now has the version.
    Whole,
    /// These are not the bytes that the manifest names: ask somebody else for the chunk.
    WrongBytes,
    /// The chunks agree with the manifest, but it is not the state with the expected app hash. The store is empty again.
    WrongSnapshot(String),
}

impl Store {
    /// Begins to fill this empty store with the snapshot of `manifest`, whose app hash must be `expected`.
    pub fn begin_restore(&self, manifest: Manifest, expected: Root) -> Result<Restore, KvError> {
        let load = self.begin_load(manifest.version)?;
        Ok(Restore { manifest, expected, next: 0, frames: Frames::default(), load: Some(load) })
    }

    /// Takes the chunk with number `index`, which must be the next one.
    pub fn restore_chunk(&self, restore: &mut Restore, index: usize, chunk: &[u8]) -> Result<Taken, KvError> {
        let due = restore.manifest.chunks.get(restore.next).filter(|_| restore.next == index);
        let (Some(hash), Some(load)) = (due, restore.load.as_mut()) else {
            return Err(KvError::refused(&[], "chunks of a snapshot are taken in order, once each"));
        };
        if sha256(&[chunk]) != *hash {
            return Ok(Taken::WrongBytes);
        }
        restore.frames.push(chunk);
        if let Err(error) = self.add_to_load(load, restore.frames.by_ref()) {
            return self.give_up(restore, error);
        }
        restore.next = restore.next.saturating_add(1);
        if restore.next < restore.manifest.chunks.len() {
            return Ok(Taken::More);
        }
        if !restore.frames.is_empty() {
            return self.give_up(restore, KvError::corrupt(&[], "the last entry of the snapshot is cut off"));
        }
        let Some(load) = restore.load.take() else { return Ok(Taken::Whole) };
        match self.finish_load(load, Some(restore.expected)) {
            Ok(_) => Ok(Taken::Whole),
            Err(error @ KvError::OtherRoot(_)) => Ok(Taken::WrongSnapshot(error.to_string())),
            Err(error) => Err(error),
        }
    }

    fn give_up(&self, restore: &mut Restore, error: KvError) -> Result<Taken, KvError> {
        if let Some(load) = restore.load.take() {
            self.abandon_load(load)?;
        }
        match error {
            // Bytes that no store writes; failures of this machine's disk are its own matter.
            KvError::Corrupt { .. } | KvError::Refused { .. } => Ok(Taken::WrongSnapshot(error.to_string())),
            error => Err(error),
        }
    }
}
