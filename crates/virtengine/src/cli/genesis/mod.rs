//! `virtengine genesis`: how the people of a new network make its first state together, how it is checked, and how the
//! state of a chain becomes the first state of another one (platform spec section 3.4).
//!
//! The same inputs give the same bytes, whoever types them and in which order, so that the file's hash can be compared.

mod accounts;
mod check;
mod export;
mod file;
mod gentx;

use std::path::PathBuf;

use ve_node::config::Home;

use super::{CliError, Context};

#[derive(Debug, clap::Subcommand)]
pub enum GenesisCommand {
    /// Begin the genesis file of a new network
    Init(file::InitArgs),
    /// Give an account its first coins
    AddAccount(accounts::AddAccountArgs),
    /// Sign for being a validator from the first block on
    Gentx(Box<gentx::GentxArgs>),
    /// Put the signed validators of all participants into the genesis file
    CollectGentxs(gentx::CollectArgs),
    /// Try a genesis file without starting a node
    Validate(check::ValidateArgs),
    /// Write the state of a stopped node as a genesis file
    Export(export::ExportArgs),
    /// Bring a genesis file of another release to this one
    Migrate(export::MigrateArgs),
}

/// The genesis file that a command works on.
#[derive(Debug, clap::Args)]
pub struct Target {
    /// The genesis file [default: the one of the node's home]
    #[arg(long, value_name = "FILE")]
    genesis: Option<PathBuf>,
}

impl Target {
    fn path(&self, context: &Context) -> PathBuf {
        self.genesis.clone().unwrap_or_else(|| home(context).genesis())
    }
}

/// The home of the node, as `virtengine node` finds it.
fn home(context: &Context) -> Home {
    Home(context.global.home.clone().unwrap_or_else(|| PathBuf::from("virtengine-node")))
}

fn failed(cause: impl std::fmt::Display) -> CliError {
    CliError::Failed(cause.to_string())
}

pub fn run(context: &Context, command: GenesisCommand) -> Result<(), CliError> {
    match command {
        GenesisCommand::Init(arguments) => file::init(context, &arguments),
        GenesisCommand::AddAccount(arguments) => accounts::add(context, &arguments),
        GenesisCommand::Gentx(arguments) => gentx::make(context, &arguments),
        GenesisCommand::CollectGentxs(arguments) => gentx::collect(context, &arguments),
        GenesisCommand::Validate(arguments) => check::validate(context, &arguments),
        GenesisCommand::Export(arguments) => export::export(context, &arguments),
        GenesisCommand::Migrate(arguments) => export::migrate(context, &arguments),
    }
}
