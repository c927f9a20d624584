//! The byte-level interface of state. Keys and values are opaque here; typed access is in [`crate::typed`].

/// Why a read or write could not be done. `OutOfGas` comes from metering wrappers and aborts the transaction only;
/// the others mean that the node's state cannot be trusted and are fatal.
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
}

pub type KvIter<'a> = Box<dyn Iterator<Item = Result<(Vec<u8>, Vec<u8>), KvError>> + 'a>;

/// Reads of one consistent version.
pub trait Read {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, KvError>;

    fn has(&self, key: &[u8]) -> Result<bool, KvError> {
        Ok(self.get(key)?.is_some())
    }

    /// Entries with `start <= key < end` (`None` = no upper bound) in byte order, or reversed.
    fn range(&self, start: &[u8], end: Option<&[u8]>, reverse: bool) -> KvIter<'_>;
}

/// A version under construction.
pub trait Write: Read {
    fn set(&mut self, key: &[u8], value: Vec<u8>) -> Result<(), KvError>;
    fn delete(&mut self, key: &[u8]) -> Result<(), KvError>;
}

/// The smallest key greater than every key that starts with `prefix`; `None` when there is none (all 0xFF).
pub fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != 0xFF)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}
