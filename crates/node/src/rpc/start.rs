//! Opens the three ports.

use std::{io, net::SocketAddr, sync::Arc};

use axum::Router;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use super::{Backend, comet, grpc, rest, server, services::Services};

/// Where the interfaces listen; `None` leaves one out. Loopback unless the operator decides otherwise: nothing here
/// authenticates a caller.
#[derive(Clone, Debug)]
pub struct Listen {
    pub comet: Option<SocketAddr>,
    pub grpc: Option<SocketAddr>,
    pub rest: Option<SocketAddr>,
}

impl Default for Listen {
    fn default() -> Self {
        let loopback = |port| Some(SocketAddr::from(([127, 0, 0, 1], port)));
        Self { comet: loopback(26657), grpc: loopback(9090), rest: loopback(1317) }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot listen on {address} for {interface}: {cause}; free the port or choose another in node.toml")]
    Listen { interface: &'static str, address: SocketAddr, cause: io::Error },
    #[error("the schema does not serve {0}; regenerate it with `cargo xtask proto`")]
    Schema(String),
}

/// The running interfaces.
pub struct Interfaces {
    /// Bound addresses, also when a port of 0 was asked for.
    pub bound: Listen,
    tasks: Vec<JoinHandle<()>>,
}

impl Interfaces {
    /// Waits until all have stopped, after `stop` became true.
    pub async fn stopped(self) {
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "an interface failed");
            }
        }
    }
}

/// Binds all ports before serving any, so that a node never runs with half its interfaces.
pub async fn start(backend: Backend, listen: &Listen, stop: &watch::Receiver<bool>) -> Result<Interfaces, StartError> {
    let services = Arc::new(Services::new(backend.clone()));
    let schema = |e: &dyn std::fmt::Display| StartError::Schema(e.to_string());
    let comet_router = comet::router(comet::Comet::new(backend, services.clone()));
    let grpc_router = grpc::router(services.clone()).map_err(|e| schema(&e))?;
    let rest_router = rest::router(services).map_err(|e| schema(&e))?;
    let planned: [(&'static str, Option<SocketAddr>, Router, usize); 3] = [
        ("JSON-RPC", listen.comet, comet_router, comet::MAX_CONNECTIONS),
        ("gRPC", listen.grpc, grpc_router, grpc::MAX_CONNECTIONS),
        ("REST", listen.rest, rest_router, rest::MAX_CONNECTIONS),
    ];
    let mut ready = Vec::new();
    let mut bound = [None; 3];
    for ((interface, address, router, limit), bound) in planned.into_iter().zip(&mut bound) {
        let Some(address) = address else { continue };
        let failed = |cause| StartError::Listen { interface, address, cause };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        *bound = Some(listener.local_addr().map_err(failed)?);
        ready.push((listener, router, limit));
    }
    let tasks = ready
        .into_iter()
        .map(|(listener, router, limit)| tokio::spawn(server::serve(listener, router, limit, stop.clone())))
        .collect();
    let [comet, grpc, rest] = bound;
    Ok(Interfaces { bound: Listen { comet, grpc, rest }, tasks })
}
