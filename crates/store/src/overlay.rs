//! A write buffer over any reader, with cheap nested undo.

use std::collections::BTreeMap;

use crate::kv::{KvError, KvIter, Read, Write, check_entry, check_key};
use crate::memory::bounds;
use crate::merge::merge;

/// Writes by key; `None` deletes. Sorted, so that every node commits it in one order.
pub type ChangeSet = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// A key and what `changes` held for it before a write.
type Undo = (Vec<u8>, Option<Option<Vec<u8>>>);

/// Reads fall through to `base` where nothing was written; writes stay here until [`Overlay::into_changes`].
///
/// Sub-calls that may fail use [`Overlay::checkpoint`]: an undo journal costs one entry per write, while a nested
/// overlay costs a lookup per level and read. Both are correct.
#[derive(Debug)]
pub struct Overlay<R> {
    base: R,
    changes: ChangeSet,
    /// Empty while no checkpoint is open.
    journal: Vec<Undo>,
    /// Journal length at each open checkpoint, outermost first.
    open: Vec<usize>,
}

/// A point to return to. Checkpoints nest: closing one also closes those opened after it.
#[derive(Debug)]
#[must_use = "release the checkpoint or roll back to it"]
pub struct Checkpoint {
    depth: usize,
}

impl<R> Overlay<R> {
    pub fn new(base: R) -> Self {
        Self { base, changes: ChangeSet::new(), journal: Vec::new(), open: Vec::new() }
    }

    pub fn base(&self) -> &R {
        &self.base
    }

    pub fn changes(&self) -> &ChangeSet {
        &self.changes
    }

    pub fn into_changes(self) -> ChangeSet {
        self.changes
    }

    /// Empties the buffer and returns what was in it; open checkpoints are closed.
    pub fn take_changes(&mut self) -> ChangeSet {
        self.journal.clear();
        self.open.clear();
        std::mem::take(&mut self.changes)
    }

    /// Puts the buffer over another base and drops what was written under the keys `changed`, which the new base knows
    /// better. Open checkpoints are closed.
    pub fn rebase<'k>(&mut self, base: R, changed: impl IntoIterator<Item = &'k [u8]>) {
        self.base = base;
        self.journal.clear();
        self.open.clear();
        for key in changed {
            self.changes.remove(key);
        }
    }

    pub fn checkpoint(&mut self) -> Checkpoint {
        let depth = self.open.len();
        self.open.push(self.journal.len());
        Checkpoint { depth }
    }

    /// Keeps the writes made since the checkpoint.
    pub fn release(&mut self, checkpoint: Checkpoint) {
        debug_assert!(checkpoint.depth < self.open.len(), "the checkpoint is already closed");
        self.open.truncate(checkpoint.depth);
        if self.open.is_empty() {
            self.journal.clear();
        }
    }

    /// Undoes the writes made since the checkpoint.
    pub fn rollback_to(&mut self, checkpoint: Checkpoint) {
        debug_assert!(checkpoint.depth < self.open.len(), "the checkpoint is already closed");
        let Some(start) = self.open.get(checkpoint.depth).copied() else { return };
        for (key, before) in self.journal.drain(start..).rev() {
            match before {
                Some(value) => self.changes.insert(key, value),
                None => self.changes.remove(&key),
            };
        }
        self.open.truncate(checkpoint.depth);
    }

    /// Applies writes of a nested overlay, or of an earlier run of the same block.
    pub fn apply(&mut self, changes: ChangeSet) {
        for (key, value) in changes {
            self.write(key, value);
        }
    }

    fn write(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        if self.open.is_empty() {
            self.changes.insert(key, value);
        } else {
            let before = self.changes.insert(key.clone(), value);
            self.journal.push((key, before));
        }
    }
}

impl<R: Read> Read for Overlay<R> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, KvError> {
        match self.changes.get(key) {
            Some(value) => Ok(value.clone()),
            None => self.base.get(key),
        }
    }

    fn has(&self, key: &[u8]) -> Result<bool, KvError> {
        match self.changes.get(key) {
            Some(value) => Ok(value.is_some()),
            None => self.base.has(key),
        }
    }

    fn range(&self, start: &[u8], end: Option<&[u8]>, reverse: bool) -> KvIter<'_> {
        let Some(bounds) = bounds(start, end) else { return Box::new(std::iter::empty()) };
        let base = self.base.range(start, end, reverse);
        let mut written = self.changes.range::<[u8], _>(bounds).peekable();
        if written.peek().is_none() {
            return base;
        }
        let written = written.map(|(key, value)| Ok((key.clone(), value.clone())));
        if reverse { merge(base, written.rev(), true) } else { merge(base, written, false) }
    }
}

impl<R: Read> Write for Overlay<R> {
    fn set(&mut self, key: &[u8], value: Vec<u8>) -> Result<(), KvError> {
        check_entry(key, &value)?;
        self.write(key.to_vec(), Some(value));
        Ok(())
    }

    fn delete(&mut self, key: &[u8]) -> Result<(), KvError> {
        check_key(key)?;
        self.write(key.to_vec(), None);
        Ok(())
    }
}

#[cfg(test)]
#[path = "overlay_tests.rs"]
mod tests;
