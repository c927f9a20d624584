//! `virtengine node`: a node of the chain in this process.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use ve_app::{App, Options};
use ve_node::config::{Home, NodeConfig};
use ve_node::core::Halt;
use ve_node::node::Node;
use ve_sdk::application::Application;

use crate::cli::Global;
use crate::daemon;

#[derive(Debug, clap::Subcommand)]
pub enum NodeCommand {
    /// Create keys and a configuration; the genesis file comes from the network
    Init,
    /// Run until Ctrl-C
    Start,
    /// Print the state as the `app_state` of a genesis file
    Export,
}

fn home(global: &Global) -> Home {
    Home(global.home.clone().unwrap_or_else(|| PathBuf::from("virtengine-node")))
}

/// Opens the application of a home with the node's settings.
fn open_app(home: &Home, config: &NodeConfig) -> Result<Arc<dyn Application>> {
    let price = config.app.minimum_gas_price.trim_end_matches(ve_base::BASE_DENOM);
    let keep = config.app.keep_states;
    let options = Options {
        store: ve_store::Options {
            pruning: if keep == 0 { ve_store::Pruning::Nothing } else { ve_store::Pruning::Custom { keep } },
            ..ve_store::Options::default()
        },
        check_invariants: config.app.check_invariants,
        min_gas_price: price.parse().with_context(|| {
            format!("app.minimum_gas_price {:?} is not a decimal with uve", config.app.minimum_gas_price)
        })?,
        ..Options::default()
    };
    std::fs::create_dir_all(home.state())?;
    Ok(Arc::new(App::open(&home.state(), options)?))
}

pub async fn run(global: &Global, command: NodeCommand) -> Result<()> {
    let home = home(global);
    match command {
        NodeCommand::Init => {
            let identity = ve_node::node::create_keys(&home)?;
            if !home.config().exists() {
                NodeConfig::default().save(&home.config())?;
            }
            println!("node id            {}", identity.node_id);
            println!("validator address  {}", hex::encode_upper(identity.validator_address));
            println!("next: put the network's genesis file at {}", home.genesis().display());
            Ok(())
        }
        NodeCommand::Export => {
            let config = NodeConfig::load(&home.config())?;
            let app = open_app(&home, &config)?;
            println!("{}", serde_json::to_string_pretty(&app.export()?)?);
            Ok(())
        }
        NodeCommand::Start => start(&home).await,
    }
}

async fn start(home: &Home) -> Result<()> {
    daemon::log("info");
    daemon::listen();
    let config = NodeConfig::load(&home.config())?;
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
