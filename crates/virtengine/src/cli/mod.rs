//! The command line: what people and scripts type. Every command prints for people by default and JSON with
//! `--output json`; exit codes are 0 done, 1 error, 2 usage, 3 rejected on chain, 4 timeout.

mod audit;
mod context;
mod deploy;
mod doctor;
mod envelope;
mod error;
mod genesis;
mod keys;
mod lease;
mod output;
mod sdl;
mod tree;
mod tx;

use std::process::ExitCode;

use clap::{ArgMatches, Args as _, Command, FromArgMatches as _, Subcommand as _};

pub use context::{Context, Global};
pub use error::{CliError, report};
pub use output::Output;

/// The commands of users; the daemons' commands are added by the caller.
pub fn command() -> Command {
    let command = Command::new("virtengine")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Buy and sell computing power on a proof-of-stake chain")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(keys::KeysCommand::augment_subcommands(
            Command::new("keys").about("Keep the keys of accounts").subcommand_required(true),
        ))
        .subcommand(tree::transactions())
        .subcommand(tree::queries())
        .subcommand(deploy::DeployArgs::augment_args(
            Command::new("deploy").about("Run the workload of a deployment file"),
        ))
        .subcommand(lease::LeaseCommand::augment_subcommands(
            Command::new("lease").about("Watch, enter and end what runs").subcommand_required(true),
        ))
        .subcommand(envelope::EnvelopeCommand::augment_subcommands(
            Command::new("envelope").about("Seal data for named accounts, and open it").subcommand_required(true),
        ))
        .subcommand(audit::AuditCommand::augment_subcommands(
            Command::new("audit").about("Export the audit log and check exports").subcommand_required(true),
        ))
        .subcommand(sdl::SdlCommand::augment_subcommands(
            Command::new("sdl").about("Check and convert deployment files").subcommand_required(true),
        ))
        .subcommand(genesis::GenesisCommand::augment_subcommands(
            Command::new("genesis")
                .about("Make, check and carry over the beginning of a chain")
                .subcommand_required(true),
        ))
        .subcommand(doctor::DoctorArgs::augment_args(
            Command::new("doctor").about("Find out why something does not work").after_help(doctor::AFTER_HELP),
        ));
    Global::augment_args(command)
}

/// Runs a command of [`command`]; `None` when the name belongs to somebody else.
pub async fn run(matches: &ArgMatches) -> Option<ExitCode> {
    let global = match Global::from_arg_matches(matches) {
        Ok(global) => global,
        Err(error) => error.exit(),
    };
    let output = global.output;
    let context = Context::new(global);
    let (name, arguments) = matches.subcommand()?;
    let result = match name {
        "keys" => keys::run(&context, parsed(keys::KeysCommand::from_arg_matches(arguments))),
        "tx" => tx::run(&context, arguments).await,
        "query" => tree::run_query(&context, arguments).await,
        "deploy" => deploy::run(&context, parsed(deploy::DeployArgs::from_arg_matches(arguments))).await,
        "lease" => lease::run(&context, parsed(lease::LeaseCommand::from_arg_matches(arguments))).await,
        "envelope" => envelope::run(&context, parsed(envelope::EnvelopeCommand::from_arg_matches(arguments))).await,
        "audit" => audit::run(&context, parsed(audit::AuditCommand::from_arg_matches(arguments))).await,
        "sdl" => sdl::run(&context, parsed(sdl::SdlCommand::from_arg_matches(arguments))),
        "genesis" => genesis::run(&context, parsed(genesis::GenesisCommand::from_arg_matches(arguments))),
        "doctor" => doctor::run(&context, parsed(doctor::DoctorArgs::from_arg_matches(arguments))).await,
        _ => return None,
    };
    Some(match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error.print(output);
            ExitCode::from(error.exit_code())
        }
    })
}

fn parsed<T>(result: Result<T, clap::Error>) -> T {
    result.unwrap_or_else(|error| error.exit())
}
