//! What the interfaces see of the running node.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::{Semaphore, broadcast};
use ve_base::keys::ConsensusSecret;
use ve_proto::tendermint::abci::ResponseFinalizeBlock;
use ve_proto::tendermint::p2p::{DefaultNodeInfo, DefaultNodeInfoOther, ProtocolVersion};
use ve_proto::tendermint::types::{ConsensusParams, Evidence, Validator};
use ve_sdk::application::Application;

use crate::chain::BLOCK_PROTOCOL;
use crate::comet::commit;
use crate::config::NodeConfig;
use crate::core::Core;
use crate::evidence::EvidenceError;
use crate::metrics::Metrics;
use crate::rpc::backend::{
    CommittedBlock, Found, MempoolView, NodeSettings, NodeView, Peer, RoundState, SignedCommit, StoredBlock,
    SubmitError, Submitted, ViewError,
};

/// Clients choose their codec by the first two numbers.
const COMET_VERSION: &str = "0.38.17";
/// CometBFT's p2p protocol.
const P2P_PROTOCOL: u64 = 8;

pub struct View {
    core: Arc<Core>,
    info: DefaultNodeInfo,
    settings: NodeSettings,
    listeners: Vec<String>,
    validator_key: [u8; 32],
    genesis: PathBuf,
    peers: RwLock<Vec<Peer>>,
    /// More checks at once than processors would only wait for each other.
    checkers: Semaphore,
}

fn failed(error: impl std::fmt::Display) -> ViewError {
    ViewError(error.to_string())
}

impl View {
    pub(crate) fn new(
        core: Arc<Core>,
        config: &NodeConfig,
        genesis_file: PathBuf,
        validator_key: [u8; 32],
        node_key: &ConsensusSecret,
    ) -> Arc<Self> {
        let info = DefaultNodeInfo {
            protocol_version: Some(ProtocolVersion {
                p2p: P2P_PROTOCOL,
                block: BLOCK_PROTOCOL,
                app: core.app.info().app_version,
            }),
            default_node_id: hex::encode(node_key.address()),
            listen_addr: format!("tcp://{}", config.p2p.listen),
            network: core.state().chain_id.clone(),
            version: COMET_VERSION.into(),
            channels: Vec::new(),
            moniker: config.moniker.clone(),
            other: Some(DefaultNodeInfoOther {
                tx_index: "on".into(),
                rpc_address: format!("tcp://{}", config.rpc.listen),
            }),
        };
        let settings = NodeSettings {
            minimum_gas_price: config.app.minimum_gas_price.clone(),
            pruning_keep_recent: config.app.keep_states.to_string(),
            pruning_interval: "1".into(),
            halt_height: config.consensus.halt_height,
        };
        Arc::new(Self {
            core,
            info,
            settings,
            listeners: vec![config.p2p.listen.to_string(), config.p2p.tx_listen.to_string()],
            validator_key,
            genesis: genesis_file,
            peers: RwLock::default(),
            checkers: Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from)),
        })
    }

    pub(crate) fn metrics(&self) -> Arc<Metrics> {
        self.core.metrics.clone()
    }

    pub(crate) fn set_peers(&self, peers: Vec<Peer>) {
        self.core.metrics.peers(peers.len());
        *self.peers.write().unwrap_or_else(PoisonError::into_inner) = peers;
    }
}

#[async_trait]
impl NodeView for View {
    fn node_info(&self) -> DefaultNodeInfo {
        self.info.clone()
    }

    fn settings(&self) -> NodeSettings {
        self.settings.clone()
    }

    fn app(&self) -> &Arc<dyn Application> {
        &self.core.app
    }

    fn earliest_height(&self) -> u64 {
        match self.core.store.earliest() {
            Ok(earliest) if earliest <= self.latest_height() => earliest,
            _ => 0,
        }
    }

    fn latest_height(&self) -> u64 {
        let state = self.core.state();
        if state.last_height < state.initial_height { 0 } else { state.last_height }
    }

    fn catching_up(&self) -> bool {
        self.core.syncing()
    }

    fn validator_key(&self) -> [u8; 32] {
        self.validator_key
    }

    fn block(&self, height: u64) -> Found<StoredBlock> {
        // A block that is stored but not executed is not there yet.
        if height > self.latest_height() {
            return Ok(None);
        }
        self.core.store.block(height).map_err(failed)
    }

    fn height_of(&self, block_hash: &[u8]) -> Found<u64> {
        let height = self.core.store.height_of(block_hash).map_err(failed)?;
        Ok(height.filter(|height| *height <= self.latest_height()))
    }

    fn commit(&self, height: u64) -> Found<SignedCommit> {
        let latest = self.latest_height();
        if height > latest || height == 0 {
            return Ok(None);
        }
        if height < latest
            && let Some(next) = self.core.store.block(height + 1).map_err(failed)?
            && let Some(commit) = next.block.last_commit
        {
            return Ok(Some(SignedCommit { commit, canonical: true }));
        }
        let seen = self.core.store.commit(height).map_err(failed)?;
        Ok(seen.map(|seen| SignedCommit { commit: commit::plain(&seen), canonical: false }))
    }

    fn validators(&self, height: u64) -> Found<Vec<Validator>> {
        if height > self.core.last_height() + 1 {
            return Ok(None);
        }
        Ok(self.core.store.validators(height).map_err(failed)?.map(|set| set.validators))
    }

    fn block_results(&self, height: u64) -> Found<ResponseFinalizeBlock> {
        if height > self.latest_height() {
            return Ok(None);
        }
        self.core.store.results(height).map_err(failed)
    }

    fn consensus_params(&self, height: u64) -> Found<ConsensusParams> {
        if height > self.core.last_height() + 1 {
            return Ok(None);
        }
        self.core.store.params(height).map_err(failed)
    }

    fn genesis_len(&self) -> Result<u64, ViewError> {
        Ok(std::fs::metadata(&self.genesis).map_err(failed)?.len())
    }

    fn genesis_part(&self, start: u64, len: usize) -> Result<Vec<u8>, ViewError> {
        let mut file = File::open(&self.genesis).map_err(failed)?;
        file.seek(SeekFrom::Start(start)).map_err(failed)?;
        let mut part = Vec::new();
        file.take(len as u64).read_to_end(&mut part).map_err(failed)?;
        Ok(part)
    }

    async fn submit_txs(&self, txs: Vec<Bytes>) -> Vec<Submitted> {
        let count = txs.len();
        let _running = self.checkers.acquire().await;
        let core = self.core.clone();
        // One task for all: handing over to another thread costs as much as a check.
        let work = move || txs.into_iter().map(|tx| core.mempool.submit(tx)).collect::<Vec<_>>();
        let checked = tokio::task::spawn_blocking(work)
            .await
            .unwrap_or_else(|_| vec![Err(SubmitError::Unavailable("the check panicked; see the log".into())); count]);
        for _ in checked.iter().filter(|checked| !checked.as_ref().is_ok_and(|checked| checked.result.code == 0)) {
            self.core.metrics.refused_tx();
        }
        checked
    }

    fn mempool(&self, limit: usize) -> MempoolView {
        self.core.mempool.view(limit)
    }

    fn peers(&self) -> Vec<Peer> {
        self.peers.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn listeners(&self) -> Vec<String> {
        self.listeners.clone()
    }

    fn round_state(&self) -> RoundState {
        self.core.round()
    }

    fn round_proposer(&self) -> Option<[u8; 20]> {
        self.core.round_proposer()
    }

    fn submit_evidence(&self, evidence: &Evidence) -> Result<(), EvidenceError> {
        // What waits already or anew will reach a block.
        self.core.evidence.add(&self.core.state(), evidence).map(drop)
    }

    fn subscribe(&self) -> broadcast::Receiver<Arc<CommittedBlock>> {
        self.core.events.subscribe()
    }
}
