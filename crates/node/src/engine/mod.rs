//! The boundary between the node and the consensus engine. An engine decides blocks for a [`Core`], which proposes,
//! judges and executes them; the rest of the node sees [`Engine`]. Only the folder of an engine names its crates.

pub mod malachite;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use tokio::sync::watch;

use crate::core::{Core, Halt};
use crate::rpc::backend::Peer;

/// Resolves when consensus ended: `Ok` after the stop signal, else why it cannot go on.
pub type Ended = BoxFuture<'static, Result<(), Halt>>;

/// A consensus engine.
#[async_trait]
pub trait Engine: Send + Sync + 'static {
    /// Starts deciding blocks at the height after `core`'s last one, until `stop` becomes true or it cannot go on. An
    /// engine is started once.
    async fn start(&self, core: Arc<Core>, stop: watch::Receiver<bool>) -> Result<Ended, Halt>;

    /// Who is connected; nobody before the start.
    async fn peers(&self) -> Vec<Peer>;

    /// Appends the engine's own metrics as OpenMetrics text.
    fn write_metrics(&self, text: &mut String);
}

/// How consensus runs on this node.
#[derive(Clone, Debug)]
pub struct Settings {
    pub moniker: String,
    pub chain_id: String,
    /// Multiaddress to listen on, e.g. `/ip4/127.0.0.1/tcp/26656`.
    pub listen: String,
    pub persistent_peers: Vec<String>,
    pub persistent_peers_only: bool,
    pub discovery: bool,
    pub max_inbound: usize,
    pub max_outbound: usize,
    pub max_per_ip: usize,
    pub block_interval: Duration,
    pub timeout_propose: Duration,
    pub timeout_prevote: Duration,
    pub timeout_precommit: Duration,
    pub timeout_delta: Duration,
    /// Write-ahead log of the current height. A second process on it fails to start.
    pub wal: PathBuf,
}
