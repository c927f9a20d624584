//! `config/node.toml`: everything that an operator may set. Rules of the chain are parameters on chain, never here.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::mempool::{Limits, MAX_TX_BYTES};
use crate::statesync::Trust;

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read {path}: {cause}; run `virtengine node init` first")]
    Read { path: String, cause: String },
    #[error("cannot write {path}: {cause}")]
    Write { path: String, cause: String },
    #[error("{path}: {cause}")]
    Parse { path: String, cause: String },
    #[error("{key} = {value}: {cause}")]
    Value { key: &'static str, value: String, cause: String },
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NodeConfig {
    /// Name that peers see.
    pub moniker: String,
    pub app: AppConfig,
    pub rpc: RpcConfig,
    pub p2p: P2pConfig,
    pub consensus: ConsensusConfig,
    pub mempool: MempoolConfig,
    pub metrics: MetricsConfig,
    pub validator: ValidatorConfig,
    pub snapshots: SnapshotConfig,
    pub state_sync: StateSyncConfig,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AppConfig {
    /// Decimal coins below which this node keeps no transaction; also told to clients.
    pub minimum_gas_price: String,
    /// States kept for queries of the past; 0 = all.
    pub keep_states: u64,
    /// Check every module's invariants after each block: for tests and small networks.
    pub check_invariants: bool,
}

impl Default for AppConfig {
    fn default() -> Self {
        Self { minimum_gas_price: "0.0025uve".into(), keep_states: 362_880, check_invariants: false }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RpcConfig {
    /// CometBFT JSON-RPC and WebSocket.
    pub listen: SocketAddr,
    pub grpc: SocketAddr,
    pub rest: SocketAddr,
    /// Connections of each of the three.
    pub max_connections: usize,
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

impl Default for RpcConfig {
    fn default() -> Self {
        Self { listen: local(26657), grpc: local(9090), rest: local(1317), max_connections: 900 }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct P2pConfig {
    /// Consensus messages and block sync.
    pub listen: SocketAddr,
    /// Multiaddresses without peer id of other nodes' `listen`, e.g. `/ip4/10.0.0.2/tcp/26656`.
    pub persistent_peers: Vec<String>,
    /// Talk to the persistent peers only: for a validator behind sentries.
    pub persistent_peers_only: bool,
    /// Find more peers through those that are known.
    pub discovery: bool,
    pub max_inbound: usize,
    pub max_outbound: usize,
    /// Connections from one address; several nodes behind one address need more.
    pub max_per_ip: usize,
    /// Transactions.
    pub tx_listen: SocketAddr,
    /// Multiaddresses of other nodes' `tx_listen`.
    pub tx_peers: Vec<String>,
}

impl Default for P2pConfig {
    fn default() -> Self {
        Self {
            listen: local(26656),
            persistent_peers: Vec::new(),
            persistent_peers_only: false,
            discovery: false,
            max_inbound: 25,
            max_outbound: 25,
            max_per_ip: 10,
            tx_listen: local(26655),
            tx_peers: Vec::new(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConsensusConfig {
    /// Time from one block's start to the next; late votes are collected until then. A tenth of it while enough
    /// transactions for a full block wait.
    #[serde(with = "humantime_serde")]
    pub block_interval: Duration,
    #[serde(with = "humantime_serde")]
    pub timeout_propose: Duration,
    #[serde(with = "humantime_serde")]
    pub timeout_prevote: Duration,
    #[serde(with = "humantime_serde")]
    pub timeout_precommit: Duration,
    /// Added to each timeout per round.
    #[serde(with = "humantime_serde")]
    pub timeout_delta: Duration,
    /// The node stops after it committed this height and refuses to go on; 0 = never.
    pub halt_height: u64,
    /// Without a new block for so long the node reports itself unhealthy.
    #[serde(with = "humantime_serde")]
    pub unhealthy_after: Duration,
}

impl Default for ConsensusConfig {
    fn default() -> Self {
        Self {
            block_interval: Duration::from_secs(1),
            timeout_propose: Duration::from_secs(3),
            timeout_prevote: Duration::from_secs(1),
            timeout_precommit: Duration::from_secs(1),
            timeout_delta: Duration::from_millis(500),
            halt_height: 0,
            unhealthy_after: Duration::from_secs(30),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MempoolConfig {
    pub max_txs: usize,
    pub max_bytes: u64,
    pub max_tx_bytes: usize,
    pub max_per_account: usize,
    /// 0 = never by blocks.
    pub ttl_blocks: u64,
    /// Zero = never by time.
    #[serde(with = "humantime_serde")]
    pub ttl: Duration,
    /// Send transactions to peers and take theirs.
    pub gossip: bool,
}

impl Default for MempoolConfig {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            max_txs: limits.max_txs,
            max_bytes: limits.max_bytes,
            max_tx_bytes: limits.max_tx_bytes,
            max_per_account: limits.max_per_account,
            ttl_blocks: limits.ttl_blocks,
            ttl: limits.ttl,
            gossip: true,
        }
    }
}

impl MempoolConfig {
    pub fn limits(&self) -> Limits {
        Limits {
            max_txs: self.max_txs,
            max_bytes: self.max_bytes,
            max_tx_bytes: self.max_tx_bytes,
            max_per_account: self.max_per_account,
            ttl_blocks: self.ttl_blocks,
            ttl: self.ttl,
            cache: self.max_txs.saturating_mul(4),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MetricsConfig {
    pub enabled: bool,
    /// `/metrics`, `/healthz` and `/readyz`.
    pub listen: SocketAddr,
}

impl Default for MetricsConfig {
    fn default() -> Self {
        Self { enabled: true, listen: local(26660) }
    }
}

/// Who signs for this node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ValidatorConfig {
    /// Multiaddress of a remote signer, with its id: `/ip4/10.0.0.9/tcp/26659/p2p/12D3…`. Empty = the key in this home.
    pub signer: String,
}

/// Snapshots of the state for nodes that join late.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SnapshotConfig {
    /// Blocks between two; 0 = none.
    pub interval: u64,
    /// Snapshots that stay on disk.
    pub keep: usize,
}

impl Default for SnapshotConfig {
    fn default() -> Self {
        Self { interval: 1_000, keep: 2 }
    }
}

/// Starting an empty node from a snapshot of its `p2p.tx_peers` instead of from genesis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StateSyncConfig {
    pub enabled: bool,
    /// A height whose header hash is known from a source that the operator trusts.
    pub trust_height: u64,
    /// Hexadecimal.
    pub trust_hash: String,
    /// How old that header may be; shorter than the unbonding time.
    #[serde(with = "humantime_serde")]
    pub trust_period: Duration,
}

impl Default for StateSyncConfig {
    fn default() -> Self {
        let trust_period = Duration::from_secs(168 * 3600);
        Self { enabled: false, trust_height: 0, trust_hash: String::new(), trust_period }
    }
}

impl StateSyncConfig {
    /// What the operator trusts, when he wants to sync.
    pub fn trust(&self) -> Result<Option<Trust>, ConfigError> {
        if !self.enabled {
            return Ok(None);
        }
        let wrong = |key, value: &dyn ToString, cause: &str| {
            Err(ConfigError::Value { key, value: value.to_string(), cause: cause.into() })
        };
        if self.trust_height == 0 {
            return wrong("state_sync.trust_height", &0, "must be a height whose header you trust");
        }
        let hash = hex::decode(&self.trust_hash).ok().and_then(|bytes| bytes.try_into().ok());
        match hash {
            Some(hash) => Ok(Some(Trust { height: self.trust_height, hash, period: self.trust_period })),
            None => {
                wrong("state_sync.trust_hash", &self.trust_hash, "must be the header's hash: 64 hexadecimal digits")
            }
        }
    }
}

impl NodeConfig {
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let name = || path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|cause| ConfigError::Read { path: name(), cause: cause.to_string() })?;
        Self::parse(&text).map_err(|error| match error {
            ConfigError::Parse { cause, .. } => ConfigError::Parse { path: name(), cause },
            error => error,
        })
    }

    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text)
            .map_err(|cause| ConfigError::Parse { path: "node.toml".into(), cause: cause.to_string() })?;
        config.validate()?;
        Ok(config)
    }

    /// Refuses what [`NodeConfig::load`] would refuse.
    pub fn save(&self, path: &Path) -> Result<(), ConfigError> {
        self.validate()?;
        let failed = |cause: String| ConfigError::Write { path: path.display().to_string(), cause };
        let text = toml::to_string(self).map_err(|cause| failed(cause.to_string()))?;
        std::fs::write(path, text).map_err(|cause| failed(cause.to_string()))
    }

    /// Moves every port by `offset`, for several nodes on one machine.
    #[must_use]
    pub fn with_port_offset(mut self, offset: u16) -> Self {
        let addresses = [
            &mut self.rpc.listen,
            &mut self.rpc.grpc,
            &mut self.rpc.rest,
            &mut self.p2p.listen,
            &mut self.p2p.tx_listen,
            &mut self.metrics.listen,
        ];
        for address in addresses {
            address.set_port(address.port().saturating_add(offset));
        }
        self
    }

    fn validate(&self) -> Result<(), ConfigError> {
        let wrong = |key, value: &dyn ToString, cause: &str| {
            Err(ConfigError::Value { key, value: value.to_string(), cause: cause.into() })
        };
        if self.moniker.len() > 70 {
            return wrong("moniker", &self.moniker, "is longer than 70 bytes");
        }
        let consensus = &self.consensus;
        let intervals = [
            ("consensus.block_interval", consensus.block_interval),
            ("consensus.timeout_propose", consensus.timeout_propose),
            ("consensus.timeout_prevote", consensus.timeout_prevote),
            ("consensus.timeout_precommit", consensus.timeout_precommit),
        ];
        for (key, value) in intervals {
            if value < Duration::from_millis(10) || value > Duration::from_secs(60) {
                return wrong(key, &format!("{value:?}"), "must be 10ms to 1m");
            }
        }
        let counts = [
            ("rpc.max_connections", self.rpc.max_connections as u64),
            ("mempool.max_txs", self.mempool.max_txs as u64),
            ("mempool.max_bytes", self.mempool.max_bytes),
            ("mempool.max_tx_bytes", self.mempool.max_tx_bytes as u64),
            ("mempool.max_per_account", self.mempool.max_per_account as u64),
            ("p2p.max_inbound", self.p2p.max_inbound as u64),
            ("p2p.max_outbound", self.p2p.max_outbound as u64),
            ("p2p.max_per_ip", self.p2p.max_per_ip as u64),
        ];
        for (key, value) in counts {
            if value == 0 || value > 1 << 32 {
                return wrong(key, &value, "must be 1..=4294967296");
            }
        }
        if self.mempool.max_tx_bytes > MAX_TX_BYTES {
            let limit = format!("must be 1..={MAX_TX_BYTES}");
            return wrong("mempool.max_tx_bytes", &self.mempool.max_tx_bytes, &limit);
        }
        if self.snapshots.keep == 0 {
            return wrong("snapshots.keep", &0, "must be at least 1; snapshots.interval = 0 makes none");
        }
        self.state_sync.trust()?;
        for peer in self.p2p.persistent_peers.iter().chain(&self.p2p.tx_peers) {
            if peer.parse::<libp2p::Multiaddr>().is_err() {
                return wrong("p2p peer", peer, "is not a multiaddress such as /ip4/10.0.0.2/tcp/26656");
            }
        }
        Ok(())
    }
}

/// Where things are below a node's home directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home(pub PathBuf);

impl Home {
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    pub fn config(&self) -> PathBuf {
        self.0.join("config/node.toml")
    }

    pub fn genesis(&self) -> PathBuf {
        self.0.join("config/genesis.json")
    }

    pub fn consensus_key(&self) -> PathBuf {
        self.0.join("config/priv_validator_key.json")
    }

    pub fn node_key(&self) -> PathBuf {
        self.0.join("config/node_key.json")
    }

    pub fn data(&self) -> PathBuf {
        self.0.join("data")
    }

    /// What the double-sign guard remembers. Never copy it together with the key to a second machine.
    pub fn guard(&self) -> PathBuf {
        self.0.join("data/priv_validator_state.json")
    }

    /// Snapshots of the state for others.
    pub fn snapshots(&self) -> PathBuf {
        self.0.join("data/snapshots")
    }

    /// Chunks of a snapshot that this node starts from.
    pub fn state_sync(&self) -> PathBuf {
        self.0.join("data/statesync")
    }

    /// The application's state.
    pub fn state(&self) -> PathBuf {
        self.0.join("data/state")
    }
}
