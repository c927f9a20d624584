//! Network namespaces of workloads: they have a loopback interface and nothing
//! else, so the only way in is a socket made inside.

use std::fs::File;
use std::io;
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::sync::mpsc;
use std::thread;

use libcontainer::network::link::LinkClient;
use libcontainer::network::wrapper::create_network_client;
use nix::sched::{CloneFlags, setns};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use tokio::sync::oneshot;

use super::state::ProcessId;

/// Loopback is the first interface of every network namespace.
const LOOPBACK: u32 = 1;

/// Brings loopback up in the network namespace of `pid`. Single-threaded callers
/// only: it visits that namespace and comes back.
pub(super) fn raise_loopback(pid: i32) -> io::Result<()> {
    let home = File::open("/proc/self/ns/net")?;
    let there = File::open(format!("/proc/{pid}/ns/net"))?;
    setns(&there, CloneFlags::CLONE_NEWNET)?;
    let raised =
        LinkClient::new(create_network_client()).and_then(|mut links| links.set_up(LOOPBACK)).map_err(io::Error::other);
    setns(&home, CloneFlags::CLONE_NEWNET)?;
    raised
}

/// Makes sockets inside one workload's network namespace.
///
/// A socket belongs to the namespace of the thread that made it, wherever it is
/// used. One thread per workload stays inside and makes them; it ends, and lets
/// go of the namespace, when this value is dropped.
pub(super) struct SocketMaker {
    ask: mpsc::Sender<oneshot::Sender<io::Result<OwnedFd>>>,
}

impl SocketMaker {
    /// Enters the namespace of a process that is still the same.
    pub(super) fn enter(process: ProcessId) -> io::Result<Self> {
        let namespace = File::open(format!("/proc/{}/ns/net", process.pid))?;
        if !process.is_alive() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the process ended"));
        }
        let (ask, asked) = mpsc::channel::<oneshot::Sender<io::Result<OwnedFd>>>();
        let (entered, result) = mpsc::channel();
        thread::Builder::new().name("ve-netns".into()).stack_size(128 << 10).spawn(move || {
            let inside = setns(&namespace, CloneFlags::CLONE_NEWNET);
            let ok = inside.is_ok();
            let _ = entered.send(inside);
            drop(namespace);
            // The thread never leaves: a thread in a tenant's namespace must not
            // go back to a pool.
            for reply in asked.iter().take_while(|_| ok) {
                let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
                let made = socket(AddressFamily::Inet, SockType::Stream, flags, None);
                let _ = reply.send(made.map_err(Into::into));
            }
        })?;
        let entered = result.recv().map_err(io::Error::other)?;
        entered?;
        Ok(Self { ask })
    }

    /// Connects to a port on the workload's loopback.
    pub(super) async fn connect(&self, port: u16) -> io::Result<tokio::net::TcpStream> {
        let (reply, made) = oneshot::channel();
        let gone = || io::Error::new(io::ErrorKind::NotConnected, "the workload ended");
        self.ask.send(reply).map_err(|_| gone())?;
        let fd = made.await.map_err(|_| gone())??;
        let socket = tokio::net::TcpSocket::from_std_stream(TcpStream::from(fd));
        socket.connect(([127, 0, 0, 1], port).into()).await
    }
}
