//! State in memory only: the empty base of a genesis overlay, and what unit tests of modules run on.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::kv::{KvError, KvIter, Read, Write, check_entry, check_key};
use crate::overlay::ChangeSet;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryState {
    entries: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl MemoryState {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn apply(&mut self, changes: ChangeSet) {
        for (key, value) in changes {
            match value {
                Some(value) => self.entries.insert(key, value),
                None => self.entries.remove(&key),
            };
        }
    }
}

pub(crate) type Bounds<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

/// Bounds that `BTreeMap::range` accepts: it panics when the start lies past the end.
pub(crate) fn bounds<'a>(start: &'a [u8], end: Option<&'a [u8]>) -> Option<Bounds<'a>> {
    match end {
        Some(end) if start >= end => None,
        Some(end) => Some((Bound::Included(start), Bound::Excluded(end))),
        None => Some((Bound::Included(start), Bound::Unbounded)),
    }
}

impl Read for MemoryState {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, KvError> {
        Ok(self.entries.get(key).cloned())
    }

    fn has(&self, key: &[u8]) -> Result<bool, KvError> {
        Ok(self.entries.contains_key(key))
    }

    fn range(&self, start: &[u8], end: Option<&[u8]>, reverse: bool) -> KvIter<'_> {
        let Some(bounds) = bounds(start, end) else { return Box::new(std::iter::empty()) };
        let entries = self.entries.range::<[u8], _>(bounds).map(|(key, value)| Ok((key.clone(), value.clone())));
        if reverse { Box::new(entries.rev()) } else { Box::new(entries) }
    }
}

impl Write for MemoryState {
    fn set(&mut self, key: &[u8], value: Vec<u8>) -> Result<(), KvError> {
        check_entry(key, &value)?;
        self.entries.insert(key.to_vec(), value);
        Ok(())
    }

    fn delete(&mut self, key: &[u8]) -> Result<(), KvError> {
        check_key(key)?;
        self.entries.remove(key);
        Ok(())
    }
}
