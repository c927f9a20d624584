//! The chain as blocks: what the next block must contain, whether a proposed one is right, and how a decided one is
//! executed. Knows CometBFT's bytes and the application, not the consensus engine.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use prost::Message;
use prost_types::Timestamp;
use ve_base::BlockTime;
use ve_proto::tendermint::abci::ResponseFinalizeBlock;
use ve_proto::tendermint::types::{Block, BlockId, Commit, Data, Evidence, EvidenceList, ExtendedCommit, Header};
use ve_proto::tendermint::version::Consensus as Version;
use ve_sdk::application::{Application, BlockInput, LastCommit, LastVote, Misbehavior, Verdict};

use crate::comet::{abci, commit, hash, parts};
use crate::evidence;

mod state;

pub use self::state::{ChainState, proposer_order};

/// CometBFT's block protocol.
pub const BLOCK_PROTOCOL: u64 = 11;
/// A block's time may be this far ahead of the local clock; more is refused when voting.
const MAX_DRIFT_SECONDS: i64 = 10;
/// Room that header, commit signatures and lengths need in a block, as in CometBFT.
const HEADER_ROOM: u64 = 1_024;
const SIGNATURE_ROOM: u64 = 128;

/// A block with its encoding and id.
#[derive(Clone, Debug)]
pub struct SealedBlock {
    pub block: Block,
    pub bytes: Bytes,
    pub id: BlockId,
    pub time: Timestamp,
}

impl SealedBlock {
    fn new(block: Block) -> Option<Self> {
        let bytes: Bytes = block.encode_to_vec().into();
        Self::with_bytes(block, bytes)
    }

    fn with_bytes(block: Block, bytes: Bytes) -> Option<Self> {
        let id = parts::block_id(&block, &bytes)?;
        let time = block.header.as_ref()?.time?;
        Some(Self { block, bytes, id, time })
    }

    /// From received bytes; `None` when they are not a block in its one encoding.
    pub fn decode(bytes: Bytes) -> Option<Self> {
        Self::with_bytes(parts::decode_block(&bytes)?, bytes)
    }

    pub fn hash(&self) -> [u8; 32] {
        self.id.hash.as_slice().try_into().unwrap_or_default()
    }

    pub fn header(&self) -> Header {
        self.block.header.clone().unwrap_or_default()
    }

    pub fn txs(&self) -> Vec<Bytes> {
        self.block.data.as_ref().map(|data| data.txs.clone()).unwrap_or_default()
    }

    pub fn evidence(&self) -> Vec<Evidence> {
        self.block.evidence.as_ref().map(|list| list.evidence.clone()).unwrap_or_default()
    }

    pub fn last_commit(&self) -> Commit {
        self.block.last_commit.clone().unwrap_or_default()
    }

    pub fn height(&self) -> u64 {
        self.block.header.as_ref().and_then(|header| u64::try_from(header.height).ok()).unwrap_or(0)
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp { seconds: i64::try_from(since.as_secs()).unwrap_or(0), nanos: since.subsec_nanos() as i32 }
}

fn later(left: &Timestamp, right: &Timestamp) -> bool {
    (left.seconds, left.nanos) > (right.seconds, right.nanos)
}

fn one_nano_after(time: &Timestamp) -> Timestamp {
    if time.nanos < 999_999_999 {
        Timestamp { seconds: time.seconds, nanos: time.nanos + 1 }
    } else {
        Timestamp { seconds: time.seconds.saturating_add(1), nanos: 0 }
    }
}

fn block_time(time: &Timestamp) -> BlockTime {
    BlockTime { seconds: time.seconds, nanos: u32::try_from(time.nanos).unwrap_or(0) }
}

/// What this node puts into a block that it proposes.
pub struct Contents {
    /// The commit for the parent; its extensions reach the application, not the block.
    pub last_commit: ExtendedCommit,
    pub evidence: Vec<Evidence>,
    /// Waiting transactions, best first, from which the application chooses.
    pub candidates: Vec<Bytes>,
}

/// Builds the block that this node proposes for the next height.
pub fn build(
    state: &ChainState,
    app: &Arc<dyn Application>,
    contents: Contents,
    proposer: [u8; 20],
) -> Option<SealedBlock> {
    let Contents { last_commit: extended, evidence, candidates } = contents;
    let last_commit = commit::plain(&extended);
    let time = match now() {
        now if later(&now, &state.last_time) => now,
        _ => one_nano_after(&state.last_time),
    };
    let evidence = EvidenceList { evidence };
    let room = HEADER_ROOM
        .saturating_add(SIGNATURE_ROOM.saturating_mul(last_commit.signatures.len() as u64))
        .saturating_add(evidence.encoded_len() as u64);
    let max = (state.max_block_bytes() as u64).saturating_sub(room);
    let header = Header {
        evidence_hash: hash::evidence(&evidence.evidence).to_vec(),
        ..header(state, &last_commit, time, proposer)
    };
    let mut votes = votes(state, &last_commit);
    for (vote, signature) in votes.iter_mut().zip(extended.extended_signatures) {
        vote.extension = signature.extension.into();
    }
    let parts = Parts {
        votes,
        round: last_commit.round,
        failed: failed(state, &last_commit),
        misbehavior: evidence::misbehavior(&evidence.evidence),
        proposer_order: state.proposer_order(),
    };
    let txs = app.prepare_proposal(&input(&header, parts, Vec::new(), candidates), max);
    let header = Header { data_hash: hash::data(&txs).to_vec(), ..header };
    SealedBlock::new(Block {
        header: Some(header),
        data: Some(Data { txs }),
        evidence: Some(evidence),
        last_commit: Some(last_commit),
    })
}

/// The header that the next block must have, for a block without transactions or evidence.
fn header(state: &ChainState, last_commit: &Commit, time: Timestamp, proposer: [u8; 20]) -> Header {
    Header {
        version: Some(Version { block: BLOCK_PROTOCOL, app: state.params.version.as_ref().map_or(0, |v| v.app) }),
        chain_id: state.chain_id.clone(),
        height: state.next_height() as i64,
        time: Some(time),
        last_block_id: Some(state.last_block_id.clone()),
        last_commit_hash: hash::commit(last_commit).to_vec(),
        data_hash: hash::data::<Bytes>(&[]).to_vec(),
        validators_hash: state.validators.hash().to_vec(),
        next_validators_hash: state.next_validators.hash().to_vec(),
        consensus_hash: hash::consensus_params(&state.params).to_vec(),
        app_hash: state.app_hash.clone(),
        last_results_hash: state.last_results_hash.clone(),
        evidence_hash: hash::evidence(&[]).to_vec(),
        proposer_address: proposer.to_vec(),
    }
}

/// Whether a block came to us while it is being voted on, or already decided by others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Proposed,
    /// Synced: the certificate speaks for its time.
    Decided,
}

/// Checks everything that a block must satisfy on top of `state`; the error says what is wrong with it. `convicts` judges
/// the block's evidence.
pub fn validate(
    state: &ChainState,
    app: &Arc<dyn Application>,
    sealed: &SealedBlock,
    stage: Stage,
    convicts: impl FnOnce(&[Evidence]) -> Result<(), String>,
) -> Result<(), String> {
    let header = sealed.header();
    let evidence = sealed.evidence();
    let last_commit = sealed.last_commit();
    if sealed.bytes.len() > state.max_block_bytes() {
        return Err(format!("the block has {} bytes, at most {}", sealed.bytes.len(), state.max_block_bytes()));
    }
    let time = header.time.ok_or("the header has no time")?;
    if !(0..1_000_000_000).contains(&time.nanos) {
        return Err("the block's time is malformed".into());
    }
    let proposer: [u8; 20] =
        header.proposer_address.as_slice().try_into().map_err(|_| "the proposer address has a wrong length")?;
    if state.validators.get(&proposer).is_none() {
        return Err("the proposer is not a validator".into());
    }
    let expected = Header {
        data_hash: hash::data(&sealed.txs()).to_vec(),
        evidence_hash: hash::evidence(&evidence).to_vec(),
        ..self::header(state, &last_commit, time, proposer)
    };
    if header != expected {
        return Err(difference(&header, &expected));
    }
    if !later(&time, &state.last_time) {
        return Err("the block's time is not after its parent's".into());
    }
    if stage == Stage::Proposed && time.seconds > now().seconds.saturating_add(MAX_DRIFT_SECONDS) {
        return Err(format!("the block's time is more than {MAX_DRIFT_SECONDS} s ahead of this node's clock"));
    }
    verify_last_commit(state, &last_commit)?;
    convicts(&evidence)?;
    match app.process_proposal(&decided_input(state, sealed)) {
        Verdict::Accept => Ok(()),
        Verdict::Reject(reason) => Err(reason),
    }
}

fn difference(got: &Header, expected: &Header) -> String {
    let fields: [(&str, bool); 11] = [
        ("version", got.version == expected.version),
        ("chain_id", got.chain_id == expected.chain_id),
        ("height", got.height == expected.height),
        ("last_block_id", got.last_block_id == expected.last_block_id),
        ("last_commit_hash", got.last_commit_hash == expected.last_commit_hash),
        ("data_hash", got.data_hash == expected.data_hash),
        ("validators_hash", got.validators_hash == expected.validators_hash),
        ("next_validators_hash", got.next_validators_hash == expected.next_validators_hash),
        ("consensus_hash", got.consensus_hash == expected.consensus_hash),
        ("app_hash", got.app_hash == expected.app_hash),
        ("last_results_hash", got.last_results_hash == expected.last_results_hash),
    ];
    let wrong: Vec<&str> = fields.iter().filter(|(_, same)| !same).map(|(name, _)| *name).collect();
    format!(
        "the header's {} differ from this node's",
        if wrong.is_empty() { "hashes".into() } else { wrong.join(", ") }
    )
}

/// The commit inside a block, for the parent.
fn verify_last_commit(state: &ChainState, commit: &Commit) -> Result<(), String> {
    let Some(set) = &state.last_validators else {
        return if commit.signatures.is_empty() { Ok(()) } else { Err("the first block has no last commit".into()) };
    };
    let decided = commit::Decided {
        chain_id: &state.chain_id,
        height: state.last_height,
        id: &state.last_block_id,
        time: state.last_time,
    };
    commit::verify(commit, set, &decided)
}

/// Who decided the parent, and with which signatures.
fn votes(state: &ChainState, last_commit: &Commit) -> Vec<LastVote> {
    let set = state.last_validators.as_ref().map(|set| set.validators()).unwrap_or_default();
    set.iter()
        .zip(&last_commit.signatures)
        .map(|(validator, signature)| LastVote {
            address: validator.address,
            power: validator.power,
            signed: commit::is_signed(signature),
            extension: Bytes::new(),
        })
        .collect()
}

/// Failed rounds of one height that are told of.
const MAX_FAILED: i32 = 100;

/// Who proposed in the parent's rounds before the one that decided.
fn failed(state: &ChainState, last_commit: &Commit) -> Vec<[u8; 20]> {
    let Some(set) = &state.last_validators else { return Vec::new() };
    let rounds = u32::try_from(last_commit.round.min(MAX_FAILED)).unwrap_or(0);
    (0..rounds).filter_map(|round| set.at_round(round).proposer().map(|proposer| proposer.address)).collect()
}

struct Parts {
    votes: Vec<LastVote>,
    round: i32,
    failed: Vec<[u8; 20]>,
    misbehavior: Vec<Misbehavior>,
    proposer_order: [u8; 32],
}

fn input(header: &Header, parts: Parts, hash: Vec<u8>, txs: Vec<Bytes>) -> BlockInput {
    BlockInput {
        height: u64::try_from(header.height).unwrap_or(0),
        time: block_time(&header.time.unwrap_or_default()),
        hash,
        proposer_address: header.proposer_address.as_slice().try_into().unwrap_or_default(),
        next_validators_hash: header.next_validators_hash.clone(),
        proposer_order: parts.proposer_order,
        last_commit: LastCommit { round: parts.round, votes: parts.votes, failed_proposers: parts.failed },
        misbehavior: parts.misbehavior,
        txs,
    }
}

/// What every node's application sees of a whole block.
fn decided_input(state: &ChainState, sealed: &SealedBlock) -> BlockInput {
    let last_commit = sealed.last_commit();
    let parts = Parts {
        votes: votes(state, &last_commit),
        round: last_commit.round,
        failed: failed(state, &last_commit),
        misbehavior: evidence::misbehavior(&sealed.evidence()),
        proposer_order: state.proposer_order(),
    };
    input(&sealed.header(), parts, sealed.id.hash.clone(), sealed.txs())
}

/// Executes a decided block. Nothing is durable yet; the application holds the result until its `commit`.
pub fn execute(
    state: &ChainState,
    app: &Arc<dyn Application>,
    sealed: &SealedBlock,
) -> Result<(ChainState, ResponseFinalizeBlock), String> {
    let response = app.finalize_block(&decided_input(state, sealed)).map_err(|error| error.to_string())?;
    let changes: Vec<([u8; 32], u64)> =
        response.validator_updates.iter().map(|update| (update.pub_key, update.power)).collect();
    let next_validators = state.next_validators.next(&changes).map_err(|error| error.to_string())?;
    let params = response.consensus_params.as_ref().map_or_else(|| state.params.clone(), abci::params);
    let results = abci::block_results(response);
    let next = ChainState {
        chain_id: state.chain_id.clone(),
        initial_height: state.initial_height,
        last_height: sealed.height(),
        last_block_id: sealed.id.clone(),
        last_time: sealed.time,
        last_validators: Some(state.validators.clone()),
        validators: state.next_validators.clone(),
        next_validators,
        params,
        app_hash: results.app_hash.clone(),
        last_results_hash: hash::results(&results.tx_results).to_vec(),
    };
    Ok((next, results))
}
