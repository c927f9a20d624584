use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::{BackendError, Result};

/// Name of one placed workload: 32 lower-case hex digits derived from the lease
/// tag, the service and the idempotency key, so that a repeated call finds it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WorkloadId(String);

impl WorkloadId {
    /// The id of the workload that `idem` creates for a service of a lease.
    pub fn derive(lease_tag: &str, service: &str, idem: &str) -> Self {
        let mut hash = Sha256::new();
        for part in [lease_tag, service, idem] {
            // Length prefix: ("ab","c") and ("a","bc") must differ.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        Self(hex::encode(&hash.finalize()[..16]))
    }

    /// The hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WorkloadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for WorkloadId {
    type Error = BackendError;

    fn try_from(text: String) -> Result<Self> {
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() == 32 && text.bytes().all(hex) {
            Ok(Self(text))
        } else {
            Err(BackendError::invalid("a workload id is 32 lower-case hex digits"))
        }
    }
}

impl From<WorkloadId> for String {
    fn from(id: WorkloadId) -> Self {
        id.0
    }
}

/// One service of a lease to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkloadSpec {
    /// `ve-lease` tag: names the lease; equal for all its services. 1–128 bytes of
    /// `[A-Za-z0-9._/-]`.
    pub lease_tag: String,
    /// Service name of the manifest, `^[a-z]([-a-z0-9]*[a-z0-9])?$`, up to 63 bytes.
    pub service: String,
    /// Image reference, e.g. `registry.example/app:1` or `…@sha256:…`.
    pub image: String,
    /// Login for the image's registry. Never stored by a backend.
    #[serde(skip)]
    pub credentials: Option<RegistryCredentials>,
    /// Replaces the image's entry point when not empty.
    #[serde(default)]
    pub command: Vec<String>,
    /// Replaces the image's arguments when not empty, or when `command` is given.
    #[serde(default)]
    pub args: Vec<String>,
    /// Added to the image's environment; same names win over the image.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Hard limits of each replica.
    pub resources: Resources,
    /// Ports the service listens on.
    #[serde(default)]
    pub ports: Vec<PortSpec>,
    /// Equal copies, at least 1.
    pub replicas: u32,
    /// What to do when the main process ends.
    #[serde(default)]
    pub restart: RestartPolicy,
}

/// Login for one image registry.
#[derive(Clone, PartialEq, Eq)]
pub struct RegistryCredentials {
    /// User name.
    pub username: String,
    /// Password or token.
    pub password: String,
}

impl fmt::Debug for RegistryCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryCredentials").field("username", &self.username).finish_non_exhaustive()
    }
}

/// Hard limits of one replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resources {
    /// Thousandths of one CPU.
    pub cpu_mcore: u64,
    /// Memory including swap, bytes.
    pub memory_bytes: u64,
    /// Writable space, bytes. 0 = no writable space beyond `/dev/shm`.
    pub storage_bytes: u64,
}

impl Resources {
    /// `self × n`, `None` when that does not fit.
    pub fn times(self, n: u32) -> Option<Self> {
        let n = u64::from(n);
        Some(Self {
            cpu_mcore: self.cpu_mcore.checked_mul(n)?,
            memory_bytes: self.memory_bytes.checked_mul(n)?,
            storage_bytes: self.storage_bytes.checked_mul(n)?,
        })
    }

    /// Sum, `None` when that does not fit.
    pub fn plus(self, other: Self) -> Option<Self> {
        Some(Self {
            cpu_mcore: self.cpu_mcore.checked_add(other.cpu_mcore)?,
            memory_bytes: self.memory_bytes.checked_add(other.memory_bytes)?,
            storage_bytes: self.storage_bytes.checked_add(other.storage_bytes)?,
        })
    }

    /// Whether each part is at most that of `limit`.
    pub fn fits(self, limit: Self) -> bool {
        self.cpu_mcore <= limit.cpu_mcore
            && self.memory_bytes <= limit.memory_bytes
            && self.storage_bytes <= limit.storage_bytes
    }
}

impl fmt::Display for Resources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |bytes: u64| bytes >> 20;
        let (memory, storage) = (mib(self.memory_bytes), mib(self.storage_bytes));
        write!(f, "{}m CPU, {memory} MiB memory, {storage} MiB storage", self.cpu_mcore)
    }
}

/// Transport of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP, which includes HTTP.
    Tcp,
    /// UDP.
    Udp,
}

/// One port of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortSpec {
    /// Where the process listens inside.
    pub container_port: u16,
    /// The port customers asked for (`as` of the SDL).
    pub external_port: u16,
    /// Transport.
    pub protocol: Protocol,
    /// Reachable from outside the lease (`global: true`).
    pub published: bool,
}

/// What happens when the main process ends on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RestartPolicy {
    /// Start again, with growing pauses.
    #[default]
    Always,
    /// Start again unless the exit code was 0.
    OnFailure,
    /// Leave it ended.
    Never,
}

/// How the main process of a replica ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitStatus {
    /// Exit code; 128 + signal when a signal ended it.
    pub code: i32,
    /// The signal, if one ended it.
    pub signal: Option<i32>,
    /// The kernel killed a process of the replica for its memory limit.
    pub oom_killed: bool,
    /// Why it could not be started at all, or empty.
    #[serde(default)]
    pub error: String,
    /// Milliseconds since the Unix epoch.
    pub at_unix_ms: u64,
}

/// State of one replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplicaState {
    /// Being set up.
    Starting,
    /// The main process runs.
    Running,
    /// Ended; starts again after a pause.
    Backoff,
    /// Ended and stays so.
    Exited,
    /// Its keeper is gone without a record; it is not running.
    Lost,
}

/// One replica as observed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicaStatus {
    /// 0-based.
    pub index: u32,
    /// State now.
    pub state: ReplicaState,
    /// Starts after the first.
    pub restarts: u32,
    /// Start of the current or last run, milliseconds since the Unix epoch.
    pub started_at_unix_ms: Option<u64>,
    /// How the last run ended.
    pub last_exit: Option<ExitStatus>,
    /// Pid of the main process as the host sees it, while running.
    pub pid: Option<i32>,
}

/// State of a workload, from its replicas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WorkloadState {
    /// No replica runs yet, at least one is starting or pausing before a restart.
    Starting,
    /// Every replica runs.
    Running,
    /// Some replicas run.
    Degraded,
    /// Stopped on request.
    Stopped,
    /// All replicas ended and stay so.
    Exited,
}

/// A workload as observed.
#[derive(Debug, Clone)]
pub struct Workload {
    /// Its name here.
    pub id: WorkloadId,
    /// The key it was created with (`ve-idem`).
    pub idem: String,
    /// What was asked for, without credentials.
    pub spec: WorkloadSpec,
    /// Digest of the image that runs, `sha256:…`.
    pub image_digest: String,
    /// Summary of the replicas.
    pub state: WorkloadState,
    /// Each replica, by index.
    pub replicas: Vec<ReplicaStatus>,
    /// Where published ports are reached; empty when none.
    pub endpoints: Vec<Endpoint>,
    /// Milliseconds since the Unix epoch.
    pub created_at_unix_ms: u64,
}

/// Where a published port is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Service it belongs to.
    pub service: String,
    /// Port inside.
    pub container_port: u16,
    /// Port the customer asked for.
    pub external_port: u16,
    /// Transport.
    pub protocol: Protocol,
    /// Where the provider listens.
    pub address: SocketAddr,
}

/// What a backend can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// Workloads may open connections to the outside.
    pub egress: bool,
    /// Services of a lease can reach each other by name.
    pub service_links: bool,
    /// Volumes that outlive a replica.
    pub persistent_storage: bool,
    /// GPUs.
    pub gpu: bool,
    /// Published UDP ports.
    pub udp: bool,
    /// Addresses of a customer's own.
    pub leased_ip: bool,
    /// Services are reached under the host names that customers choose.
    pub host_names: bool,
    /// Most ports that one service publishes.
    pub max_endpoints: usize,
    /// Most equal copies of one service.
    pub max_replicas: u32,
    /// The least that a replica can be given.
    pub least: Resources,
    /// CPU architecture in OCI terms: `amd64`, `arm64`.
    pub architecture: &'static str,
}

/// Capacity of the backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capacity {
    /// What can be sold.
    pub total: Resources,
    /// What is held by workloads, running or stopped.
    pub reserved: Resources,
}

impl Capacity {
    /// What is left.
    pub fn free(&self) -> Resources {
        Resources {
            cpu_mcore: self.total.cpu_mcore.saturating_sub(self.reserved.cpu_mcore),
            memory_bytes: (self.total.memory_bytes).saturating_sub(self.reserved.memory_bytes),
            storage_bytes: (self.total.storage_bytes).saturating_sub(self.reserved.storage_bytes),
        }
    }
}

/// Consumption so far (marketplace §13.7 units). Monotonic for one workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counters {
    /// Milli-CPU × seconds actually used.
    pub cpu_mcore_s: u64,
    /// Bytes of memory × seconds, sampled.
    pub mem_byte_s: u64,
    /// Bytes of reserved writable space × seconds the workload existed running.
    pub storage_byte_s: u64,
    /// Bytes received on published ports.
    pub net_in: u64,
    /// Bytes sent from published ports.
    pub net_out: u64,
    /// Seconds a main process ran, summed over replicas.
    pub running_s: u64,
}

/// Consumption at an instant, of one replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// CPU time used by the current run, nanoseconds.
    pub cpu_ns: u64,
    /// Memory in use, bytes.
    pub memory_bytes: u64,
    /// Processes and threads.
    pub pids: u64,
    /// Processes killed for the memory limit.
    pub oom_kills: u64,
}

/// One line of output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Milliseconds since the Unix epoch, when the line was read.
    #[serde(rename = "t")]
    pub at_unix_ms: u64,
    /// `stdout`, `stderr`, or `system` for the keeper's own notes.
    #[serde(rename = "s")]
    pub stream: String,
    /// Text without its line end; bytes that are not UTF-8 are replaced.
    #[serde(rename = "l")]
    pub text: String,
    /// The line goes on in the next record (longer than 16 KiB).
    #[serde(rename = "p", default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// Replica that wrote it.
    #[serde(skip)]
    pub replica: u32,
}

/// Which lines to return.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogQuery {
    /// Only this replica; all when `None`.
    pub replica: Option<u32>,
    /// Only the last so many lines of each replica; all kept when `None`.
    pub tail: Option<usize>,
    /// Stay open for new lines.
    pub follow: bool,
}

/// Lines; the sender ends when there is nothing more.
pub type LogStream = mpsc::Receiver<LogLine>;

/// Size of a terminal in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TermSize {
    /// Rows.
    pub rows: u16,
    /// Columns.
    pub cols: u16,
}

/// A command to run in a replica.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecRequest {
    /// Which replica.
    pub replica: u32,
    /// Program and arguments; at least one.
    pub command: Vec<String>,
    /// A terminal of this size instead of three pipes.
    pub tty: Option<TermSize>,
}

/// Towards the command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExecInput {
    /// Bytes for standard input.
    Stdin(Vec<u8>),
    /// New terminal size.
    Resize(TermSize),
}

/// From the command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExecOutput {
    /// Bytes of standard output, or of the terminal.
    Stdout(Vec<u8>),
    /// Bytes of standard error.
    Stderr(Vec<u8>),
    /// The command ended: exit code, 128 + signal when killed. Last message.
    Exit(i32),
    /// It could not be run. Last message.
    Failed(String),
}
