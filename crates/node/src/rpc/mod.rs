//! The node's interfaces for clients: CometBFT JSON-RPC, Cosmos gRPC and REST.

pub mod backend;
pub mod comet;
pub mod grpc;
pub mod rest;
pub mod server;
pub mod services;
pub mod status;
mod time;

#[cfg(test)]
pub(crate) mod test_node;

use std::sync::Arc;

use self::backend::NodeView;
use crate::index::Index;

/// What every interface reads from.
#[derive(Clone)]
pub struct Backend {
    pub view: Arc<dyn NodeView>,
    pub index: Arc<Index>,
}
