//! `virtengine localnet`: a whole network on this machine. Every process is a real one, started from this executable;
//! stopping and starting again with the same home continues the same chain.

mod flow;
mod genesis;
mod layout;
mod process;
mod settle;
mod steps;

use std::fs::File;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::json;
use ve_client::{RpcClient, TxClient};

use self::layout::{Descriptor, Layout, LeaseEntry, MAX_BASE_PORT, NodeEntry, PortPlan, ProviderEntry};
use self::process::Process;
use self::steps::Steps;
use crate::cli::Global;
use crate::daemon::{asked_to_stop, listen};

/// Most validators of a local network: more would only be slow.
const MAX_VALIDATORS: u16 = 32;
const START_LIMIT: Duration = Duration::from_secs(60);
const WATCH: Duration = Duration::from_millis(500);

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
        return reset(&layout, yes);
    }
    listen();
    let steps = Steps::new(global.output);
    let mut network = Network::start(layout, &arguments, &steps).await?;
    let result = network.serve(&arguments, &steps).await;
    let settled = network.settle(&steps).await;
    network.stop(&steps).await;
    result.and(settled)
}

fn reset(layout: &Layout, yes: bool) -> Result<()> {
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
    std::fs::remove_dir_all(&layout.root).with_context(|| format!("cannot remove {}", layout.root.display()))
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

struct Network {
    layout: Layout,
    ports: PortPlan,
    descriptor: Descriptor,
    nodes: Vec<Process>,
    provider: Option<Process>,
    rpc: RpcClient,
    supply: ve_base::Amount,
    dseq: Option<u64>,
    _lock: File,
}

impl Network {
    async fn start(layout: Layout, arguments: &LocalnetArgs, steps: &Steps) -> Result<Self> {
        std::fs::create_dir_all(layout.logs()).with_context(|| format!("cannot create {}", layout.root.display()))?;
        let lock = lock(&layout)?;
        stop_strangers(&layout)?;
        let ports = PortPlan::new(arguments.base_port);
        let known = Descriptor::load(&layout.descriptor())?;
        let fresh = known.is_none();
        let mut descriptor = match known {
            Some(descriptor) => descriptor,
            None => genesis::create(&layout, ports, arguments.validators)?,
        };
        let count = (0..MAX_VALIDATORS).take_while(|index| layout.node(*index).exists()).count() as u16;
        let what = if fresh { "created" } else { "continued" };
        steps.done(
            "chain_home",
            &format!("network {} {what} in {}", descriptor.chain_id, layout.root.display()),
            json!({"home": layout.root, "fresh": fresh, "validators": count}),
        );
        let mut nodes = Vec::new();
        descriptor.nodes.clear();
        for index in 0..count {
            let home = layout.node(index);
            genesis::node_config(ports, index, count)?.save(&ve_node::config::Home(home.clone()).config())?;
            let arguments = vec!["node".into(), "start".into(), "--home".into(), home.display().to_string()];
            let process = Process::start(&format!("node{index}"), arguments, &layout.logs())?;
            descriptor.nodes.push(node_entry(ports, index, home, process.pid()));
            nodes.push(process);
        }
        descriptor.save(&layout.descriptor())?;
        let rpc = RpcClient::new(&descriptor.nodes.iter().map(|node| node.rpc.clone()).collect::<Vec<_>>())?;
        let mut network = Self {
            layout,
            ports,
            descriptor,
            nodes,
            provider: None,
            rpc,
            supply: ve_base::Amount::ZERO,
            dseq: None,
            _lock: lock,
        };
        let up = tokio::select! {
            up = network.bring_up(steps) => up,
            // Going on leads to the orderly end: `serve` sees the same signal.
            () = asked_to_stop() => Ok(()),
        };
        if let Err(error) = up {
            let words: Vec<String> = network.nodes.iter().map(Process::last_words).collect();
            network.stop(steps).await;
            bail!("{error:#}\n{}", words.join("\n"));
        }
        Ok(network)
    }

    async fn bring_up(&mut self, steps: &Steps) -> Result<()> {
        let height = flow::wait_for_blocks(&self.rpc, 1, START_LIMIT).await?;
        self.supply = settle::supply(&self.rpc).await?;
        steps.done(
            "chain_running",
            &format!("{} validator(s) make blocks, height {height}", self.nodes.len()),
            json!({"height": height, "rpc": self.descriptor.nodes.first().map(|node| &node.rpc)}),
        );
        let node = self.descriptor.nodes.first().map(|node| node.rpc.clone()).unwrap_or_default();
        flow::prepare_provider(&self.layout, self.ports, &self.descriptor, &node, steps).await?;
        let home = self.layout.provider();
        let arguments = vec!["provider".into(), "start".into(), "--home".into(), home.display().to_string()];
        let process = Process::start("provider", arguments, &self.layout.logs())?;
        let gateway = format!("https://127.0.0.1:{}", self.ports.gateway());
        let address = self.descriptor.account("provider").map(|account| account.address.clone()).unwrap_or_default();
        self.descriptor.provider = Some(ProviderEntry { address, gateway: gateway.clone(), home, pid: process.pid() });
        self.provider = Some(process);
        self.descriptor.save(&self.layout.descriptor())?;
        steps.done(
            "provider_started",
            &format!("provider daemon runs, gateway {gateway}"),
            json!({"gateway": gateway}),
        );
        Ok(())
    }

    /// Deploys if asked, shows what there is, and keeps the processes alive until the end.
    async fn serve(&mut self, arguments: &LocalnetArgs, steps: &Steps) -> Result<()> {
        let deadline = arguments.duration.map(|duration| tokio::time::Instant::now() + duration);
        let ended = async {
            match deadline {
                Some(deadline) => tokio::select! {
                    () = asked_to_stop() => {}
                    () = tokio::time::sleep_until(deadline) => {}
                },
                None => asked_to_stop().await,
            }
        };
        tokio::pin!(ended);
        if let Some(file) = &arguments.deploy {
            let (layout, rpc, descriptor) = (self.layout.clone(), self.rpc.clone(), self.descriptor.clone());
            let deployment = async {
                let customer = flow::signer(&rpc, &descriptor, "customer").await?;
                flow::deploy(&layout, &customer, file, steps).await
            };
            tokio::select! {
                deployed = deployment => self.remember(&deployed?)?,
                () = &mut ended => return Ok(()),
                error = keep_alive(&mut self.nodes, &mut self.provider, &mut self.descriptor, &self.layout) => {
                    return Err(error);
                }
            }
        }
        self.refresh_balances().await?;
        self.invite(steps);
        tokio::select! {
            () = &mut ended => Ok(()),
            error = keep_alive(&mut self.nodes, &mut self.provider, &mut self.descriptor, &self.layout) => Err(error),
        }
    }

    fn remember(&mut self, deployed: &ve_client::deploy::Deployed) -> Result<()> {
        self.dseq = Some(deployed.dseq);
        for lease in &deployed.leases {
            let entry = LeaseEntry {
                id: lease.id.clone(),
                deployment: deployed.dseq.to_string(),
                urls: lease.urls.clone(),
                state: "active".into(),
            };
            self.descriptor.leases.retain(|known| known.id != entry.id);
            self.descriptor.leases.push(entry);
        }
        self.descriptor.save(&self.layout.descriptor())
    }

    async fn refresh_balances(&mut self) -> Result<()> {
        for account in &mut self.descriptor.accounts {
            account.balance = settle::balance(&self.rpc, &account.address).await?.to_string();
        }
        self.descriptor.save(&self.layout.descriptor())
    }

    /// What a person can do next.
    fn invite(&self, steps: &Steps) {
        let Some(node) = self.descriptor.nodes.first() else { return };
        let urls: Vec<&String> = self.descriptor.leases.iter().flat_map(|lease| &lease.urls).collect();
        let data = json!({
            "rpc": node.rpc, "grpc": node.grpc, "rest": node.rest, "urls": urls,
            "descriptor": self.layout.descriptor(),
        });
        steps.done("ready", "the network is ready", data);
        steps.note("");
        for url in urls {
            steps.note(&format!("  workload   {url}"));
        }
        steps.note(&format!("  RPC        {}", node.rpc));
        steps.note(&format!("  gRPC       {}", node.grpc));
        steps.note(&format!("  REST       {}", node.rest));
        steps.note(&format!("  accounts   {} (play money, phrases in clear)", self.layout.descriptor().display()));
        steps.note("");
        steps.note("Try next:");
        if let Some(account) = self.descriptor.account("customer") {
            steps.note(&format!("  virtengine query bank balance --address {} --denom uve", account.address));
        }
        steps.note("  virtengine doctor");
        steps.note("Ctrl-C stops; the same command continues this chain.");
    }

    /// Closes what was deployed and shows that every unit is accounted for.
    async fn settle(&mut self, steps: &Steps) -> Result<()> {
        let Some(dseq) = self.dseq.take() else { return Ok(()) };
        let customer: TxClient = flow::signer(&self.rpc, &self.descriptor, "customer").await?;
        let settlement = settle::close(&customer, dseq).await?;
        let supply = settle::supply(&self.rpc).await?;
        let unchanged = supply == self.supply;
        let price = format!(
            "deposited {:#} uve, accrued {:#} per second: provider {} + commission {} + refunded {:#}; supply {}",
            settlement.deposited,
            settlement.rate,
            settlement.provider,
            settlement.commission,
            settlement.refunded,
            if unchanged { "unchanged" } else { "CHANGED" },
        );
        let mut data = settlement.to_json();
        data["supply_before"] = self.supply.to_string().into();
        data["supply_after"] = supply.to_string().into();
        steps.done("settled", &price, data);
        let deployment = dseq.to_string();
        for lease in self.descriptor.leases.iter_mut().filter(|lease| lease.deployment == deployment) {
            lease.state = "closed".into();
        }
        self.refresh_balances().await?;
        // The provider hears of the end through the chain and removes the workload before it is stopped.
        tokio::time::sleep(Duration::from_secs(3)).await;
        if !settlement.exact() || !unchanged {
            bail!("the settlement does not add up: {settlement:?}, supply {} -> {supply}", self.supply);
        }
        Ok(())
    }

    async fn stop(&mut self, steps: &Steps) {
        if let Some(provider) = &mut self.provider {
            provider.stop().await;
        }
        for node in &mut self.nodes {
            node.stop().await;
        }
        for node in &mut self.descriptor.nodes {
            node.pid = 0;
        }
        if let Some(provider) = &mut self.descriptor.provider {
            provider.pid = 0;
        }
        let _ = self.descriptor.save(&self.layout.descriptor());
        steps.done("stopped", "all processes have ended", json!({}));
    }
}

/// Restarts what dies; returns only when something keeps dying.
async fn keep_alive(
    nodes: &mut [Process],
    provider: &mut Option<Process>,
    descriptor: &mut Descriptor,
    layout: &Layout,
) -> anyhow::Error {
    loop {
        tokio::time::sleep(WATCH).await;
        let mut changed = false;
        for (index, process) in nodes.iter_mut().enumerate() {
            match process.revive() {
                Ok(false) => {}
                Ok(true) => {
                    changed = true;
                    if let Some(entry) = descriptor.nodes.get_mut(index) {
                        entry.pid = process.pid();
                    }
                }
                Err(error) => return error,
            }
        }
        if let Some(process) = provider {
            match process.revive() {
                Ok(false) => {}
                Ok(true) => {
                    changed = true;
                    if let Some(entry) = &mut descriptor.provider {
                        entry.pid = process.pid();
                    }
                }
                Err(error) => return error,
            }
        }
        if changed && let Err(error) = descriptor.save(&layout.descriptor()) {
            return error;
        }
    }
}

fn node_entry(ports: PortPlan, index: u16, home: PathBuf, pid: u32) -> NodeEntry {
    let ports = ports.node(index);
    NodeEntry {
        name: format!("node{index}"),
        rpc: format!("http://127.0.0.1:{}", ports.rpc),
        grpc: format!("http://127.0.0.1:{}", ports.grpc),
        rest: format!("http://127.0.0.1:{}", ports.rest),
        p2p: format!("/ip4/127.0.0.1/tcp/{}", ports.p2p),
        home,
        pid,
    }
}
