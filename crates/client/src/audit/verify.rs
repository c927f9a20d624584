//! The offline check of an export.

use sha2::{Digest, Sha256};
use ve_base::audit::merkle::{self, Hash, MAX_PATH};
use ve_base::audit::{check, check_next};
use ve_proto::ve::audit::v1::Entry;

use super::{AuditError, MAX_ENTRIES, Manifest};

/// What was found to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub count: u64,
    pub first_seq: u64,
    pub last_seq: u64,
    /// Nothing is missing between the first and the last.
    pub complete: bool,
    /// Compare it with what the chain says (`query audit roots`, `query audit head`).
    pub root: Hash,
    pub root_size: u64,
}

fn broken(cause: impl Into<String>) -> AuditError {
    AuditError::Broken(cause.into())
}

fn hash(text: &str) -> Result<Hash, AuditError> {
    let bytes = hex::decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| AuditError::Manifest(format!("{text:?} is not a hash")))
}

/// Checks an exported file against its manifest: each entry's hash, their chain, and their place in the tree.
pub fn verify(bytes: &[u8], manifest: &Manifest) -> Result<Report, AuditError> {
    if hex::encode(Sha256::digest(bytes)) != manifest.sha256 {
        return Err(broken("the file is not the one that the manifest was made for"));
    }
    let entries = manifest.format.read(bytes)?;
    let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return Err(AuditError::Nothing) };
    let (count, root) = (entries.len() as u64, hash(&manifest.root.hash)?);
    if count != manifest.count || first.seq != manifest.first_seq || last.seq != manifest.last_seq {
        return Err(broken("the file holds other entries than the manifest says"));
    }
    if entries.len() > MAX_ENTRIES {
        return Err(AuditError::TooMany);
    }
    check_chain(&entries, manifest.complete)?;
    let proven = if manifest.complete { &entries[entries.len() - 1..] } else { &entries[..] };
    if proven.len() != manifest.proofs.len() {
        return Err(broken("the manifest proves other entries than the file holds"));
    }
    for (entry, proof) in proven.iter().zip(&manifest.proofs) {
        let path: Vec<Hash> = proof.path.iter().take(MAX_PATH + 1).map(|text| hash(text)).collect::<Result<_, _>>()?;
        let of: Hash = entry.hash.as_slice().try_into().map_err(|_| broken("a hash has not 32 bytes"))?;
        if proof.seq != entry.seq || !merkle::verify_inclusion(&of, entry.seq, manifest.root.size, &path, &root) {
            return Err(broken(format!("entry {} is not in the tree of the manifest", entry.seq)));
        }
    }
    Ok(Report {
        count,
        first_seq: first.seq,
        last_seq: last.seq,
        complete: manifest.complete,
        root,
        root_size: manifest.root.size,
    })
}

fn check_chain(entries: &[Entry], complete: bool) -> Result<(), AuditError> {
    entries.iter().try_for_each(|entry| check(entry).map(|_| ()).map_err(|error| broken(error.to_string())))?;
    for pair in entries.windows(2) {
        if complete {
            check_next(&pair[0], &pair[1]).map_err(|error| broken(error.to_string()))?;
        } else if pair[0].seq >= pair[1].seq {
            return Err(broken(format!("entry {} is out of order", pair[1].seq)));
        }
    }
    Ok(())
}
