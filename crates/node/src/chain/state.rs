//! Where the chain stands between two blocks, and how that is kept on disk.

use prost::Message;
use prost_types::Timestamp;
use sha2::{Digest, Sha256};
use ve_proto::tendermint::types::{BlockId, ConsensusParams, ValidatorSet as ProtoSet};

use crate::comet::parts;
use crate::comet::validators::ValidatorSet;

/// Where the chain stands after `last_height`: what block `last_height + 1` must say.
#[derive(Clone, Debug, PartialEq)]
pub struct ChainState {
    pub chain_id: String,
    pub initial_height: u64,
    /// `initial_height - 1` before the first block.
    pub last_height: u64,
    pub last_block_id: BlockId,
    pub last_time: Timestamp,
    /// Decides block `last_height`.
    pub last_validators: Option<ValidatorSet>,
    /// Decides block `last_height + 1`.
    pub validators: ValidatorSet,
    /// Decides block `last_height + 2`.
    pub next_validators: ValidatorSet,
    /// In force for block `last_height + 1`.
    pub params: ConsensusParams,
    pub app_hash: Vec<u8>,
    pub last_results_hash: Vec<u8>,
}

/// SHA-256 over the sets of a block's parent, of the block and of its successor, priorities and proposers included.
pub fn proposer_order(before: Option<&ValidatorSet>, of: &ValidatorSet, next: &ValidatorSet) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for set in [before, Some(of), Some(next)] {
        hasher.update(set.map(|set| set.to_proto().encode_length_delimited_to_vec()).unwrap_or_default());
    }
    hasher.finalize().into()
}

#[derive(Clone, PartialEq, prost::Message)]
struct StoredState {
    #[prost(string, tag = "1")]
    chain_id: String,
    #[prost(uint64, tag = "2")]
    initial_height: u64,
    #[prost(uint64, tag = "3")]
    last_height: u64,
    #[prost(message, optional, tag = "4")]
    last_block_id: Option<BlockId>,
    #[prost(message, optional, tag = "5")]
    last_time: Option<Timestamp>,
    #[prost(message, optional, tag = "6")]
    last_validators: Option<ProtoSet>,
    #[prost(message, optional, tag = "7")]
    validators: Option<ProtoSet>,
    #[prost(message, optional, tag = "8")]
    next_validators: Option<ProtoSet>,
    #[prost(message, optional, tag = "9")]
    params: Option<ConsensusParams>,
    #[prost(bytes = "vec", tag = "10")]
    app_hash: Vec<u8>,
    #[prost(bytes = "vec", tag = "11")]
    last_results_hash: Vec<u8>,
}

impl ChainState {
    pub fn to_bytes(&self) -> Vec<u8> {
        StoredState {
            chain_id: self.chain_id.clone(),
            initial_height: self.initial_height,
            last_height: self.last_height,
            last_block_id: Some(self.last_block_id.clone()),
            last_time: Some(self.last_time),
            last_validators: self.last_validators.as_ref().map(ValidatorSet::to_proto),
            validators: Some(self.validators.to_proto()),
            next_validators: Some(self.next_validators.to_proto()),
            params: Some(self.params.clone()),
            app_hash: self.app_hash.clone(),
            last_results_hash: self.last_results_hash.clone(),
        }
        .encode_to_vec()
    }

    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let stored = StoredState::decode(bytes).ok()?;
        let set = |set: Option<ProtoSet>| ValidatorSet::from_proto(&set?).ok();
        Some(Self {
            chain_id: stored.chain_id,
            initial_height: stored.initial_height,
            last_height: stored.last_height,
            last_block_id: stored.last_block_id?,
            last_time: stored.last_time?,
            last_validators: match stored.last_validators {
                None => None,
                some => Some(set(some)?),
            },
            validators: set(stored.validators)?,
            next_validators: set(stored.next_validators)?,
            params: stored.params?,
            app_hash: stored.app_hash,
            last_results_hash: stored.last_results_hash,
        })
    }

    /// What the application remembers of block `last_height + 1`: see [`proposer_order`].
    pub fn proposer_order(&self) -> [u8; 32] {
        proposer_order(self.last_validators.as_ref(), &self.validators, &self.next_validators)
    }

    pub fn next_height(&self) -> u64 {
        self.last_height.saturating_add(1)
    }

    /// Largest block of the next height.
    pub fn max_block_bytes(&self) -> usize {
        let max = self.params.block.as_ref().map_or(0, |block| block.max_bytes);
        usize::try_from(max).unwrap_or(parts::MAX_BLOCK_BYTES).min(parts::MAX_BLOCK_BYTES)
    }
}
