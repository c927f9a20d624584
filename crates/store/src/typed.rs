//! Typed access to state: single values, maps, scans and pages. Nothing else builds key bytes.

use std::marker::PhantomData;

use ve_base::value::Value;

use crate::key::{AsKey, AsPrefix, Key};
use crate::kv::{KvError, Read, Write};
use crate::scan::Scan;

/// The part of state that one [`Item`], [`Map`] or index owns. `(module, tag)` pairs must be unique; a test over all
/// modules checks the lists that they publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Space {
    pub module: &'static str,
    pub tag: u8,
}

impl Space {
    /// The bytes that begin every key of this space: length of the module's name, the name, the tag.
    pub fn prefix(self) -> Vec<u8> {
        let mut prefix = Vec::with_capacity(self.module.len().saturating_add(32));
        // A name longer than 255 bytes does not compile: see `space`.
        prefix.push(u8::try_from(self.module.len()).unwrap_or(u8::MAX));
        prefix.extend_from_slice(self.module.as_bytes());
        prefix.push(self.tag);
        prefix
    }

    /// The rest of `key` after this space's prefix.
    pub(crate) fn strip(self, key: &[u8]) -> Option<&[u8]> {
        key.strip_prefix(self.prefix().as_slice())
    }
}

pub(crate) const fn space(module: &'static str, tag: u8) -> Space {
    assert!(!module.is_empty() && module.len() <= 32, "module names have 1 to 32 bytes");
    Space { module, tag }
}

pub(crate) fn decode<V: Value>(key: &[u8], bytes: &[u8]) -> Result<V, KvError> {
    V::from_state(bytes).map_err(|error| KvError::corrupt(key, error.0))
}

/// A single value.
#[derive(Debug)]
pub struct Item<V> {
    space: Space,
    value: PhantomData<fn() -> V>,
}

impl<V> Clone for Item<V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Item<V> {}

impl<V> Item<V> {
    pub const fn new(module: &'static str, tag: u8) -> Self {
        Self { space: space(module, tag), value: PhantomData }
    }

    pub const fn space(&self) -> Space {
        self.space
    }

    /// The key in bytes, for proofs.
    pub fn raw_key(&self) -> Vec<u8> {
        self.space.prefix()
    }
}

impl<V: Value> Item<V> {
    pub fn get<R: Read + ?Sized>(&self, kv: &R) -> Result<Option<V>, KvError> {
        let key = self.raw_key();
        kv.get(&key)?.map(|bytes| decode(&key, &bytes)).transpose()
    }

    /// The value, or [`KvError::Missing`] where the caller's invariants say that it exists.
    pub fn require<R: Read + ?Sized>(&self, kv: &R) -> Result<V, KvError> {
        self.get(kv)?.ok_or_else(|| KvError::Missing { key: crate::kv::hex(&self.raw_key()) })
    }

    pub fn get_or_default<R: Read + ?Sized>(&self, kv: &R) -> Result<V, KvError>
    where
        V: Default,
    {
        Ok(self.get(kv)?.unwrap_or_default())
    }

    pub fn has<R: Read + ?Sized>(&self, kv: &R) -> Result<bool, KvError> {
        kv.has(&self.raw_key())
    }

    pub fn set<W: Write + ?Sized>(&self, kv: &mut W, value: &V) -> Result<(), KvError> {
        kv.set(&self.raw_key(), value.to_state())
    }

    pub fn remove<W: Write + ?Sized>(&self, kv: &mut W) -> Result<(), KvError> {
        kv.delete(&self.raw_key())
    }
}

/// Values by key, scanned in key order.
#[derive(Debug)]
pub struct Map<K, V> {
    space: Space,
    entry: PhantomData<fn() -> (K, V)>,
}

impl<K, V> Clone for Map<K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for Map<K, V> {}

impl<K, V> Map<K, V> {
    pub const fn new(module: &'static str, tag: u8) -> Self {
        Self { space: space(module, tag), entry: PhantomData }
    }

    pub const fn space(&self) -> Space {
        self.space
    }
}

impl<K: Key, V: Value> Map<K, V> {
    /// The key in bytes, for proofs.
    pub fn raw_key(&self, key: impl AsKey<K>) -> Vec<u8> {
        let mut raw = self.space.prefix();
        key.write_key(&mut raw);
        raw
    }

    pub fn get<R: Read + ?Sized>(&self, kv: &R, key: impl AsKey<K>) -> Result<Option<V>, KvError> {
        let raw = self.raw_key(key);
        kv.get(&raw)?.map(|bytes| decode(&raw, &bytes)).transpose()
    }

    /// The value, or [`KvError::Missing`] where the caller's invariants say that it exists.
    pub fn require<R: Read + ?Sized>(&self, kv: &R, key: impl AsKey<K>) -> Result<V, KvError> {
        let raw = self.raw_key(key);
        match kv.get(&raw)? {
            Some(bytes) => decode(&raw, &bytes),
            None => Err(KvError::Missing { key: crate::kv::hex(&raw) }),
        }
    }

    pub fn get_or_default<R: Read + ?Sized>(&self, kv: &R, key: impl AsKey<K>) -> Result<V, KvError>
    where
        V: Default,
    {
        Ok(self.get(kv, key)?.unwrap_or_default())
    }

    pub fn has<R: Read + ?Sized>(&self, kv: &R, key: impl AsKey<K>) -> Result<bool, KvError> {
        kv.has(&self.raw_key(key))
    }

    pub fn set<W: Write + ?Sized>(&self, kv: &mut W, key: impl AsKey<K>, value: &V) -> Result<(), KvError> {
        kv.set(&self.raw_key(key), value.to_state())
    }

    pub fn remove<W: Write + ?Sized>(&self, kv: &mut W, key: impl AsKey<K>) -> Result<(), KvError> {
        kv.delete(&self.raw_key(key))
    }

    /// A scan to be narrowed: `MAP.scan().prefix(&owner).reverse().entries(kv)`.
    pub fn scan(&self) -> Scan<K, V> {
        Scan::new(self.space)
    }

    /// All entries in key order.
    pub fn iter<'a, R: Read + ?Sized>(
        &self,
        kv: &'a R,
    ) -> impl Iterator<Item = Result<(K, V), KvError>> + use<'a, R, K, V> {
        self.scan().entries(kv)
    }

    /// Entries whose key begins with the given components, in key order.
    pub fn prefix<'a, R: Read + ?Sized, P: AsPrefix<K>>(
        &self,
        kv: &'a R,
        prefix: P,
    ) -> impl Iterator<Item = Result<(K, V), KvError>> + use<'a, R, P, K, V> {
        self.scan().prefix(prefix).entries(kv)
    }
}
