//! Reading, killing and removing the control group of a container, in version 1
//! (one directory per controller) and version 2 (one directory).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::backend::Usage;

const ROOT: &str = "/sys/fs/cgroup";
/// Controllers without which a tenant's limits would not hold.
const REQUIRED: [&str; 3] = ["cpu", "memory", "pids"];

/// The hierarchy of this machine.
#[derive(Debug, Clone)]
pub(super) enum Hierarchy {
    /// Controller name → mount point, e.g. `cpuacct` → `/sys/fs/cgroup/cpu,cpuacct`.
    V1(Vec<(String, PathBuf)>),
    /// The unified mount point.
    V2(PathBuf),
}

impl Hierarchy {
    /// Finds the mounts and checks that limits can be set.
    ///
    /// # Errors
    /// What is missing, and how to provide it.
    pub(super) fn detect() -> Result<Self, String> {
        let stat = rustix::fs::statfs(ROOT)
            .map_err(|e| format!("no control groups at {ROOT} ({e}); mount them or start with --cgroupns=host"))?;
        let found = if stat.f_type == libc::CGROUP2_SUPER_MAGIC { Self::v2(PathBuf::from(ROOT))? } else { Self::v1()? };
        found.check_writable()?;
        Ok(found)
    }

    fn v2(root: PathBuf) -> Result<Self, String> {
        let listed = fs::read_to_string(root.join("cgroup.controllers")).unwrap_or_default();
        for needed in REQUIRED {
            if !listed.split_whitespace().any(|c| c == needed) {
                return Err(format!(
                    "the {needed} controller is not available in {}; enable it on the kernel \
                     command line or delegate it to this service (systemd: Delegate=yes)",
                    root.display()
                ));
            }
        }
        Ok(Self::V2(root))
    }

    fn v1() -> Result<Self, String> {
        let table = fs::read_to_string("/proc/self/mountinfo").map_err(|e| e.to_string())?;
        let mut mounts = Vec::new();
        for line in table.lines() {
            let Some((left, right)) = line.split_once(" - ") else {
                continue;
            };
            let mut right = right.split(' ');
            if right.next() != Some("cgroup") {
                continue;
            }
            let point = left.split(' ').nth(4).unwrap_or_default();
            for option in right.next_back().unwrap_or_default().split(',') {
                mounts.push((option.to_owned(), PathBuf::from(point)));
            }
        }
        for needed in REQUIRED.iter().chain(&["cpuacct", "freezer", "devices"]) {
            if !mounts.iter().any(|(name, _)| name == needed) {
                return Err(format!("the cgroup v1 controller {needed} is not mounted; mount it below {ROOT}"));
            }
        }
        Ok(Self::V1(mounts))
    }

    fn check_writable(&self) -> Result<(), String> {
        let probe = self.group(&format!("/virtengine/probe-{}", std::process::id()));
        for dir in probe.dirs() {
            fs::create_dir_all(&dir).map_err(|e| {
                format!(
                    "control groups cannot be created in {} ({e}); run as root, with {ROOT} \
                     writable",
                    dir.display()
                )
            })?;
        }
        probe.remove();
        Ok(())
    }

    /// The group at an absolute path of every hierarchy.
    pub(super) fn group(&self, path: &str) -> Cgroup {
        Cgroup { hierarchy: self.clone(), path: path.trim_start_matches('/').to_owned() }
    }

    /// Whether swap can be limited; without it the memory limit alone applies.
    pub(super) fn limits_swap(&self) -> bool {
        match self {
            Self::V1(_) => self.mount("memory").is_some_and(|m| m.join("memory.memsw.limit_in_bytes").exists()),
            // The root group has no limits of its own; any child tells.
            Self::V2(root) => fs::read_dir(root)
                .is_ok_and(|mut dirs| dirs.any(|dir| dir.is_ok_and(|dir| dir.path().join("memory.swap.max").exists()))),
        }
    }

    fn mount(&self, controller: &str) -> Option<&Path> {
        match self {
            Self::V1(mounts) => mounts.iter().find(|(name, _)| name == controller).map(|(_, path)| path.as_path()),
            Self::V2(root) => Some(root),
        }
    }
}

/// One control group.
#[derive(Debug, Clone)]
pub(super) struct Cgroup {
    hierarchy: Hierarchy,
    path: String,
}

impl Cgroup {
    fn dirs(&self) -> Vec<PathBuf> {
        let mut dirs: Vec<PathBuf> = match &self.hierarchy {
            Hierarchy::V1(mounts) => {
                let known = [
                    "cpu",
                    "cpuacct",
                    "cpuset",
                    "memory",
                    "devices",
                    "freezer",
                    "blkio",
                    "pids",
                    "hugetlb",
                    "net_cls",
                    "net_prio",
                    "perf_event",
                ];
                let ours = mounts.iter().filter(|(n, _)| known.contains(&n.as_str()));
                ours.map(|(_, m)| m.join(&self.path)).collect()
            }
            Hierarchy::V2(root) => vec![root.join(&self.path)],
        };
        dirs.sort();
        dirs.dedup();
        dirs
    }

    fn dir(&self, controller: &str) -> PathBuf {
        let mount = self.hierarchy.mount(controller);
        mount.unwrap_or(Path::new(ROOT)).join(&self.path)
    }

    /// Whether any part of the group is there.
    pub(super) fn exists(&self) -> bool {
        self.dirs().iter().any(|d| d.exists())
    }

    /// Consumption now; zeros when the group is gone.
    pub(super) fn usage(&self) -> Usage {
        match &self.hierarchy {
            Hierarchy::V1(_) => Usage {
                cpu_ns: number(&self.dir("cpuacct").join("cpuacct.usage")),
                memory_bytes: number(&self.dir("memory").join("memory.usage_in_bytes")),
                pids: number(&self.dir("pids").join("pids.current")),
                oom_kills: keyed(&self.dir("memory").join("memory.oom_control"), "oom_kill"),
            },
            Hierarchy::V2(_) => {
                let dir = self.dir("");
                Usage {
                    cpu_ns: keyed(&dir.join("cpu.stat"), "usage_usec").saturating_mul(1000),
                    memory_bytes: number(&dir.join("memory.current")),
                    pids: number(&dir.join("pids.current")),
                    oom_kills: keyed(&dir.join("memory.events"), "oom_kill"),
                }
            }
        }
    }

    /// Kills every process in the group and waits until it is empty.
    ///
    /// Returns whether it became empty within five seconds.
    pub(super) fn kill(&self) -> bool {
        let deadline = Instant::now() + Duration::from_secs(5);
        loop {
            match &self.hierarchy {
                // Kernels before 5.14 have no `cgroup.kill`.
                Hierarchy::V2(_) if fs::write(self.dir("").join("cgroup.kill"), "1").is_ok() => {}
                Hierarchy::V2(_) => self.kill_frozen("", "cgroup.freeze", ("1", "0")),
                Hierarchy::V1(_) => self.kill_frozen("freezer", "freezer.state", ("FROZEN", "THAWED")),
            }
            if self.pids().is_empty() {
                return true;
            }
            if Instant::now() > deadline {
                return false;
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Frozen, nothing can fork away between the listing and the signal.
    fn kill_frozen(&self, controller: &str, file: &str, (frozen, thawed): (&str, &str)) {
        let freezer = self.dir(controller).join(file);
        let _ = fs::write(&freezer, frozen);
        for pid in self.pids() {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        let _ = fs::write(&freezer, thawed);
    }

    /// Processes in the group.
    pub(super) fn pids(&self) -> Vec<i32> {
        let list = fs::read_to_string(self.dir("pids").join("cgroup.procs"));
        let list = list.unwrap_or_default();
        list.lines().filter_map(|l| l.parse().ok()).collect()
    }

    /// Removes the group if it has no children and no processes.
    pub(super) fn remove_if_empty(&self) {
        for dir in self.dirs() {
            // Fails, as it should, when another workload lives below.
            let _ = fs::remove_dir(dir);
        }
    }

    /// Removes the empty group; `false` when something still holds it.
    pub(super) fn remove(&self) -> bool {
        let mut gone = true;
        for dir in self.dirs() {
            let mut tries = 0;
            loop {
                match fs::remove_dir(&dir) {
                    Ok(()) => break,
                    Err(e) if e.kind() == io::ErrorKind::NotFound => break,
                    Err(_) if tries < 50 => {
                        tries += 1;
                        thread::sleep(Duration::from_millis(10));
                    }
                    Err(_) => {
                        gone = false;
                        break;
                    }
                }
            }
        }
        gone
    }
}

fn number(path: &Path) -> u64 {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.trim().parse().unwrap_or(0)
}

fn keyed(path: &Path, key: &str) -> u64 {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .filter_map(|l| l.split_once(' '))
        .find(|(k, _)| *k == key)
        .and_then(|(_, v)| v.trim().parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
#[path = "cgroup_tests.rs"]
mod tests;
