use std::future::Future;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::limits::Slot;
use super::peer::PeerCertificate;
use super::{Gateway, Shared, routes};

/// Largest request head, bytes.
const MAX_HEAD: usize = 64 * 1024;

/// Requests under way have so long to end when the gateway stops.
const GRACE: Duration = Duration::from_secs(5);

/// After a failed accept: the usual cause, no free descriptor, needs a moment.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// One client connection, shared by its requests and by the stream that it
/// becomes, so that the latter still counts as a connection.
#[derive(Clone)]
pub(super) struct Connection {
    pub(super) address: IpAddr,
    pub(super) certificate: Option<Arc<PeerCertificate>>,
    _held: Arc<(OwnedSemaphorePermit, Slot<IpAddr>)>,
}

impl Gateway {
    /// Serves until `shutdown` resolves, then ends sessions and returns after at
    /// most 5 s.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        let Self { shared, tls } = self;
        let acceptor = TlsAcceptor::from(tls);
        let permits = Arc::new(Semaphore::new(shared.config.limits.connections));
        let router = routes::router(shared.clone());
        let mut tasks = JoinSet::new();
        tokio::pin!(shutdown);
        loop {
            let accepted = tokio::select! {
                () = &mut shutdown => break,
                Some(_) = tasks.join_next(), if !tasks.is_empty() => continue,
                accepted = accept(&listener, &permits) => accepted,
            };
            let Some((stream, address, permit)) = accepted else { continue };
            let address = group(address.ip());
            let Some(slot) = shared.counters.connections.take(address) else { continue };
            let held = Arc::new((permit, slot));
            let connection = Connection { address, certificate: None, _held: held };
            let (acceptor, router, shared) = (acceptor.clone(), router.clone(), shared.clone());
            tasks.spawn(async move { handle(stream, acceptor, router, connection, &shared).await });
        }
        drop(listener);
        shared.closing.send_replace(true);
        let drained = async { while tasks.join_next().await.is_some() {} };
        if timeout(GRACE, drained).await.is_err() {
            tasks.shutdown().await;
        }
    }
}

async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    // The permit comes first: without one, clients wait in the kernel's queue.
    let permit = permits.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, address)) => Some((stream, address, permit)),
        Err(error) => {
            tracing::warn!(%error, "gateway could not accept a connection");
            sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

/// One customer of IPv6 commonly holds a /64, which therefore counts as one address.
fn group(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        },
    }
}

async fn handle(stream: TcpStream, acceptor: TlsAcceptor, router: Router, mut connection: Connection, shared: &Shared) {
    let limits = &shared.config.limits;
    // Frames of a shell are small and wait for an answer.
    let _ = stream.set_nodelay(true);
    let stream = match timeout(limits.handshake, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::debug!(%error, "TLS handshake failed"),
        Err(_) => return tracing::debug!("TLS handshake timed out"),
    };
    connection.certificate = certificate(&stream).map(Arc::new);
    let service = TowerToHyperService::new(router.layer(Extension(connection)));
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.handshake)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(serving);
    let served = tokio::select! {
        served = &mut serving => served,
        () = shared.closed() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "gateway connection ended");
    }
}

fn certificate(stream: &TlsStream<TcpStream>) -> Option<PeerCertificate> {
    let shown = stream.get_ref().1.peer_certificates()?.first()?;
    PeerCertificate::parse(shown.as_ref()).ok()
}
