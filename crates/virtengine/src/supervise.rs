//! `virtengine node supervise`: runs the release that the chain needs, and changes over at planned upgrades. Releases are
//! where Cosmovisor has them: `cosmovisor/genesis/bin/virtengine` and `cosmovisor/upgrades/NAME/bin/virtengine` below the
//! node's home; the link `cosmovisor/current` names the one that runs.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio::process::{Child, Command};
use ve_node::config::Home;

use crate::daemon;

#[cfg(test)]
#[path = "supervise_tests.rs"]
mod tests;

const PROGRAM: &str = "bin/virtengine";
const GENESIS: &str = "genesis";

#[derive(Debug, clap::Args)]
pub struct SuperviseArgs {
    /// What `node start` is given in addition, after `--`
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// What a node writes when the chain stopped for another release.
#[derive(Debug, Deserialize)]
struct UpgradeInfo {
    name: String,
    height: u64,
    #[serde(default)]
    info: String,
}

/// The releases of a home.
struct Releases {
    home: Home,
}

impl Releases {
    fn root(&self) -> PathBuf {
        self.home.0.join("cosmovisor")
    }

    /// The folder of the release that runs, relative to the root.
    fn current(&self) -> Result<PathBuf> {
        let link = self.root().join("current");
        match std::fs::read_link(&link) {
            Ok(target) => Ok(target),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                self.point_to(Path::new(GENESIS))?;
                Ok(GENESIS.into())
            }
            Err(error) => Err(error).with_context(|| format!("{} is not a link to a release", link.display())),
        }
    }

    /// Readers see the old or the new link.
    fn point_to(&self, folder: &Path) -> Result<()> {
        self.program(folder)?;
        let (link, new) = (self.root().join("current"), self.root().join("current.new"));
        match std::fs::remove_file(&new) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        symlink(folder, &new).with_context(|| format!("cannot make the link {}", new.display()))?;
        std::fs::rename(&new, &link).with_context(|| format!("cannot replace the link {}", link.display()))
    }

    /// The program in the folder of a release.
    fn program(&self, folder: &Path) -> Result<PathBuf> {
        let path = self.root().join(folder).join(PROGRAM);
        let runs = std::fs::metadata(&path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0);
        ensure!(runs, "there is no program at {}; put the release there and start again", path.display());
        Ok(path)
    }

    /// The upgrade that the node stopped for, if it stopped for one.
    fn needed(&self) -> Result<Option<UpgradeInfo>> {
        let path = self.home.data().join("upgrade-info.json");
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        let info: UpgradeInfo =
            serde_json::from_slice(&bytes).with_context(|| format!("{} is damaged", path.display()))?;
        // It becomes a path; the chain allows no other names.
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.+".contains(&byte);
        let named = !info.name.is_empty() && !info.name.starts_with('.') && info.name.bytes().all(plain);
        ensure!(named, "{} names no upgrade", path.display());
        Ok(Some(info))
    }

    /// Makes the release of an upgrade the current one, if it is what the plan says.
    fn change_to(&self, upgrade: &UpgradeInfo) -> Result<()> {
        let folder = Path::new("upgrades").join(&upgrade.name);
        let program = self.program(&folder)?;
        if let Some(expected) = checksum(&upgrade.info, &platform()) {
            let found = hex::encode(Sha256::digest(std::fs::read(&program)?));
            ensure!(
                found == expected,
                "{} has the SHA-256 {found}, but the chain decided on {expected}; put the right release there",
                program.display()
            );
        }
        self.point_to(&folder)
    }
}

/// As plans name platforms: `linux/amd64`.
fn platform() -> String {
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{}/{arch}", std::env::consts::OS)
}

/// The SHA-256 in lower hex that a plan's info gives for a platform: `{"binaries": {"linux/amd64": "https://…?checksum=sha256:…"}}`.
fn checksum(info: &str, platform: &str) -> Option<String> {
    let info: serde_json::Value = serde_json::from_str(info).ok()?;
    let binaries = info.get("binaries")?;
    let url = binaries.get(platform).or_else(|| binaries.get("any"))?.as_str()?;
    let (_, rest) = url.split_once("checksum=sha256:")?;
    Some(rest.split('&').next().unwrap_or_default().to_ascii_lowercase())
}

pub async fn run(home: Home, arguments: SuperviseArgs) -> Result<()> {
    daemon::log("info");
    daemon::listen();
    let releases = Releases { home };
    loop {
        let folder = releases.current()?;
        let program = releases.program(&folder)?;
        tracing::info!(release = %folder.display(), "starting the node");
        let child = Command::new(&program)
            .args(["node", "start"])
            .args(&arguments.arguments)
            .arg("--home")
            .arg(&releases.home.0)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let Some(status) = ended(child).await? else { return Ok(()) };
        match releases.needed()? {
            Some(upgrade) if folder != Path::new("upgrades").join(&upgrade.name) => {
                releases.change_to(&upgrade).with_context(|| {
                    format!("the chain stopped at height {} for the upgrade {:?}", upgrade.height, upgrade.name)
                })?;
                tracing::info!(name = upgrade.name, height = upgrade.height, "changing to the release of the upgrade");
            }
            _ if status.success() => return Ok(()),
            _ => bail!("the node ended: {status}; see its log above"),
        }
    }
}

/// Waits for the end of the node, which a request to stop brings about; `None` after such a request.
async fn ended(mut child: Child) -> Result<Option<ExitStatus>> {
    tokio::select! {
        status = child.wait() => return Ok(Some(status?)),
        () = daemon::asked_to_stop() => {}
    }
    if let Some(pid) = child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw) {
        // It may have ended in this moment, or got the same signal from a terminal.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    }
    child.wait().await?;
    Ok(None)
}
