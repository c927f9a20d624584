//! Values of the last version that were read or written lately, so that a block need not look them up on disk again.

use std::sync::{Arc, PoisonError, RwLock};

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::store::Version;

/// Memory that an entry takes besides its key and its value.
const ENTRY_BYTES: u64 = 128;
/// Key and value of a usual entry, from which the cache guesses how many fit.
const USUAL_BYTES: u64 = 256;

/// What a key holds; `None` = nothing.
pub(crate) type Value = Option<Arc<[u8]>>;

/// True from this version on, up to the last one.
#[derive(Clone)]
struct Known {
    since: Version,
    value: Value,
}

#[derive(Clone)]
struct Bytes;

impl Weighter<Box<[u8]>, Known> for Bytes {
    fn weight(&self, key: &Box<[u8]>, known: &Known) -> u64 {
        let value = known.value.as_ref().map_or(0, |value| value.len());
        (key.len().saturating_add(value) as u64).saturating_add(ENTRY_BYTES)
    }
}

/// A reader of an older version never sees a newer value: each entry knows since when it is true, and entries are only
/// added by whoever reads the last version.
pub(crate) struct Recent {
    values: Cache<Box<[u8]>, Known, Bytes>,
    /// The last version; held for writing while the next one takes its place.
    latest: RwLock<Option<Version>>,
}

impl Recent {
    /// For at most `capacity` bytes.
    pub fn new(capacity: u64) -> Self {
        let entries = usize::try_from(capacity / USUAL_BYTES).unwrap_or(usize::MAX);
        Self { values: Cache::with_weighter(entries, capacity, Bytes), latest: RwLock::new(None) }
    }

    /// What `key` holds at `version`, if that is known here.
    pub fn get(&self, key: &[u8], version: Version) -> Option<Value> {
        self.values.get(key).filter(|known| known.since <= version).map(|known| known.value)
    }

    /// Keeps what was found on disk at `version`.
    pub fn found(&self, key: &[u8], value: Value, version: Version) {
        // While a version is being committed there is no last one to speak of, and nobody waits here.
        if let Ok(latest) = self.latest.try_read()
            && *latest == Some(version)
        {
            self.values.insert(key.into(), Known { since: version, value });
        }
    }

    /// Runs `commit`, which makes `version` the last one by `changes`. Readers of the new version exist from some moment
    /// inside it, so everything old is gone before it starts.
    pub fn replace<E>(
        &self,
        version: Version,
        changes: Vec<(Vec<u8>, Value)>,
        commit: impl FnOnce() -> Result<(), E>,
    ) -> Result<(), E> {
        let mut latest = self.latest.write().unwrap_or_else(PoisonError::into_inner);
        *latest = None;
        for (key, value) in changes {
            // In the place of the old one; a value too large to be kept removes it all the same.
            self.values.insert(key.into(), Known { since: version, value });
        }
        let committed = commit();
        match &committed {
            Ok(()) => *latest = Some(version),
            // The new values are not true.
            Err(_) => self.values.clear(),
        }
        committed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_too_large_to_be_kept_leaves_no_old_one_behind() {
        let recent = Recent::new(64 << 10);
        let put = |version, length: usize| {
            let value: Value = Some(vec![1; length].into());
            recent.replace(version, vec![(b"key".to_vec(), value)], || Ok::<_, ()>(())).expect("committed");
            recent.get(b"key", version).map(|value| value.map(|value| value.len()))
        };
        assert_eq!(put(1, 10), Some(Some(10)));
        assert_eq!(put(2, 1 << 20), None, "asked from disk again");
        assert_eq!(put(3, 20), Some(Some(20)));
    }
}
