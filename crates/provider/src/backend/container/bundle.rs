//! The OCI runtime configuration of a replica.

use std::collections::BTreeMap;
use std::path::Path;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};

use super::cgroup::Hierarchy;
use super::state::KeeperConfig;

const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Scheduling period of the CPU quota, microseconds.
const CPU_PERIOD: u64 = 100_000;
/// Directories of the image that become writable scratch space, with the mode of
/// the usual root file system.
const SCRATCH: [(&str, u32); 3] = [("/tmp", 0o1777), ("/var/tmp", 0o1777), ("/run", 0o755)];

/// Limits per process, soft and hard.
const RLIMITS: [(&str, Resource, u64); 3] = [
    ("RLIMIT_NOFILE", Resource::Nofile, 65_536),
    ("RLIMIT_CORE", Resource::Core, 0),
    ("RLIMIT_MEMLOCK", Resource::Memlock, 65_536),
];

/// A limit as far as this process may set it: it need not be allowed to raise one.
fn reachable(resource: Resource, wanted: u64) -> u64 {
    getrlimit(resource).maximum.map_or(wanted, |m| m.min(wanted))
}

/// Sets the limits of a workload on this process. The runtime sets them again
/// inside the user namespace, where it may not raise any.
pub(super) fn take_rlimits() -> Result<(), String> {
    for (name, resource, wanted) in RLIMITS {
        let limit = |value| Rlimit { current: Some(value), maximum: Some(value) };
        setrlimit(resource, limit(wanted))
            .or_else(|_| setrlimit(resource, limit(reachable(resource, wanted))))
            .map_err(|e| format!("set {name}: {e}"))?;
    }
    Ok(())
}

/// A directory that is writable inside.
pub(super) struct Scratch {
    /// Absolute path inside the workload.
    pub target: String,
    /// Name below the scratch file system.
    pub name: String,
    /// Mode; `None` = as the image's own directory.
    pub mode: Option<u32>,
}

/// Writable directories: the usual temporary ones and the image's volumes. They
/// share one file system of the size that was bought; without size there are none.
pub(super) fn scratch(config: &KeeperConfig) -> Vec<Scratch> {
    if config.spec.resources.storage_bytes == 0 {
        return Vec::new();
    }
    let fixed = SCRATCH.iter().map(|(target, mode)| (*target, Some(*mode)));
    let volumes = config.image.config.volumes.iter();
    let volumes = volumes.filter(|v| !SCRATCH.iter().any(|(t, _)| t == v)).map(|v| (v.as_str(), None));
    fixed
        .chain(volumes)
        .enumerate()
        .map(|(i, (target, mode))| Scratch { target: target.to_owned(), name: format!("s{i}"), mode })
        .collect()
}

/// Program and arguments: the service's command and arguments over the image's
/// (as Kubernetes and the SDL define them).
pub(super) fn process_args(config: &KeeperConfig) -> Vec<String> {
    let (spec, image) = (&config.spec, &config.image.config);
    let mut args = match spec.command.is_empty() {
        true => image.entrypoint.clone(),
        false => spec.command.clone(),
    };
    if !spec.args.is_empty() {
        args.extend(spec.args.iter().cloned());
    } else if spec.command.is_empty() {
        args.extend(image.cmd.iter().cloned());
    }
    args
}

fn environment(config: &KeeperConfig) -> Vec<String> {
    let mut env = BTreeMap::from([("PATH".to_owned(), DEFAULT_PATH.to_owned())]);
    for pair in &config.image.config.env {
        if let Some((name, value)) = pair.split_once('=') {
            env.insert(name.to_owned(), value.to_owned());
        }
    }
    env.insert("HOSTNAME".to_owned(), config.hostname.clone());
    env.extend(config.spec.env.clone());
    env.into_iter().map(|(k, v)| format!("{k}={v}")).collect()
}

/// The process part, shared by the main process and commands run later.
pub(super) fn process(config: &KeeperConfig, args: &[String], tty: bool) -> Value {
    let user = config.image.config.user;
    json!({
        "terminal": tty,
        "user": {"uid": user.uid, "gid": user.gid},
        "args": args,
        "env": environment(config),
        "cwd": config.image.config.working_dir,
        "capabilities": {
            "bounding": [], "effective": [], "inheritable": [],
            "permitted": [], "ambient": [],
        },
        "rlimits": RLIMITS.map(|(name, resource, wanted)| {
            let value = reachable(resource, wanted);
            json!({"type": name, "soft": value, "hard": value})
        }),
        "noNewPrivileges": true,
    })
}

/// The whole configuration. `rootfs` and `scratch_dir` are the paths as the
/// keeper's mount namespace has them; `etc` holds the files to show in `/etc`.
pub(super) fn runtime_config(
    config: &KeeperConfig,
    hierarchy: &Hierarchy,
    rootfs: &Path,
    scratch_dir: &Path,
    etc: &Path,
) -> Value {
    let resources = config.spec.resources;
    let quota = resources.cpu_mcore.saturating_mul(CPU_PERIOD / 1000);
    let mut memory = json!({"limit": resources.memory_bytes});
    if hierarchy.limits_swap() {
        // Memory plus swap: equal limits leave no swap.
        memory["swap"] = json!(resources.memory_bytes);
    }
    let mut namespaces = vec!["pid", "mount", "ipc", "uts", "network", "cgroup"];
    let mut linux = json!({
        "cgroupsPath": config.cgroup,
        "resources": {
            "devices": [{"allow": false, "access": "rwm"}],
            "memory": memory,
            "cpu": {
                // The kernel's smallest quota is one millisecond per period.
                "quota": quota.max(1000),
                "period": CPU_PERIOD,
                "shares": (resources.cpu_mcore.saturating_mul(1024) / 1000).clamp(2, 262_144),
            },
            "pids": {"limit": config.pids_limit},
        },
        "maskedPaths": [
            "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys",
            "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi", "/proc/timer_list",
            "/proc/timer_stats", "/sys/firmware", "/sys/devices/virtual/powercap",
        ],
        "readonlyPaths": [
            "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
        ],
    });
    if config.user_namespace {
        namespaces.push("user");
        let map = json!([{
            "containerID": 0, "hostID": config.ids.base, "size": config.ids.count,
        }]);
        linux["uidMappings"] = map.clone();
        linux["gidMappings"] = map;
    }
    linux["namespaces"] = namespaces.iter().map(|n| json!({"type": n})).collect();
    json!({
        "ociVersion": "1.0.2",
        "process": process(config, &process_args(config), false),
        "root": {"path": rootfs, "readonly": true},
        "hostname": config.hostname,
        "mounts": mounts(config, scratch_dir, etc),
        "linux": linux,
    })
}

fn mounts(config: &KeeperConfig, scratch_dir: &Path, etc: &Path) -> Vec<Value> {
    let mount = |target: &str, kind: &str, source: &str, options: &[&str]| json!({"destination": target, "type": kind, "source": source, "options": options});
    let shm = "size=65536k";
    let mut mounts = vec![
        mount("/proc", "proc", "proc", &["nosuid", "noexec", "nodev"]),
        mount("/dev", "tmpfs", "tmpfs", &["nosuid", "strictatime", "mode=755", "size=64k"]),
        mount("/dev/pts", "devpts", "devpts", &["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]),
        mount("/dev/shm", "tmpfs", "shm", &["nosuid", "noexec", "nodev", "mode=1777", shm]),
        mount("/dev/mqueue", "mqueue", "mqueue", &["nosuid", "noexec", "nodev"]),
        mount("/sys", "sysfs", "sysfs", &["nosuid", "noexec", "nodev", "ro"]),
    ];
    for name in ["hosts", "hostname"] {
        let source = etc.join(name);
        let options = ["bind", "ro", "nosuid", "nodev", "noexec"];
        mounts.push(mount(&format!("/etc/{name}"), "bind", &source.to_string_lossy(), &options));
    }
    for scratch in scratch(config) {
        let source = scratch_dir.join(&scratch.name);
        let options = ["bind", "rw", "nosuid", "nodev"];
        mounts.push(mount(&scratch.target, "bind", &source.to_string_lossy(), &options));
    }
    mounts
}
