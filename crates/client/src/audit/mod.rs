//! Parts of the chain's audit log in a file, and their check without any network (platform spec section 6): every
//! altered or missing line shows.

mod format;
mod verify;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use ve_proto::cosmos::base::query::v1beta1::PageRequest;
use ve_proto::ve::audit::v1::*;

pub use format::Format;
pub use verify::{Report, verify};

use crate::{ClientError, RpcClient};

/// Entries of one export.
pub const MAX_ENTRIES: usize = 10_000;
/// Entries that one query brings.
const PAGE: u64 = 500;

#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("line {0} is not an entry of the log: {1}")]
    Line(usize, &'static str),
    #[error("the manifest cannot be read: {0}")]
    Manifest(String),
    #[error("{0}")]
    Broken(String),
    #[error("no entry matches")]
    Nothing,
    #[error("more than {MAX_ENTRIES} entries match; narrow the export by time or actor")]
    TooMany,
}

/// Root of the tree that the proofs lead to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestRoot {
    pub size: u64,
    /// Lower-case hex, like every hash here.
    pub hash: String,
}

/// That one entry is in the tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestProof {
    pub seq: u64,
    pub path: Vec<String>,
}

/// What stands beside an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub chain_id: String,
    pub format: Format,
    pub first_seq: u64,
    pub last_seq: u64,
    pub count: u64,
    /// Of the exported file.
    pub sha256: String,
    /// Whether it holds every entry from the first to the last: then their chain of hashes proves all but the last.
    pub complete: bool,
    pub root: ManifestRoot,
    pub proofs: Vec<ManifestProof>,
}

/// Reads matching entries from a node and proves them.
pub async fn export(
    rpc: &RpcClient,
    filter: &QueryEntriesRequest,
    format: Format,
) -> Result<(Vec<u8>, Manifest), AuditError> {
    let entries = fetch(rpc, filter).await?;
    let head: QueryHeadResponse = rpc.query("/ve.audit.v1.Query/Head", &QueryHeadRequest {}).await?;
    let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return Err(AuditError::Nothing) };
    let complete = entries.windows(2).all(|pair| pair[0].seq + 1 == pair[1].seq);
    let proven = if complete { &entries[entries.len() - 1..] } else { &entries[..] };
    let mut proofs = Vec::with_capacity(proven.len());
    for entry in proven {
        let request = QueryInclusionProofRequest { seq: entry.seq, size: head.size };
        let proof: QueryInclusionProofResponse = rpc.query("/ve.audit.v1.Query/InclusionProof", &request).await?;
        proofs.push(ManifestProof { seq: entry.seq, path: proof.path.iter().map(hex::encode).collect() });
    }
    let bytes = format.write(&entries);
    let manifest = Manifest {
        chain_id: rpc.status().await?.chain_id,
        format,
        first_seq: first.seq,
        last_seq: last.seq,
        count: entries.len() as u64,
        sha256: hex::encode(Sha256::digest(&bytes)),
        complete,
        root: ManifestRoot { size: head.size, hash: hex::encode(head.root) },
        proofs,
    };
    Ok((bytes, manifest))
}

async fn fetch(rpc: &RpcClient, filter: &QueryEntriesRequest) -> Result<Vec<Entry>, AuditError> {
    let mut entries = Vec::new();
    let mut key = Vec::new();
    loop {
        let pagination = Some(PageRequest { key, limit: PAGE, ..PageRequest::default() });
        let request = QueryEntriesRequest { pagination, ..filter.clone() };
        let page: QueryEntriesResponse = rpc.query("/ve.audit.v1.Query/Entries", &request).await?;
        entries.extend(page.entries);
        if entries.len() > MAX_ENTRIES {
            return Err(AuditError::TooMany);
        }
        key = page.pagination.map(|page| page.next_key).unwrap_or_default();
        if key.is_empty() {
            return Ok(entries);
        }
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
