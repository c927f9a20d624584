//! Child processes of a local network: started with a log file each, restarted when they die, stopped in order.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout};

/// Time for a process to end by itself after SIGTERM.
const GRACE: Duration = Duration::from_secs(10);
/// A process that dies more often than this within [`RESTART_WINDOW`] is not started again.
const MAX_RESTARTS: usize = 5;
const RESTART_WINDOW: Duration = Duration::from_secs(60);

/// Children that were started and not yet reaped: their numbers cannot belong to anybody else.
static ALIVE: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

fn alive() -> MutexGuard<'static, BTreeSet<u32>> {
    ALIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn raw(pid: u32) -> Option<rustix::process::Pid> {
    i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw)
}

/// Ends every child without asking it; what they keep on disk survives that.
pub fn kill_all() {
    for pid in alive().iter().filter_map(|pid| raw(*pid)) {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
}

pub struct Process {
    pub name: String,
    arguments: Vec<String>,
    log: PathBuf,
    child: Child,
    restarts: Vec<Instant>,
}

impl Process {
    /// Starts this same executable with `arguments`; both output streams go to `logs/{name}.log`.
    pub fn start(name: &str, arguments: Vec<String>, logs: &Path) -> Result<Self> {
        let log = logs.join(format!("{name}.log"));
        let child = spawn(&arguments, &log)?;
        Ok(Self { name: name.to_owned(), arguments, log, child, restarts: Vec::new() })
    }

    /// 0 after the process ended.
    pub fn pid(&self) -> u32 {
        self.child.id().unwrap_or(0)
    }

    /// Starts the process again if it has died; returns whether it did. Fails when it keeps dying.
    pub fn revive(&mut self) -> Result<bool> {
        let pid = self.pid();
        let Some(status) = self.child.try_wait()? else { return Ok(false) };
        alive().remove(&pid);
        let now = Instant::now();
        self.restarts.retain(|at| now.duration_since(*at) < RESTART_WINDOW);
        if self.restarts.len() >= MAX_RESTARTS {
            bail!("{} keeps ending ({status}); {}", self.name, self.last_words());
        }
        self.restarts.push(now);
        self.child = spawn(&self.arguments, &self.log)?;
        Ok(true)
    }

    /// Asks the process to end, then insists.
    pub async fn stop(&mut self) {
        let number = self.pid();
        let Some(pid) = raw(number) else { return };
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        if timeout(GRACE, self.child.wait()).await.is_err() {
            let _ = self.child.kill().await;
        }
        alive().remove(&number);
    }

    /// The end of the log, for error messages.
    pub fn last_words(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().rev().take(8).collect();
        let lines: Vec<&str> = lines.into_iter().rev().collect();
        format!("the end of {}:\n{}", self.log.display(), lines.join("\n"))
    }
}

fn spawn(arguments: &[String], log: &Path) -> Result<Child> {
    let program = std::env::current_exe().context("cannot find this executable")?;
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(log)
        .with_context(|| format!("cannot write {}", log.display()))?;
    let child = Command::new(&program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        // A Ctrl-C in the terminal goes to the whole foreground group; the children are stopped in order instead.
        .process_group(0)
        .kill_on_drop(false)
        .spawn()
        .with_context(|| format!("cannot start {} {}", program.display(), arguments.join(" ")))?;
    alive().extend(child.id());
    Ok(child)
}

/// Ends the process `pid` if it is one of ours on `home`: a supervisor that was killed could not do it.
pub fn stop_stranger(pid: u32, home: &Path) -> Result<()> {
    let command_line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let text = String::from_utf8_lossy(&command_line);
    let ours = pid != 0 && text.contains("start") && text.contains(&home.display().to_string());
    let Some(raw) = raw(pid).filter(|_| ours) else { return Ok(()) };
    let _ = rustix::process::kill_process(raw, rustix::process::Signal::TERM);
    for _ in 0..100 {
        if !Path::new(&format!("/proc/{pid}")).exists() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    rustix::process::kill_process(raw, rustix::process::Signal::KILL)
        .with_context(|| format!("process {pid} uses {} and does not end", home.display()))
}
