//! The part of an image's configuration that a workload needs.

use std::io::Read;
use std::path::Path;

use oci_spec::image::ImageConfiguration;
use pathrs::Root;
use pathrs::flags::OpenFlags;
use serde::{Deserialize, Serialize};

use super::ImageError;

/// Largest `/etc/passwd` or `/etc/group` that is read.
const MAX_ACCOUNT_FILE: u64 = 1 << 20;
/// Most volumes, environment entries and arguments.
const MAX_LIST: usize = 1024;

/// Numeric user of the main process, inside the workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ImageUser {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

/// Defaults that the image sets for its process.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ImageConfig {
    /// Program and leading arguments.
    pub entrypoint: Vec<String>,
    /// Default arguments.
    pub cmd: Vec<String>,
    /// `NAME=value`.
    pub env: Vec<String>,
    /// Absolute directory to start in.
    pub working_dir: String,
    /// Resolved with the image's own account files.
    pub user: ImageUser,
    /// Directories the image expects to write to.
    pub volumes: Vec<String>,
    /// Signal number that asks the process to end.
    pub stop_signal: Option<i32>,
}

impl ImageConfig {
    /// Reads the configuration of an unpacked image.
    pub(super) fn resolve(config: &ImageConfiguration, root: &Path) -> Result<Self, ImageError> {
        let Some(inner) = config.config() else {
            return Ok(Self { working_dir: "/".into(), ..Self::default() });
        };
        let list = |l: &Option<Vec<String>>| l.clone().unwrap_or_default();
        let this = Self {
            entrypoint: list(inner.entrypoint()),
            cmd: list(inner.cmd()),
            env: list(inner.env()),
            working_dir: match inner.working_dir().as_deref() {
                Some(dir) if dir.starts_with('/') => dir.to_owned(),
                _ => "/".to_owned(),
            },
            user: user(inner.user().as_deref().unwrap_or_default(), root)?,
            volumes: Self::volumes(config),
            stop_signal: inner.stop_signal().as_deref().and_then(signal),
        };
        let sizes = [&this.entrypoint, &this.cmd, &this.env, &this.volumes];
        if sizes.iter().any(|l| l.len() > MAX_LIST) {
            return Err(ImageError::Refused(format!("the image configuration lists more than {MAX_LIST} items")));
        }
        Ok(this)
    }

    /// Volumes of a configuration, sorted.
    pub(super) fn volumes(config: &ImageConfiguration) -> Vec<String> {
        let inner = config.config().as_ref();
        let mut volumes = inner.and_then(|c| c.volumes().clone()).unwrap_or_default();
        volumes.retain(|v| v.starts_with('/') && v != "/");
        volumes.sort();
        volumes.dedup();
        volumes
    }
}

/// `uid`, `uid:gid`, `name`, `name:group` (image specification, `User`).
fn user(text: &str, root: &Path) -> Result<ImageUser, ImageError> {
    if text.is_empty() {
        return Ok(ImageUser::default());
    }
    let (name, group) = match text.split_once(':') {
        Some((name, group)) => (name, Some(group)),
        None => (text, None),
    };
    let passwd = account_file(root, "etc/passwd");
    let entry = passwd
        .lines()
        .map(|l| l.split(':').collect::<Vec<_>>())
        .find(|f| f.len() >= 4 && (f[0] == name || f[2] == name));
    let uid = match (name.parse::<u32>(), &entry) {
        (Ok(uid), _) => uid,
        (_, Some(fields)) => number(fields[2], text)?,
        _ => return Err(unknown(text)),
    };
    let gid = match group {
        Some(group) => match group.parse::<u32>() {
            Ok(gid) => gid,
            Err(_) => {
                let groups = account_file(root, "etc/group");
                let found = groups
                    .lines()
                    .map(|l| l.split(':').collect::<Vec<_>>())
                    .find(|f| f.len() >= 3 && f[0] == group)
                    .map(|f| f[2].to_owned());
                number(&found.ok_or_else(|| unknown(text))?, text)?
            }
        },
        None => entry.map_or(Ok(0), |fields| number(fields[3], text))?,
    };
    if uid >= 65_536 || gid >= 65_536 {
        return Err(ImageError::Refused(format!(
            "user {text:?} is outside the ids 0 to 65535 that exist in a workload"
        )));
    }
    Ok(ImageUser { uid, gid })
}

fn number(field: &str, user: &str) -> Result<u32, ImageError> {
    field.parse().map_err(|_| unknown(user))
}

fn unknown(user: &str) -> ImageError {
    ImageError::Refused(format!("the image runs as {user:?}, which its own account files do not define"))
}

fn account_file(root: &Path, path: &str) -> String {
    let read = || -> Option<String> {
        let file = Root::open(root).ok()?.open_subpath(path, OpenFlags::O_RDONLY | OpenFlags::O_NOFOLLOW).ok()?;
        let mut bytes = Vec::new();
        file.take(MAX_ACCOUNT_FILE).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    };
    read().unwrap_or_default()
}

/// `SIGTERM`, `TERM` or `15`.
fn signal(text: &str) -> Option<i32> {
    let number = text.parse::<i32>().ok();
    let name = if text.starts_with("SIG") { text.to_owned() } else { format!("SIG{text}") };
    number.or_else(|| name.parse::<nix::sys::signal::Signal>().ok().map(|s| s as i32)).filter(|n| (1..=31).contains(n))
}
