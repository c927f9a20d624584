//! Keeps one replica running.

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use libcontainer::container::Container;
use libcontainer::container::builder::ContainerBuilder;
use libcontainer::syscall::syscall::SyscallType;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, chdir, pipe2, setsid};

use super::super::bundle;
use super::super::cgroup::{Cgroup, Hierarchy};
use super::super::netns;
use super::super::state::{self, KeeperConfig, ProcessId, ReplicaRecord, StopRequest, UsageRecord, now_ms};
use super::logs::{LogWriter, Partial};
use super::scratch;
use super::seal::Sealed;
use super::stage::{self, Stage};
use crate::backend::{ExitStatus, ReplicaState, RestartPolicy};

/// A run this long counts as healthy: the next pause is short again.
const HEALTHY: Duration = Duration::from_secs(60);
/// Output that a dead container left in the pipes is read for at most this long.
const DRAIN: Duration = Duration::from_secs(2);

/// How long the lock is tried for: the daemon looks whether it is held by taking it for a moment.
const LOCK: Duration = Duration::from_secs(2);

/// The lock of the replica in the working directory.
fn only_one() -> Result<Flock<fs::File>, String> {
    let mut file = fs::File::create("keeper.lock").map_err(|e| e.to_string())?;
    let deadline = Instant::now() + LOCK;
    loop {
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(lock),
            Err(_) if Instant::now() >= deadline => return Err("another keeper has this replica".into()),
            Err((same, _)) => file = same,
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Entry point: keeps the replica whose directory is `dir` until it is told to
/// stop or its restart policy ends.
pub(super) fn keep(dir: &Path) -> Result<(), String> {
    // Own session: a signal to the daemon's group does not reach the workload.
    let _ = setsid();
    chdir(dir).map_err(|e| format!("enter {}: {e}", dir.display()))?;
    let _lock = only_one()?;
    let config: KeeperConfig = state::read_json(Path::new("keeper.json"))
        .map_err(|e| format!("keeper.json: {e}"))?
        .ok_or("keeper.json is missing")?;
    if Path::new("stop.json").exists() {
        return Ok(());
    }
    let mut keeper = Keeper::new(dir.to_owned(), config)?;
    keeper.save(ReplicaState::Starting)?;
    let stage = match stage::enter(&keeper.config) {
        Ok(stage) => stage,
        Err(why) => {
            keeper.record.last_exit = Some(setup_failed(why));
            return keeper.save(ReplicaState::Exited);
        }
    };
    keeper.run(&stage)?;
    keeper.put_aside(&stage);
    Ok(())
}

struct Keeper {
    dir: PathBuf,
    config: KeeperConfig,
    hierarchy: Hierarchy,
    cgroup: Cgroup,
    signals: SignalFd,
    logs: LogWriter,
    record: ReplicaRecord,
    usage: UsageRecord,
    stop_at: Option<Instant>,
}

/// A started container and the ends of its pipes.
struct Running {
    main: Pid,
    container: Container,
    out: [(OwnedFd, Partial, bool); 2],
}

impl Keeper {
    fn new(dir: PathBuf, config: KeeperConfig) -> Result<Self, String> {
        let mut mask = SigSet::empty();
        mask.add(Signal::SIGCHLD);
        mask.add(Signal::SIGTERM);
        mask.thread_block().map_err(|e| e.to_string())?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let signals = SignalFd::with_flags(&mask, flags).map_err(|e| e.to_string())?;
        let hierarchy = Hierarchy::detect()?;
        let cgroup = hierarchy.group(&config.cgroup);
        let logs = LogWriter::open(&dir.join("logs"), config.log_file_bytes, config.log_files)
            .map_err(|e| format!("open logs: {e}"))?;
        let usage = state::read_json(Path::new("usage.json")).unwrap_or_default();
        let before: Option<ReplicaRecord> = state::read_json(Path::new("previous.json")).unwrap_or_default();
        let pid = i32::try_from(std::process::id()).unwrap_or_default();
        let record = ReplicaRecord {
            keeper: ProcessId::of(pid).ok_or("cannot read /proc; mount it")?,
            state: ReplicaState::Starting,
            main: None,
            restarts: before
                .as_ref()
                .filter(|b| b.started_at_unix_ms.is_some())
                .map_or(0, |b| b.restarts.saturating_add(1)),
            started_at_unix_ms: None,
            last_exit: before.and_then(|b| b.last_exit),
        };
        Ok(Self {
            dir,
            config,
            hierarchy,
            cgroup,
            signals,
            logs,
            record,
            usage: usage.unwrap_or_default(),
            stop_at: None,
        })
    }

    fn run(&mut self, stage: &Stage) -> Result<(), String> {
        let mut pause = Duration::from_millis(self.config.restart_min_ms);
        loop {
            let began = Instant::now();
            let exit = match self.run_once(stage) {
                Ok(exit) => exit,
                Err(why) => {
                    self.note(&format!("could not start: {why}"));
                    setup_failed(why)
                }
            };
            self.clean_up();
            // What cannot even start the first time will not start by trying again.
            let hopeless = !exit.error.is_empty() && self.record.restarts == 0;
            let again = match self.config.restart() {
                RestartPolicy::Always => true,
                RestartPolicy::OnFailure => exit.code != 0,
                RestartPolicy::Never => false,
            };
            self.record.main = None;
            self.record.last_exit = Some(exit);
            if hopeless || !again || self.stop_at.is_some() {
                return self.save(ReplicaState::Exited);
            }
            if began.elapsed() >= HEALTHY {
                pause = Duration::from_millis(self.config.restart_min_ms);
            }
            self.save(ReplicaState::Backoff)?;
            if self.sleep(pause) {
                return self.save(ReplicaState::Exited);
            }
            pause = (pause * 2).min(Duration::from_millis(self.config.restart_max_ms));
            self.record.restarts = self.record.restarts.saturating_add(1);
            self.save(ReplicaState::Starting)?;
        }
    }

    fn run_once(&mut self, stage: &Stage) -> Result<ExitStatus, String> {
        self.clean_up();
        let mut running = self.create(stage)?;
        self.record.main = ProcessId::of(running.main.as_raw());
        self.record.started_at_unix_ms = Some(now_ms());
        running.container.start().map_err(|e| format!("start the program: {e}"))?;
        self.save(ReplicaState::Running)?;
        let status = self.watch(&mut running)?;
        self.drain(&mut running);
        Ok(self.exit_status(status))
    }

    fn create(&mut self, stage: &Stage) -> Result<Running, String> {
        let text = |e: &dyn std::fmt::Display| e.to_string();
        let spec = bundle::runtime_config(&self.config, &self.hierarchy, &stage.rootfs, &stage.scratch, &stage.etc);
        state::write_json(Path::new("config.json"), &spec).map_err(|e| text(&e))?;
        let runtime = self.dir.join("runtime");
        fs::create_dir_all(&runtime).map_err(|e| text(&e))?;
        let stdin = fs::File::open("/dev/null").map_err(|e| text(&e))?;
        let (out_read, out_write) = pipe2(OFlag::O_CLOEXEC).map_err(|e| text(&e))?;
        let (err_read, err_write) = pipe2(OFlag::O_CLOEXEC).map_err(|e| text(&e))?;
        let builder = ContainerBuilder::new(self.config.container.clone(), SyscallType::default())
            .with_root_path(&runtime)
            .map_err(|e| text(&e))?
            .with_executor(Sealed::new(None)?)
            .with_stdin(stdin)
            .with_stdout(out_write)
            .with_stderr(err_write)
            .validate_id()
            .map_err(|e| text(&e))?
            .as_init(&self.dir)
            .with_systemd(false)
            .with_detach(true);
        let container = builder.build().map_err(|e| chain(&e))?;
        let main = container.pid().ok_or("the runtime reports no process")?;
        let main = Pid::from_raw(main.as_raw());
        netns::raise_loopback(main.as_raw()).map_err(|e| format!("raise loopback: {e}"))?;
        Ok(Running {
            main,
            container,
            out: [(out_read, Partial::new("stdout"), true), (err_read, Partial::new("stderr"), true)],
        })
    }

    /// Serves pipes, signals and the clock until the main process has ended.
    fn watch(&mut self, running: &mut Running) -> Result<WaitStatus, String> {
        let every = Duration::from_millis(self.config.sample_ms.max(100));
        let mut sampled = Instant::now();
        // The group is new with each run and counts from zero.
        let before = self.usage.cpu_ns;
        loop {
            let mut wake = sampled + every;
            if let Some(at) = self.stop_at {
                wake = wake.min(at);
            }
            self.wait_for_events(running, wake)?;
            let ended = self.reap(running.main);
            if ended.is_some() || sampled.elapsed() >= every {
                self.sample(before, sampled.elapsed());
                sampled = Instant::now();
            }
            if let Some(status) = ended {
                return Ok(status);
            }
            if self.take_signals() {
                self.begin_stop(running.main);
            }
            if self.stop_at.is_some_and(|at| at <= Instant::now()) {
                let _ = kill(running.main, Signal::SIGKILL);
                self.cgroup.kill();
            }
        }
    }

    fn wait_for_events(&mut self, running: &mut Running, wake: Instant) -> Result<(), String> {
        let mut fds = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        let mut streams = Vec::new();
        for (i, (fd, _, open)) in running.out.iter().enumerate() {
            if *open {
                fds.push(PollFd::new(fd.as_fd(), PollFlags::POLLIN));
                streams.push(i);
            }
        }
        let wait = wake.saturating_duration_since(Instant::now());
        let wait = PollTimeout::try_from(wait.as_millis() + 1).unwrap_or(PollTimeout::MAX);
        match poll(&mut fds, wait) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(e) => return Err(format!("wait for events: {e}")),
        }
        let ready: Vec<usize> = fds[1..]
            .iter()
            .zip(&streams)
            .filter(|(fd, _)| fd.revents().is_some_and(|r| !r.is_empty()))
            .map(|(_, i)| *i)
            .collect();
        for i in ready {
            self.read_stream(&mut running.out[i]);
        }
        Ok(())
    }

    fn read_stream(&mut self, stream: &mut (OwnedFd, Partial, bool)) {
        let mut buffer = [0; 64 << 10];
        let (fd, partial, open) = stream;
        let read = nix::unistd::read(std::os::fd::AsRawFd::as_raw_fd(fd), &mut buffer);
        let wrote = match read {
            Ok(0) => {
                *open = false;
                self.logs.end(partial)
            }
            Ok(n) => self.logs.add(partial, &buffer[..n]),
            Err(Errno::EINTR | Errno::EAGAIN) => Ok(()),
            Err(_) => {
                *open = false;
                Ok(())
            }
        };
        if let Err(e) = wrote {
            // A full disk must not stop the workload; the line is lost and said so.
            eprintln!("write logs: {e}");
        }
    }

    fn drain(&mut self, running: &mut Running) {
        let deadline = Instant::now() + DRAIN;
        while running.out.iter().any(|(_, _, open)| *open) && Instant::now() < deadline {
            if self.wait_for_events(running, deadline).is_err() {
                break;
            }
            self.take_signals();
        }
        for (_, partial, _) in &mut running.out {
            let _ = self.logs.end(partial);
        }
    }

    fn reap(&self, main: Pid) -> Option<WaitStatus> {
        match waitpid(main, Some(WaitPidFlag::WNOHANG)) {
            Ok(status @ (WaitStatus::Exited(..) | WaitStatus::Signaled(..))) => Some(status),
            // Nothing is known of how it ended, but it has.
            Err(Errno::ECHILD) => Some(WaitStatus::Exited(main, 255)),
            _ => None,
        }
    }

    /// Reads pending signals; whether a stop is among them.
    fn take_signals(&mut self) -> bool {
        let mut stop = false;
        while let Ok(Some(info)) = self.signals.read_signal() {
            stop |= info.ssi_signo == Signal::SIGTERM as u32;
        }
        stop
    }

    fn begin_stop(&mut self, main: Pid) {
        let request: Option<StopRequest> = state::read_json(Path::new("stop.json")).unwrap_or_default();
        let grace = Duration::from_millis(request.map_or(0, |r| r.grace_ms));
        let first = self.stop_at.is_none();
        self.stop_at = Some(Instant::now() + grace);
        if first && !grace.is_zero() {
            let number = self.config.image.config.stop_signal;
            let signal = number.and_then(|n| Signal::try_from(n).ok());
            let _ = kill(main, signal.unwrap_or(Signal::SIGTERM));
        }
    }

    fn sample(&mut self, before: u64, elapsed: Duration) {
        let now = self.cgroup.usage();
        let ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        self.usage.cpu_ns = self.usage.cpu_ns.max(before.saturating_add(now.cpu_ns));
        self.usage.memory_byte_ms += u128::from(now.memory_bytes) * u128::from(ms);
        self.usage.running_ms = self.usage.running_ms.saturating_add(ms);
        if let Err(e) = state::write_json(Path::new("usage.json"), &self.usage) {
            eprintln!("write usage: {e}");
        }
    }

    fn exit_status(&self, status: WaitStatus) -> ExitStatus {
        let (code, signal) = match status {
            WaitStatus::Exited(_, code) => (code, None),
            WaitStatus::Signaled(_, signal, _) => (128 + signal as i32, Some(signal as i32)),
            _ => (255, None),
        };
        ExitStatus {
            code,
            signal,
            oom_killed: self.cgroup.usage().oom_kills > 0,
            error: String::new(),
            at_unix_ms: now_ms(),
        }
    }

    /// Removes what a run left: processes, control group, the runtime's state.
    fn clean_up(&mut self) {
        let runtime = self.dir.join("runtime").join(&self.config.container);
        if runtime.exists() {
            if let Ok(mut container) = Container::load(runtime.clone()) {
                let _ = container.delete(true);
            }
            let _ = fs::remove_dir_all(&runtime);
        }
        if self.cgroup.exists() && !(self.cgroup.kill() && self.cgroup.remove()) {
            self.note("the control group could not be removed yet");
        }
        while let Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..)) = waitpid(None, Some(WaitPidFlag::WNOHANG)) {}
    }

    /// Keeps what the workload has written when it is to go on later.
    fn put_aside(&mut self, stage: &Stage) {
        let request: Option<StopRequest> = state::read_json(Path::new("stop.json")).unwrap_or_default();
        let limit = self.config.spec.resources.storage_bytes;
        if limit > 0
            && request.is_some_and(|request| request.keep)
            && let Err(error) = scratch::save(&stage.scratch, limit)
        {
            self.note(&format!("what was written to temporary directories and volumes is not kept: {error}"));
        }
    }

    /// Sleeps unless told to stop; whether it was.
    fn sleep(&mut self, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        while Instant::now() < until {
            let left = until.saturating_duration_since(Instant::now());
            let wait = PollTimeout::try_from(left.as_millis() + 1).unwrap_or(PollTimeout::MAX);
            let mut fds = [PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
            let _ = poll(&mut fds, wait);
            if self.take_signals() {
                return true;
            }
        }
        false
    }

    fn note(&mut self, text: &str) {
        if let Err(e) = self.logs.note(text) {
            eprintln!("{text} (and the log cannot be written: {e})");
        }
    }

    fn save(&mut self, state: ReplicaState) -> Result<(), String> {
        self.record.state = state;
        state::write_json(Path::new("replica.json"), &self.record).map_err(|e| format!("replica.json: {e}"))
    }
}

fn setup_failed(why: String) -> ExitStatus {
    ExitStatus { code: 127, signal: None, oom_killed: false, error: why, at_unix_ms: now_ms() }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
