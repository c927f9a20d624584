//! The keeper's private mount namespace: where the image and the scratch space
//! are put together. It vanishes with the keeper and its container, so no mount
//! can outlive a workload.

use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use pathrs::Root;

use super::super::bundle;
use super::super::state::KeeperConfig;
use super::scratch;

/// Paths valid inside the keeper's mount namespace.
pub(super) struct Stage {
    pub rootfs: PathBuf,
    pub scratch: PathBuf,
    pub etc: PathBuf,
}

/// Enters a new mount namespace and lays the parts out.
///
/// A directory that every user may enter is covered with a small file system
/// first: under a user namespace the container's init is an ordinary user to the
/// host, and could not reach the image through a private home directory.
pub(super) fn enter(config: &KeeperConfig) -> Result<Stage, String> {
    let what = |what: &'static str| move |e: nix::Error| format!("{what}: {e}");
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    unshare(CloneFlags::CLONE_NEWNS).map_err(what("new mount namespace"))?;
    mount_none("/", private).map_err(what("make mounts private"))?;

    // Opened before the stage covers anything on the way.
    let image = fs::File::open(&config.rootfs).map_err(|e| format!("open the image: {e}"))?;
    let stage = Path::new(&config.stage);
    tmpfs(stage, "mode=755,size=1m").map_err(what("mount the stage"))?;
    let parts = Stage { rootfs: stage.join("rootfs"), scratch: stage.join("scratch"), etc: stage.join("etc") };
    for dir in [&parts.rootfs, &parts.scratch, &parts.etc] {
        fs::create_dir(dir).map_err(|e| format!("create {}: {e}", dir.display()))?;
    }
    let source = format!("/proc/self/fd/{}", image.as_raw_fd());
    bind(Path::new(&source), &parts.rootfs).map_err(what("bind the image"))?;
    let read_only =
        MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY | MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount_none(&config.stage_path("rootfs"), read_only).map_err(what("protect the image"))?;
    fill_etc(config, &parts.etc).map_err(|e| format!("write files for /etc: {e}"))?;
    fill_scratch(config, &parts)?;
    Ok(parts)
}

impl KeeperConfig {
    fn stage_path(&self, part: &str) -> String {
        format!("{}/{part}", self.stage)
    }
}

fn fill_etc(config: &KeeperConfig, etc: &Path) -> std::io::Result<()> {
    let hosts = format!("127.0.0.1 localhost {}\n::1 localhost ip6-localhost\n", config.hostname);
    fs::write(etc.join("hosts"), hosts)?;
    fs::write(etc.join("hostname"), format!("{}\n", config.hostname))
}

/// One file system of the size that was bought, a directory of it per target,
/// with what a stop left. It lives in memory and counts against the memory limit
/// too.
fn fill_scratch(config: &KeeperConfig, parts: &Stage) -> Result<(), String> {
    let size = config.spec.resources.storage_bytes;
    let targets = bundle::scratch(config);
    if targets.is_empty() {
        return Ok(());
    }
    let inodes = (size / 4096).clamp(1024, 1 << 20);
    let options = format!("mode=755,size={size},nr_inodes={inodes}");
    tmpfs(&parts.scratch, &options).map_err(|e| format!("mount scratch space: {e}"))?;
    let image = Root::open(&parts.rootfs).map_err(|e| e.to_string())?;
    for target in targets {
        let dir = parts.scratch.join(&target.name);
        let io = |e| format!("prepare {}: {e}", target.target);
        fs::create_dir(&dir).map_err(io)?;
        let own = image.resolve(&target.target).map_err(|e| e.to_string())?;
        let own = rustix::fs::fstat(OwnedFd::from(own)).map_err(|e| io(e.into()))?;
        let mode = target.mode.unwrap_or(own.st_mode & 0o1777);
        chown(&dir, Some(own.st_uid), Some(own.st_gid)).map_err(io)?;
        fs::set_permissions(&dir, fs::Permissions::from_mode(mode)).map_err(io)?;
    }
    scratch::restore(&parts.scratch).map_err(|e| format!("bring back what the stopped workload had written: {e}"))
}

fn tmpfs(at: &Path, options: &str) -> nix::Result<()> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("tmpfs"), at, Some("tmpfs"), flags, Some(options))
}

fn bind(from: &Path, to: &Path) -> nix::Result<()> {
    let none: Option<&str> = None;
    mount(Some(from), to, none, MsFlags::MS_BIND, none)
}

fn mount_none(target: &str, flags: MsFlags) -> nix::Result<()> {
    let none: Option<&str> = None;
    mount(none, target, none, flags, none)
}
