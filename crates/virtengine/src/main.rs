//! The one binary: builds the command line, wires the daemons, runs.

mod cli;
mod daemon;
mod localnet;
mod node;
mod provider;
mod signer;
mod supervise;
mod verifier;

use std::process::ExitCode;

use clap::{Args as _, Command, FromArgMatches as _, Subcommand as _};

/// Many threads allocate at once: transactions are checked while a block is executed. Huge pages are off (a feature of the
/// dependency), since with them an idle node holds much more than it uses.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn command() -> Command {
    cli::command()
        .subcommand(localnet::LocalnetArgs::augment_args(
            Command::new("localnet").about("Run a whole network on this machine and try a deployment on it"),
        ))
        .subcommand(node::NodeCommand::augment_subcommands(
            Command::new("node").about("Run a node of the chain").subcommand_required(true),
        ))
        .subcommand(provider::ProviderCommand::augment_subcommands(
            Command::new("provider").about("Sell this machine's capacity").subcommand_required(true),
        ))
        .subcommand(verifier::VerifierCommand::augment_subcommands(
            Command::new("verifier").about("Read evidence of identity and score it").subcommand_required(true),
        ))
}

fn main() -> ExitCode {
    // The keeper of a container starts before any thread exists, and never returns.
    let mut arguments = std::env::args_os();
    if arguments.nth(1).is_some_and(|first| first == ve_provider::backend::container::SHIM_COMMAND) {
        let arguments: Vec<String> = arguments.map(|argument| argument.to_string_lossy().into_owned()).collect();
        return ve_provider::backend::container::shim_main(&arguments);
    }
    ve_client::rpc::install_crypto();
    let matches = command().get_matches();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    runtime.block_on(async {
        if let Some(code) = cli::run(&matches).await {
            return code;
        }
        let global = cli::Global::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        let result = match matches.subcommand() {
            Some(("localnet", arguments)) => {
                let arguments = localnet::LocalnetArgs::from_arg_matches(arguments).unwrap_or_else(|e| e.exit());
                localnet::run(&global, arguments).await
            }
            Some(("node", arguments)) => {
                let command = node::NodeCommand::from_arg_matches(arguments).unwrap_or_else(|e| e.exit());
                node::run(&global, command).await
            }
            Some(("provider", arguments)) => {
                let command = provider::ProviderCommand::from_arg_matches(arguments).unwrap_or_else(|e| e.exit());
                provider::run(&global, command).await
            }
            Some(("verifier", arguments)) => {
                let command = verifier::VerifierCommand::from_arg_matches(arguments).unwrap_or_else(|e| e.exit());
                verifier::run(&global, command).await
            }
            _ => Ok(()),
        };
        match result {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => cli::report(&error, global.output),
        }
    })
}

#[cfg(test)]
#[path = "documents_tests.rs"]
mod documents_tests;
