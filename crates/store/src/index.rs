//! Secondary indexes kept in step with the objects that they point to.

use ve_base::value::Value;

use crate::key::{AsKey, AsPrefix, Key};
use crate::kv::{KvError, Read, Write};
use crate::scan::Scan;
use crate::typed::{Map, Space};

/// Keeps the entries of one index in step with the object stored under `key`.
pub trait Indexer<K, V>: Sync {
    fn insert(&self, kv: &mut dyn Write, key: &K, value: &V) -> Result<(), KvError>;
    fn remove(&self, kv: &mut dyn Write, key: &K, value: &V) -> Result<(), KvError>;
    fn space(&self) -> Space;
}

/// Many objects per index value: entries `(index value, key) -> ()`.
pub struct Index<I, K, V> {
    entries: Map<(I, K), ()>,
    values_of: fn(&K, &V) -> Vec<I>,
}

impl<I, K, V> Index<I, K, V> {
    /// `values_of` names the index values of an object; none leaves it out of the index.
    pub const fn new(module: &'static str, tag: u8, values_of: fn(&K, &V) -> Vec<I>) -> Self {
        Self { entries: Map::new(module, tag), values_of }
    }
}

impl<I: Key, K: Key, V> Index<I, K, V> {
    /// Scan of `(index value, key)` pairs; narrow with `.prefix(&value)`.
    pub fn scan(&self) -> Scan<(I, K), ()> {
        self.entries.scan()
    }

    /// Keys of the objects with this index value, in key order.
    pub fn keys<'a, R: Read + ?Sized, P: AsPrefix<(I, K)>>(
        &self,
        kv: &'a R,
        value: P,
    ) -> impl Iterator<Item = Result<K, KvError>> + use<'a, R, P, I, K, V> {
        self.entries.scan().prefix(value).keys(kv).map(|entry| entry.map(|(_, key)| key))
    }
}

impl<I: Key, K: Key, V> Indexer<K, V> for Index<I, K, V> {
    fn insert(&self, kv: &mut dyn Write, key: &K, value: &V) -> Result<(), KvError> {
        (self.values_of)(key, value).iter().try_for_each(|index| self.entries.set(kv, (index, key), &()))
    }

    fn remove(&self, kv: &mut dyn Write, key: &K, value: &V) -> Result<(), KvError> {
        (self.values_of)(key, value).iter().try_for_each(|index| self.entries.remove(kv, (index, key)))
    }

    fn space(&self) -> Space {
        self.entries.space()
    }
}

/// At most one object per index value: entries `index value -> key`.
pub struct UniqueIndex<I, K, V> {
    entries: Map<I, Vec<u8>>,
    values_of: fn(&K, &V) -> Vec<I>,
}

impl<I, K, V> UniqueIndex<I, K, V> {
    /// `values_of` names the index values of an object; none leaves it out of the index.
    pub const fn new(module: &'static str, tag: u8, values_of: fn(&K, &V) -> Vec<I>) -> Self {
        Self { entries: Map::new(module, tag), values_of }
    }
}

impl<I: Key, K: Key, V> UniqueIndex<I, K, V> {
    /// Key of the object with this index value.
    pub fn get<R: Read + ?Sized>(&self, kv: &R, value: impl AsKey<I>) -> Result<Option<K>, KvError> {
        let raw = self.entries.raw_key(value);
        let Some(bytes) = kv.get(&raw)? else { return Ok(None) };
        let key: Vec<u8> = crate::typed::decode(&raw, &bytes)?;
        K::from_key(&key).map(Some).map_err(|error| KvError::corrupt(&raw, error.0))
    }
}

impl<I: Key, K: Key, V> Indexer<K, V> for UniqueIndex<I, K, V> {
    fn insert(&self, kv: &mut dyn Write, key: &K, value: &V) -> Result<(), KvError> {
        let owner = key.to_key();
        for index in (self.values_of)(key, value) {
            if self.entries.get(kv, &index)?.is_some_and(|other| other != owner) {
                return Err(KvError::refused(&self.entries.raw_key(&index), "unique index value already in use"));
            }
            self.entries.set(kv, &index, &owner)?;
        }
        Ok(())
    }

    fn remove(&self, kv: &mut dyn Write, key: &K, value: &V) -> Result<(), KvError> {
        (self.values_of)(key, value).iter().try_for_each(|index| self.entries.remove(kv, index))
    }

    fn space(&self) -> Space {
        self.entries.space()
    }
}

/// A map whose indexes follow every write.
///
/// ```
/// use ve_store::{Index, IndexedMap, MemoryState};
///
/// static BY_OWNER: Index<String, u64, String> = Index::new("market", 2, |_id, owner| vec![owner.clone()]);
/// static ORDERS: IndexedMap<u64, String> = IndexedMap::new("market", 1, &[&BY_OWNER]);
///
/// let mut kv = MemoryState::new();
/// ORDERS.set(&mut kv, &7, &"alice".to_owned())?;
/// assert_eq!(BY_OWNER.keys(&kv, "alice").collect::<Result<Vec<_>, _>>()?, [7]);
/// # Ok::<(), ve_store::KvError>(())
/// ```
pub struct IndexedMap<K: 'static, V: 'static> {
    objects: Map<K, V>,
    indexes: &'static [&'static dyn Indexer<K, V>],
}

impl<K: 'static, V: 'static> IndexedMap<K, V> {
    pub const fn new(module: &'static str, tag: u8, indexes: &'static [&'static dyn Indexer<K, V>]) -> Self {
        Self { objects: Map::new(module, tag), indexes }
    }

    /// The objects, for reading. Writing through it would leave the indexes behind.
    pub const fn objects(&self) -> &Map<K, V> {
        &self.objects
    }

    /// Spaces of the objects and of every index.
    pub fn spaces(&self) -> Vec<Space> {
        let mut spaces = vec![self.objects.space()];
        spaces.extend(self.indexes.iter().map(|index| index.space()));
        spaces
    }
}

impl<K: Key, V: Value> IndexedMap<K, V> {
    pub fn get<R: Read + ?Sized>(&self, kv: &R, key: impl AsKey<K>) -> Result<Option<V>, KvError> {
        self.objects.get(kv, key)
    }

    pub fn require<R: Read + ?Sized>(&self, kv: &R, key: impl AsKey<K>) -> Result<V, KvError> {
        self.objects.require(kv, key)
    }

    pub fn has<R: Read + ?Sized>(&self, kv: &R, key: impl AsKey<K>) -> Result<bool, KvError> {
        self.objects.has(kv, key)
    }

    pub fn scan(&self) -> Scan<K, V> {
        self.objects.scan()
    }

    /// Writes the object and moves its index entries. On error some of them may have moved: callers run inside an
    /// atomic sub-call, which discards them.
    pub fn set<W: Write>(&self, kv: &mut W, key: &K, value: &V) -> Result<(), KvError> {
        self.unindex(kv, key)?;
        for index in self.indexes {
            index.insert(kv, key, value)?;
        }
        self.objects.set(kv, key, value)
    }

    pub fn remove<W: Write>(&self, kv: &mut W, key: &K) -> Result<(), KvError> {
        self.unindex(kv, key)?;
        self.objects.remove(kv, key)
    }

    fn unindex<W: Write>(&self, kv: &mut W, key: &K) -> Result<(), KvError> {
        if let Some(old) = self.objects.get(kv, key)? {
            for index in self.indexes {
                index.remove(kv, key, &old)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;
