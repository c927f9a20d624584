//! Runs one command in a running container, for one session of the daemon.

use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use libcontainer::container::builder::ContainerBuilder;
use libcontainer::syscall::syscall::SyscallType;
use nix::fcntl::OFlag;
use nix::sched::{CloneFlags, setns};
use nix::sys::signal::{Signal, killpg};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{Pid, chdir, pipe2};

use super::super::bundle;
use super::super::state::{self, KeeperConfig, ReplicaRecord};
use super::frames::{ExecStart, Frame};
use super::seal::Sealed;
use crate::backend::{ReplicaState, TermSize};

/// Output still in the pipes when the command has ended is waited for this long:
/// a background child may hold them open for ever.
const LINGER: Duration = Duration::from_millis(500);

type Out = Arc<Mutex<io::Stdout>>;

/// Entry point: frames on standard input and output.
pub(super) fn exec(dir: &Path) -> Result<(), String> {
    let out: Out = Arc::new(Mutex::new(io::stdout()));
    let last = match run(dir, &out) {
        Ok(code) => Frame::Exit(code),
        Err(why) => Frame::Failed(why),
    };
    send(&out, &last).map_err(|e| e.to_string())
}

/// The command and our ends of its standard streams.
struct Session {
    pid: Pid,
    input: fs::File,
    outputs: Vec<(fs::File, bool)>,
    terminal: Option<OwnedFd>,
}

fn run(dir: &Path, out: &Out) -> Result<i32, String> {
    chdir(dir).map_err(|e| format!("enter {}: {e}", dir.display()))?;
    let config: KeeperConfig = read("keeper.json")?;
    let record: ReplicaRecord = read("replica.json")?;
    if record.state != ReplicaState::Running || !record.keeper.is_alive() {
        return Err("the workload is not running; start it first".into());
    }
    let start = match Frame::read(&mut io::stdin()) {
        Ok(Frame::Start(start)) => start,
        Ok(_) => return Err("the first message must say what to run".into()),
        Err(e) => return Err(format!("read the request: {e}")),
    };
    let session = spawn(dir, &config, &record, &start)?;
    let (done, finished) = mpsc::channel();
    let count = session.outputs.len();
    for (file, is_stderr) in session.outputs {
        let (out, done) = (out.clone(), done.clone());
        thread::spawn(move || {
            pump(file, is_stderr, &out);
            let _ = done.send(());
        });
    }
    let (input, terminal, pid) = (session.input, session.terminal, session.pid);
    thread::spawn(move || feed(input, terminal, pid));
    let code = wait(pid);
    for _ in 0..count {
        if finished.recv_timeout(LINGER).is_err() {
            break;
        }
    }
    Ok(code)
}

fn spawn(dir: &Path, config: &KeeperConfig, record: &ReplicaRecord, start: &ExecStart) -> Result<Session, String> {
    let text = |e: &dyn std::fmt::Display| e.to_string();
    // The runtime resolves the image's path, which only the keeper's mounts have.
    let mounts = fs::File::open(format!("/proc/{}/ns/mnt", record.keeper.pid));
    setns(mounts.map_err(|e| text(&e))?, CloneFlags::CLONE_NEWNS)
        .map_err(|e| format!("join the keeper's mounts: {e}"))?;
    // Changing the mount namespace moved the working directory to its root.
    chdir(dir).map_err(|e| format!("enter {}: {e}", dir.display()))?;

    let unique = std::process::id();
    let process = Removed(dir.join(format!("exec-{unique}.json")));
    let mut value = bundle::process(config, &start.command, start.tty.is_some());
    if start.tty.is_some()
        && let Some(env) = value["env"].as_array_mut()
    {
        env.push("TERM=xterm-256color".into());
    }
    state::write_json(&process.0, &value).map_err(|e| text(&e))?;

    let mut builder = ContainerBuilder::new(config.container.clone(), SyscallType::default())
        .with_root_path(dir.join("runtime"))
        .map_err(|e| text(&e))?
        .with_executor(Sealed::new(start.tty)?);
    if start.tty.is_some() {
        let socket = Removed(dir.join(format!("tty-{unique}.sock")));
        let listener = UnixListener::bind(format!("tty-{unique}.sock")).map_err(|e| text(&e))?;
        let pid = builder
            .with_console_socket(Some(&socket.0))
            .as_tenant()
            .with_process(Some(&process.0))
            .with_detach(true)
            .build()
            .map_err(|e| text(&e))?;
        let terminal = receive_terminal(&listener).map_err(|e| text(&e))?;
        let clone = || terminal.try_clone().map_err(|e| text(&e));
        return Ok(Session {
            pid: Pid::from_raw(pid.as_raw()),
            input: clone()?.into(),
            outputs: vec![(clone()?.into(), false)],
            terminal: Some(terminal),
        });
    }
    let pipe = || pipe2(OFlag::O_CLOEXEC).map_err(|e| text(&e));
    let (in_read, in_write) = pipe()?;
    let (out_read, out_write) = pipe()?;
    let (err_read, err_write) = pipe()?;
    builder = builder.with_stdin(in_read).with_stdout(out_write).with_stderr(err_write);
    let pid = builder.as_tenant().with_process(Some(&process.0)).with_detach(true).build().map_err(|e| text(&e))?;
    Ok(Session {
        pid: Pid::from_raw(pid.as_raw()),
        input: in_write.into(),
        outputs: vec![(out_read.into(), false), (err_read.into(), true)],
        terminal: None,
    })
}

/// The console socket's one message carries the terminal (OCI runtime, `terminal`).
fn receive_terminal(listener: &UnixListener) -> io::Result<OwnedFd> {
    let (stream, _) = listener.accept()?;
    let mut name = [0; 4096];
    let mut parts = [io::IoSliceMut::new(&mut name)];
    let mut space = nix::cmsg_space!([std::os::fd::RawFd; 1]);
    let message = recvmsg::<()>(stream.as_raw_fd(), &mut parts, Some(&mut space), MsgFlags::MSG_CMSG_CLOEXEC)?;
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(fds) = control
            && let Some(fd) = fds.first()
        {
            return Ok(owned(*fd));
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "the runtime sent no terminal"))
}

#[allow(unsafe_code)]
fn owned(fd: std::os::fd::RawFd) -> OwnedFd {
    // SAFETY: the kernel made this descriptor for this process with SCM_RIGHTS; it
    // is open and nothing else owns it.
    unsafe { std::os::fd::FromRawFd::from_raw_fd(fd) }
}

fn pump(mut from: fs::File, is_stderr: bool, out: &Out) {
    let mut buffer = vec![0; 32 << 10];
    // A terminal whose last user is gone reads as EIO, which is its end.
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        let bytes = buffer[..n].to_vec();
        let frame = match is_stderr {
            true => Frame::Stderr(bytes),
            false => Frame::Stdout(bytes),
        };
        if send(out, &frame).is_err() {
            break;
        }
    }
}

/// Passes input on. The end of our own input means that the session is over, which
/// ends the command; only an explicit message closes just its input.
fn feed(input: fs::File, terminal: Option<OwnedFd>, pid: Pid) {
    let mut input = Some(input);
    loop {
        match Frame::read(&mut io::stdin()) {
            Ok(Frame::Stdin(bytes)) => {
                if let Some(file) = &mut input
                    && file.write_all(&bytes).is_err()
                {
                    input = None;
                }
            }
            Ok(Frame::CloseStdin) => {
                if let (Some(file), Some(_)) = (&mut input, &terminal) {
                    let _ = file.write_all(&[4]);
                }
                input = None;
            }
            Ok(Frame::Resize(size)) => {
                if let Some(terminal) = &terminal {
                    let _ = resize(terminal, size);
                }
            }
            Ok(_) => {}
            Err(_) => {
                let _ = killpg(pid, Signal::SIGKILL);
                return;
            }
        }
    }
}

pub(super) fn resize(terminal: impl AsFd, size: TermSize) -> io::Result<()> {
    let size = rustix::termios::Winsize { ws_row: size.rows, ws_col: size.cols, ws_xpixel: 0, ws_ypixel: 0 };
    Ok(rustix::termios::tcsetwinsize(terminal, size)?)
}

fn wait(pid: Pid) -> i32 {
    loop {
        match waitpid(pid, None) {
            Ok(WaitStatus::Exited(_, code)) => return code,
            Ok(WaitStatus::Signaled(_, signal, _)) => return 128 + signal as i32,
            Err(nix::errno::Errno::ECHILD) => return 255,
            _ => {}
        }
    }
}

fn send(out: &Out, frame: &Frame) -> io::Result<()> {
    let mut out = out.lock().map_err(|_| io::Error::other("output lock"))?;
    frame.write(&mut *out)
}

fn read<T: serde::de::DeserializeOwned>(name: &str) -> Result<T, String> {
    state::read_json(Path::new(name)).map_err(|e| format!("{name}: {e}"))?.ok_or_else(|| format!("{name} is missing"))
}

/// A file that is removed when no longer needed.
struct Removed(PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
