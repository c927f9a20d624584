//! A shell session between this process and a container.

use std::io::{IsTerminal as _, Read as _};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use ve_client::gateway::Shell;
use ve_client::gateway::frame::Frame;

use super::printable;
use super::terminal::Raw;
use crate::cli::CliError;

const CHUNK: usize = 16 * 1024;
/// Ctrl-]: the way out when the other side does not answer.
const ESCAPE: u8 = 0x1d;

/// Until the command ends. With `tty` the terminal is raw meanwhile.
pub async fn run(mut shell: Shell, tty: bool) -> Result<(), CliError> {
    let raw = if tty { Some(raw()?) } else { None };
    let mut input = input(tty)?;
    let mut resized = watch(SignalKind::window_change())?;
    let mut ended = watch(SignalKind::terminate())?;
    let mut hung_up = watch(SignalKind::hangup())?;
    resize(&mut shell, raw.as_ref()).await?;
    let mut open = true;
    loop {
        tokio::select! {
            read = input.recv(), if open => match read {
                Some(Input::Bytes(bytes)) => shell.send(&Frame::Stdin(bytes)).await?,
                Some(Input::Escape) => return Err(CliError::Failed("left with Ctrl-]".into())),
                None => {
                    open = false;
                    shell.send(&Frame::Stdin(Vec::new())).await?;
                }
            },
            _ = resized.recv() => resize(&mut shell, raw.as_ref()).await?,
            _ = ended.recv() => return Err(CliError::Failed("asked to end".into())),
            _ = hung_up.recv() => return Err(CliError::Failed("the terminal is gone".into())),
            frame = shell.next() => match frame? {
                Some(Frame::Stdout(bytes)) => write(&mut std::io::stdout(), &bytes),
                Some(Frame::Stderr(bytes)) => write(&mut std::io::stderr(), &bytes),
                Some(Frame::Result(status)) if status.exit_code == 0 => return Ok(()),
                Some(Frame::Result(status)) => return Err(CliError::Remote(status.exit_code)),
                Some(Frame::Failure(cause)) => return Err(CliError::Failed(printable(&cause))),
                Some(_) => {}
                None => return Err(CliError::Failed("the session ended without a result".into())),
            },
        }
    }
}

fn raw() -> Result<Raw<std::io::Stdin>, CliError> {
    let no_terminal = || CliError::Usage("--tty needs a terminal; leave it out in scripts".into());
    if !std::io::stdin().is_terminal() {
        return Err(no_terminal());
    }
    Raw::enter(std::io::stdin()).map_err(|_| no_terminal())
}

fn watch(kind: SignalKind) -> Result<Signal, CliError> {
    signal(kind).map_err(|cause| CliError::Failed(format!("signals cannot be watched: {cause}")))
}

async fn resize(shell: &mut Shell, raw: Option<&Raw<std::io::Stdin>>) -> Result<(), CliError> {
    if let Some((columns, rows)) = raw.and_then(Raw::size) {
        shell.send(&Frame::Resize { columns, rows }).await?;
    }
    Ok(())
}

enum Input {
    Bytes(Vec<u8>),
    Escape,
}

/// Reads standard input on a thread that nobody waits for: a read from a terminal cannot be taken back, and must not
/// keep the process alive when the command has ended.
fn input(tty: bool) -> Result<mpsc::Receiver<Input>, CliError> {
    let (sender, receiver) = mpsc::channel(4);
    let read = move || {
        let mut buffer = vec![0u8; CHUNK];
        loop {
            let read = match std::io::stdin().lock().read(&mut buffer) {
                Ok(read) => read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(_) => 0,
            };
            let bytes = &buffer[..read];
            let escape = tty && bytes.contains(&ESCAPE);
            if bytes.is_empty()
                || sender.blocking_send(if escape { Input::Escape } else { Input::Bytes(bytes.to_vec()) }).is_err()
            {
                return;
            }
        }
    };
    std::thread::Builder::new()
        .name("input".into())
        .spawn(read)
        .map_err(|cause| CliError::Failed(format!("no thread for the input: {cause}")))?;
    Ok(receiver)
}

fn write(to: &mut dyn std::io::Write, bytes: &[u8]) {
    // A closed pipe ends the output, the session still has to end in order.
    let _ = to.write_all(bytes).and_then(|()| to.flush());
}
