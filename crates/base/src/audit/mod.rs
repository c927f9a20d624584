//! The hash-chained log of acts (platform spec section 6): what an entry's hash covers, and the Merkle tree over the
//! hashes. The chain, services beside it and the offline check use the same functions.

pub mod merkle;

use prost::Message as _;
use sha2::{Digest, Sha256};
use ve_proto::ve::audit::v1::Entry;

/// A root is kept every so many entries.
pub const ROOT_INTERVAL: u64 = 1000;
/// `prev_hash` of the first entry.
pub const FIRST: [u8; 32] = [0; 32];

/// SHA-256("ve-audit-v1" ‖ previous hash ‖ canonical protobuf of the entry without its hashes).
pub fn entry_hash(previous: &[u8; 32], entry: &Entry) -> [u8; 32] {
    let body = Entry { prev_hash: Vec::new(), hash: Vec::new(), ..entry.clone() };
    let mut hash = Sha256::new();
    hash.update(b"ve-audit-v1");
    hash.update(previous);
    hash.update(body.encode_to_vec());
    hash.finalize().into()
}

/// What does not fit in a run of entries.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    #[error("entry {0} was changed: its hash does not cover what it says")]
    Changed(u64),
    #[error("entry {0} does not follow the entry before it: something was removed, added or reordered there")]
    Gap(u64),
}

/// Checks an entry against its own hash and returns it.
pub fn check(entry: &Entry) -> Result<[u8; 32], Broken> {
    let changed = || Broken::Changed(entry.seq);
    let previous: [u8; 32] = entry.prev_hash.as_slice().try_into().map_err(|_| changed())?;
    let hash = entry_hash(&previous, entry);
    if entry.hash == hash { Ok(hash) } else { Err(changed()) }
}

/// Checks that `next` is whole and follows `previous` immediately.
pub fn check_next(previous: &Entry, next: &Entry) -> Result<[u8; 32], Broken> {
    let hash = check(next)?;
    let follows = previous.seq.checked_add(1) == Some(next.seq) && next.prev_hash == previous.hash;
    if follows { Ok(hash) } else { Err(Broken::Gap(next.seq)) }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
