//! Published ports: the daemon listens on the host and carries each connection
//! to a replica's loopback. The workload itself never touches the host network.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::netns::SocketMaker;
use super::state::{self, ProcessId, ReplicaRecord, WorkloadRecord};
use crate::backend::{Endpoint, Protocol, ReplicaState, WorkloadId};

/// Connections at a time on one published port.
const MAX_CONNECTIONS: usize = 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection on which nothing moves for this long is closed.
const IDLE: Duration = Duration::from_secs(3600);

/// A port of a service of a lease: it keeps its host port over restarts of the
/// workload and of the daemon, and over updates of the service.
type PortKey = String;

/// Bytes carried for one workload: in, out.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    pub bytes_in: AtomicU64,
    pub bytes_out: AtomicU64,
}

/// One workload behind a port. The newest that runs gets the connections.
#[derive(Clone)]
struct Route {
    workload: WorkloadId,
    created: u64,
    port: u16,
    replicas: Vec<PathBuf>,
    traffic: Arc<Traffic>,
}

struct Published {
    address: SocketAddr,
    routes: Arc<Mutex<Vec<Route>>>,
    task: tokio::task::JoinHandle<()>,
}

/// All published ports of this daemon.
pub(super) struct Proxy {
    bind: IpAddr,
    file: PathBuf,
    ports: tokio::sync::Mutex<BTreeMap<PortKey, Published>>,
    makers: Arc<Makers>,
}

/// Socket makers by main process.
#[derive(Default)]
struct Makers(Mutex<HashMap<ProcessId, Arc<SocketMaker>>>);

impl Makers {
    fn get(&self, process: ProcessId) -> io::Result<Arc<SocketMaker>> {
        let mut makers = lock(&self.0);
        if let Some(maker) = makers.get(&process) {
            return Ok(maker.clone());
        }
        let maker = Arc::new(SocketMaker::enter(process)?);
        makers.insert(process, maker.clone());
        Ok(maker)
    }

    /// Lets go of the namespaces of ended processes.
    fn forget_dead(&self) {
        lock(&self.0).retain(|process, _| process.is_alive());
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        for published in self.ports.get_mut().values() {
            published.task.abort();
        }
    }
}

impl Proxy {
    pub(super) fn new(bind: IpAddr, file: PathBuf) -> Self {
        Self { bind, file, ports: tokio::sync::Mutex::default(), makers: Arc::default() }
    }

    /// Opens the published ports of a workload, or adds it behind those that an
    /// earlier revision of the service has open.
    pub(super) async fn publish(
        &self,
        record: &WorkloadRecord,
        replicas: Vec<PathBuf>,
        traffic: Arc<Traffic>,
    ) -> io::Result<()> {
        let mut ports = self.ports.lock().await;
        let mut wanted = self.remembered();
        for port in record.spec.ports.iter().filter(|p| p.published) {
            let key = key(record, port.external_port);
            if !ports.contains_key(&key) {
                let listener = self.listen(wanted.get(&key).copied()).await?;
                let address = listener.local_addr()?;
                wanted.insert(key.clone(), address.port());
                let routes = Arc::new(Mutex::new(Vec::new()));
                let serve = serve(listener, routes.clone(), self.makers.clone());
                let task = tokio::spawn(serve);
                let published = Published { address, routes, task };
                ports.insert(key.clone(), published);
            }
            if let Some(published) = ports.get(&key) {
                let mut routes = lock(&published.routes);
                routes.retain(|r| r.workload != record.id);
                routes.push(Route {
                    workload: record.id.clone(),
                    created: record.created_at_unix_ms,
                    port: port.container_port,
                    replicas: replicas.clone(),
                    traffic: traffic.clone(),
                });
                routes.sort_by_key(|r| std::cmp::Reverse(r.created));
            }
        }
        state::write_json(&self.file, &wanted)
    }

    /// Takes a workload from behind its ports; a port with nothing behind it closes.
    pub(super) async fn unpublish(&self, id: &WorkloadId) -> io::Result<()> {
        let mut ports = self.ports.lock().await;
        let mut wanted = self.remembered();
        ports.retain(|key, published| {
            let mut routes = lock(&published.routes);
            let before = routes.len();
            routes.retain(|r| r.workload != *id);
            let close = routes.is_empty() && before > 0;
            if close {
                published.task.abort();
                wanted.remove(key);
            }
            !close
        });
        self.makers.forget_dead();
        state::write_json(&self.file, &wanted)
    }

    /// Where the ports of a workload are reached.
    pub(super) async fn endpoints(&self, record: &WorkloadRecord) -> Vec<Endpoint> {
        let ports = self.ports.lock().await;
        let published = record.spec.ports.iter().filter(|p| p.published);
        published
            .filter_map(|port| {
                let address = ports.get(&key(record, port.external_port))?.address;
                Some(Endpoint {
                    service: record.spec.service.clone(),
                    container_port: port.container_port,
                    external_port: port.external_port,
                    protocol: Protocol::Tcp,
                    address,
                })
            })
            .collect()
    }

    /// Drops threads in namespaces whose workload ended by itself.
    pub(super) fn forget_dead(&self) {
        self.makers.forget_dead();
    }

    fn remembered(&self) -> BTreeMap<PortKey, u16> {
        let read = state::read_json(&self.file);
        read.ok().flatten().unwrap_or_default()
    }

    async fn listen(&self, port: Option<u16>) -> io::Result<TcpListener> {
        if let Some(port) = port {
            match TcpListener::bind((self.bind, port)).await {
                Ok(listener) => return Ok(listener),
                Err(e) => tracing::warn!(port, %e, "a published port changes: it is taken"),
            }
        }
        TcpListener::bind((self.bind, 0)).await
    }
}

fn key(record: &WorkloadRecord, external_port: u16) -> PortKey {
    format!("{}|{}|{external_port}", record.spec.lease_tag, record.spec.service)
}

async fn serve(listener: TcpListener, routes: Arc<Mutex<Vec<Route>>>, makers: Arc<Makers>) {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let turn = Arc::new(AtomicUsize::new(0));
    // Dropped with this task: closing the port closes its connections.
    let mut connections = JoinSet::new();
    loop {
        let Ok(permit) = room.clone().acquire_owned().await else {
            return;
        };
        let client = match listener.accept().await {
            Ok((client, _)) => client,
            Err(e) => {
                tracing::warn!(%e, "accept on a published port");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        while connections.try_join_next().is_some() {}
        let routes = lock(&routes).clone();
        let (makers, turn) = (makers.clone(), turn.fetch_add(1, Ordering::Relaxed));
        connections.spawn(async move {
            if let Some((server, traffic)) = connect(&routes, &makers, turn).await {
                carry(client, server, &traffic).await;
            }
            drop(permit);
        });
    }
}

/// A connection to a running replica, in turns, of the newest workload that has one.
async fn connect(routes: &[Route], makers: &Makers, turn: usize) -> Option<(TcpStream, Arc<Traffic>)> {
    for route in routes {
        let count = route.replicas.len();
        for i in 0..count {
            let dir = &route.replicas[(turn + i) % count];
            let record = state::read_json::<ReplicaRecord>(&dir.join("replica.json"));
            let Ok(Some(record)) = record else { continue };
            let (ReplicaState::Running, Some(main)) = (record.state, record.main) else {
                continue;
            };
            let Ok(maker) = makers.get(main) else {
                continue;
            };
            let connected = tokio::time::timeout(CONNECT_TIMEOUT, maker.connect(route.port));
            if let Ok(Ok(server)) = connected.await {
                return Some((server, route.traffic.clone()));
            }
        }
    }
    None
}

async fn carry(client: TcpStream, server: TcpStream, traffic: &Traffic) {
    let _ = client.set_nodelay(true);
    let _ = server.set_nodelay(true);
    let (client_read, client_write) = client.into_split();
    let (server_read, server_write) = server.into_split();
    let inward = pump(client_read, server_write, &traffic.bytes_in);
    let outward = pump(server_read, client_write, &traffic.bytes_out);
    let _ = tokio::join!(inward, outward);
}

async fn pump(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    count: &AtomicU64,
) -> io::Result<()> {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let read = tokio::time::timeout(IDLE, from.read(&mut buffer)).await;
        let n = read.map_err(io::Error::other)??;
        if n == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..n]).await?;
        count.fetch_add(n as u64, Ordering::Relaxed);
    }
}

/// The data behind these locks is replaced whole, so a panic elsewhere cannot have
/// left it half-changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
