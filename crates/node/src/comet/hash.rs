//! The hashes in a CometBFT 0.38 header (platform spec section 3.1).

use prost::Message;
use prost_types::Timestamp;
use sha2::{Digest, Sha256};
use ve_proto::tendermint::abci::ExecTxResult;
use ve_proto::tendermint::types::evidence::Sum;
use ve_proto::tendermint::types::{BlockId, Commit, ConsensusParams, Evidence, HashedParams, Header, PartSetHeader};

use super::merkle::{self, Hash};

/// Go's zero time, which absent signatures carry.
pub const ZERO_TIME: Timestamp = Timestamp { seconds: -62_135_596_800, nanos: 0 };

/// Strings, bytes and integers of a header are wrapped as `google.protobuf.*Value`; empty values are empty leaves.
fn wrapped(bytes: &[u8]) -> Vec<u8> {
    bytes.to_vec().encode_to_vec()
}

/// The block hash; `None` for a header that lacks a required part.
pub fn header(header: &Header) -> Option<Hash> {
    let leaves: [Vec<u8>; 14] = [
        header.version.as_ref()?.encode_to_vec(),
        header.chain_id.encode_to_vec(),
        header.height.encode_to_vec(),
        header.time.as_ref()?.encode_to_vec(),
        with_parts(header.last_block_id.as_ref()).encode_to_vec(),
        wrapped(&header.last_commit_hash),
        wrapped(&header.data_hash),
        wrapped(&header.validators_hash),
        wrapped(&header.next_validators_hash),
        wrapped(&header.consensus_hash),
        wrapped(&header.app_hash),
        wrapped(&header.last_results_hash),
        wrapped(&header.evidence_hash),
        wrapped(&header.proposer_address),
    ];
    Some(merkle::root(&leaves))
}

/// In Go the part-set header is not optional: an empty block id still encodes it.
fn with_parts(id: Option<&BlockId>) -> BlockId {
    let mut id = id.cloned().unwrap_or_default();
    id.part_set_header.get_or_insert_with(PartSetHeader::default);
    id
}

pub fn commit(commit: &Commit) -> Hash {
    let leaves: Vec<Vec<u8>> = commit.signatures.iter().map(Message::encode_to_vec).collect();
    merkle::root(&leaves)
}

pub fn data<T: AsRef<[u8]>>(txs: &[T]) -> Hash {
    let leaves: Vec<Hash> = txs.iter().map(|tx| Sha256::digest(tx.as_ref()).into()).collect();
    merkle::root(&leaves)
}

/// Over each piece of evidence in its own encoding, without the message that names its kind.
pub fn evidence(list: &[Evidence]) -> Hash {
    let leaves: Vec<Vec<u8>> = list
        .iter()
        .map(|evidence| match &evidence.sum {
            Some(Sum::DuplicateVoteEvidence(duplicate)) => duplicate.encode_to_vec(),
            Some(Sum::LightClientAttackEvidence(attack)) => attack.encode_to_vec(),
            None => Vec::new(),
        })
        .collect();
    merkle::root(&leaves)
}

/// Over the parts of results that are the same on every node.
pub fn results(results: &[ExecTxResult]) -> Hash {
    let leaves: Vec<Vec<u8>> = results
        .iter()
        .map(|result| {
            ExecTxResult {
                code: result.code,
                data: result.data.clone(),
                gas_wanted: result.gas_wanted,
                gas_used: result.gas_used,
                ..ExecTxResult::default()
            }
            .encode_to_vec()
        })
        .collect();
    merkle::root(&leaves)
}

pub fn consensus_params(params: &ConsensusParams) -> Hash {
    let block = params.block.unwrap_or_default();
    let hashed = HashedParams { block_max_bytes: block.max_bytes, block_max_gas: block.max_gas };
    Sha256::digest(hashed.encode_to_vec()).into()
}
