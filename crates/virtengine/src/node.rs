//! `virtengine node`: a node of the chain in this process.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use ve_app::{App, Options, SnapshotOptions};
use ve_node::config::{Home, NodeConfig};
use ve_node::core::Halt;
use ve_node::genesis::Genesis;
use ve_node::node::{Node, sync_state};
use ve_sdk::application::Application;
use ve_store::Store;

use crate::cli::Global;
use crate::daemon;
use crate::localnet::{MAX_BASE_PORT, PortPlan};
use crate::signer::{self, SignerCommand};
use crate::supervise::{self, SuperviseArgs};

#[derive(Debug, clap::Subcommand)]
pub enum NodeCommand {
    /// Create keys and a configuration; the genesis file comes from the network
    Init(InitArgs),
    /// Run until Ctrl-C
    Start(StartArgs),
    /// Run the release that the chain needs, and change over at planned upgrades
    Supervise(SuperviseArgs),
    /// Hold a validator's key for a node elsewhere
    #[command(subcommand)]
    Signer(SignerCommand),
    /// Take the last block of a stopped node back; the next start executes it again
    Rollback,
    /// Print the state as the `app_state` of a genesis file
    Export,
}

#[derive(Debug, clap::Args)]
pub struct StartArgs {
    /// Start an empty node from a snapshot of its tx-peers instead of from genesis
    #[arg(long, requires_all = ["trust_height", "trust_hash"])]
    state_sync: bool,
    /// A height whose header hash you know from a source that you trust, at most a week old
    #[arg(long, value_name = "HEIGHT", requires = "state_sync")]
    trust_height: Option<u64>,
    /// The hash of that header
    #[arg(long, value_name = "HEX", requires = "state_sync")]
    trust_hash: Option<String>,
}

#[derive(Debug, clap::Args)]
pub struct InitArgs {
    /// Genesis file of the network, copied into the home
    #[arg(long, value_name = "FILE")]
    genesis: Option<PathBuf>,
    /// Name that peers see
    #[arg(long)]
    moniker: Option<String>,
    /// Node to get blocks from, such as /ip4/10.0.0.2/tcp/26656; can be repeated
    #[arg(long = "peer", value_name = "ADDRESS")]
    peers: Vec<String>,
    /// Node to exchange transactions with, such as /ip4/10.0.0.2/tcp/26655; can be repeated
    #[arg(long = "tx-peer", value_name = "ADDRESS")]
    tx_peers: Vec<String>,
    /// Remote signer that has the validator's key, as `node signer init` prints it
    #[arg(long, value_name = "ADDRESS")]
    signer: Option<String>,
    /// First of the ports to listen on, on loopback only, instead of the well-known ones
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1024..=i64::from(MAX_BASE_PORT)))]
    base_port: Option<u16>,
}

fn home(global: &Global) -> Home {
    Home(global.home.clone().unwrap_or_else(|| PathBuf::from("virtengine-node")))
}

/// How the node keeps its states.
fn store_options(config: &NodeConfig) -> ve_store::Options {
    let keep = config.app.keep_states;
    ve_store::Options {
        pruning: if keep == 0 { ve_store::Pruning::Nothing } else { ve_store::Pruning::Custom { keep } },
        ..ve_store::Options::default()
    }
}

/// Opens the application of a home with the node's settings.
fn open_app(home: &Home, config: &NodeConfig) -> Result<Arc<dyn Application>> {
    let price = config.app.minimum_gas_price.trim_end_matches(ve_base::BASE_DENOM);
    let options = Options {
        store: store_options(config),
        check_invariants: config.app.check_invariants,
        min_gas_price: price.parse().with_context(|| {
            format!("app.minimum_gas_price {:?} is not a decimal with uve", config.app.minimum_gas_price)
        })?,
        snapshots: Some(SnapshotOptions {
            directory: home.snapshots(),
            interval: config.snapshots.interval,
            keep: config.snapshots.keep,
        }),
        ..Options::default()
    };
    std::fs::create_dir_all(home.state())?;
    Ok(Arc::new(App::open(&home.state(), options)?))
}

pub async fn run(global: &Global, command: NodeCommand) -> Result<()> {
    let home = home(global);
    match command {
        NodeCommand::Init(arguments) => init(&home, arguments),
        NodeCommand::Export => {
            let config = NodeConfig::load(&home.config())?;
            let app = open_app(&home, &config)?;
            println!("{}", serde_json::to_string_pretty(&app.export()?)?);
            Ok(())
        }
        NodeCommand::Rollback => roll_back(&home),
        NodeCommand::Start(arguments) => start(&home, arguments).await,
        NodeCommand::Supervise(arguments) => supervise::run(home, arguments).await,
        NodeCommand::Signer(command) => signer::run(global, command).await,
    }
}

impl InitArgs {
    fn config(self) -> NodeConfig {
        let mut config = NodeConfig { moniker: self.moniker.unwrap_or_default(), ..NodeConfig::default() };
        config.p2p.persistent_peers = self.peers;
        config.p2p.tx_peers = self.tx_peers;
        config.validator.signer = self.signer.unwrap_or_default();
        if let Some(base) = self.base_port {
            PortPlan::new(Some(base)).node(0).apply(&mut config);
        }
        config
    }

    fn configures(&self) -> bool {
        self.moniker.is_some()
            || self.signer.is_some()
            || self.base_port.is_some()
            || !self.peers.is_empty()
            || !self.tx_peers.is_empty()
    }
}

/// What is there stays; settings for a home that has some already are refused rather than ignored.
fn init(home: &Home, arguments: InitArgs) -> Result<()> {
    let genesis = arguments.genesis.clone();
    let chain = genesis.as_deref().map(Genesis::load).transpose()?.map(|genesis| genesis.chain_id);
    if let Some(chain) = chain.filter(|_| home.genesis().exists())
        && Genesis::load(&home.genesis())?.chain_id != chain
    {
        bail!("{} is of another chain; choose another --home", home.genesis().display());
    }
    if home.config().exists() && arguments.configures() {
        bail!("{} is there already; edit it, or choose another --home", home.config().display());
    }
    let node = ve_node::node::create_node_key(home)?;
    if !home.config().exists() {
        arguments.config().save(&home.config())?;
    }
    println!("node id            {}", node.node_id);
    println!("signer link id     {}", node.link_id);
    if NodeConfig::load(&home.config())?.validator.signer.is_empty() {
        let identity = ve_node::node::create_keys(home)?;
        println!("validator address  {}", hex::encode_upper(identity.validator_address));
    }
    if let Some(genesis) = genesis.filter(|_| !home.genesis().exists()) {
        // The file itself, so that its hash stays the one that the network publishes.
        std::fs::copy(&genesis, home.genesis()).with_context(|| format!("cannot copy {}", genesis.display()))?;
    }
    if home.genesis().exists() {
        println!("next: virtengine --home {} node start", home.0.display());
    } else {
        println!("next: put the network's genesis file at {}", home.genesis().display());
    }
    Ok(())
}

fn roll_back(home: &Home) -> Result<()> {
    let config = NodeConfig::load(&home.config())?;
    let height = ve_node::node::roll_back(home, |height| {
        let store = Store::open(home.state(), store_options(&config)).map_err(|error| error.to_string())?;
        match store.latest().map_err(|error| error.to_string())? {
            Some(reached) if reached == height => Ok(()),
            Some(reached) if reached == height.saturating_add(1) => match store.roll_back() {
                Ok(_) => Ok(()),
                Err(error) => Err(format!("{error}; keep two states or more with `app.keep_states`")),
            },
            reached => Err(format!(
                "the application is at height {}, the chain at {}; start the node once, it executes what is missing",
                reached.unwrap_or_default(),
                height.saturating_add(1),
            )),
        }
    })?;
    println!("the chain stands at height {height}; the next start executes block {} again", height.saturating_add(1));
    Ok(())
}

async fn start(home: &Home, arguments: StartArgs) -> Result<()> {
    daemon::log("info");
    daemon::listen();
    let mut config = NodeConfig::load(&home.config())?;
    if arguments.state_sync {
        let sync = &mut config.state_sync;
        sync.enabled = true;
        sync.trust_height = arguments.trust_height.unwrap_or_default();
        sync.trust_hash = arguments.trust_hash.unwrap_or_default();
        sync.trust()?;
    }
    let app = open_app(home, &config)?;
    let ended = run_until_end(home, config, app.clone()).await;
    write_upgrade_info(home, app.as_ref())?;
    ended
}

/// For a supervisor, which starts the release that the chain stopped for.
fn write_upgrade_info(home: &Home, app: &dyn Application) -> Result<()> {
    let Some(needed) = app.upgrade_needed() else { return Ok(()) };
    let path = home.data().join("upgrade-info.json");
    let info = serde_json::json!({"name": needed.name, "height": needed.height, "info": needed.info});
    std::fs::write(&path, info.to_string()).with_context(|| format!("cannot write {}", path.display()))
}

async fn run_until_end(home: &Home, config: NodeConfig, app: Arc<dyn Application>) -> Result<()> {
    tokio::select! {
        synced = sync_state(home, &config, app.clone()) => synced?,
        // What was fetched stays on disk.
        () = daemon::asked_to_stop() => return Ok(()),
    }
    let handle = Node::start(home, config, app).await?;
    let stopper = handle.stopper();
    tokio::spawn(async move {
        daemon::asked_to_stop().await;
        stopper.stop();
    });
    match handle.wait().await {
        Ok(()) => Ok(()),
        Err(halt @ Halt::Planned(_)) => {
            tracing::info!("{halt}");
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}
