//! One accept loop for every interface: bounded connections, bounded header time, HTTP/1.1 and HTTP/2, orderly stop.

use std::{sync::Arc, time::Duration};

use axum::{Router, http::StatusCode};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
};
use tower_http::timeout::TimeoutLayer;

/// A client must send its next request head within this time. Longer than HTTP clients keep idle connections (90 s), or
/// they would send into a connection that was just closed.
const HEADER_TIMEOUT: Duration = Duration::from_secs(100);
/// Reading a body and answering it; above the 10 s that `broadcast_tx_commit` waits.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// How long open requests may take after the stop signal.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);
/// Pause after a failed accept, e.g. when file descriptors are used up.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);
/// Streams of one HTTP/2 connection.
const MAX_STREAMS: u32 = 128;

/// Serves until `stop` becomes true, then finishes open requests. Connections beyond `max_connections` wait in the
/// kernel's queue.
pub async fn serve(listener: TcpListener, router: Router, max_connections: usize, mut stop: watch::Receiver<bool>) {
    let permits = Arc::new(Semaphore::new(max_connections));
    let graceful = GracefulShutdown::new();
    let router = router.layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, REQUEST_TIMEOUT));
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(MAX_STREAMS);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &permits) => accepted,
            _ = stop.wait_for(|stopped| *stopped) => break,
        };
        let Some((stream, permit)) = accepted else {
            tokio::time::sleep(ACCEPT_RETRY).await;
            continue;
        };
        let service = TowerToHyperService::new(router.clone());
        let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
        let watched = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = watched.await {
                tracing::debug!(%error, "client connection ended");
            }
            drop(permit);
        });
    }
    if tokio::time::timeout(DRAIN_TIMEOUT, graceful.shutdown()).await.is_err() {
        tracing::debug!("clients were still connected when the interface stopped");
    }
}

async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let permit = permits.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => {
            // Answers are small and waited for.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "cannot disable Nagle's algorithm");
            }
            Some((stream, permit))
        }
        Err(error) => {
            tracing::warn!(%error, "cannot accept a connection");
            None
        }
    }
}
