//! A node process with its home, and the scratch directory of them all.

use std::fs::OpenOptions;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::Pid;

use crate::http::Connection;
use crate::plan::{Doing, Failure, Plan};

/// For genesis with millions of accounts on a slow disk.
const START_LIMIT: Duration = Duration::from_secs(900);
const BLOCK_LIMIT: Duration = Duration::from_secs(120);
const GRACE: Duration = Duration::from_secs(20);
/// Quiet time before memory is read.
const SETTLE: Duration = Duration::from_secs(5);

/// What an interrupted run must not leave behind.
struct Leftovers {
    processes: Vec<u32>,
    directories: Vec<PathBuf>,
}

static LEFTOVERS: Mutex<Leftovers> = Mutex::new(Leftovers { processes: Vec::new(), directories: Vec::new() });

fn leftovers<T>(change: impl FnOnce(&mut Leftovers) -> T) -> T {
    change(&mut LEFTOVERS.lock().unwrap_or_else(PoisonError::into_inner))
}

fn signal(pid: u32, signal: Signal) {
    if let Ok(pid) = i32::try_from(pid) {
        // It may have ended by itself.
        let _ = kill(Pid::from_raw(pid), signal);
    }
}

/// Call first: the signals are held back in every later thread, and one thread waits for them.
pub fn clean_up_when_interrupted() {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGINT);
    signals.add(Signal::SIGTERM);
    if signals.thread_block().is_err() {
        return;
    }
    std::thread::spawn(move || {
        let _ = signals.wait();
        leftovers(|left| {
            left.processes.iter().for_each(|pid| signal(*pid, Signal::SIGKILL));
            for directory in &left.directories {
                let _ = std::fs::remove_dir_all(directory);
            }
        });
        #[expect(clippy::disallowed_methods, reason = "files and children were removed just above")]
        std::process::exit(130);
    });
}

/// A directory that goes when this does.
pub struct Scratch(tempfile::TempDir);

impl Scratch {
    pub fn new() -> Result<Self, Failure> {
        let directory = tempfile::Builder::new().prefix("virtengine-bench-").tempdir()?;
        leftovers(|left| left.directories.push(directory.path().to_owned()));
        Ok(Self(directory))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

pub struct Node {
    binary: PathBuf,
    home: PathBuf,
    rpc: SocketAddr,
    child: Option<Child>,
}

/// Ports of one node: RPC, gRPC, REST, consensus, transactions, metrics.
fn port(plan: &Plan, index: u16, which: u16) -> u16 {
    plan.base_port + index * 10 + which
}

impl Node {
    /// Makes keys and configuration. Settings that are not written here are a node's defaults.
    pub fn create(plan: &Plan, home: PathBuf, index: u16, nodes: u16) -> Result<Self, Failure> {
        let made = Command::new(&plan.binary)
            .args(["node", "init", "--home"])
            .arg(&home)
            .output()
            .doing(|| format!("start {}", plan.binary.display()))?;
        if !made.status.success() {
            return Err(Failure(format!("`node init` failed: {}", String::from_utf8_lossy(&made.stderr))));
        }
        let peers = |which: u16| {
            let others = (0..nodes).filter(|other| *other != index);
            let texts: Vec<String> =
                others.map(|other| format!("\"/ip4/127.0.0.1/tcp/{}\"", port(plan, other, which))).collect();
            texts.join(", ")
        };
        let own = |which| port(plan, index, which);
        let config = format!(
            "moniker = \"node{index}\"\n\
             [rpc]\nlisten = \"127.0.0.1:{}\"\ngrpc = \"127.0.0.1:{}\"\nrest = \"127.0.0.1:{}\"\n\
             [p2p]\nlisten = \"127.0.0.1:{}\"\ntx_listen = \"127.0.0.1:{}\"\nmax_per_ip = 64\n\
             persistent_peers = [{}]\ntx_peers = [{}]\n\
             [metrics]\nlisten = \"127.0.0.1:{}\"\n\
             [mempool]\nmax_txs = {}\n",
            own(0),
            own(1),
            own(2),
            own(3),
            own(4),
            peers(3),
            peers(4),
            own(5),
            plan.in_flight * 2,
        );
        std::fs::write(home.join("config/node.toml"), config).doing(|| "write node.toml".into())?;
        Ok(Self { binary: plan.binary.clone(), home, rpc: ([127, 0, 0, 1], port(plan, index, 0)).into(), child: None })
    }

    pub fn home(&self) -> &Path {
        &self.home
    }

    pub fn rpc(&self) -> SocketAddr {
        self.rpc
    }

    /// 0 while it does not run.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    fn log(&self) -> PathBuf {
        self.home.join("log.txt")
    }

    fn failed(&self, what: &str) -> Failure {
        let text = std::fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let end = lines[lines.len().saturating_sub(10)..].join("\n");
        Failure(format!("{} {what}; the end of its log:\n{end}", self.home.display()))
    }

    /// Returns when the node answers, which is after it has taken in its genesis file.
    pub fn start(&mut self) -> Result<(), Failure> {
        if Connection::open(self.rpc).is_ok() {
            return Err(Failure(format!("{} is in use; choose another base-port", self.rpc)));
        }
        let log = OpenOptions::new().create(true).append(true).open(self.log())?;
        let child = Command::new(&self.binary)
            .args(["node", "start", "--home"])
            .arg(&self.home)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .doing(|| format!("start {}", self.binary.display()))?;
        leftovers(|left| left.processes.push(child.id()));
        self.child = Some(child);
        let started = Instant::now();
        while started.elapsed() < START_LIMIT {
            if Connection::open(self.rpc).is_ok() {
                return Ok(());
            }
            if self.child.as_mut().is_some_and(|child| !matches!(child.try_wait(), Ok(None))) {
                return Err(self.failed("has ended"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err(self.failed("does not answer"))
    }

    pub fn wait_for_height(&self, height: u64) -> Result<(), Failure> {
        let mut connection = Connection::open(self.rpc).doing(|| format!("connect to {}", self.rpc))?;
        let started = Instant::now();
        while started.elapsed() < BLOCK_LIMIT {
            if crate::follow::height(&mut connection)? >= height {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Err(self.failed("makes no blocks"))
    }

    /// Asks the process to end, then insists.
    pub fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let pid = child.id();
        signal(pid, Signal::SIGTERM);
        let asked = Instant::now();
        while matches!(child.try_wait(), Ok(None)) {
            if asked.elapsed() > GRACE {
                signal(pid, Signal::SIGKILL);
                let _ = child.wait();
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        leftovers(|left| left.processes.retain(|other| *other != pid));
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What a process takes, as the system tells; zeros where it does not.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    pub resident_kib: u64,
    pub peak_kib: u64,
    /// Processor time since its start, in seconds.
    pub cpu: f64,
}

impl Usage {
    pub fn of(pid: u32) -> Self {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let kib = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
        };
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The name in parentheses may hold spaces; user and system time are fields 14 and 15 in hundredths.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
        Self { resident_kib: kib("VmRSS:"), peak_kib: kib("VmHWM:"), cpu: (ticks(11) + ticks(12)) / 100.0 }
    }

    /// The largest memory and all processor time of several.
    pub fn of_all(nodes: &[Node]) -> Self {
        nodes.iter().map(|node| Self::of(node.pid())).fold(Self::default(), |all, one| Self {
            resident_kib: all.resident_kib.max(one.resident_kib),
            peak_kib: all.peak_kib.max(one.peak_kib),
            cpu: all.cpu + one.cpu,
        })
    }
}

/// Resident memory of the largest node after some seconds of empty blocks.
pub fn settle(nodes: &[Node]) -> Result<u64, Failure> {
    std::thread::sleep(SETTLE);
    match Usage::of_all(nodes).resident_kib {
        0 => Err(Failure("the system does not tell how much memory a process has".into())),
        kib => Ok(kib),
    }
}
