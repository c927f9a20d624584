//! A chain driven block by block without a consensus engine: the validators' keys are here and sign what they decide.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use ve_base::keys::ConsensusSecret;
use ve_base::votes::{Place, vote_bytes};
use ve_proto::tendermint::types::{
    BlockId, BlockIdFlag, DuplicateVoteEvidence, Evidence, ExtendedCommit, ExtendedCommitSig, PartSetHeader,
    SignedMsgType, Vote, evidence::Sum,
};
use ve_sdk::application::{Application, ConsensusParams};

use super::{Core, Halt, Parts};
use crate::blockstore::BlockStore;
use crate::chain::SealedBlock;
use crate::comet::commit::extended_absent;
use crate::evidence::{EvidencePool, ordered};
use crate::genesis::Genesis;
use crate::index::Index;
use crate::mempool::{Limits, Mempool};
use crate::metrics::Metrics;

pub const CHAIN: &str = "ve-test-1";

pub fn key(number: u8) -> ConsensusSecret {
    ConsensusSecret::from_seed([number; 32])
}

/// `count` validators with power 10 each.
pub fn genesis(count: u8, params: ConsensusParams) -> Genesis {
    let validators = (1..=count).map(|number| (key(number).public(), 10)).collect();
    Genesis { params, ..Genesis::new(CHAIN, 1_700_000_000, serde_json::json!({}), validators) }
}

pub struct Chain {
    pub core: Core,
    pub keys: Vec<ConsensusSecret>,
}

/// Opens the stores below `home`.
pub fn open(home: &Path, app: Arc<dyn Application>, genesis: &Genesis, halt_height: u64) -> Result<Chain, Halt> {
    let store = Arc::new(BlockStore::open(&home.join("blocks"))?);
    let index = Index::open(&home.join("index")).map_err(|error| Halt::Broken(error.to_string()))?;
    let (mempool, _) = Mempool::new(app.clone(), Limits::default());
    let parts = Parts {
        app,
        evidence: EvidencePool::new(store.clone()).0,
        store,
        mempool,
        index: Arc::new(index),
        metrics: Arc::new(Metrics::default()),
        halt_height,
    };
    let keys = (1..=genesis.validators.len() as u8).map(key).collect();
    Ok(Chain { core: Core::open(parts, genesis)?, keys })
}

impl Chain {
    fn key_of(&self, address: [u8; 20]) -> &ConsensusSecret {
        self.keys.iter().find(|key| key.address() == address).expect("a key of this chain")
    }

    /// The block that the next proposer would propose, kept as undecided.
    pub fn propose(&self) -> SealedBlock {
        let proposer = self.core.state().validators.proposer().expect("a proposer").address;
        self.core.propose(0, proposer).expect("a proposal")
    }

    /// Everyone's precommits for a block.
    pub fn commit_for(&self, sealed: &SealedBlock) -> ExtendedCommit {
        let place = Place { chain_id: CHAIN, height: sealed.height(), round: 0 };
        let bytes = vote_bytes(SignedMsgType::Precommit, place, Some((&sealed.id, sealed.time)));
        let set = self.core.state().validators;
        let signatures = set.validators().iter().map(|validator| ExtendedCommitSig {
            block_id_flag: BlockIdFlag::Commit as i32,
            validator_address: validator.address.to_vec(),
            timestamp: Some(sealed.time),
            signature: self.key_of(validator.address).sign(&bytes).to_vec(),
            ..extended_absent()
        });
        ExtendedCommit {
            height: sealed.height() as i64,
            round: 0,
            block_id: Some(sealed.id.clone()),
            extended_signatures: signatures.collect(),
        }
    }

    pub fn decide(&self, sealed: &SealedBlock) -> Result<(), Halt> {
        self.core.decide(&sealed.hash(), &self.commit_for(sealed))
    }

    /// One more block with the given transactions.
    pub fn advance(&self, txs: &[&str]) -> SealedBlock {
        for tx in txs {
            let checked = self.core.mempool.submit(Bytes::copy_from_slice(tx.as_bytes())).expect("room");
            assert_eq!(checked.result.code, 0, "{tx}");
        }
        let sealed = self.propose();
        self.decide(&sealed).expect("decided");
        sealed
    }

    /// A prevote of validator `number` (from 1) for an invented block, or for nil.
    pub fn prevote(&self, number: usize, height: u64, block: Option<u8>) -> Vote {
        let key = &self.keys[number - 1];
        let place = Place { chain_id: CHAIN, height, round: 0 };
        let nothing = BlockId { hash: Vec::new(), part_set_header: Some(PartSetHeader::default()) };
        let id = block.map_or(nothing, |mark| BlockId {
            hash: vec![mark; 32],
            part_set_header: Some(PartSetHeader { total: 1, hash: vec![mark; 32] }),
        });
        let time = prost_types::Timestamp { seconds: if block.is_some() { 1_700_000_100 } else { 0 }, nanos: 0 };
        let bytes = vote_bytes(SignedMsgType::Prevote, place, block.is_some().then_some((&id, time)));
        let set = self.core.store.validators(height).expect("reads").expect("kept");
        let index = set.validators.iter().position(|validator| validator.address == key.address()).expect("in the set");
        Vote {
            r#type: SignedMsgType::Prevote as i32,
            height: height as i64,
            round: 0,
            block_id: Some(id),
            timestamp: Some(time),
            validator_address: key.address().to_vec(),
            validator_index: index as i32,
            signature: key.sign(&bytes).to_vec(),
            extension: Vec::new(),
            extension_signature: Vec::new(),
        }
    }

    /// Evidence that validator `number` prevoted for two blocks at `height`.
    pub fn equivocation(&self, number: usize, height: u64) -> DuplicateVoteEvidence {
        let set = self.core.store.validators(height).expect("reads").expect("kept");
        let block = self.core.store.block(height).expect("reads").expect("kept").block;
        let (left, right) = (self.prevote(number, height, Some(1)), self.prevote(number, height, Some(2)));
        let (vote_a, vote_b) = ordered(left, right);
        DuplicateVoteEvidence {
            vote_a: Some(vote_a),
            vote_b: Some(vote_b),
            total_voting_power: set.validators.iter().map(|validator| validator.voting_power).sum(),
            validator_power: 10,
            timestamp: block.header.expect("a header").time,
        }
    }
}

pub fn evidence(duplicate: DuplicateVoteEvidence) -> Evidence {
    Evidence { sum: Some(Sum::DuplicateVoteEvidence(duplicate)) }
}
