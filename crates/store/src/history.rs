//! Values that later versions replaced, so that past versions stay readable.
//!
//! An entry `(key, version) -> value before that version` is written for every change. The value at version v is the
//! one before the first change after v, or the latest value when there is none.

use fjall::{Keyspace, Readable, Snapshot};

use crate::key::{read_terminated, write_terminated};
use crate::kv::{KvError, KvIter};
use crate::merge::{Change, Write, merge};
use crate::store::io;

/// Key of the entry that `version` wrote for `key`; sorts by key, then version.
pub(crate) fn entry_key(key: &[u8], version: u64) -> Vec<u8> {
    let mut out = key_prefix(key);
    out.extend_from_slice(&version.to_be_bytes());
    out
}

fn key_prefix(key: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(key.len().saturating_add(12));
    write_terminated(key, &mut out);
    out
}

pub(crate) fn encode(old: Option<&[u8]>) -> Vec<u8> {
    match old {
        None => vec![0],
        Some(value) => [&[1], value].concat(),
    }
}

pub(crate) fn decode(bytes: &[u8]) -> Result<Option<Vec<u8>>, KvError> {
    match bytes.split_first() {
        Some((0, [])) => Ok(None),
        Some((1, value)) => Ok(Some(value.to_vec())),
        _ => Err(KvError::corrupt(&[], "a history entry does not decode")),
    }
}

fn split_key(bytes: &[u8]) -> Result<(Vec<u8>, u64), KvError> {
    let corrupt = || KvError::corrupt(bytes, "a history key does not decode");
    let mut rest = bytes;
    let key = read_terminated(&mut rest).map_err(|_| corrupt())?;
    let version = rest.try_into().map_err(|_| corrupt())?;
    Ok((key, u64::from_be_bytes(version)))
}

/// Past values as of one version.
#[derive(Clone)]
pub(crate) struct History {
    pub view: Snapshot,
    pub entries: Keyspace,
    pub version: u64,
}

impl History {
    /// `Some(value then)` if `key` changed after this version; `None` if the latest value still holds.
    pub fn get(&self, key: &[u8]) -> Result<Option<Option<Vec<u8>>>, KvError> {
        let start = entry_key(key, self.version.saturating_add(1));
        let end = entry_key(key, u64::MAX);
        let Some(entry) = self.view.range(&self.entries, start..=end).next() else { return Ok(None) };
        decode(&entry.value().map_err(io)?).map(Some)
    }

    /// Lays the past values over a scan of the latest ones.
    pub fn over<'a>(&'a self, latest: KvIter<'a>, start: &[u8], end: Option<&[u8]>, reverse: bool) -> KvIter<'a> {
        let lower = key_prefix(start);
        let upper = end.map(key_prefix);
        merge(latest, Changed { history: self, lower, upper, reverse }, reverse)
    }

    fn edge(&self, lower: &[u8], upper: Option<&[u8]>, reverse: bool) -> Option<fjall::Guard> {
        let mut range = match upper {
            Some(upper) if lower >= upper => return None,
            Some(upper) => self.view.range(&self.entries, lower.to_vec()..upper.to_vec()),
            None => self.view.range(&self.entries, lower.to_vec()..),
        };
        if reverse { range.next_back() } else { range.next() }
    }
}

/// Keys of a range that changed after the version, each once, found by seeking from key to key.
struct Changed<'a> {
    history: &'a History,
    lower: Vec<u8>,
    upper: Option<Vec<u8>>,
    reverse: bool,
}

impl Changed<'_> {
    fn step(&mut self) -> Result<Option<Change>, KvError> {
        while let Some(entry) = self.history.edge(&self.lower, self.upper.as_deref(), self.reverse) {
            let (key, _) = split_key(&entry.key().map_err(io)?)?;
            if self.reverse {
                self.upper = Some(key_prefix(&key));
            } else {
                self.lower = entry_key(&key, u64::MAX);
                self.lower.push(0);
            }
            if let Some(value) = self.history.get(&key)? {
                return Ok(Some((key, value)));
            }
        }
        Ok(None)
    }
}

impl Iterator for Changed<'_> {
    type Item = Write;

    fn next(&mut self) -> Option<Write> {
        self.step().transpose()
    }
}
