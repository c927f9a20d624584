//! Where a local network keeps its things, and `localnet.json`, by which scripts find them.

use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use ve_node::config::NodeConfig;

pub const CHAIN_ID: &str = "ve-local-1";

/// Ports of one node. All servers listen on loopback only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    pub rpc: u16,
    pub grpc: u16,
    pub rest: u16,
    pub p2p: u16,
    pub gossip: u16,
    pub metrics: u16,
}

impl Ports {
    /// Makes a node listen here.
    pub fn apply(&self, config: &mut NodeConfig) {
        let local = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
        config.rpc.listen = local(self.rpc);
        config.rpc.grpc = local(self.grpc);
        config.rpc.rest = local(self.rest);
        config.p2p.listen = local(self.p2p);
        config.p2p.tx_listen = local(self.gossip);
        config.metrics.listen = local(self.metrics);
    }
}

/// Port plan: the documented defaults, or ten ports per node from `base`.
#[derive(Clone, Copy, Debug)]
pub struct PortPlan {
    base: Option<u16>,
}

impl PortPlan {
    pub fn new(base: Option<u16>) -> Self {
        Self { base }
    }

    /// Whether the first node is where commands look without being told.
    pub fn is_usual(&self) -> bool {
        self.base.is_none()
    }

    pub fn node(&self, index: u16) -> Ports {
        match self.base {
            Some(base) => {
                let first = base + index * 10;
                Ports {
                    rpc: first,
                    grpc: first + 1,
                    rest: first + 2,
                    p2p: first + 3,
                    gossip: first + 4,
                    metrics: first + 5,
                }
            }
            None => {
                let shift = index * 100;
                Ports {
                    rpc: 26657 + shift,
                    grpc: 9090 + shift,
                    rest: 1317 + shift,
                    p2p: 26656 + shift,
                    gossip: 26655 + shift,
                    metrics: 26660 + shift,
                }
            }
        }
    }

    pub fn gateway(&self) -> u16 {
        self.base.map_or(8443, |base| base + 900)
    }

    pub fn provider_metrics(&self) -> u16 {
        self.base.map_or(26760, |base| base + 901)
    }
}

/// Largest `--base-port` for which every port of the plan exists.
pub const MAX_BASE_PORT: u16 = 63_000;

#[derive(Clone, Debug)]
pub struct Layout {
    pub root: PathBuf,
}

impl Layout {
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub fn node(&self, index: u16) -> PathBuf {
        self.root.join("nodes").join(format!("node{index}"))
    }

    pub fn provider(&self) -> PathBuf {
        self.root.join("provider")
    }

    pub fn client(&self) -> PathBuf {
        self.root.join("client")
    }

    pub fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    pub fn descriptor(&self) -> PathBuf {
        self.root.join("localnet.json")
    }

    pub fn lock(&self) -> PathBuf {
        self.root.join("localnet.lock")
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Descriptor {
    pub chain_id: String,
    pub nodes: Vec<NodeEntry>,
    pub accounts: Vec<AccountEntry>,
    pub provider: Option<ProviderEntry>,
    pub leases: Vec<LeaseEntry>,
    /// Deployments that this network made for the customer and has not settled yet.
    #[serde(default)]
    pub open: Vec<u64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NodeEntry {
    pub name: String,
    pub rpc: String,
    pub grpc: String,
    pub rest: String,
    /// Consensus and blocks: a persistent peer of other nodes.
    pub p2p: String,
    /// Transactions: a transaction peer of other nodes.
    #[serde(default)]
    pub gossip: String,
    pub home: PathBuf,
    pub pid: u32,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccountEntry {
    pub name: String,
    pub address: String,
    /// Local play money only: these phrases are written in clear so that scripts can use them.
    pub mnemonic: String,
    /// In `uve`, at the last update of this file.
    pub balance: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProviderEntry {
    pub address: String,
    pub gateway: String,
    pub home: PathBuf,
    pub pid: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseEntry {
    pub id: String,
    pub deployment: String,
    pub urls: Vec<String>,
    /// `active` or `closed`.
    pub state: String,
}

impl Descriptor {
    pub fn load(path: &Path) -> Result<Option<Self>> {
        match fs::read(path) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes).with_context(|| {
                format!("{} is damaged; remove the network with `virtengine localnet reset`", path.display())
            })?)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Readers see the old or the new file, never a part. Only the owner may read it: it holds keys.
    pub fn save(&self, path: &Path) -> Result<()> {
        let temporary = path.with_extension("json.new");
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&temporary)
            .with_context(|| format!("cannot write {}", temporary.display()))?;
        file.write_all(serde_json::to_string_pretty(self)?.as_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, path).with_context(|| format!("cannot replace {}", path.display()))
    }

    pub fn account(&self, name: &str) -> Option<&AccountEntry> {
        self.accounts.iter().find(|account| account.name == name)
    }
}
