//! `cargo xtask bench`: measurements, each beside a peer or the physical limit in the same run.

use anyhow::Result;

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// State commits beside the bare tree and store, then signed transfers beside bare signature verification.
    Chain {
        /// Accounts that exist before the measurement.
        #[arg(long, default_value_t = 1_000_000)]
        accounts: u64,
    },
}

/// Builds the measuring programs optimised and runs them one after another.
pub fn run(args: &Args) -> Result<()> {
    let What::Chain { accounts } = &args.what;
    let accounts = accounts.to_string();
    let root = crate::workspace::root()?;
    let parts: [(&str, &[&str]); 2] = [
        ("state commits", &["-p", "ve-store", "--features", "bench", "--example", "bench"]),
        ("the application without consensus", &["-p", "ve-testkit", "--example", "application"]),
    ];
    for (title, program) in parts {
        println!("{title}");
        crate::command::cargo(&root, &[&["run", "--quiet", "--release"], program, &["--", &accounts]].concat())?;
    }
    Ok(())
}
