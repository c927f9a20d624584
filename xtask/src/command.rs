//! Child processes with a time limit, a log and signs of life.

use std::{
    fs::File,
    io::{IsTerminal, Read, Seek},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};

/// How often a long run says that it goes on.
const SIGN_OF_LIFE: Duration = Duration::from_secs(30);

/// What a finished child left behind.
pub struct Finished {
    pub success: bool,
    /// Standard output and error in the order of writing.
    pub text: String,
}

/// The cargo that runs this, so that one toolchain builds everything. It does not see what cargo told this program about
/// xtask: build scripts (ring's) watch these variables, and everything above them would be built again each time that
/// somebody changes between `cargo xtask` and plain cargo.
pub fn cargo_command(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs cargo and lets it write to the terminal.
pub fn cargo(root: &Path, args: &[&str]) -> Result<()> {
    let status = cargo_command(root).args(args).status().context("run cargo")?;
    if status.success() { Ok(()) } else { bail!("`cargo {}` failed, see above", args.join(" ")) }
}

/// Runs `command` with its output collected. Beyond `limit` the child and what it started are killed, which is an error.
pub fn run(command: &mut Command, limit: Duration) -> Result<Finished> {
    let mut log = tempfile::tempfile().context("create a log file")?;
    // At a terminal the children stay in its group, so that Ctrl-C reaches them.
    let own_group = !std::io::stdin().is_terminal();
    if own_group {
        command.process_group(0);
    }
    let mut child = command
        .stdin(Stdio::null())
        .stdout(copy(&log)?)
        .stderr(copy(&log)?)
        .spawn()
        .with_context(|| format!("start {}", command.get_program().to_string_lossy()))?;
    let status = wait(&mut child, limit);
    let finished = match status? {
        Some(status) => Finished { success: status.success(), text: String::new() },
        None => {
            stop(&mut child, own_group)?;
            Finished { success: false, text: format!("killed after {} s, its limit\n", limit.as_secs()) }
        }
    };
    let mut bytes = Vec::new();
    log.rewind().and_then(|()| log.read_to_end(&mut bytes)).context("read the log")?;
    Ok(Finished { text: String::from_utf8_lossy(&bytes).into_owned() + &finished.text, ..finished })
}

fn copy(log: &File) -> Result<Stdio> {
    Ok(log.try_clone().context("share the log file")?.into())
}

/// `None` when the time is over.
fn wait(child: &mut Child, limit: Duration) -> Result<Option<ExitStatus>> {
    let started = Instant::now();
    let mut said = started;
    while started.elapsed() < limit {
        if let Some(status) = child.try_wait().context("wait for a child")? {
            return Ok(Some(status));
        }
        if said.elapsed() >= SIGN_OF_LIFE {
            said = Instant::now();
            println!("    still running after {} s", started.elapsed().as_secs());
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(None)
}

fn stop(child: &mut Child, own_group: bool) -> Result<()> {
    let pid = Pid::from_raw(i32::try_from(child.id()).context("process ids fit")?);
    // It may have ended by itself in the meantime.
    let _ = if own_group { killpg(pid, Signal::SIGKILL) } else { kill(pid, Signal::SIGKILL) };
    child.wait().context("wait for a killed child")?;
    Ok(())
}
