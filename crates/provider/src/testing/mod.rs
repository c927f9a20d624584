//! A daemon with a chain and a backend held in memory.

mod backend;
mod node;

use std::sync::Arc;

use tempfile::TempDir;
use ve_base::keys::SecretKey;
use ve_client::{RpcClient, TxClient};

pub use backend::MemoryBackend;
pub use node::{CHAIN_ID, Death, FakeNode};

use crate::backend::{Capabilities, Resources};
use crate::chain::Chain;
use crate::config::ProviderConfig;
use crate::daemon::Daemon;
use crate::db::Db;
use crate::seal::Seal;

pub const MIB: u64 = 1 << 20;

pub struct World {
    pub node: FakeNode,
    pub backend: Arc<MemoryBackend>,
    pub daemon: Arc<Daemon>,
    pub directory: TempDir,
}

/// 1 is the provider's account, 2 its daemon's key.
pub fn key(byte: u8) -> SecretKey {
    SecretKey::from_bytes([byte; 32]).expect("a valid key")
}

impl World {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut ProviderConfig)) -> Self {
        let provider = key(1).public_key().address().to_string();
        let node = FakeNode::start(&provider).await;
        let backend = Arc::new(MemoryBackend::new());
        let directory = tempfile::tempdir().expect("a temporary directory");
        let daemon = open(&node, backend.clone(), &directory, change).await;
        Self { node, backend, daemon, directory }
    }

    /// The daemon dies and is started again on the same store, node and backend.
    pub async fn restart(self) -> Self {
        let Self { node, backend, daemon, directory } = self;
        drop(Arc::into_inner(daemon).expect("nobody else holds the daemon"));
        let daemon = open(&node, backend.clone(), &directory, |_| {}).await;
        Self { node, backend, daemon, directory }
    }
}

async fn open(
    node: &FakeNode,
    backend: Arc<MemoryBackend>,
    directory: &TempDir,
    change: impl FnOnce(&mut ProviderConfig),
) -> Arc<Daemon> {
    let mut config = ProviderConfig::new(CHAIN_ID, vec![node.url.clone()]);
    change(&mut config);
    let rpc = RpcClient::new(&config.nodes).expect("an endpoint");
    let tx = TxClient::connect(rpc, key(1), Some(CHAIN_ID)).await.expect("the node answers");
    let db = Db::open(&directory.path().join("provider.redb")).expect("a store");
    Arc::new(Daemon::new(config, db, Chain::new(tx, key(2)), backend, Seal::new(&key(2))))
}

/// As the embedded container backend.
pub fn capabilities() -> Capabilities {
    Capabilities {
        egress: false,
        service_links: false,
        persistent_storage: false,
        gpu: false,
        udp: false,
        leased_ip: false,
        host_names: false,
        max_endpoints: 64,
        max_replicas: 32,
        least: Resources { cpu_mcore: 10, memory_bytes: 4 * MIB, storage_bytes: 0 },
        architecture: "amd64",
    }
}
