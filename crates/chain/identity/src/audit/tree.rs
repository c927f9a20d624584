//! The tree over the entries, of which state keeps every complete subtree: a proof reads as many nodes as it has.

use ve_base::audit::merkle::{self, Hash, Nodes};
use ve_base::{CodedError, errors::sdk};
use ve_store::{Read, Write};

use super::keys::NODES;

/// Nodes as state keeps them.
pub struct Stored<'a, R: Read + ?Sized>(pub &'a R);

fn as_hash(bytes: &[u8]) -> Result<Hash, CodedError> {
    let broken = || sdk::Error::Storage("a hash of the audit log has not 32 bytes".into());
    Ok(bytes.try_into().map_err(|_| broken())?)
}

/// Hash of an entry, pruned or not.
pub fn entry_hash<R: Read + ?Sized>(state: &R, seq: u64) -> Result<Hash, CodedError> {
    as_hash(&NODES.require(state, (&0, &seq))?)
}

impl<R: Read + ?Sized> Nodes for Stored<'_, R> {
    type Error = CodedError;

    fn get(&self, level: u32, index: u64) -> Result<Hash, CodedError> {
        if level == 0 {
            return Ok(merkle::leaf(&entry_hash(self.0, index)?));
        }
        as_hash(&NODES.require(self.0, (&u8::try_from(level).unwrap_or(u8::MAX), &index))?)
    }
}

/// Adds the hash of entry `seq`, the next one, and the subtrees that it completes.
pub fn append<W: Write>(state: &mut W, seq: u64, hash: &Hash) -> Result<(), CodedError> {
    NODES.set(state, (&0, &seq), &hash.to_vec())?;
    let (mut level, mut index, mut current) = (0u32, seq, merkle::leaf(hash));
    while index & 1 == 1 {
        let left = Stored(&*state).get(level, index.saturating_sub(1))?;
        current = merkle::node(&left, &current);
        (level, index) = (level.saturating_add(1), index >> 1);
        NODES.set(state, (&u8::try_from(level).unwrap_or(u8::MAX), &index), &current.to_vec())?;
    }
    Ok(())
}
