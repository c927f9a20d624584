//! Ordered scans over a map, and pages of them for queries.

use std::marker::PhantomData;

use ve_base::value::Value;

use crate::key::{AsPrefix, Key};
use crate::kv::{KvError, KvIter, Read, prefix_end};
use crate::typed::{Space, decode};

/// Largest page that a query can ask for.
pub const MAX_PAGE: u64 = 1000;
/// Page size when none is asked for.
pub const DEFAULT_PAGE: u64 = 100;
/// Most entries that one page may step over or count, so that a query stays bounded.
pub const MAX_SCANNED: u64 = 100_000;

/// A range of a map's keys. Every bound is a whole key or its leading components.
#[derive(Debug)]
pub struct Scan<K, V> {
    space: Space,
    start: Vec<u8>,
    end: Option<Vec<u8>>,
    reverse: bool,
    entry: PhantomData<fn() -> (K, V)>,
}

impl<K, V> Clone for Scan<K, V> {
    fn clone(&self) -> Self {
        Self { start: self.start.clone(), end: self.end.clone(), ..*self }
    }
}

/// Which page to return, as in `cosmos.base.query.v1beta1.PageRequest`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// `next_key` of the previous page; empty starts at `offset`.
    pub key: Vec<u8>,
    /// Entries to step over; ignored with a key, at most [`MAX_SCANNED`].
    pub offset: u64,
    /// Entries wanted: 0 means [`DEFAULT_PAGE`], more than [`MAX_PAGE`] is lowered to it.
    pub limit: u64,
    /// Whether to count all entries, up to [`MAX_SCANNED`]; ignored with a key.
    pub count_total: bool,
    pub reverse: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<K, V> {
    pub entries: Vec<(K, V)>,
    /// Where the next page begins; empty after the last one. Opaque to clients.
    pub next_key: Vec<u8>,
    /// Number of entries in the whole scan if it was asked for, else 0.
    pub total: u64,
}

impl<K: Key, V: Value> Scan<K, V> {
    pub(crate) fn new(space: Space) -> Self {
        let start = space.prefix();
        let end = prefix_end(&start);
        Self { space, start, end, reverse: false, entry: PhantomData }
    }

    fn raw(&self, part: impl AsPrefix<K>) -> Vec<u8> {
        let mut raw = self.space.prefix();
        part.write_prefix(&mut raw);
        raw
    }

    fn raise_start(&mut self, start: Vec<u8>) {
        self.start = std::mem::take(&mut self.start).max(start);
    }

    fn lower_end(&mut self, end: Option<Vec<u8>>) {
        self.end = match (self.end.take(), end) {
            (Some(old), Some(new)) => Some(old.min(new)),
            (old, new) => old.or(new),
        };
    }

    /// Only keys that begin with these components.
    #[must_use]
    pub fn prefix(mut self, part: impl AsPrefix<K>) -> Self {
        let raw = self.raw(part);
        self.lower_end(prefix_end(&raw));
        self.raise_start(raw);
        self
    }

    /// Only keys at or after `part`.
    #[must_use]
    pub fn from(mut self, part: impl AsPrefix<K>) -> Self {
        let raw = self.raw(part);
        self.raise_start(raw);
        self
    }

    /// Only keys after every key that begins with `part`.
    #[must_use]
    pub fn after(mut self, part: impl AsPrefix<K>) -> Self {
        match prefix_end(&self.raw(part)) {
            Some(start) => self.raise_start(start),
            None => self.end = Some(Vec::new()),
        }
        self
    }

    /// Only keys before every key that begins with `part`.
    #[must_use]
    pub fn before(mut self, part: impl AsPrefix<K>) -> Self {
        let raw = self.raw(part);
        self.lower_end(Some(raw));
        self
    }

    /// Only keys up to and including those that begin with `part`.
    #[must_use]
    pub fn through(mut self, part: impl AsPrefix<K>) -> Self {
        let raw = self.raw(part);
        self.lower_end(prefix_end(&raw));
        self
    }

    /// Last key first.
    #[must_use]
    pub fn reverse(mut self) -> Self {
        self.reverse = !self.reverse;
        self
    }

    /// The entries in order, read as they are asked for.
    pub fn entries<'a, R: Read + ?Sized>(&self, kv: &'a R) -> Entries<'a, K, V> {
        let raw = kv.range(&self.start, self.end.as_deref(), self.reverse);
        Entries { raw, space: self.space, entry: PhantomData }
    }

    /// The keys in order; values are not decoded.
    pub fn keys<'a, R: Read + ?Sized>(&self, kv: &'a R) -> impl Iterator<Item = Result<K, KvError>> + use<'a, R, K, V> {
        let space = self.space;
        kv.range(&self.start, self.end.as_deref(), self.reverse)
            .map(move |entry| entry.and_then(|(raw, _)| decode_key(space, &raw)))
    }

    pub fn first<R: Read + ?Sized>(&self, kv: &R) -> Result<Option<(K, V)>, KvError> {
        self.entries(kv).next().transpose()
    }

    /// At most `limit` entries, for callers that write while they walk.
    pub fn take<R: Read + ?Sized>(&self, kv: &R, limit: usize) -> Result<Vec<(K, V)>, KvError> {
        self.entries(kv).take(limit).collect()
    }

    /// One page of the scan. A key that no page returned is a position like any other and leaves the scan's bounds
    /// intact, so clients cannot reach outside them.
    pub fn page<R: Read + ?Sized>(&self, kv: &R, request: &PageRequest) -> Result<Page<K, V>, KvError> {
        self.page_where(kv, request, |_, _| true)
    }

    /// One page of the entries that `keep` accepts; steps over at most [`MAX_SCANNED`] others, then ends the page
    /// early with a `next_key`.
    pub fn page_where<R: Read + ?Sized>(
        &self,
        kv: &R,
        request: &PageRequest,
        keep: impl Fn(&K, &V) -> bool,
    ) -> Result<Page<K, V>, KvError> {
        let limit = if request.limit == 0 { DEFAULT_PAGE } else { request.limit.min(MAX_PAGE) };
        let mut offset = if request.key.is_empty() { request.offset.min(MAX_SCANNED) } else { 0 };
        let count_total = request.count_total && request.key.is_empty();
        let mut scan = self.clone();
        scan.reverse ^= request.reverse;
        scan.resume(&request.key);
        let mut page = Page { entries: Vec::new(), next_key: Vec::new(), total: 0 };
        let mut scanned = 0u64;
        for entry in kv.range(&scan.start, scan.end.as_deref(), scan.reverse) {
            let (raw, bytes) = entry?;
            let full = page.entries.len() as u64 >= limit;
            if (full || scanned >= MAX_SCANNED) && page.next_key.is_empty() {
                page.next_key = self.space.strip(&raw).unwrap_or_default().to_vec();
            }
            if scanned >= MAX_SCANNED || (full && !count_total) {
                break;
            }
            scanned = scanned.saturating_add(1);
            let (key, value) = (decode_key(self.space, &raw)?, decode(&raw, &bytes)?);
            if !keep(&key, &value) {
                continue;
            }
            page.total = page.total.saturating_add(u64::from(count_total));
            if offset > 0 {
                offset = offset.saturating_sub(1);
            } else if !full {
                page.entries.push((key, value));
            }
        }
        Ok(page)
    }

    /// Narrows the scan to begin at the entry that a previous page named.
    fn resume(&mut self, key: &[u8]) {
        if key.is_empty() {
            return;
        }
        let mut raw = self.space.prefix();
        raw.extend_from_slice(key);
        if self.reverse {
            raw.push(0);
            self.lower_end(Some(raw));
        } else {
            self.raise_start(raw);
        }
    }
}

fn decode_key<K: Key>(space: Space, raw: &[u8]) -> Result<K, KvError> {
    let part = space.strip(raw).ok_or_else(|| KvError::corrupt(raw, "key outside its map"))?;
    K::from_key(part).map_err(|error| KvError::corrupt(raw, error.0))
}

/// Iterator over decoded entries.
pub struct Entries<'a, K, V> {
    raw: KvIter<'a>,
    space: Space,
    entry: PhantomData<fn() -> (K, V)>,
}

impl<K: Key, V: Value> Iterator for Entries<'_, K, V> {
    type Item = Result<(K, V), KvError>;

    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.raw.next()?;
        Some(entry.and_then(|(raw, bytes)| Ok((decode_key(self.space, &raw)?, decode(&raw, &bytes)?))))
    }
}

#[cfg(test)]
#[path = "scan_tests.rs"]
mod tests;
