//! Developer tasks that are not part of the product.

mod bench;
mod command;
mod deny;
mod layers;
mod new_module;
mod proto;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Developer tasks of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Sets up what the tests need and runs every check and test; the last line is `N passed, N failed, N skipped`.
    Test(test::Args),
    /// Checks the house rules that no compiler knows.
    Tidy,
    /// Checks that every crate depends only on what its layer may know.
    Layers,
    /// Checks licences and banned crates of everything that is built.
    Deny,
    /// Measures beside a peer or the physical limit.
    Bench(bench::Args),
    /// Writes a new chain module: schema, folder and its row in the table of modules.
    NewModule(new_module::Args),
    /// Generates the Rust code and descriptors from `proto/`.
    Proto {
        /// Compare with what is checked in and change nothing.
        #[arg(long)]
        check: bool,
    },
}

fn main() -> ExitCode {
    let result = match Cli::parse().task {
        Task::Test(args) => return test::run(&args),
        Task::Tidy => tidy::run(),
        Task::Layers => layers::run(),
        Task::Deny => deny::run(),
        Task::Bench(args) => bench::run(&args),
        Task::NewModule(args) => new_module::run(&args),
        Task::Proto { check } => proto::run(check),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
