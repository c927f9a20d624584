//! `virtengine provider`: set up, register, run and look after a provider's daemon.

mod queue;
mod setup;
mod start;

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use ve_client::RpcClient;
use ve_provider::config::{Home, ProviderConfig};

use crate::cli::Global;

pub use setup::{init, new_phrase, register};

#[derive(Debug, clap::Subcommand)]
pub enum ProviderCommand {
    /// Create keys and a configuration
    Init,
    /// Register on the chain: provider, bond, daemon key, gateway certificate
    Register {
        /// Bond in VE
        #[arg(long, default_value_t = 1000)]
        bond: u64,
        /// Attribute that customers can ask for, as KEY=VALUE
        #[arg(long = "attribute", value_name = "KEY=VALUE")]
        attributes: Vec<String>,
    },
    /// Run until Ctrl-C; workloads keep running
    Start,
    /// Look after the commands that the daemon carries out
    #[command(subcommand)]
    Queue(queue::QueueCommand),
}

fn home(global: &Global) -> Home {
    Home(global.home.clone().unwrap_or_else(|| PathBuf::from("virtengine-provider")))
}

pub async fn run(global: &Global, command: ProviderCommand) -> Result<()> {
    let home = home(global);
    match command {
        ProviderCommand::Init => {
            let rpc = RpcClient::new(&global.node)?;
            let chain_id = rpc.status().await?.chain_id;
            let phrase = new_phrase()?;
            let address = init(&home, &ProviderConfig::new(&chain_id, global.node.clone()), &phrase)?;
            println!("provider account  {address}");
            println!("write these words down; they are shown once:\n{}", phrase.as_str());
            println!("next: send VE to the account, edit {}, then `provider register`", home.config().display());
            Ok(())
        }
        ProviderCommand::Register { bond, attributes } => {
            let attributes = attributes
                .iter()
                .map(|text| text.split_once('=').with_context(|| format!("{text:?} is not KEY=VALUE")))
                .map(|pair| pair.map(|(key, value)| (key.to_owned(), value.to_owned())))
                .collect::<Result<Vec<_>>>()?;
            register(&home, bond, &attributes).await
        }
        ProviderCommand::Start => start::start(&home).await,
        ProviderCommand::Queue(command) => queue::run(&home, global.output, command).await,
    }
}
