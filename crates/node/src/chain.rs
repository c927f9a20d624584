//! The chain as blocks: what the next block must contain, whether a proposed one is right, and how a decided one is
//! executed. Knows CometBFT's bytes and the application, not the consensus engine.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use prost::Message;
use prost_types::Timestamp;
use ve_base::BlockTime;
use ve_proto::tendermint::abci::{
    Event as ProtoEvent, EventAttribute, ExecTxResult, ResponseFinalizeBlock, ValidatorUpdate as ProtoUpdate,
};
use ve_proto::tendermint::types::{
    AbciParams, Block, BlockId, BlockIdFlag, BlockParams, Commit, ConsensusParams, Data, EvidenceList, EvidenceParams,
    Header, SignedMsgType, ValidatorParams, ValidatorSet as ProtoSet, VersionParams,
};
use ve_proto::tendermint::version::Consensus as Version;
use ve_sdk::application::{
    self, Application, BlockInput, Event, FinalizeBlockResponse, LastCommit, LastVote, TxResult, Verdict,
};

use crate::comet::canonical::{Place, vote_bytes};
use crate::comet::validators::{ValidatorSet, public_key};
use crate::comet::{hash, parts};

/// CometBFT's block protocol.
pub const BLOCK_PROTOCOL: u64 = 11;
/// A block's time may be this far ahead of the local clock; more is refused when voting.
const MAX_DRIFT_SECONDS: i64 = 10;
/// Room that header, commit signatures and lengths need in a block, as in CometBFT.
const HEADER_ROOM: u64 = 1_024;
const SIGNATURE_ROOM: u64 = 128;

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

    pub fn next_height(&self) -> u64 {
        self.last_height.saturating_add(1)
    }

    fn max_block_bytes(&self) -> usize {
        let max = self.params.block.as_ref().map_or(0, |block| block.max_bytes);
        usize::try_from(max).unwrap_or(parts::MAX_BLOCK_BYTES).min(parts::MAX_BLOCK_BYTES)
    }
}

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

/// Builds the block that this node proposes for the next height.
pub fn build(
    state: &ChainState,
    app: &Arc<dyn Application>,
    last_commit: Commit,
    candidates: Vec<Bytes>,
    proposer: [u8; 20],
) -> Option<SealedBlock> {
    let time = match now() {
        now if later(&now, &state.last_time) => now,
        _ => one_nano_after(&state.last_time),
    };
    let room = HEADER_ROOM.saturating_add(SIGNATURE_ROOM.saturating_mul(last_commit.signatures.len() as u64));
    let max = (state.max_block_bytes() as u64).saturating_sub(room);
    let header = header(state, &last_commit, time, proposer);
    let input = input(state, &header, &last_commit, Vec::new(), candidates);
    let txs = app.prepare_proposal(&input, max);
    let header = Header { data_hash: hash::data(&txs).to_vec(), ..header };
    SealedBlock::new(Block {
        header: Some(header),
        data: Some(Data { txs }),
        evidence: Some(EvidenceList::default()),
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

/// Checks everything that a block must satisfy on top of `state`; the error says what is wrong with it.
pub fn validate(
    state: &ChainState,
    app: &Arc<dyn Application>,
    sealed: &SealedBlock,
    stage: Stage,
) -> Result<(), String> {
    let header = sealed.header();
    let data = sealed.block.data.clone().unwrap_or_default();
    let evidence = sealed.block.evidence.clone().unwrap_or_default();
    let last_commit = sealed.block.last_commit.clone().unwrap_or_default();
    if sealed.bytes.len() > state.max_block_bytes() {
        return Err(format!("the block has {} bytes, at most {}", sealed.bytes.len(), state.max_block_bytes()));
    }
    let time = header.time.ok_or("the header has no time")?;
    let proposer: [u8; 20] =
        header.proposer_address.as_slice().try_into().map_err(|_| "the proposer address has a wrong length")?;
    if state.validators.get(&proposer).is_none() {
        return Err("the proposer is not a validator".into());
    }
    let expected = Header {
        data_hash: hash::data(&data.txs).to_vec(),
        evidence_hash: hash::evidence(&evidence.evidence).to_vec(),
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
    if !evidence.evidence.is_empty() {
        return Err("the block carries evidence of a kind that this chain does not know".into());
    }
    verify_last_commit(state, &last_commit)?;
    let input = input(state, &header, &last_commit, sealed.id.hash.clone(), data.txs);
    match app.process_proposal(&input) {
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

/// The commit inside a block: signed by more than two thirds of the set that decided the parent. Proposers collect
/// different signers, so it is verified, never compared.
fn verify_last_commit(state: &ChainState, commit: &Commit) -> Result<(), String> {
    let Some(set) = &state.last_validators else {
        return if commit.signatures.is_empty() { Ok(()) } else { Err("the first block has no last commit".into()) };
    };
    if u64::try_from(commit.height) != Ok(state.last_height) || commit.block_id.as_ref() != Some(&state.last_block_id) {
        return Err("the last commit is for another block".into());
    }
    let round = u32::try_from(commit.round).map_err(|_| "the last commit has a negative round")?;
    if commit.signatures.len() != set.validators().len() {
        return Err(format!("{} signatures for {} validators", commit.signatures.len(), set.validators().len()));
    }
    let place = Place { chain_id: &state.chain_id, height: state.last_height, round };
    let bytes = vote_bytes(SignedMsgType::Precommit, place, Some((&state.last_block_id, state.last_time)));
    let mut signed = 0u64;
    for (validator, signature) in set.validators().iter().zip(&commit.signatures) {
        if signature.block_id_flag == BlockIdFlag::Absent as i32 {
            if *signature != absent() {
                return Err("an absent signature is not empty".into());
            }
            continue;
        }
        if signature.block_id_flag != BlockIdFlag::Commit as i32
            || signature.validator_address != validator.address
            || signature.timestamp != Some(state.last_time)
        {
            return Err("a signature in the last commit is out of place".into());
        }
        let bytes64: [u8; 64] =
            signature.signature.as_slice().try_into().map_err(|_| "a signature has a wrong length")?;
        ed25519_zebra::VerificationKey::try_from(validator.key)
            .and_then(|key| key.verify(&bytes64.into(), &bytes))
            .map_err(|_| format!("the signature of {} is wrong", hex::encode_upper(validator.address)))?;
        signed = signed.saturating_add(validator.power);
    }
    if u128::from(signed) * 3 > u128::from(set.total_power()) * 2 {
        Ok(())
    } else {
        Err(format!("the last commit has {signed} of {} power", set.total_power()))
    }
}

/// How CometBFT writes a missing signature.
pub fn absent() -> ve_proto::tendermint::types::CommitSig {
    ve_proto::tendermint::types::CommitSig {
        block_id_flag: BlockIdFlag::Absent as i32,
        validator_address: Vec::new(),
        timestamp: Some(hash::ZERO_TIME),
        signature: Vec::new(),
    }
}

fn input(state: &ChainState, header: &Header, commit: &Commit, hash: Vec<u8>, txs: Vec<Bytes>) -> BlockInput {
    let votes = state.last_validators.as_ref().map_or_else(Vec::new, |set| {
        set.validators()
            .iter()
            .zip(&commit.signatures)
            .map(|(validator, signature)| LastVote {
                address: validator.address,
                power: validator.power,
                signed: signature.block_id_flag == BlockIdFlag::Commit as i32,
                extension: Bytes::new(),
            })
            .collect()
    });
    BlockInput {
        height: u64::try_from(header.height).unwrap_or(0),
        time: block_time(&header.time.unwrap_or_default()),
        hash,
        proposer_address: header.proposer_address.as_slice().try_into().unwrap_or_default(),
        next_validators_hash: header.next_validators_hash.clone(),
        last_commit: LastCommit { round: commit.round, votes },
        misbehavior: Vec::new(),
        txs,
    }
}

/// Executes a decided block. Nothing is durable yet; the application holds the result until its `commit`.
pub fn execute(
    state: &ChainState,
    app: &Arc<dyn Application>,
    sealed: &SealedBlock,
) -> Result<(ChainState, ResponseFinalizeBlock), String> {
    let header = sealed.header();
    let commit = sealed.block.last_commit.clone().unwrap_or_default();
    let txs = sealed.block.data.clone().unwrap_or_default().txs;
    let input = input(state, &header, &commit, sealed.id.hash.clone(), txs);
    let response = app.finalize_block(&input).map_err(|error| error.to_string())?;
    let changes: Vec<([u8; 32], u64)> =
        response.validator_updates.iter().map(|update| (update.pub_key, update.power)).collect();
    let next_validators = state.next_validators.next(&changes).map_err(|error| error.to_string())?;
    let params = response.consensus_params.as_ref().map_or_else(|| state.params.clone(), params_to_proto);
    let results = results_to_proto(&response);
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
        app_hash: response.app_hash.clone(),
        last_results_hash: hash::results(&results.tx_results).to_vec(),
    };
    Ok((next, results))
}

pub fn params_to_proto(params: &application::ConsensusParams) -> ConsensusParams {
    ConsensusParams {
        block: Some(BlockParams { max_bytes: params.block_max_bytes, max_gas: params.block_max_gas }),
        evidence: Some(EvidenceParams {
            max_age_num_blocks: params.evidence_max_age_blocks,
            max_age_duration: Some(prost_types::Duration { seconds: params.evidence_max_age_secs, nanos: 0 }),
            max_bytes: params.evidence_max_bytes,
        }),
        validator: Some(ValidatorParams { pub_key_types: vec!["ed25519".into()] }),
        version: Some(VersionParams { app: params.app_version }),
        abci: Some(AbciParams { vote_extensions_enable_height: params.vote_extensions_enable_height }),
    }
}

fn event_to_proto(event: &Event) -> ProtoEvent {
    let attribute =
        |(key, value): &(String, String)| EventAttribute { key: key.clone(), value: value.clone(), index: true };
    ProtoEvent { r#type: event.kind.clone(), attributes: event.attributes.iter().map(attribute).collect() }
}

pub fn tx_result_to_proto(result: &TxResult) -> ExecTxResult {
    ExecTxResult {
        code: result.code,
        data: result.data.clone(),
        log: result.log.clone(),
        info: String::new(),
        gas_wanted: result.gas_wanted,
        gas_used: result.gas_used,
        events: result.events.iter().map(event_to_proto).collect(),
        codespace: result.codespace.clone(),
    }
}

fn results_to_proto(response: &FinalizeBlockResponse) -> ResponseFinalizeBlock {
    ResponseFinalizeBlock {
        events: response.events.iter().map(event_to_proto).collect(),
        tx_results: response.tx_results.iter().map(tx_result_to_proto).collect(),
        validator_updates: response
            .validator_updates
            .iter()
            .map(|update| ProtoUpdate { pub_key: Some(public_key(&update.pub_key)), power: update.power as i64 })
            .collect(),
        consensus_param_updates: response.consensus_params.as_ref().map(params_to_proto),
        app_hash: response.app_hash.clone(),
    }
}
