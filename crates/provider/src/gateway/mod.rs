//! The customers' door to their leases: HTTPS with certificates of the chain.
//!
//! A client shows the certificate that its account registered on chain; the
//! handshake proves the key, and every request checks the chain's record
//! (marketplace §2). Instead of a certificate a request may carry a token that the
//! account's own key signed. What a credential may do is decided by the lease: its
//! owner may everything, others nothing; a token may narrow that. Routes and frames
//! are those of §13.5.

mod error;
mod guard;
mod limits;
mod params;
mod peer;
mod routes;
mod server;
mod service;
mod session;
mod shell;
mod streams;
mod tls;
mod tokens;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use tokio::sync::watch;

pub use error::GatewayError;
pub use limits::Limits;
pub use peer::PeerCertificate;
pub use service::{ChainCertificate, Directory, Service};
pub use tls::ServerIdentity;

use limits::Counters;
use peer::Authenticator;
use tokens::Tokens;

/// What a gateway is started with.
#[derive(Debug, Clone)]
pub struct GatewayConfig {
    /// Account address of the provider, answered at `/address`.
    pub provider: String,
    /// Upper bounds.
    pub limits: Limits,
}

/// A gateway, ready to serve.
pub struct Gateway {
    shared: Arc<Shared>,
    tls: Arc<rustls::ServerConfig>,
}

/// What every request needs.
struct Shared {
    config: GatewayConfig,
    authenticator: Authenticator,
    tokens: Tokens,
    service: Arc<dyn Service>,
    counters: Counters,
    /// Turns `true` when the gateway stops; sessions end then.
    closing: watch::Sender<bool>,
}

impl Gateway {
    /// A gateway that shows `identity`, asks `directory` about certificates, and
    /// hands work to `service`.
    ///
    /// # Errors
    /// When TLS cannot be configured.
    pub fn new(
        config: GatewayConfig,
        identity: Arc<ServerIdentity>,
        directory: Arc<dyn Directory>,
        service: Arc<dyn Service>,
    ) -> Result<Self, rustls::Error> {
        let shared = Shared {
            counters: Counters::new(&config.limits),
            tokens: Tokens::new(directory.clone(), config.provider.clone(), config.limits.recheck),
            authenticator: Authenticator::new(directory, config.limits.recheck),
            config,
            service,
            closing: watch::Sender::new(false),
        };
        Ok(Self { shared: Arc::new(shared), tls: tls::server_config(identity)? })
    }
}

impl Shared {
    /// Resolves when the gateway stops.
    async fn closed(&self) {
        // The sender lives in `self`, so this ends only by the value.
        let _ = self.closing.subscribe().wait_for(|closing| *closing).await;
    }
}
