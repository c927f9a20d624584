//! What is on disk, so that a crash of the daemon or of a keeper loses nothing.
//!
//! ```text
//! workloads/<id>/workload.json         what was asked for            (daemon)
//! workloads/<id>/r<n>/keeper.json      how to run the replica        (daemon)
//!                     stop.json        a stop was asked for          (daemon)
//!                     scratch.tar      what a stopped replica wrote  (keeper)
//!                     replica.json     state, pids, last exit        (keeper)
//!                     previous.json        the same of the keeper before (daemon)
//!                     usage.json       counters                      (keeper)
//!                     logs/            output                        (keeper)
//!                     config.json      OCI runtime configuration     (keeper)
//!                     runtime/         libcontainer's own state      (keeper)
//! ```

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use nix::sys::signal::Signal;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::image::{IdShift, PreparedImage};
use crate::backend::{ExitStatus, ReplicaState, RestartPolicy, WorkloadId, WorkloadSpec};

/// Written by the daemon when a workload is placed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct WorkloadRecord {
    pub id: WorkloadId,
    pub idem: String,
    pub spec: WorkloadSpec,
    pub image: PreparedImage,
    pub created_at_unix_ms: u64,
    pub desired: Desired,
    /// Key of the last restart; written when everything had stopped.
    #[serde(default)]
    pub restarted: Option<String>,
    /// Bytes forwarded on published ports, in and out.
    #[serde(default)]
    pub net: (u64, u64),
}

/// What the workload should be doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Desired {
    Running,
    Stopped,
    Terminated,
}

/// Orders for the keeper of one replica.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct KeeperConfig {
    /// Container id: `<workload id>-<index>`.
    pub container: String,
    pub cgroup: String,
    pub rootfs: String,
    /// Existing directory that the keeper covers in its own mount namespace.
    pub stage: String,
    pub hostname: String,
    pub spec: WorkloadSpec,
    pub image: PreparedImage,
    pub ids: IdShift,
    pub user_namespace: bool,
    pub pids_limit: i64,
    pub sample_ms: u64,
    pub log_file_bytes: u64,
    pub log_files: u32,
    /// First pause before a restart; doubles up to `restart_max_ms`.
    pub restart_min_ms: u64,
    pub restart_max_ms: u64,
}

impl KeeperConfig {
    pub(super) fn restart(&self) -> RestartPolicy {
        self.spec.restart
    }
}

/// Written by the keeper at each change.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ReplicaRecord {
    pub keeper: ProcessId,
    pub state: ReplicaState,
    pub main: Option<ProcessId>,
    pub restarts: u32,
    pub started_at_unix_ms: Option<u64>,
    pub last_exit: Option<ExitStatus>,
}

/// How a stop was asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct StopRequest {
    pub grace_ms: u64,
    /// What was written stays for the next start.
    #[serde(default)]
    pub keep: bool,
}

/// Counters in fine units; [`crate::backend::Counters`] rounds them down.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct UsageRecord {
    pub cpu_ns: u64,
    /// Byte-milliseconds; 128 bits hold 10^15 bytes for 10^12 years.
    pub memory_byte_ms: u128,
    pub running_ms: u64,
}

/// A process that a later process with the same number is not mistaken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct ProcessId {
    pub pid: i32,
    /// Start time in clock ticks since boot (proc(5), field 22 of `stat`).
    pub start: u64,
}

impl ProcessId {
    /// The process with this number now, unless it is gone or a zombie.
    pub(super) fn of(pid: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The command name may hold spaces and parentheses; fields follow the last one.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
        let state = fields.next()?;
        let start = fields.nth(18)?.parse().ok()?;
        (state != "Z" && state != "X").then_some(Self { pid, start })
    }

    pub(super) fn is_alive(self) -> bool {
        Self::of(self.pid) == Some(self)
    }

    /// Signals exactly this process; `false` when it is gone.
    pub(super) fn signal(self, signal: Signal) -> bool {
        let Some(pid) = rustix::process::Pid::from_raw(self.pid) else {
            return false;
        };
        let flags = rustix::process::PidfdFlags::empty();
        let Ok(pidfd) = rustix::process::pidfd_open(pid, flags) else {
            return false;
        };
        // The descriptor now pins the process; it is ours if the start time agrees.
        let Some(number) = rustix::process::Signal::from_named_raw(signal as i32) else {
            return false;
        };
        self.is_alive() && rustix::process::pidfd_send_signal(pidfd, number).is_ok()
    }
}

/// Milliseconds since the Unix epoch.
pub(super) fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
}

/// Replaces a file so that a reader or a crash sees the old or the new content.
pub(super) fn write_atomic(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let mut file = fs::File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    fs::rename(&temporary, path)
}

pub(super) fn write_json(path: &Path, value: &impl Serialize) -> io::Result<()> {
    write_atomic(path, &serde_json::to_vec(value)?)
}

/// `None` when the file is not there.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}
