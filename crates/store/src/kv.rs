//! The byte-level interface of state. Keys and values are opaque here; typed access is in [`crate::typed`].

use std::sync::Arc;

/// Longest key in bytes.
pub const MAX_KEY_LEN: usize = 1024;
/// Longest value in bytes.
pub const MAX_VALUE_LEN: usize = 16 << 20;

/// Why a read or write could not be done. `OutOfGas` comes from metering wrappers and aborts the transaction only;
/// the others mean that the node's state or its code cannot be trusted and are fatal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KvError {
    #[error("out of gas in {0}")]
    OutOfGas(&'static str),
    #[error("stored value under key {key} does not decode: {reason}")]
    Corrupt { key: String, reason: String },
    #[error("storage: {0}")]
    Io(String),
    #[error("version {0} is not available: it was pruned or is not committed yet")]
    UnknownVersion(u64),
    #[error("version {found} does not follow version {latest}, the last one stored")]
    WrongVersion { latest: u64, found: u64 },
    #[error("the loaded state of version {0} has another app hash than the one expected")]
    OtherRoot(u64),
    /// A value that an invariant says must exist.
    #[error("nothing is stored under key {key}")]
    Missing { key: String },
    /// A write that would break a rule of the store: empty or oversized key or value, or a unique index entry that
    /// already points elsewhere.
    #[error("write to key {key} refused: {reason}")]
    Refused { key: String, reason: &'static str },
}

impl KvError {
    pub(crate) fn corrupt(key: &[u8], reason: impl Into<String>) -> Self {
        Self::Corrupt { key: hex(key), reason: reason.into() }
    }

    pub(crate) fn refused(key: &[u8], reason: &'static str) -> Self {
        Self::Refused { key: hex(key), reason }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]])
        .map(char::from)
        .collect()
}

/// Key and value.
pub type Entry = (Vec<u8>, Vec<u8>);

pub type KvIter<'a> = Box<dyn Iterator<Item = Result<Entry, KvError>> + 'a>;

/// Reads of one consistent version.
pub trait Read {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, KvError>;

    fn has(&self, key: &[u8]) -> Result<bool, KvError> {
        Ok(self.get(key)?.is_some())
    }

    /// Entries with `start <= key < end` (`None` = no upper bound) in byte order, or reversed.
    fn range(&self, start: &[u8], end: Option<&[u8]>, reverse: bool) -> KvIter<'_>;
}

/// A version under construction. Keys and values are non-empty and bounded by [`MAX_KEY_LEN`] and [`MAX_VALUE_LEN`]
/// (ICS-23 can prove neither an empty key nor an empty value).
pub trait Write: Read {
    fn set(&mut self, key: &[u8], value: Vec<u8>) -> Result<(), KvError>;
    fn delete(&mut self, key: &[u8]) -> Result<(), KvError>;
}

macro_rules! read_through {
    ($($pointer:ty),*) => {$(
        impl<T: Read + ?Sized> Read for $pointer {
            fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, KvError> {
                (**self).get(key)
            }

            fn has(&self, key: &[u8]) -> Result<bool, KvError> {
                (**self).has(key)
            }

            fn range(&self, start: &[u8], end: Option<&[u8]>, reverse: bool) -> KvIter<'_> {
                (**self).range(start, end, reverse)
            }
        }
    )*};
}

read_through!(&T, &mut T, Arc<T>, Box<T>);

impl<T: Write + ?Sized> Write for &mut T {
    fn set(&mut self, key: &[u8], value: Vec<u8>) -> Result<(), KvError> {
        (**self).set(key, value)
    }

    fn delete(&mut self, key: &[u8]) -> Result<(), KvError> {
        (**self).delete(key)
    }
}

/// Refuses what no layer of the store may hold.
pub(crate) fn check_key(key: &[u8]) -> Result<(), KvError> {
    match key.len() {
        0 => Err(KvError::refused(key, "the key is empty")),
        1..=MAX_KEY_LEN => Ok(()),
        _ => Err(KvError::refused(&key[..64], "the key is longer than 1024 bytes")),
    }
}

pub(crate) fn check_entry(key: &[u8], value: &[u8]) -> Result<(), KvError> {
    check_key(key)?;
    match value.len() {
        0 => Err(KvError::refused(key, "the value is empty")),
        1..=MAX_VALUE_LEN => Ok(()),
        _ => Err(KvError::refused(key, "the value is longer than 16 MiB")),
    }
}

/// The smallest key greater than every key that starts with `prefix`; `None` when there is none (all 0xFF).
pub fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != 0xFF)?;
    let mut end = prefix[..=last].to_vec();
    end[last] = end[last].saturating_add(1);
    Some(end)
}

/// Running out of gas is the transaction's failure; every other error stops the node before a client could see it.
impl ve_base::Coded for KvError {
    fn codespace(&self) -> &'static str {
        "sdk"
    }

    fn code(&self) -> u32 {
        match self {
            Self::OutOfGas(_) => 11,
            Self::UnknownVersion(_) => 18,
            _ => 38,
        }
    }
}
