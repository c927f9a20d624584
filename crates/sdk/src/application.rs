//! The boundary between consensus and the state machine, shaped like ABCI 2.0 so that another engine can drive the same
//! application. All methods take `&self`: queries and mempool checks run beside block execution; the implementation
//! owns its locks. Errors from `finalize_block` and `commit` are fatal: the node must stop rather than diverge.

use std::fmt;

use bytes::Bytes;

pub use crate::app_state::AppState;
/// Seconds and nanoseconds since the Unix epoch, UTC; the block time agreed by consensus, never a local clock.
pub use ve_base::BlockTime;

/// An event emitted by a transaction or by begin/end block. Attribute values are UTF-8 and all indexed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    pub kind: String,
    pub attributes: Vec<(String, String)>,
}

impl Event {
    pub fn new(kind: impl Into<String>) -> Self {
        Self { kind: kind.into(), attributes: Vec::new() }
    }

    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl ToString) -> Self {
        self.attributes.push((key.into(), value.to_string()));
        self
    }
}

/// A validator's new power; 0 removes it. `pub_key` is the 32-byte ed25519 consensus key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidatorUpdate {
    pub pub_key: [u8; 32],
    pub power: u64,
}

/// Consensus parameters that the application owns and headers commit to (platform spec 3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsensusParams {
    pub block_max_bytes: i64,
    pub block_max_gas: i64,
    pub evidence_max_age_blocks: i64,
    pub evidence_max_age_secs: i64,
    pub evidence_max_bytes: i64,
    /// First height whose votes carry extensions; 0 disables them.
    pub vote_extensions_enable_height: i64,
    pub app_version: u64,
}

impl Default for ConsensusParams {
    fn default() -> Self {
        Self {
            block_max_bytes: 4_194_304,
            block_max_gas: 60_000_000,
            evidence_max_age_blocks: 362_880,
            evidence_max_age_secs: 21 * 86_400,
            evidence_max_bytes: 65_536,
            vote_extensions_enable_height: 0,
            app_version: 1,
        }
    }
}

#[derive(Clone, Debug, Default)]
pub struct AppInfo {
    pub name: String,
    pub version: String,
    pub app_version: u64,
    /// 0 before the first commit.
    pub last_height: u64,
    /// App hash after `last_height`; empty before genesis.
    pub last_app_hash: Vec<u8>,
    /// In force after `last_height`.
    pub consensus_params: ConsensusParams,
    /// What [`BlockInput::proposer_order`] of `last_height` was; zeros before the first block.
    pub proposer_order: [u8; 32],
}

pub struct InitChain {
    pub chain_id: String,
    pub genesis_time: BlockTime,
    pub initial_height: u64,
    pub consensus_params: ConsensusParams,
    pub app_state: AppState,
}

pub struct InitChainResponse {
    pub validators: Vec<ValidatorUpdate>,
    pub consensus_params: ConsensusParams,
    pub app_hash: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckKind {
    New,
    /// After a commit for transactions still waiting: signatures were verified already.
    Recheck,
}

/// Result of a mempool check, a simulation or an executed transaction. `code` 0 is success; otherwise
/// (codespace, code) identifies the error and `log` carries cause and remedy. `log` never enters state or hashes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TxResult {
    pub code: u32,
    pub codespace: String,
    pub log: String,
    /// Protobuf `cosmos.base.abci.v1beta1.TxMsgData`.
    pub data: Bytes,
    pub gas_wanted: i64,
    pub gas_used: i64,
    pub events: Vec<Event>,
}

/// What the mempool needs beside the result: an account's transactions stay in sequence order.
#[derive(Clone, Debug, Default)]
pub struct CheckTxResult {
    pub result: TxResult,
    /// First signer (raw address bytes) and the sequence that it signed; empty for an unordered transaction, which
    /// waits for no other.
    pub sender: Vec<u8>,
    pub sequence: u64,
    /// Higher goes first between senders.
    pub priority: i64,
}

/// Who signed the previous block, in validator-set order.
#[derive(Clone, Debug, Default)]
pub struct LastCommit {
    pub round: i32,
    pub votes: Vec<LastVote>,
    /// Proposers of the rounds before it, which decided nothing; at most a hundred.
    pub failed_proposers: Vec<[u8; 20]>,
}

#[derive(Clone, Debug)]
pub struct LastVote {
    /// SHA-256(key)[..20].
    pub address: [u8; 20],
    pub power: u64,
    pub signed: bool,
    /// Only in `prepare_proposal`; empty otherwise. Blocks carry no extensions: what everybody must see of them, the
    /// proposer's application puts into a transaction, and `process_proposal` checks it.
    pub extension: Bytes,
}

#[derive(Clone, Debug)]
pub struct Misbehavior {
    pub kind: MisbehaviorKind,
    pub address: [u8; 20],
    pub power: u64,
    pub height: u64,
    pub time: BlockTime,
    pub total_power: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MisbehaviorKind {
    DuplicateVote,
    LightClientAttack,
}

/// The part of a block that the application sees, the same for proposal checking and execution.
#[derive(Clone, Debug)]
pub struct BlockInput {
    pub height: u64,
    pub time: BlockTime,
    /// Header hash; empty while a proposal is being prepared.
    pub hash: Vec<u8>,
    pub proposer_address: [u8; 20],
    pub next_validators_hash: Vec<u8>,
    /// Digest of the validator sets of the block before, of this one and of the next, with everything that decides who
    /// proposes. Headers do not commit to that order; state does, so that a node can start from a snapshot of it.
    pub proposer_order: [u8; 32],
    pub last_commit: LastCommit,
    pub misbehavior: Vec<Misbehavior>,
    pub txs: Vec<Bytes>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Accept,
    Reject(String),
}

#[derive(Clone, Debug, Default)]
pub struct FinalizeBlockResponse {
    /// One per transaction of the block, in order.
    pub tx_results: Vec<TxResult>,
    /// Begin-block events then end-block events; each carries an attribute `mode` = `BeginBlock` | `EndBlock`.
    pub events: Vec<Event>,
    pub validator_updates: Vec<ValidatorUpdate>,
    pub consensus_params: Option<ConsensusParams>,
    /// State root after this block; enters the header of the next height.
    pub app_hash: Vec<u8>,
}

#[derive(Clone, Debug)]
pub struct Query {
    /// `/{package.Service}/{Method}` with protobuf data, or `store/{name}/key` with the raw key.
    pub path: String,
    pub data: Bytes,
    /// 0 = latest committed.
    pub height: u64,
    pub prove: bool,
}

#[derive(Clone, Debug, Default)]
pub struct QueryResult {
    pub code: u32,
    pub codespace: String,
    pub log: String,
    pub key: Bytes,
    pub value: Bytes,
    /// Leaf to root: (type, key, protobuf `ics23.CommitmentProof`).
    pub proof_ops: Vec<(String, Vec<u8>, Vec<u8>)>,
    /// The state's height.
    pub height: u64,
}

/// A snapshot of the state after a block, cut into chunks for other nodes. Equal states have equal snapshots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateSnapshot {
    pub height: u64,
    /// Layout of the chunks; an application takes only those that it knows.
    pub format: u32,
    /// Number of chunks, each of at most [`MAX_CHUNK_BYTES`].
    pub chunks: u32,
    /// Names the snapshot.
    pub hash: [u8; 32],
    /// What the application needs to check chunks; nothing to the node.
    pub metadata: Bytes,
}

/// Largest chunk of a snapshot (platform spec 3.4).
pub const MAX_CHUNK_BYTES: usize = 10_000_000;

/// What the application says of a snapshot that peers have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OfferVerdict {
    /// Chunks may follow, from the first on.
    Accept,
    Reject(String),
}

/// What the application says of the next chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChunkVerdict {
    /// Taken; after the last one the state is whole, durable and has the app hash that was asked for.
    Accept,
    /// Not the chunk's bytes: whoever sent them lied, and the chunk is needed from somebody else.
    Refetch,
    /// The snapshot is not the state that it claims to be. Nothing of it remains.
    RejectSnapshot(String),
}

/// The application cannot go on: storage failed, or the block contradicts committed state.
#[derive(Debug)]
pub struct Fatal(pub String);

impl fmt::Display for Fatal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fatal {}

/// Why the application refuses to go on: the chain agreed that another release executes the next block. The node writes
/// these fields as JSON to `upgrade-info.json` in its data directory, where a supervisor looks for them, and stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpgradeNeeded {
    pub name: String,
    /// The first block that the other release executes.
    pub height: u64,
    /// What the plan says about where to find the release.
    pub info: String,
}

impl fmt::Display for UpgradeNeeded {
    /// The words that supervisors look for in the log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UPGRADE {:?} NEEDED at height: {}: {}", self.name, self.height, self.info)
    }
}

pub trait Application: Send + Sync + 'static {
    fn info(&self) -> AppInfo;

    /// After a fatal error of `finalize_block`: the upgrade that caused it, if one did.
    fn upgrade_needed(&self) -> Option<UpgradeNeeded> {
        None
    }

    /// Once, at height 0. A second call on a non-empty store is fatal.
    fn init_chain(&self, request: InitChain) -> Result<InitChainResponse, Fatal>;

    fn check_tx(&self, tx: &Bytes, kind: CheckKind) -> CheckTxResult;

    /// Whether the effects of checked transactions survive a commit, except for accounts with a transaction in the
    /// block: then only waiting transactions of those accounts must be rechecked, else all.
    fn keeps_checks(&self) -> bool {
        false
    }

    /// The account in whose order `tx` stands, as `check_tx` names it; `None` when it names none.
    fn sender(&self, _tx: &Bytes) -> Option<Vec<u8>> {
        None
    }

    /// Lets checks start from the last committed state. Called after each `commit`, while nothing is checked.
    fn advance_checks(&self) {}

    /// Forgets the effects of checked transactions; the caller rechecks all that still wait. After some of them were
    /// dropped without a block, or were refused by one.
    fn restart_checks(&self) {}

    /// Runs without verifying signatures and commits nothing.
    fn simulate(&self, tx: &Bytes) -> TxResult;

    /// Chooses from `candidates` (mempool order) what fits `max_bytes` and the block's gas.
    fn prepare_proposal(&self, block: &BlockInput, max_bytes: u64) -> Vec<Bytes>;

    fn process_proposal(&self, block: &BlockInput) -> Verdict;

    fn extend_vote(&self, height: u64, block_hash: &[u8]) -> Bytes;

    /// Whether a validator may attach this to its precommit; a vote with a refused extension does not count. Never asked
    /// about an empty one, which everybody may send, nor about more than 16 KiB. Depends on the arguments alone: synced
    /// blocks of long ago are judged by it too.
    fn verify_vote_extension(&self, height: u64, address: &[u8; 20], extension: &[u8]) -> Verdict;

    /// Executes the decided block into a pending state. Calling it again for the same height before `commit` starts over.
    fn finalize_block(&self, block: &BlockInput) -> Result<FinalizeBlockResponse, Fatal>;

    /// Makes the pending state durable in one atomic write; returns the lowest height that must be kept for queries.
    fn commit(&self) -> Result<u64, Fatal>;

    /// Safe beside execution: reads committed state only.
    fn query(&self, query: &Query) -> QueryResult;

    /// Snapshots that other nodes can have, newest first; an application may make none.
    fn list_snapshots(&self) -> Result<Vec<StateSnapshot>, Fatal> {
        Ok(Vec::new())
    }

    /// A chunk of an own snapshot; `None` when it is gone.
    fn load_snapshot_chunk(&self, _height: u64, _format: u32, _chunk: u32) -> Result<Option<Bytes>, Fatal> {
        Ok(None)
    }

    /// Whether to take over this snapshot; the state in it must have `app_hash`, which the chain agreed on. Only before
    /// genesis. A later offer ends an unfinished restore.
    fn offer_snapshot(&self, _snapshot: &StateSnapshot, _app_hash: &[u8]) -> Result<OfferVerdict, Fatal> {
        Ok(OfferVerdict::Reject("this application takes no snapshots".into()))
    }

    /// The chunks of the accepted snapshot, one after the other.
    fn apply_snapshot_chunk(&self, _index: u32, _chunk: &Bytes) -> Result<ChunkVerdict, Fatal> {
        Err(Fatal("a chunk came without an accepted snapshot".into()))
    }

    /// The genesis document's `app_state` for the current state.
    fn export(&self) -> Result<serde_json::Value, Fatal>;
}
