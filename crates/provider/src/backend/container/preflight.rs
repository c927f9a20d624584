//! Whether this machine can isolate tenants. If not, the backend does not open.

use std::fs;
use std::path::Path;

use tokio::process::Command;

use super::cgroup::Hierarchy;
use super::config::ContainerConfig;
use crate::backend::Resources;

/// Directories of the usual file hierarchy, one of which keepers cover privately.
const STAGES: [&str; 5] = ["/mnt", "/media", "/srv", "/opt", "/home"];

/// Why the container backend cannot run here, and what to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this machine cannot isolate tenants: {0}")]
pub struct CannotIsolate(pub String);

/// What was found.
pub(super) struct Machine {
    pub hierarchy: Hierarchy,
    pub stage: String,
}

/// Checks everything that isolation needs.
pub(super) async fn check(config: &ContainerConfig) -> Result<Machine, CannotIsolate> {
    if !rustix::process::geteuid().is_root() {
        return Err(CannotIsolate(
            "the provider does not run as root. Rootless operation would need delegated \
             control groups (version 2) and subordinate ids; run it as root, for example \
             `sudo virtengine provider start`, or offer capacity through another backend"
                .to_owned(),
        ));
    }
    let hierarchy = Hierarchy::detect().map_err(CannotIsolate)?;
    let root = fs::canonicalize(&config.root)
        .map_err(|e| CannotIsolate(format!("{} ({e}); create it", config.root.display())))?;
    let stage = STAGES.iter().find(|s| Path::new(s).is_dir() && !root.starts_with(s)).ok_or_else(|| {
        CannotIsolate(format!("none of {} exists outside of the data directory; create /mnt", STAGES.join(", ")))
    })?;
    probe(config).await?;
    Ok(Machine { hierarchy, stage: (*stage).to_owned() })
}

async fn probe(config: &ContainerConfig) -> Result<(), CannotIsolate> {
    let mode = if config.user_namespace { "user" } else { "host" };
    let (program, leading) =
        config.shim.split_first().ok_or_else(|| CannotIsolate("no keeper program is configured".to_owned()))?;
    let output = Command::new(program)
        .args(leading)
        .args(["probe", mode])
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|e| CannotIsolate(format!("the keeper {program} cannot be started ({e})")))?;
    if output.status.success() {
        return Ok(());
    }
    let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(CannotIsolate(why))
}

/// What this machine can sell when the operator sets nothing: all CPUs, memory and
/// disk less a fifth for the provider itself.
pub(super) fn machine_capacity(root: &Path) -> Resources {
    let cpus = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total_kib = meminfo
        .lines()
        .find_map(|l| l.strip_prefix("MemTotal:"))
        .and_then(|l| l.trim().strip_suffix(" kB"))
        .and_then(|n| n.trim().parse::<u64>().ok())
        .unwrap_or(0);
    let disk = rustix::fs::statvfs(root).map_or(0, |s| s.f_bavail.saturating_mul(s.f_frsize));
    Resources { cpu_mcore: cpus * 1000, memory_bytes: total_kib * 1024 / 5 * 4, storage_bytes: disk / 5 * 4 }
}
