//! The processes of a local network, from the first block to the last.

use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::json;
use ve_client::RpcClient;
use ve_client::text::counted;

use super::layout::{Descriptor, Layout, LeaseEntry, NodeEntry, PortPlan, ProviderEntry};
use super::process::Process;
use super::steps::Steps;
use super::{LocalnetArgs, MAX_VALIDATORS, flow, genesis, lock, settle, stop_strangers};
use crate::daemon::asked_to_stop;

const START_LIMIT: Duration = Duration::from_secs(60);
const WATCH: Duration = Duration::from_millis(500);

pub struct Network {
    pub(super) layout: Layout,
    ports: PortPlan,
    pub(super) descriptor: Descriptor,
    pub(super) nodes: Vec<Process>,
    pub(super) provider: Option<Process>,
    pub(super) rpc: RpcClient,
    /// Before anything was deployed; `None` until the chain was asked.
    pub(super) supply: Option<ve_base::Amount>,
    /// Whether everything was started; `false` when Ctrl-C came first.
    pub(super) up: bool,
    _lock: File,
}

impl Network {
    pub async fn start(layout: Layout, arguments: &LocalnetArgs, steps: &Steps) -> Result<Self> {
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
        let mut network =
            Self { layout, ports, descriptor, nodes, provider: None, rpc, supply: None, up: false, _lock: lock };
        let up = tokio::select! {
            up = network.bring_up(steps) => Some(up),
            () = asked_to_stop() => None,
        };
        match up {
            Some(Ok(())) => network.up = true,
            Some(Err(error)) => {
                let words: Vec<String> = network.nodes.iter().map(Process::last_words).collect();
                network.stop(steps).await;
                bail!("{error:#}\n{}", words.join("\n"));
            }
            None => {
                let what = if network.supply.is_none() { "before the first block" } else { "before the provider ran" };
                steps.done("interrupted", &format!("asked to stop {what}; nothing was deployed"), json!({}));
            }
        }
        Ok(network)
    }

    async fn bring_up(&mut self, steps: &Steps) -> Result<()> {
        let height = flow::wait_for_blocks(&self.rpc, 1, START_LIMIT).await?;
        self.supply = Some(settle::supply(&self.rpc).await?);
        steps.done(
            "chain_running",
            &format!(
                "{} make{} blocks, height {height}",
                counted(self.nodes.len(), "validator"),
                if self.nodes.len() == 1 { "s" } else { "" }
            ),
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

    /// Runs the deployment file if there is one, shows what there is, and keeps the processes alive until the end.
    pub async fn serve(&mut self, arguments: &LocalnetArgs, file: Option<&str>, steps: &Steps) -> Result<()> {
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
        if let Some(file) = file {
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
        self.descriptor.open.retain(|dseq| *dseq != deployed.dseq);
        self.descriptor.open.push(deployed.dseq);
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

    pub(super) async fn refresh_balances(&mut self) -> Result<()> {
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
        // Commands ask the usual port unless told otherwise.
        let at = if self.ports.is_usual() { String::new() } else { format!(" --node {}", node.rpc) };
        if let Some(account) = self.descriptor.account("customer") {
            steps.note(&format!("  virtengine query bank balance --address {} --denom uve{at}", account.address));
        }
        steps.note(&format!("  virtengine doctor{at}"));
        steps.note("Ctrl-C stops; the same command continues this chain.");
    }

    pub async fn stop(&mut self, steps: &Steps) {
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
pub(super) async fn keep_alive(
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
        gossip: format!("/ip4/127.0.0.1/tcp/{}", ports.gossip),
        home,
        pid,
    }
}
