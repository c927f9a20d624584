//! `virtengine node signer`: the process that holds a validator's key for a node elsewhere.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use tokio::sync::watch;
use ve_node::keys;
use ve_node::signer::{LocalSigner, SignerConfig, SignerHome, ValidatorSigner as _, link_id, serve};

use crate::cli::Global;
use crate::daemon;

#[derive(Debug, clap::Subcommand)]
pub enum SignerCommand {
    /// Create the key and a configuration; the key never leaves this home
    Init(InitArgs),
    /// Sign for the configured nodes until Ctrl-C
    Start,
}

#[derive(Debug, clap::Args)]
pub struct InitArgs {
    /// Where nodes reach the signer, such as /ip4/10.0.0.9/tcp/26659
    #[arg(long, value_name = "ADDRESS", default_value = "/ip4/127.0.0.1/tcp/26659")]
    listen: String,
    /// Link id of a node that is answered, as its `node init` prints it; can be repeated
    #[arg(long = "allow", value_name = "LINK_ID", required = true)]
    nodes: Vec<String>,
}

fn home(global: &Global) -> SignerHome {
    SignerHome(global.home.clone().unwrap_or_else(|| PathBuf::from("virtengine-signer")))
}

pub async fn run(global: &Global, command: SignerCommand) -> Result<()> {
    let home = home(global);
    match command {
        SignerCommand::Init(arguments) => init(global, &home, arguments),
        SignerCommand::Start => start(&home).await,
    }
}

/// A key that is there stays, so that a validator can move its key here first.
fn init(global: &Global, home: &SignerHome, arguments: InitArgs) -> Result<()> {
    let InitArgs { listen, nodes } = arguments;
    let chain_id = global.chain_id.clone().context("name the chain that is signed for with --chain-id")?;
    if home.config().exists() {
        bail!("{} is there already; edit it, or choose another --home", home.config().display());
    }
    for directory in ["", "config", "data"] {
        keys::create_private(&home.0.join(directory))?;
    }
    SignerConfig { chain_id, listen: listen.clone(), nodes }.save(&home.config())?;
    let key = keys::load_or_create(&home.consensus_key())?;
    let link = keys::load_or_create(&home.link_key())?;
    let id = link_id(link.seed()).context("the link key makes no identity")?;
    println!("validator address  {}", hex::encode_upper(key.address()));
    println!("validator key      {}", base64::Engine::encode(&base64::prelude::BASE64_STANDARD, key.public()));
    println!("signer             {listen}/p2p/{id}");
    println!("next: virtengine --home {} node signer start", home.0.display());
    Ok(())
}

async fn start(home: &SignerHome) -> Result<()> {
    daemon::log("info");
    daemon::listen();
    let config = SignerConfig::load(&home.config())?;
    // Two signers on one home would each think that they know what was signed last.
    let lock = std::fs::File::create(home.lock()).with_context(|| format!("cannot write {}", home.lock().display()))?;
    if rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_err() {
        bail!("another signer runs on {}; stop that one first", home.0.display());
    }
    if !home.consensus_key().exists() {
        bail!("{} is missing; run `virtengine node signer init`", home.consensus_key().display());
    }
    let key = keys::load_or_create(&home.consensus_key())?;
    let link = keys::load_or_create(&home.link_key())?;
    let signer = Arc::new(LocalSigner::open(&config.chain_id, key, &home.guard())?);
    tracing::info!(validator = %hex::encode_upper(ve_base::keys::consensus_address(&signer.public())), "signer started");
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        daemon::asked_to_stop().await;
        stop.send_replace(true);
    });
    serve(signer, &config, link.seed(), stopped).await
}
