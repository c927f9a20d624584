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
use crate::index::{Index, IndexError, TxPlace};
use crate::mempool::MAX_TX_BYTES;

/// Largest request body of JSON-RPC and REST, in bytes: the largest transaction in base64 and what is around it.
pub const MAX_BODY_BYTES: usize = MAX_TX_BYTES.div_ceil(3) * 4 + 4_096;

/// What every interface reads from.
#[derive(Clone)]
pub struct Backend {
    pub view: Arc<dyn NodeView>,
    pub index: Arc<Index>,
}

impl Backend {
    /// Where a transaction is; `None` while its block is being committed, when the index alone knows it.
    pub fn find_tx(&self, hash: &[u8]) -> Result<Option<TxPlace>, IndexError> {
        let place = self.index.tx(hash)?;
        Ok(place.filter(|place| place.height <= self.view.latest_height()))
    }
}
