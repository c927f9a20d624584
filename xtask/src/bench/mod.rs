//! `cargo xtask bench`: measurements, each beside a peer or the physical limit in the same run. Slow is never a failure.

mod table;

#[cfg(test)]
mod table_tests;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// State commits, the application alone and networks of real nodes, under signed transfers
    Chain(Chain),
}

#[derive(clap::Args)]
struct Chain {
    /// Accounts that exist before the measurement
    #[arg(long, default_value_t = 1_000_000)]
    accounts: u64,
    /// Sizes of the networks
    #[arg(long, value_delimiter = ',', default_value = "1,4")]
    validators: Vec<u16>,
    /// Signed transfers of the full load
    #[arg(long, default_value_t = 60_000)]
    transfers: u64,
    /// First of the ports that the nodes use, ten for each
    #[arg(long, default_value_t = 30_000, value_parser = clap::value_parser!(u16).range(1024..=65_000))]
    base_port: u16,
    /// Small sizes, to see that everything runs; the figures mean little
    #[arg(long)]
    quick: bool,
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    Text,
    Json,
}

/// Builds the measuring programs optimised and runs them one after another.
pub fn run(args: &Args) -> Result<()> {
    let What::Chain(chain) = &args.what;
    let programs = build()?;
    let accounts = if chain.quick { 20_000 } else { chain.accounts };
    let transfers = if chain.quick { 2_000 } else { chain.transfers };
    let validators: Vec<String> = chain.validators.iter().map(ToString::to_string).collect();

    eprintln!("state commits on {accounts} accounts");
    let store = measure(&programs.example("bench"), &[accounts.to_string()])?;
    eprintln!("the application without consensus");
    let application =
        measure(&programs.example("application"), &[accounts.to_string(), transfers.min(10_000).to_string()])?;
    eprintln!("networks of {} validators", validators.join(" and "));
    let network = measure(
        &programs.example("network"),
        &[
            format!("binary={}", programs.0.join("virtengine").display()),
            format!("validators={}", validators.join(",")),
            format!("accounts={accounts}"),
            format!("transfers={transfers}"),
            format!("base-port={}", chain.base_port),
            format!("seconds={}", if chain.quick { 3 } else { 15 }),
        ],
    )?;
    let report = json!({"accounts": accounts, "store": store, "application": application, "network": network});
    match chain.output {
        Output::Text => print!("{}", table::text(&report)),
        Output::Json => println!("{}", serde_json::to_string_pretty(&report)?),
    }
    Ok(())
}

/// The folder of the optimised programs.
struct Programs(PathBuf);

impl Programs {
    fn example(&self, name: &str) -> PathBuf {
        self.0.join("examples").join(name)
    }
}

fn build() -> Result<Programs> {
    let root = crate::workspace::root()?;
    // In one go, so that everything below is built once.
    let arguments = [
        "build",
        "--release",
        "-p=virtengine",
        "-p=ve-store",
        "-p=ve-testkit",
        "--bin=virtengine",
        "--features=ve-store/bench",
        "--example=bench",
        "--example=application",
        "--example=network",
    ];
    crate::command::cargo(&root, &arguments)?;
    let metadata = cargo_metadata::MetadataCommand::new()
        .current_dir(&root)
        .no_deps()
        .exec()
        .context("ask cargo where it builds")?;
    Ok(Programs(metadata.target_directory.join("release").into_std_path_buf()))
}

/// Runs a measuring program: its progress goes to the terminal, its standard output is one JSON document.
fn measure(program: &Path, arguments: &[String]) -> Result<Value> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("start {}", program.display()))?;
    if !output.status.success() {
        bail!("{} failed ({}), see above", program.display(), output.status);
    }
    serde_json::from_slice(&output.stdout).with_context(|| format!("{} printed no JSON", program.display()))
}
