//! Nodes under a test's own hand: it starts, stops, kills, pauses and exchanges each process by itself.

use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};
use tempfile::TempDir;
use ve_base::keys::{SecretKey, hd};
use ve_base::{Address, Amount};
use ve_chain_core::staking::{GenesisValidator, add_validator};
use ve_client::{RpcClient, TxClient};
use ve_node::config::{Home, NodeConfig};
use ve_node::genesis::Genesis;
use ve_node::node::{create_keys, init_home};

use crate::hosts::{Hosts, at};
use crate::support::{directory, free_base, rpc_at, signal};

pub const CHAIN_ID: &str = "ve-drill-1";
const PHRASE: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";
const VE: u128 = 1_000_000;
/// Of every validator.
pub const SELF_BOND: u128 = 10_000 * VE;
const PATIENCE: Duration = Duration::from_secs(180);

/// What a node is started as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// `virtengine node start`.
    Present,
    /// `virtengine node supervise`.
    Supervised,
}

/// What a cluster is made of.
pub struct Plan {
    pub validators: usize,
    /// Nodes without power, after the validators.
    pub followers: usize,
    /// The last node has the key of this validator.
    pub twin_of: Option<usize>,
    pub program: Program,
    /// More variables of the environment.
    pub environment: Vec<(String, String)>,
    pub genesis_time: SystemTime,
    pub hosts: Option<Hosts>,
}

impl Plan {
    pub fn new(validators: usize) -> Self {
        Self {
            validators,
            followers: 0,
            twin_of: None,
            program: Program::Present,
            environment: Vec::new(),
            genesis_time: SystemTime::now(),
            hosts: None,
        }
    }

    fn nodes(&self) -> usize {
        self.validators + self.followers + usize::from(self.twin_of.is_some())
    }
}

pub struct Cluster {
    directory: TempDir,
    base: u16,
    plan: Plan,
    children: Vec<Option<Child>>,
}

/// The operator of validator `node`; the one after the last is rich.
pub fn operator(node: usize) -> SecretKey {
    hd::derive(PHRASE, 0, node as u32).expect("a valid phrase")
}

pub fn address(node: usize) -> Address {
    operator(node).public_key().address()
}

impl Cluster {
    /// Homes of nodes that all know each other; `change` edits the `app_state`.
    pub fn new(plan: Plan, change: impl FnOnce(&mut Value)) -> Self {
        let (directory, base, nodes) = (directory(), free_base(), plan.nodes());
        let cluster = Self { directory, base, children: (0..nodes).map(|_| None).collect(), plan };
        let mut state = app_state(cluster.plan.validators + 1);
        for node in 0..nodes {
            let identity = create_keys(&cluster.home(node)).expect("keys");
            if node < cluster.plan.validators {
                let new = GenesisValidator {
                    account: address(node),
                    consensus_key: identity.validator_key,
                    moniker: format!("node{node}"),
                    self_bond: Amount::from(SELF_BOND),
                };
                add_validator(&mut state, &new).expect("the account can bond");
            }
        }
        change(&mut state);
        let time = cluster.plan.genesis_time.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs();
        let genesis = Genesis::new(CHAIN_ID, time as i64, state, Vec::new());
        for node in 0..nodes {
            init_home(&cluster.home(node), &genesis, &cluster.config(node)).expect("a home");
        }
        if let Some(original) = cluster.plan.twin_of {
            let (from, to) = (cluster.home(original), cluster.home(nodes - 1));
            std::fs::copy(from.consensus_key(), to.consensus_key()).expect("copies");
        }
        cluster
    }

    pub fn home(&self, node: usize) -> Home {
        Home::new(self.directory.path().join(format!("node{node}")))
    }

    pub fn hosts(&self) -> &Hosts {
        self.plan.hosts.as_ref().expect("a cluster on hosts of its own")
    }

    pub fn has_hosts(&self) -> bool {
        self.plan.hosts.is_some()
    }

    /// The present release where a node's supervisor looks for that of genesis.
    pub fn put_releases(&self, node: usize) {
        let place = self.home(node).0.join("cosmovisor/genesis/bin");
        std::fs::create_dir_all(&place).expect("a writable home");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_virtengine"), place.join("virtengine")).expect("a link");
    }

    pub fn count(&self) -> usize {
        self.children.len()
    }

    fn ip(&self, node: usize, of: impl Fn(&Hosts, usize) -> [u8; 4]) -> [u8; 4] {
        self.plan.hosts.as_ref().map_or([127, 0, 0, 1], |hosts| of(hosts, node))
    }

    fn port(&self, node: usize, offset: u16) -> u16 {
        self.base + 10 * node as u16 + offset
    }

    pub fn rpc_address(&self, node: usize) -> SocketAddr {
        at(self.ip(node, Hosts::outside), self.port(node, 0))
    }

    fn config(&self, node: usize) -> NodeConfig {
        let peers = |offset: u16| {
            let others = (0..self.count()).filter(|other| *other != node);
            let of = |other| {
                format!(
                    "/ip4/{}/tcp/{}",
                    std::net::Ipv4Addr::from(self.ip(other, Hosts::inside)),
                    self.port(other, offset)
                )
            };
            others.map(of).collect()
        };
        let (inside, outside) = (self.ip(node, Hosts::inside), self.ip(node, Hosts::outside));
        let mut config = NodeConfig { moniker: format!("node{node}"), ..NodeConfig::default() };
        config.rpc.listen = at(outside, self.port(node, 0));
        config.rpc.grpc = at(outside, self.port(node, 1));
        config.rpc.rest = at(outside, self.port(node, 2));
        config.p2p.listen = at(inside, self.port(node, 3));
        config.p2p.persistent_peers = peers(3);
        config.p2p.tx_listen = at(inside, self.port(node, 4));
        config.p2p.tx_peers = peers(4);
        config.p2p.max_per_ip = 64;
        config.metrics.enabled = false;
        config.app.check_invariants = true;
        config.snapshots.interval = 0;
        config.consensus.block_interval = Duration::from_millis(300);
        config.consensus.timeout_propose = Duration::from_millis(1_000);
        config.consensus.timeout_prevote = Duration::from_millis(500);
        config.consensus.timeout_precommit = Duration::from_millis(500);
        config
    }

    pub fn start(&mut self, node: usize) {
        assert!(self.children[node].is_none(), "node {node} runs already");
        let home = self.home(node).0;
        let words = match self.plan.program {
            Program::Present => "start",
            Program::Supervised => "supervise",
        };
        let mut command = self.command(node, Path::new(env!("CARGO_BIN_EXE_virtengine")));
        command.args(["node", words, "--home"]).arg(&home);
        let log = std::fs::File::options().create(true).append(true).open(self.log_path(node)).expect("a log");
        let errors = log.try_clone().expect("a file");
        // A group of its own, so that whatever it starts can be killed with it.
        command.stdin(Stdio::null()).stdout(log).stderr(errors).process_group(0);
        self.children[node] = Some(command.spawn().expect("the program starts"));
    }

    fn command(&self, node: usize, program: &Path) -> Command {
        let mut command = match &self.plan.hosts {
            None => Command::new(program),
            Some(hosts) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", &hosts.space(node)]).arg(program);
                command
            }
        };
        command.envs(self.plan.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    pub fn start_all(&mut self) {
        (0..self.count())
            .filter(|node| self.children[*node].is_none())
            .collect::<Vec<_>>()
            .into_iter()
            .for_each(|node| self.start(node));
    }

    pub fn runs(&self, node: usize) -> bool {
        self.children[node].is_some()
    }

    /// A signal to everything that runs for a node.
    pub fn signal(&self, node: usize, name: &str) {
        if let Some(child) = &self.children[node] {
            let group = format!("-{}", child.id());
            let _ = Command::new("kill").args([name, "--", &group]).stderr(Stdio::null()).status();
        }
    }

    /// As loss of power.
    pub fn kill(&mut self, node: usize) {
        self.signal(node, "-KILL");
        if let Some(mut child) = self.children[node].take() {
            child.wait().expect("a child");
        }
    }

    /// As an operator does; whether it ended without an error.
    pub fn stop(&mut self, node: usize) -> bool {
        if let Some(child) = &self.children[node] {
            signal(child.id(), "-TERM");
        }
        self.ended(node)
    }

    /// Waits for the end of a node's process; whether it was without an error.
    pub fn ended(&mut self, node: usize) -> bool {
        let deadline = Instant::now() + PATIENCE;
        let Some(mut child) = self.children[node].take() else { panic!("node {node} does not run") };
        while Instant::now() < deadline {
            if let Some(status) = child.try_wait().expect("a child") {
                return status.success();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.children[node] = Some(child);
        panic!("node {node} does not end:\n{}", self.last_words());
    }

    /// Whether a node's process ended by itself since it was started.
    pub fn has_ended(&mut self, node: usize) -> bool {
        self.children[node].as_mut().is_some_and(|child| child.try_wait().expect("a child").is_some())
    }

    fn log_path(&self, node: usize) -> PathBuf {
        self.directory.path().join(format!("node{node}.log"))
    }

    pub fn log(&self, node: usize) -> String {
        String::from_utf8_lossy(&std::fs::read(self.log_path(node)).unwrap_or_default()).into_owned()
    }

    /// A line of the test's own in every log, so that what follows can be told from what came before.
    pub fn note(&self, text: &str) {
        for node in 0..self.count() {
            let file = std::fs::File::options().create(true).append(true).open(self.log_path(node));
            writeln!(file.expect("a log"), "== {text}").expect("writes");
        }
    }

    pub fn last_words(&self) -> String {
        let of = |node| {
            let log = self.log(node);
            let lines: Vec<&str> = log.lines().rev().take(25).collect();
            lines.iter().rev().map(|line| format!("{node}: {line}\n")).collect::<String>()
        };
        (0..self.count()).map(of).collect()
    }

    pub fn until(&self, what: &str, mut done: impl FnMut() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done() {
            assert!(Instant::now() < deadline, "not in time: {what}\n{}", self.last_words());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn call(&self, node: usize, method: &str, params: Value) -> Option<Value> {
        rpc_at(self.rpc_address(node), method, params)
    }

    pub fn height(&self, node: usize) -> u64 {
        let status = self.call(node, "status", json!({})).unwrap_or_default();
        let height = status["sync_info"]["latest_block_height"].as_str();
        height.and_then(|height| height.parse().ok()).unwrap_or(0)
    }

    /// The height of the node that is furthest.
    pub fn top(&self) -> u64 {
        (0..self.count()).filter(|node| self.runs(*node)).map(|node| self.height(node)).max().unwrap_or(0)
    }

    pub fn reach(&self, nodes: impl IntoIterator<Item = usize>, height: u64) {
        for node in nodes {
            self.until(&format!("node {node} reaches {height}"), || self.height(node) >= height);
        }
    }

    pub fn header(&self, node: usize, height: u64) -> Value {
        let answer = self.call(node, "header", json!({"height": height.to_string()}));
        answer.unwrap_or_else(|| panic!("node {node} has no header {height}"))["header"].clone()
    }

    /// Asserts that these nodes have the same headers up to `last`; a header names the state before its block.
    pub fn agree(&self, nodes: &[usize], last: u64) {
        for height in 1..=last {
            let first = self.header(nodes[0], height);
            for node in &nodes[1..] {
                assert_eq!(self.header(*node, height), first, "node {node}, height {height}");
            }
        }
    }

    pub fn client(&self, node: usize) -> RpcClient {
        RpcClient::new(&[format!("http://{}", self.rpc_address(node))]).expect("an address")
    }

    /// Transactions of an operator, or of the rich account after the last one, through `node`.
    pub async fn signer(&self, node: usize, account: usize) -> TxClient {
        TxClient::connect(self.client(node), operator(account), Some(CHAIN_ID)).await.expect("the node answers")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for node in 0..self.count() {
            self.signal(node, "-CONT");
            self.kill(node);
        }
    }
}

fn app_state(accounts: usize) -> Value {
    let mut state = serde_json::Map::new();
    for module in ve_app::modules() {
        state.insert(module.name().to_owned(), module.default_genesis());
    }
    let mut state = Value::Object(state);
    let each = |of: fn(usize) -> Value| (0..accounts).map(of).collect::<Value>();
    state["auth"]["accounts"] = each(|index| {
        json!({
            "@type": "/cosmos.auth.v1beta1.BaseAccount",
            "address": address(index).to_string(),
            "account_number": index.to_string(),
        })
    });
    state["bank"]["balances"] = each(|index| {
        let amount = (100_000 * VE).to_string();
        json!({"address": address(index).to_string(), "coins": [{"denom": ve_base::BASE_DENOM, "amount": amount}]})
    });
    state
}
