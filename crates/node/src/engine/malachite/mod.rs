//! Malachite: Tendermint consensus in this process. Only this folder names its crates.

mod codec;
mod commits;
mod context;
mod driver;
mod signing;
mod streams;

#[cfg(test)]
mod fuzz_tests;
#[cfg(test)]
mod hostile_tests;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use malachitebft_app::types::Keypair;
use malachitebft_app::types::codec::Codec as _;
use malachitebft_app_channel::app::config::NodeConfig;
use malachitebft_app_channel::{
    AppMsg, Channels, ConsensusContext, EngineHandle, NetworkContext, NetworkIdentity, NetworkRequest, RequestContext,
    Signer as _, SyncContext, WalContext, start_engine,
};
use malachitebft_config::{ConsensusConfig, DiscoveryConfig, P2pConfig, ValuePayload, ValueSyncConfig};
use malachitebft_core_types::LinearTimeouts;
use malachitebft_sync::RawDecidedValue;
use prost::Message as _;
use tokio::sync::{mpsc, oneshot, watch};
use ve_base::keys::{ConsensusSecret, consensus_address};
use ve_proto::tendermint::p2p::DefaultNodeInfo;

use self::codec::WireCodec;
use self::context::{Address, Height, VeContext};
use self::driver::{Callback, Driver};
use self::signing::{CanonicalVerifier, EngineSigner};
use super::{Ended, Engine, Settings};
use crate::core::{Core, Halt};
use crate::rpc::backend::Peer;
use crate::signer::ValidatorSigner;

/// Callbacks that wait for the driver; the engine sends few at once.
const CALLBACKS: usize = 256;
/// Bytes of blocks in one sync answer: below the engine's limit of 10 MiB, with room for certificates.
const MAX_SYNC_BYTES: usize = 9 << 20;
const MAX_SYNC_BLOCKS: u64 = 100;
/// How long the engine's tasks may take to end.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

struct EngineSettings {
    moniker: String,
    consensus: ConsensusConfig,
    value_sync: ValueSyncConfig,
}

impl NodeConfig for EngineSettings {
    fn moniker(&self) -> &str {
        &self.moniker
    }

    fn consensus(&self) -> &ConsensusConfig {
        &self.consensus
    }

    fn consensus_mut(&mut self) -> &mut ConsensusConfig {
        &mut self.consensus
    }

    fn value_sync(&self) -> &ValueSyncConfig {
        &self.value_sync
    }

    fn value_sync_mut(&mut self) -> &mut ValueSyncConfig {
        &mut self.value_sync
    }
}

fn broken(cause: impl std::fmt::Display) -> Halt {
    Halt::Broken(format!("consensus engine: {cause}"))
}

fn engine_settings(settings: &Settings) -> Result<EngineSettings, Halt> {
    let address = |text: &String| text.parse().map_err(|_| broken(format!("`{text}` is not a multiaddress")));
    let p2p = P2pConfig {
        listen_addr: address(&settings.listen)?,
        persistent_peers: settings.persistent_peers.iter().map(address).collect::<Result<_, _>>()?,
        persistent_peers_only: settings.persistent_peers_only,
        discovery: DiscoveryConfig {
            enabled: settings.discovery,
            num_outbound_peers: settings.max_outbound,
            num_inbound_peers: settings.max_inbound,
            max_connections_per_ip: settings.max_per_ip,
            ..DiscoveryConfig::default()
        },
        ..P2pConfig::default()
    };
    let consensus =
        ConsensusConfig { p2p, value_payload: ValuePayload::ProposalAndParts, ..ConsensusConfig::default() };
    let value_sync = ValueSyncConfig { status_update_interval: Duration::from_secs(2), ..ValueSyncConfig::default() };
    Ok(EngineSettings { moniker: settings.moniker.clone(), consensus, value_sync })
}

fn timeouts(settings: &Settings) -> LinearTimeouts {
    LinearTimeouts {
        propose: settings.timeout_propose,
        prevote: settings.timeout_prevote,
        precommit: settings.timeout_precommit,
        propose_delta: settings.timeout_delta,
        prevote_delta: settings.timeout_delta,
        precommit_delta: settings.timeout_delta,
        // Votes that a partition swallowed must not keep the halves waiting when they meet again.
        rebroadcast: settings.timeout_prevote,
        ..LinearTimeouts::default()
    }
}

/// Malachite with the keys of this node.
pub struct Malachite {
    settings: Settings,
    signer: Arc<dyn ValidatorSigner>,
    node_key: ConsensusSecret,
    /// Set at the start.
    network: OnceLock<mpsc::Sender<NetworkRequest>>,
}

impl Malachite {
    /// `signer` signs for the validator, `node_key` proves who this node is to its peers.
    pub fn new(settings: Settings, signer: Arc<dyn ValidatorSigner>, node_key: ConsensusSecret) -> Self {
        Self { settings, signer, node_key, network: OnceLock::new() }
    }
}

#[async_trait]
impl Engine for Malachite {
    async fn start(&self, core: Arc<Core>, stop: watch::Receiver<bool>) -> Result<Ended, Halt> {
        let settings = &self.settings;
        let public = self.signer.public();
        let address = Address(consensus_address(&public));
        let mut seed = self.node_key.seed();
        let keypair = Keypair::ed25519_from_bytes(&mut seed).map_err(broken)?;
        let signer = EngineSigner { chain_id: settings.chain_id.clone(), signer: self.signer.clone() };
        let peer_id = keypair.public().to_peer_id().to_bytes();
        let proof = signer.sign_validator_proof(public.to_vec(), peer_id).await.map_err(broken)?;
        let proof: Bytes = WireCodec.encode(&proof).map_err(broken)?;
        let identity = NetworkIdentity::new_validator(settings.moniker.clone(), keypair, address.to_string(), proof);
        let verifier = CanonicalVerifier { chain_id: settings.chain_id.clone() };
        let (channels, handle) = start_engine(
            VeContext,
            engine_settings(settings)?,
            WalContext::new(settings.wal.clone(), WireCodec),
            NetworkContext::new(identity, WireCodec),
            ConsensusContext::new_validator(address, Box::new(verifier), Box::new(signer)),
            SyncContext::new(WireCodec),
            RequestContext::new(100),
        )
        .await
        .map_err(|error| broken(format!("{error:#}")))?;
        if self.network.set(channels.net_requests.clone()).is_err() {
            return Err(broken("it was started twice"));
        }
        let driver =
            Driver::new(core.clone(), address, channels.network.clone(), timeouts(settings), settings.block_interval);
        let (done, ended) = oneshot::channel();
        tokio::spawn(async move {
            let result = supervise(channels, handle, driver, core, stop).await;
            let _ = done.send(result);
        });
        Ok(Box::pin(async move { ended.await.unwrap_or_else(|_| Err(broken("its supervisor died"))) }))
    }

    async fn peers(&self) -> Vec<Peer> {
        let Some(network) = self.network.get() else { return Vec::new() };
        let Ok(Some(dump)) = NetworkRequest::dump_state(network).await else { return Vec::new() };
        dump.peers
            .iter()
            .map(|(id, peer)| Peer {
                info: DefaultNodeInfo {
                    default_node_id: id.to_string(),
                    listen_addr: peer.address.to_string(),
                    network: self.settings.chain_id.clone(),
                    moniker: peer.moniker.clone(),
                    ..DefaultNodeInfo::default()
                },
                outbound: format!("{:?}", peer.connection_direction).contains("Outbound"),
                remote_ip: ip_of(&peer.address),
            })
            .collect()
    }

    fn write_metrics(&self, text: &mut String) {
        malachitebft_metrics::export(text);
    }
}

fn ip_of(address: &libp2p::Multiaddr) -> String {
    use libp2p::multiaddr::Protocol;
    address
        .iter()
        .find_map(|part| match part {
            Protocol::Ip4(ip) => Some(ip.to_string()),
            Protocol::Ip6(ip) => Some(ip.to_string()),
            _ => None,
        })
        .unwrap_or_default()
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // A closed channel means that whoever could ask for a stop is gone: that is one too.
    let _ = stop.wait_for(|stopped| *stopped).await;
}

/// Hands callbacks to the driver's thread and answers those that need no order, until something ends.
async fn supervise(
    mut channels: Channels<VeContext>,
    handle: EngineHandle,
    mut driver: Driver,
    core: Arc<Core>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), Halt> {
    let (to_driver, mut callbacks) = mpsc::channel::<Callback>(CALLBACKS);
    let (failed, mut failure) = oneshot::channel();
    let thread = std::thread::Builder::new().name("execution".into()).spawn(move || {
        while let Some(callback) = callbacks.blocking_recv() {
            if let Err(halt) = driver.handle(callback) {
                let _ = failed.send(halt);
                return;
            }
        }
    });
    let thread = thread.map_err(broken)?;
    let result = loop {
        tokio::select! {
            () = stopped(&mut stop) => break Ok(()),
            halt = &mut failure => break Err(halt.unwrap_or_else(|_| broken("execution ended unexpectedly"))),
            callback = channels.consensus.recv() => match callback {
                None => break Err(broken("it stopped; see the log above")),
                Some(AppMsg::GetHistoryMinHeight { reply }) => {
                    let _ = reply.send(Height(core.store.earliest()?));
                }
                Some(AppMsg::GetDecidedValues { range, reply }) => {
                    let core = core.clone();
                    tokio::task::spawn_blocking(move || {
                        let values = decided_values(&core, range.start().0, range.end().0);
                        let _ = reply.send(values.unwrap_or_else(|error| {
                            tracing::error!(%error, "cannot read blocks for a peer");
                            Vec::new()
                        }));
                    });
                }
                Some(callback) => {
                    if to_driver.send(callback).await.is_err() {
                        break Err((&mut failure).await.unwrap_or_else(|_| broken("execution ended unexpectedly")));
                    }
                }
            },
        }
    };
    // The block being executed is finished first, so that nothing is half done on disk.
    drop(to_driver);
    drop(channels);
    let joined = tokio::task::spawn_blocking(move || thread.join()).await;
    if !matches!(joined, Ok(Ok(()))) {
        return Err(broken("execution panicked; see the log above"));
    }
    handle.actor.stop(None);
    if tokio::time::timeout(STOP_TIMEOUT, handle.handle).await.is_err() {
        tracing::warn!("the consensus engine did not end in time");
    }
    result
}

/// Blocks with their certificates for a peer that syncs. The range is the peer's wish: it is cut to what is here.
fn decided_values(core: &Core, first: u64, last: u64) -> Result<Vec<RawDecidedValue<VeContext>>, Halt> {
    let last = last.min(core.last_height()).min(first.saturating_add(MAX_SYNC_BLOCKS - 1));
    let mut values = Vec::new();
    let mut bytes = 0usize;
    for height in first.max(core.store.earliest()?)..=last {
        let (Some(block), Some(commit)) = (core.store.block_bytes(height)?, core.store.commit(height)?) else { break };
        bytes = bytes.saturating_add(block.len()).saturating_add(commit.encoded_len());
        if bytes > MAX_SYNC_BYTES && !values.is_empty() {
            break;
        }
        let Some(certificate) = commits::certificate(&commit) else {
            return Err(broken(format!("the stored commit of block {height} is damaged")));
        };
        values.push(RawDecidedValue::new(block, certificate));
    }
    Ok(values)
}
