//! A whole node in one process: stores, mempool, consensus, interfaces.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use ve_base::keys::ConsensusSecret;
use ve_sdk::application::Application;

use crate::blockstore::BlockStore;
use crate::config::{Home, NodeConfig};
use crate::core::{Core, Halt, Parts};
use crate::engine::malachite::Malachite;
use crate::engine::{self, Ended, Engine};
use crate::evidence::EvidencePool;
use crate::genesis::Genesis;
use crate::gossip::{self, GossipConfig, Sources};
use crate::index::Index;
use crate::keys;
use crate::mempool::Mempool;
use crate::metrics::{self, Health, Metrics};
use crate::rpc::backend::NodeView;
use crate::rpc::services::Services;
use crate::rpc::{self, Backend, server};
use crate::signer::{LocalSigner, RemoteSigner, ValidatorSigner, link_id, link_seed};
use crate::statesync;
use crate::view::View;

/// How often connected peers are counted.
const PEER_REFRESH: Duration = Duration::from_secs(2);
/// How often the age of the last block is looked at.
const WATCH: Duration = Duration::from_secs(5);
/// How long a starting node waits for its remote signer.
const SIGNER_TIMEOUT: Duration = Duration::from_secs(60);

/// What a new node is known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// 32-byte ed25519 consensus key, for the genesis document or a create-validator transaction.
    pub validator_key: [u8; 32],
    /// SHA-256(consensus key)[..20].
    pub validator_address: [u8; 20],
    /// Lower hex of SHA-256(node key)[..20], CometBFT's node id.
    pub node_id: String,
}

/// What a node without an own consensus key is known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeIdentity {
    /// As in [`Identity`].
    pub node_id: String,
    /// What a remote signer must know of the node.
    pub link_id: String,
}

/// Creates the directories and keys of a home that are not there yet; changes nothing that is.
pub fn create_keys(home: &Home) -> Result<Identity> {
    let NodeIdentity { node_id, .. } = create_node_key(home)?;
    let validator = keys::load_or_create(&home.consensus_key())?;
    Ok(Identity { validator_key: validator.public(), validator_address: validator.address(), node_id })
}

/// As [`create_keys`] for a node whose consensus key is with a remote signer.
pub fn create_node_key(home: &Home) -> Result<NodeIdentity> {
    for directory in [home.0.clone(), home.0.join("config"), home.data()] {
        keys::create_private(&directory)?;
    }
    let node = keys::load_or_create(&home.node_key())?;
    let link_id = link_id(link_seed(&node.seed())).context("the node key makes no identity")?;
    Ok(NodeIdentity { node_id: hex::encode(node.address()), link_id: link_id.to_string() })
}

/// Whoever signs for this node: the key in its home, or the remote signer of its configuration.
async fn signer(
    home: &Home,
    config: &NodeConfig,
    genesis: &Genesis,
    node_key: &ConsensusSecret,
) -> Result<Arc<dyn ValidatorSigner>> {
    let address = &config.validator.signer;
    if address.is_empty() {
        let key = keys::load_or_create(&home.consensus_key())?;
        return Ok(Arc::new(LocalSigner::open(&genesis.chain_id, key, &home.guard())?));
    }
    if home.consensus_key().exists() {
        bail!(
            "{} is here although validator.signer names a remote signer; keep the key in one place only",
            home.consensus_key().display()
        );
    }
    tracing::info!(address, "waiting for the remote signer");
    let connected = tokio::time::timeout(SIGNER_TIMEOUT, RemoteSigner::connect(address, link_seed(&node_key.seed())));
    let signer = connected.await.with_context(|| {
        format!("the remote signer {address} does not answer; start it, and name this node's link id to it")
    })??;
    Ok(Arc::new(signer))
}

/// Makes a home that [`Node::start`] accepts: keys, genesis file and configuration. A genesis file that is there must be
/// of the same chain; a configuration that is there stays.
pub fn init_home(home: &Home, genesis: &Genesis, config: &NodeConfig) -> Result<Identity> {
    let identity = create_keys(home)?;
    let path = home.genesis();
    if path.exists() {
        let there = Genesis::load(&path)?;
        if there.chain_id != genesis.chain_id {
            bail!("{} is of chain {}; choose another home directory", path.display(), there.chain_id);
        }
    } else {
        genesis.save(&path)?;
    }
    if !home.config().exists() {
        config.save(&home.config())?;
    }
    Ok(identity)
}

/// A running node. Dropping it does not stop the node; [`NodeHandle::stop`] does.
pub struct NodeHandle {
    view: Arc<View>,
    stop: watch::Sender<bool>,
    stopper: Stopper,
    consensus: Ended,
    tasks: Vec<JoinHandle<()>>,
}

/// Stops a node from elsewhere, e.g. from a signal handler.
#[derive(Clone)]
pub struct Stopper(watch::Sender<bool>);

impl Stopper {
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl NodeHandle {
    pub fn view(&self) -> Arc<dyn NodeView> {
        self.view.clone()
    }

    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Waits until the node ends by itself or through a [`Stopper`]: `Ok` after a stop, [`Halt::Planned`] at the
    /// configured height, else what went wrong. The process must then exit, non-zero unless it was a stop.
    pub async fn wait(mut self) -> Result<(), Halt> {
        let result = (&mut self.consensus).await;
        self.stop.send_replace(true);
        for task in self.tasks.drain(..) {
            if task.await.is_err() {
                tracing::error!("a task of the node panicked");
            }
        }
        result
    }

    /// Finishes the block at hand, closes the interfaces and returns.
    pub async fn stop(self) -> Result<(), Halt> {
        self.stop.send_replace(true);
        self.wait().await
    }
}

/// Entry points for running a node.
pub struct Node;

fn database(path: &Path, name: &str) -> Result<std::path::PathBuf> {
    let path = path.join(name);
    std::fs::create_dir_all(&path).with_context(|| format!("cannot create {}", path.display()))?;
    Ok(path)
}

impl Node {
    /// Starts a node on `home` (see [`init_home`]). Returns when consensus runs and the interfaces listen.
    pub async fn start(home: &Home, config: NodeConfig, app: Arc<dyn Application>) -> Result<NodeHandle> {
        let genesis = Genesis::load(&home.genesis())?;
        let node_key = keys::load_or_create(&home.node_key())?;
        let signer = signer(home, &config, &genesis, &node_key).await?;
        let data = home.data();
        let store = Arc::new(BlockStore::open(&database(&data, "blocks")?)?);
        let index = Arc::new(Index::open(&database(&data, "index")?)?);
        let metrics = Arc::new(Metrics::default());
        let (mempool, admitted) = Mempool::new(app.clone(), config.mempool.limits());
        let (evidence, reported) = EvidencePool::new(store.clone());
        let parts = Parts {
            app,
            store,
            evidence: evidence.clone(),
            mempool: mempool.clone(),
            index: index.clone(),
            metrics: metrics.clone(),
            halt_height: config.consensus.halt_height,
        };
        let core = {
            let genesis = genesis.clone();
            // Reading genesis and replaying blocks can take long.
            tokio::task::spawn_blocking(move || Core::open(parts, &genesis))
        };
        let core = Arc::new(core.await.context("opening the chain panicked")??);
        let (stop, stopped) = watch::channel(false);
        let view = View::new(core.clone(), &config, home.genesis(), signer.public(), &node_key);
        let listeners = Listeners::bind(&config).await?;
        // An own identity: the consensus port proves the validator's key, this one must not.
        let gossip_seed = gossip::identity_seed(&node_key.seed());
        let engine: Arc<dyn Engine> = Arc::new(Malachite::new(settings(home, &config, &genesis), signer, node_key));
        let consensus = engine.start(core.clone(), stopped.clone()).await?;
        let mut tasks = listeners.serve(&config, view.clone(), index, engine.clone(), &stopped)?;
        tasks.push(tokio::spawn(refresh_peers(view.clone(), engine, stopped.clone())));
        tasks.push(tokio::spawn(watch_block_age(metrics.clone(), config.consensus.unhealthy_after, stopped.clone())));
        if config.mempool.gossip {
            let gossip_config = gossip_config(&config, &core.state().chain_id)?;
            let sources = Sources { core: core.clone(), admitted, reported };
            tasks.push(gossip::start(gossip_config, gossip_seed, sources, stopped)?);
        }
        tracing::info!(chain = core.state().chain_id, height = core.last_height(), "node started");
        Ok(NodeHandle { view, stopper: Stopper(stop.clone()), stop, consensus, tasks })
    }
}

/// Takes the last block of a stopped node back, see [`crate::core::roll_back`].
pub fn roll_back(home: &Home, app: impl FnOnce(u64) -> Result<(), String>) -> Result<u64> {
    let store = BlockStore::open(&database(&home.data(), "blocks")?)?;
    let index = Index::open(&database(&home.data(), "index")?)?;
    Ok(crate::core::roll_back(&store, &index, app)?)
}

/// Fills an empty node from a snapshot of its peers if the configuration says so: before [`Node::start`]. Can be dropped
/// at any point; what was fetched stays on disk for the next time.
pub async fn sync_state(home: &Home, config: &NodeConfig, app: Arc<dyn Application>) -> Result<()> {
    let Some(trust) = config.state_sync.trust()? else { return Ok(()) };
    let genesis = Genesis::load(&home.genesis())?;
    let node_key = keys::load_or_create(&home.node_key())?;
    let store = Arc::new(BlockStore::open(&database(&home.data(), "blocks")?)?);
    if let Some(state) = store.state()? {
        tracing::info!(height = state.last_height, "this node has a chain already: no state sync");
        return Ok(());
    }
    let peers = gossip_config(config, &genesis.chain_id)?.peers;
    anyhow::ensure!(peers.len() >= 2, "state sync needs two nodes or more in p2p.tx_peers");
    let parts = statesync::Parts {
        app,
        store,
        genesis: Arc::new(genesis),
        directory: home.state_sync(),
        peers,
        seed: gossip::identity_seed(&node_key.seed()),
        trust,
    };
    Ok(statesync::run(parts).await?)
}

fn multiaddr(address: std::net::SocketAddr) -> String {
    let family = if address.is_ipv4() { "ip4" } else { "ip6" };
    format!("/{family}/{}/tcp/{}", address.ip(), address.port())
}

fn settings(home: &Home, config: &NodeConfig, genesis: &Genesis) -> engine::Settings {
    engine::Settings {
        moniker: if config.moniker.is_empty() { "node".into() } else { config.moniker.clone() },
        chain_id: genesis.chain_id.clone(),
        listen: multiaddr(config.p2p.listen),
        persistent_peers: config.p2p.persistent_peers.clone(),
        persistent_peers_only: config.p2p.persistent_peers_only,
        discovery: config.p2p.discovery,
        max_inbound: config.p2p.max_inbound,
        max_outbound: config.p2p.max_outbound,
        max_per_ip: config.p2p.max_per_ip,
        block_interval: config.consensus.block_interval,
        timeout_propose: config.consensus.timeout_propose,
        timeout_prevote: config.consensus.timeout_prevote,
        timeout_precommit: config.consensus.timeout_precommit,
        timeout_delta: config.consensus.timeout_delta,
        wal: home.data().join("wal/consensus.wal"),
    }
}

fn gossip_config(config: &NodeConfig, chain_id: &str) -> Result<GossipConfig> {
    let parse = |text: &String| text.parse().with_context(|| format!("`{text}` is not a multiaddress"));
    Ok(GossipConfig {
        chain_id: chain_id.to_owned(),
        listen: parse(&multiaddr(config.p2p.tx_listen))?,
        peers: config.p2p.tx_peers.iter().map(parse).collect::<Result<_>>()?,
        max_inbound: u32::try_from(config.p2p.max_inbound).unwrap_or(u32::MAX),
        max_outbound: u32::try_from(config.p2p.max_outbound).unwrap_or(u32::MAX),
        ban: gossip::BAN,
    })
}

/// Ports are taken before consensus starts, so that a busy one is an error and not a half-running node.
struct Listeners {
    comet: TcpListener,
    grpc: TcpListener,
    rest: TcpListener,
    metrics: Option<TcpListener>,
}

impl Listeners {
    async fn bind(config: &NodeConfig) -> Result<Self> {
        let bind = async |address: std::net::SocketAddr| {
            TcpListener::bind(address).await.with_context(|| {
                format!("cannot listen on {address}; stop the program that does, or change the port in node.toml")
            })
        };
        Ok(Self {
            comet: bind(config.rpc.listen).await?,
            grpc: bind(config.rpc.grpc).await?,
            rest: bind(config.rpc.rest).await?,
            metrics: if config.metrics.enabled { Some(bind(config.metrics.listen).await?) } else { None },
        })
    }

    fn serve(
        self,
        config: &NodeConfig,
        view: Arc<View>,
        index: Arc<Index>,
        engine: Arc<dyn Engine>,
        stop: &watch::Receiver<bool>,
    ) -> Result<Vec<JoinHandle<()>>> {
        let backend = Backend { view: view.clone(), index };
        let services = Arc::new(Services::new(backend.clone()));
        let most = config.rpc.max_connections;
        let comet = rpc::comet::router(rpc::comet::Comet::new(backend, services.clone()));
        let grpc = rpc::grpc::router(services.clone()).context("the schema for reflection does not load")?;
        let rest = rpc::rest::router(services).context("the schema for REST does not load")?;
        let mut tasks = vec![
            tokio::spawn(server::serve(self.comet, comet, most, stop.clone())),
            tokio::spawn(server::serve(self.grpc, grpc, most, stop.clone())),
            tokio::spawn(server::serve(self.rest, rest, most, stop.clone())),
        ];
        if let Some(listener) = self.metrics {
            let metrics = view.metrics();
            let health: Arc<dyn Health> = Arc::new(NodeHealth {
                view,
                metrics: metrics.clone(),
                unhealthy_after: config.consensus.unhealthy_after,
            });
            let router = metrics::router(metrics, health, move |text: &mut String| engine.write_metrics(text));
            tasks.push(tokio::spawn(server::serve(listener, router, 64, stop.clone())));
        }
        Ok(tasks)
    }
}

struct NodeHealth {
    view: Arc<View>,
    metrics: Arc<Metrics>,
    unhealthy_after: Duration,
}

impl Health for NodeHealth {
    fn healthy(&self) -> Result<(), String> {
        let age = self.metrics.block_age();
        if age > self.unhealthy_after {
            return Err(format!("no block for {} s; see the log and the peers", age.as_secs()));
        }
        Ok(())
    }

    fn ready(&self) -> Result<(), String> {
        if self.view.catching_up() {
            return Err("blocks are being fetched".into());
        }
        if self.view.latest_height() == 0 {
            return Err("there is no block yet".into());
        }
        self.healthy()
    }
}

async fn pause(time: Duration, stop: &mut watch::Receiver<bool>) -> bool {
    tokio::time::timeout(time, stop.wait_for(|stopped| *stopped)).await.is_err()
}

async fn refresh_peers(view: Arc<View>, engine: Arc<dyn Engine>, mut stop: watch::Receiver<bool>) {
    while pause(PEER_REFRESH, &mut stop).await {
        view.set_peers(engine.peers().await);
    }
}

/// The engine hangs on purpose when its log fails or contradicts itself: say so where an operator looks.
async fn watch_block_age(metrics: Arc<Metrics>, limit: Duration, mut stop: watch::Receiver<bool>) {
    let mut warned = false;
    while pause(WATCH, &mut stop).await {
        let age = metrics.block_age();
        if age > limit && !warned {
            tracing::error!(
                seconds = age.as_secs(),
                "no block is committed; if the others go on, look for `node_safety_failure` in the metrics and restart"
            );
        }
        warned = age > limit;
    }
}
