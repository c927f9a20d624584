//! What the interfaces (JSON-RPC, gRPC, REST) and the event index need from the node. Consensus, block store and
//! mempool stand behind [`NodeView`]; the interfaces know nothing else of them.
//!
//! Types are the CometBFT 0.38 protobuf messages, so that the bytes and the JSON of a block have one source.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::broadcast;
use ve_proto::tendermint::{
    abci::ResponseFinalizeBlock,
    p2p::DefaultNodeInfo,
    types::{Block, BlockId, Commit, ConsensusParams, Evidence, Validator},
};
use ve_sdk::application::{Application, CheckTxResult};

use crate::evidence::EvidenceError;

/// A decided block as it was stored.
#[derive(Clone, Debug)]
pub struct StoredBlock {
    pub id: BlockId,
    pub block: Block,
    /// Length of the block's protobuf encoding, in bytes.
    pub size: u64,
}

/// A block, how it ended, and its place in the chain: published once per height, after the commit is durable.
#[derive(Clone, Debug)]
pub struct CommittedBlock {
    pub stored: StoredBlock,
    /// Transaction results in block order, block events, validator and parameter updates, app hash after this block.
    pub results: ResponseFinalizeBlock,
}

impl CommittedBlock {
    /// 0 for a block without a header, which no node publishes.
    pub fn height(&self) -> u64 {
        self.stored.block.header.as_ref().map_or(0, |h| h.height.max(0) as u64)
    }
}

/// The precommits for a block.
#[derive(Clone, Debug)]
pub struct SignedCommit {
    pub commit: Commit,
    /// True when a later block contains it; the newest block's own commit may still differ from node to node.
    pub canonical: bool,
}

/// The waiting transactions.
#[derive(Clone, Debug, Default)]
pub struct MempoolView {
    pub total: u64,
    pub total_bytes: u64,
    /// In the order in which they would be proposed, at most the asked number.
    pub txs: Vec<Bytes>,
}

#[derive(Clone, Debug)]
pub struct Peer {
    pub info: DefaultNodeInfo,
    pub outbound: bool,
    pub remote_ip: String,
}

/// Where consensus stands.
#[derive(Clone, Copy, Debug, Default)]
pub struct RoundState {
    pub height: u64,
    pub round: u32,
    /// 1 new height, 2 new round, 3 propose, 4 prevote, 6 precommit, 8 commit (CometBFT's numbers).
    pub step: u8,
}

/// Settings that clients may ask for.
#[derive(Clone, Debug, Default)]
pub struct NodeSettings {
    /// Decimal coins, e.g. `0.025uve`.
    pub minimum_gas_price: String,
    /// States kept, `0` = all; as the pruning strategy writes it.
    pub pruning_keep_recent: String,
    pub pruning_interval: String,
    /// 0 = never.
    pub halt_height: u64,
}

/// Why a transaction was not even checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubmitError {
    /// The same bytes wait already or were committed lately.
    AlreadyKnown,
    Full {
        transactions: u64,
        bytes: u64,
    },
    TooLarge {
        bytes: u64,
        limit: u64,
    },
    /// The node is starting, catching up without a mempool, or stopping.
    Unavailable(String),
}

/// How the mempool answers a transaction.
pub type Submitted = Result<CheckTxResult, SubmitError>;

impl fmt::Display for SubmitError {
    /// The first text is CometBFT's own: wallets and relayers look for it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyKnown => f.write_str("tx already exists in cache"),
            Self::Full { transactions, bytes } => {
                write!(f, "mempool is full: number of txs {transactions}, total txs bytes {bytes}; retry after a block")
            }
            Self::TooLarge { bytes, limit } => write!(f, "tx too large: {bytes} bytes, the limit is {limit}"),
            Self::Unavailable(cause) => write!(f, "node does not accept transactions: {cause}"),
        }
    }
}

/// Storage failed or contradicts itself; the text is for the operator.
#[derive(Clone, Debug)]
pub struct ViewError(pub String);

impl fmt::Display for ViewError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ViewError {}

/// `Ok(None)` means "not known or pruned"; `Err` means that the store failed.
pub type Found<T> = Result<Option<T>, ViewError>;

/// A running node. Reads never wait for block execution; every method may be called from any task.
#[async_trait]
pub trait NodeView: Send + Sync + 'static {
    /// This node: `default_node_id` lower hex, `network` the chain id, `version` starting with `0.38.` (clients choose
    /// their codec by it), `protocol_version.block` 11, `channels` raw bytes, `other.tx_index` `on`.
    fn node_info(&self) -> DefaultNodeInfo;

    fn settings(&self) -> NodeSettings;

    fn app(&self) -> &Arc<dyn Application>;

    /// The lowest height whose block is still there; 0 before the first block.
    fn earliest_height(&self) -> u64;

    /// The height of the newest committed block whose state is durable; 0 before the first block.
    fn latest_height(&self) -> u64;

    /// True while blocks are fetched from peers instead of being decided.
    fn catching_up(&self) -> bool;

    /// The consensus key of this node, also when it is not in the validator set.
    fn validator_key(&self) -> [u8; 32];

    fn block(&self, height: u64) -> Found<StoredBlock>;

    /// Height of the block with this header hash.
    fn height_of(&self, block_hash: &[u8]) -> Found<u64>;

    /// The commit **for** the block at `height`: from the next block's `last_commit`, else the one this node saw.
    fn commit(&self, height: u64) -> Found<SignedCommit>;

    /// The set that decides `height`, in its order (power descending, then address); known up to
    /// `latest_height() + 1`.
    fn validators(&self, height: u64) -> Found<Vec<Validator>>;

    /// What `finalize_block` answered for `height`.
    fn block_results(&self, height: u64) -> Found<ResponseFinalizeBlock>;

    /// The parameters in force for `height`; all five parts set; known up to `latest_height() + 1`.
    fn consensus_params(&self, height: u64) -> Found<ConsensusParams>;

    /// Length of the genesis file in bytes.
    fn genesis_len(&self) -> Result<u64, ViewError>;

    /// Up to `len` bytes of the genesis file from `start`. It may be too large to be kept in memory.
    fn genesis_part(&self, start: u64, len: usize) -> Result<Vec<u8>, ViewError>;

    /// Checks transactions in their order and keeps for a block those whose `result.code` is 0. Returns after the last
    /// check, with as many answers.
    async fn submit_txs(&self, txs: Vec<Bytes>) -> Vec<Submitted>;

    /// [`Self::submit_txs`] of one.
    async fn submit_tx(&self, tx: Bytes) -> Submitted {
        self.submit_txs(vec![tx]).await.pop().unwrap_or_else(|| Err(SubmitError::Unavailable("no answer".into())))
    }

    fn mempool(&self, limit: usize) -> MempoolView;

    fn peers(&self) -> Vec<Peer>;

    /// Addresses that this node listens on, e.g. `/ip4/127.0.0.1/tcp/26656`.
    fn listeners(&self) -> Vec<String>;

    fn round_state(&self) -> RoundState;

    /// Address of the validator that proposes in the current round; `None` before consensus has started.
    fn round_proposer(&self) -> Option<[u8; 20]>;

    /// Verifies evidence and keeps it for a proposal; the error says why it was refused.
    fn submit_evidence(&self, evidence: &Evidence) -> Result<(), EvidenceError>;

    /// One message per committed height, sent after the block's events were indexed, so that whoever hears of a block
    /// also finds its transactions. A receiver that lags is disconnected by the interfaces, never skipped ahead.
    fn subscribe(&self) -> broadcast::Receiver<Arc<CommittedBlock>>;
}
