//! Starting nodes and asking them.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use serde_json::{Value, json};
use ve_node::config::{Home, NodeConfig};
use ve_node::core::Halt;
use ve_node::genesis::Genesis;
use ve_node::node::{Identity, Node, create_keys, init_home, sync_state};

use super::app::{KvApp, Quirk};

const HOME: &str = "VE_NODE_TEST_HOME";
const QUIRK: &str = "VE_NODE_TEST_QUIRK";
/// Exit code of a node that reached its configured last height.
pub const HALTED: i32 = 3;
/// Generous: several networks share few cores.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Clone, Copy, PartialEq)]
pub enum Role {
    Validator,
    /// A validator whose vote extensions nobody else accepts.
    Liar,
    /// Runs with the key of the validator before it.
    Twin,
    Full,
    /// A full node whose snapshots are false.
    Corrupt,
    /// A full node that takes its time for a snapshot.
    Slow,
}

impl Role {
    fn quirk(self) -> Quirk {
        match self {
            Self::Liar => Quirk::Lies,
            Self::Corrupt => Quirk::Corrupts,
            Self::Slow => Quirk::Slow,
            Self::Validator | Self::Twin | Self::Full => Quirk::None,
        }
    }
}

pub struct Net {
    directory: tempfile::TempDir,
    base: u16,
    roles: Vec<Role>,
    identities: Vec<Identity>,
    children: Vec<Option<Child>>,
}

pub fn base64(text: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(text)
}

/// Ports of one network; tests of this process run beside each other.
const RANGE: u16 = 100;
static NEXT: AtomicU16 = AtomicU16::new(32_000);

/// A port from which on the networks' ports are free.
fn free_base(nodes: usize) -> u16 {
    loop {
        let base = NEXT.fetch_add(RANGE, Ordering::SeqCst);
        assert!(base < 60_000, "no free ports");
        let free = |port: u16| TcpListener::bind(local(port)).is_ok();
        if (0..nodes).all(|node| (0..PORTS).all(|offset| free(port(base, node) + offset))) {
            return base;
        }
    }
}

/// Ports of one node.
const PORTS: u16 = 6;

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

impl Net {
    /// Homes of nodes that all know each other; `extensions_from` is the first height with vote extensions, 0 for none.
    pub fn new(name: &str, roles: &[Role], extensions_from: i64) -> Self {
        let base = free_base(roles.len());
        let directory = tempfile::Builder::new().prefix(name).tempdir().expect("a temporary directory");
        let homes: Vec<Home> = (0..roles.len()).map(|node| home_in(directory.path().into(), node)).collect();
        let mut identities: Vec<Identity> = homes.iter().map(|home| create_keys(home).expect("keys")).collect();
        let validators = roles.iter().zip(&identities).filter(|(role, _)| matches!(role, Role::Validator | Role::Liar));
        let validators = validators.map(|(_, identity)| (identity.validator_key, 10)).collect();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
        let mut genesis = Genesis::new("ve-kv-1", now as i64 - 5, json!({}), validators);
        genesis.params.vote_extensions_enable_height = extensions_from;
        for (node, home) in homes.iter().enumerate() {
            if roles[node] == Role::Twin {
                std::fs::copy(homes[node - 1].consensus_key(), home.consensus_key()).expect("copies");
                identities[node] = identities[node - 1].clone();
            }
            init_home(home, &genesis, &config(base, node, roles.len())).expect("a home");
        }
        let children = roles.iter().map(|_| None).collect();
        Self { directory, base, roles: roles.to_vec(), identities, children }
    }

    fn home(&self, node: usize) -> Home {
        home_in(self.directory.path().into(), node)
    }

    /// Lower hex of a node's validator address.
    pub fn address(&self, node: usize) -> String {
        hex::encode(self.identities[node].validator_address)
    }

    /// Lower hex of a node's consensus key.
    pub fn key(&self, node: usize) -> String {
        hex::encode(self.identities[node].validator_key)
    }

    pub fn configure(&self, node: usize, change: impl Fn(&mut NodeConfig)) {
        let path = self.home(node).config();
        let mut config = NodeConfig::load(&path).expect("loads");
        change(&mut config);
        config.save(&path).expect("saves");
    }

    pub fn start(&mut self, node: usize) {
        let home = self.home(node).0;
        let log = File::options().create(true).append(true).open(home.join("log")).expect("a log");
        let child = Command::new(std::env::current_exe().expect("this binary"))
            .args(["--exact", "child_node", "--nocapture", "--test-threads=1"])
            .env(HOME, &home)
            .env(QUIRK, format!("{:?}", self.roles[node].quirk()))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        self.children[node] = Some(child.expect("starts"));
    }

    /// Waits for the end of a node's process.
    pub fn ended(&mut self, node: usize) -> Option<i32> {
        let deadline = Instant::now() + PATIENCE;
        let child = self.children[node].as_mut()?;
        while Instant::now() < deadline {
            if let Some(status) = child.try_wait().expect("a child") {
                self.children[node] = None;
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        None
    }

    /// Ends a node's process as loss of power would.
    pub fn kill(&mut self, node: usize) {
        if let Some(mut child) = self.children[node].take() {
            child.kill().expect("a child");
            child.wait().expect("a child");
        }
    }

    /// Files of chunks that a node has on disk.
    pub fn chunks_on_disk(&self, node: usize) -> usize {
        let folders = std::fs::read_dir(self.home(node).state_sync()).into_iter().flatten().flatten();
        folders.map(|folder| std::fs::read_dir(folder.path()).map_or(0, Iterator::count)).sum()
    }

    pub fn log(&self, node: usize) -> String {
        std::fs::read_to_string(self.home(node).0.join("log")).unwrap_or_default()
    }

    pub fn until(&self, what: &str, mut done: impl FnMut() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done() {
            if Instant::now() > deadline {
                for node in 0..self.roles.len() {
                    let log = self.log(node);
                    let last: Vec<&str> = log.lines().rev().take(30).collect();
                    last.iter().rev().for_each(|line| eprintln!("{node}: {line}"));
                }
                panic!("not in time: {what}");
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    pub fn reach(&self, node: usize, height: u64) {
        self.until(&format!("node {node} reaches {height}"), || self.height(node) >= height);
    }

    pub fn height(&self, node: usize) -> u64 {
        let status = self.rpc(node, "status", json!({})).unwrap_or_default();
        let height = status["sync_info"]["latest_block_height"].as_str();
        height.and_then(|height| height.parse().ok()).unwrap_or(0)
    }

    pub fn block(&self, node: usize, height: u64) -> Value {
        self.rpc(node, "block", json!({"height": height.to_string()})).expect("a block")
    }

    pub fn send(&self, node: usize, tx: &str) -> Value {
        self.rpc(node, "broadcast_tx_sync", json!({"tx": base64(tx)})).expect("an answer")
    }

    /// What the application of a node has under `key`.
    pub fn value(&self, node: usize, key: &str) -> Option<String> {
        let params = json!({"path": "key", "data": hex::encode(key)});
        let answer = self.rpc(node, "abci_query", params).ok()?;
        let bytes = base64::engine::general_purpose::STANDARD.decode(answer["response"]["value"].as_str()?).ok()?;
        (!bytes.is_empty()).then(|| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The answer, or the error object.
    pub fn rpc(&self, node: usize, method: &str, params: Value) -> Result<Value, Value> {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
        let head =
            format!("POST / HTTP/1.1\r\nHost: l\r\nContent-Type: application/json\r\nContent-Length: {}", body.len());
        let text = http(port(self.base, node), &format!("{head}\r\nConnection: close\r\n\r\n{body}"));
        let body = text.as_deref().and_then(|text| text.split_once("\r\n\r\n")).map(|(_, body)| body).unwrap_or("null");
        let mut answer: Value = serde_json::from_str(body).unwrap_or_default();
        match answer.get_mut("result") {
            Some(result) => Ok(result.take()),
            None => Err(answer["error"].take()),
        }
    }

    /// Status line and text of `/healthz`.
    pub fn health(&self, node: usize) -> Option<String> {
        http(port(self.base, node) + 5, "GET /healthz HTTP/1.1\r\nHost: l\r\nConnection: close\r\n\r\n")
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        for child in self.children.iter_mut().flatten() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn home_in(directory: PathBuf, node: usize) -> Home {
    Home::new(directory.join(format!("node{node}")))
}

fn port(base: u16, node: usize) -> u16 {
    base + node as u16 * 10
}

fn config(base: u16, node: usize, nodes: usize) -> NodeConfig {
    let at = port(base, node);
    let peers = |offset: u16| {
        let others = (0..nodes).filter(|other| *other != node);
        others.map(|other| format!("/ip4/127.0.0.1/tcp/{}", port(base, other) + offset)).collect()
    };
    let mut config = NodeConfig { moniker: format!("node{node}"), ..NodeConfig::default() };
    config.rpc.listen = local(at);
    config.rpc.grpc = local(at + 1);
    config.rpc.rest = local(at + 2);
    config.p2p.listen = local(at + 3);
    config.p2p.persistent_peers = peers(3);
    config.p2p.tx_listen = local(at + 4);
    config.p2p.tx_peers = peers(4);
    config.metrics.listen = local(at + 5);
    config.consensus.block_interval = Duration::from_millis(300);
    config
}

fn http(port: u16, request: &str) -> Option<String> {
    let mut stream = TcpStream::connect(local(port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    stream.write_all(request.as_bytes()).ok()?;
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Runs a node when this process was started for one.
#[expect(clippy::disallowed_methods, reason = "a test function cannot return an exit code; the node has ended by then")]
pub fn child() {
    let Ok(home) = std::env::var(HOME) else { return };
    let named = std::env::var(QUIRK).unwrap_or_default();
    let quirks = [Quirk::Lies, Quirk::Corrupts, Quirk::Slow];
    let quirk = quirks.into_iter().find(|quirk| format!("{quirk:?}") == named).unwrap_or(Quirk::None);
    tracing_subscriber::fmt().with_ansi(false).with_writer(std::io::stderr).with_max_level(tracing::Level::INFO).init();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let result = runtime.block_on(run(Home::new(home), quirk));
    // The harness would turn every end into a success.
    std::process::exit(match result {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("error: {error:#}");
            if matches!(error.downcast_ref(), Some(Halt::Planned(_))) { HALTED } else { 1 }
        }
    });
}

async fn run(home: Home, quirk: Quirk) -> anyhow::Result<()> {
    let config = NodeConfig::load(&home.config())?;
    let application = Arc::new(KvApp::open(home.data().join("kv.json"), quirk));
    sync_state(&home, &config, application.clone()).await?;
    let node = Node::start(&home, config, application).await?;
    let stopper = node.stopper();
    // A node must not outlive its test, however that ends.
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        stopper.stop();
    });
    Ok(node.wait().await?)
}
