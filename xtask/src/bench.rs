//! `cargo xtask bench`: measurements, each beside a peer or the physical limit in the same run.

use anyhow::Result;

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// State commits beside the bare tree and store.
    Chain {
        /// Accounts that exist before the measurement.
        #[arg(long, default_value_t = 1_000_000)]
        accounts: u64,
    },
}

/// Builds the measuring programs optimised and runs them.
pub fn run(args: &Args) -> Result<()> {
    let What::Chain { accounts } = &args.what;
    let accounts = accounts.to_string();
    let store = ["run", "--release", "-p", "ve-store", "--features", "bench", "--example", "bench", "--", &accounts];
    crate::command::cargo(&crate::workspace::root()?, &store)
}
