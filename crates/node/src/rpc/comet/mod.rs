//! CometBFT 0.38 JSON-RPC over HTTP (POST, batch, GET) and WebSocket (platform spec 2.1).

pub mod envelope;
mod evidence;
mod http;
pub mod json;
mod methods;
mod params;
pub mod results;
mod subscription;
mod tx_proof;
mod ws;

#[cfg(test)]
mod evidence_tests;
#[cfg(test)]
mod http_tests;
#[cfg(test)]
mod interop_tests;
#[cfg(test)]
mod params_tests;
#[cfg(test)]
mod shape_tests;
#[cfg(test)]
mod ws_tests;

use std::sync::{Arc, atomic::AtomicUsize};

pub use self::http::router;
use super::{Backend, services::Services};

/// Connections of the JSON-RPC port.
pub const MAX_CONNECTIONS: usize = 900;
/// WebSocket connections that hold subscriptions.
pub const MAX_SUBSCRIBERS: usize = 100;
/// Subscriptions of one connection.
pub const MAX_SUBSCRIPTIONS: usize = 5;
/// Largest request body or WebSocket message, in bytes.
pub const MAX_BODY_BYTES: usize = super::MAX_BODY_BYTES;

/// The state of the JSON-RPC interface.
pub struct Comet {
    pub(crate) backend: Backend,
    pub(crate) services: Arc<Services>,
    pub(crate) subscribers: AtomicUsize,
}

impl Comet {
    pub fn new(backend: Backend, services: Arc<Services>) -> Arc<Self> {
        Arc::new(Self { backend, services, subscribers: AtomicUsize::new(0) })
    }
}
