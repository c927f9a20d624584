//! `virtengine localnet`: a whole network on this machine. Every process is a real one, started from this executable;
//! stopping and starting again with the same home continues the same chain.

mod ending;
mod flow;
mod genesis;
mod layout;
mod network;
mod process;
mod settle;
mod steps;

use std::fs::File;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use ve_provider::backend::container::{ContainerBackend, ContainerConfig};
use ve_provider::backend::{Observe as _, Place as _};
use ve_provider::config::Home as ProviderHome;

pub use self::layout::{MAX_BASE_PORT, PortPlan};

use self::layout::{Descriptor, Layout};
use self::network::Network;
use self::steps::Steps;
use crate::cli::Global;
use crate::daemon::{asked_again, listen};

/// Exit code of a process that Ctrl-C ended.
const INTERRUPTED: i32 = 130;
/// Most validators of a local network: more would only be slow.
const MAX_VALIDATORS: u16 = 32;

#[derive(Debug, clap::Args)]
pub struct LocalnetArgs {
    #[command(subcommand)]
    command: Option<LocalnetCommand>,
    /// Validators of a new network, each a process of its own
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=i64::from(MAX_VALIDATORS)))]
    validators: u16,
    /// Run this long, e.g. 60s or 5m, then stop; until Ctrl-C when absent
    #[arg(long = "for", value_name = "DURATION", value_parser = humantime::parse_duration)]
    duration: Option<Duration>,
    /// Deployment file to run for the customer
    #[arg(long, value_name = "FILE")]
    deploy: Option<PathBuf>,
    /// First of the ports to use, instead of the well-known ones
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1024..=i64::from(MAX_BASE_PORT)))]
    base_port: Option<u16>,
}

#[derive(Debug, clap::Subcommand)]
enum LocalnetCommand {
    /// Remove a local network with everything in it
    Reset {
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

fn default_home() -> PathBuf {
    let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share"));
    data.or_else(home).unwrap_or_else(|| PathBuf::from(".")).join("virtengine/localnet")
}

pub async fn run(global: &Global, arguments: LocalnetArgs) -> Result<()> {
    let layout = Layout::new(global.home.clone().unwrap_or_else(default_home));
    if let Some(LocalnetCommand::Reset { yes }) = arguments.command {
        return reset(&layout, yes).await;
    }
    // Before anything is created or started for it.
    let file = arguments.deploy.as_deref().map(flow::read).transpose()?;
    listen();
    let steps = Steps::new(global.output);
    tokio::select! {
        result = live(layout, &arguments, file.as_deref(), &steps) => result,
        () = asked_again() => {
            process::kill_all();
            eprintln!(
                "stopped at once; the same command continues this chain, and `localnet reset` ends what still runs"
            );
            #[expect(clippy::disallowed_methods, reason = "the children are dead; a second Ctrl-C waits for nothing")]
            std::process::exit(INTERRUPTED)
        }
    }
}

/// From the first process to the settled end.
async fn live(layout: Layout, arguments: &LocalnetArgs, file: Option<&str>, steps: &Steps) -> Result<()> {
    let mut network = Network::start(layout, arguments, steps).await?;
    let result = if network.up { network.serve(arguments, file, steps).await } else { Ok(()) };
    let settled = network.settle(steps).await;
    network.stop(steps).await;
    result.and(settled)
}

async fn reset(layout: &Layout, yes: bool) -> Result<()> {
    if !layout.descriptor().exists() {
        bail!("{} holds no local network", layout.root.display());
    }
    if !yes {
        if !std::io::stdin().is_terminal() {
            bail!("refusing to remove {} without a terminal to ask at; add --yes", layout.root.display());
        }
        eprint!("Remove the network in {} with all its keys and data? [y/N] ", layout.root.display());
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer)?;
        if !matches!(answer.trim(), "y" | "Y" | "yes") {
            bail!("nothing was removed");
        }
    }
    let _lock = lock(layout)?;
    stop_strangers(layout)?;
    end_workloads(layout).await;
    std::fs::remove_dir_all(&layout.root).with_context(|| format!("cannot remove {}", layout.root.display()))
}

/// Workloads outlive a provider that was killed; without its home nobody would find them again.
async fn end_workloads(layout: &Layout) {
    let home = ProviderHome(layout.provider()).containers();
    if !home.exists() {
        return;
    }
    let ended = async {
        let backend = ContainerBackend::open(ContainerConfig::new(home)).await?;
        for workload in backend.list_owned().await? {
            backend.terminate(&workload.id).await?;
        }
        anyhow::Ok(())
    };
    if let Err(error) = ended.await {
        eprintln!("warning: workloads may still run: {error:#}");
    }
}

/// One supervisor per home; the lock goes with the process.
fn lock(layout: &Layout) -> Result<File> {
    let file = File::create(layout.lock()).with_context(|| format!("cannot write in {}", layout.root.display()))?;
    file.try_lock().with_context(|| format!("another localnet uses {}; stop that one first", layout.root.display()))?;
    Ok(file)
}

/// Ends processes that a killed supervisor left behind: two nodes must never run on one home.
fn stop_strangers(layout: &Layout) -> Result<()> {
    let Some(descriptor) = Descriptor::load(&layout.descriptor())? else { return Ok(()) };
    let provider = descriptor.provider.iter().map(|provider| (provider.pid, &provider.home));
    for (pid, home) in descriptor.nodes.iter().map(|node| (node.pid, &node.home)).chain(provider) {
        process::stop_stranger(pid, home)?;
    }
    Ok(())
}
