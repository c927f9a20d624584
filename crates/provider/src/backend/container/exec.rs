//! The daemon's side of a command in a container.

use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;

use super::shim::{ExecStart, Frame};
use crate::backend::{BackendError, ExecInput, ExecOutput, ExecRequest, ExecSession, Result};

/// Messages waiting in each direction.
const QUEUE: usize = 64;
/// Largest piece of input passed on at once.
const PIECE: usize = 32 << 10;

/// Starts a command in the replica whose directory is `dir`.
pub(super) async fn start(shim: &[String], dir: &Path, request: ExecRequest) -> Result<ExecSession> {
    let size: usize = request.command.iter().map(String::len).sum();
    if request.command.is_empty() || request.command.len() > 256 || size > 32 << 10 {
        return Err(BackendError::invalid("a command has 1 to 256 parts of together at most 32 KiB"));
    }
    let (program, leading) =
        shim.split_first().ok_or_else(|| BackendError::invalid("no keeper program is configured"))?;
    let mut child = Command::new(program)
        .args(leading)
        .arg("exec")
        .arg(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| BackendError::io("start a command", e))?;
    let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(BackendError::transient("the command has no pipes"));
    };
    let first = Frame::Start(ExecStart { command: request.command, tty: request.tty });
    write(&mut stdin, &first).await.map_err(|e| BackendError::io("start a command", e))?;
    let (input, inputs) = mpsc::channel(QUEUE);
    let (outputs, output) = mpsc::channel(QUEUE);
    tokio::spawn(run(child, stdin, stdout, inputs, outputs));
    Ok(ExecSession { input, output })
}

async fn run(
    mut child: Child,
    mut stdin: ChildStdin,
    mut stdout: ChildStdout,
    mut inputs: mpsc::Receiver<ExecInput>,
    outputs: mpsc::Sender<ExecOutput>,
) {
    let feeding = async {
        while let Some(input) = inputs.recv().await {
            match input {
                ExecInput::Stdin(bytes) => {
                    for piece in bytes.chunks(PIECE) {
                        write(&mut stdin, &Frame::Stdin(piece.to_vec())).await?;
                    }
                }
                ExecInput::Resize(size) => write(&mut stdin, &Frame::Resize(size)).await?,
            }
        }
        write(&mut stdin, &Frame::CloseStdin).await?;
        // Kept open: its end would tell the other side that the session is over.
        std::future::pending::<std::io::Result<()>>().await
    };
    let reading = async {
        loop {
            let last = match read(&mut stdout).await {
                Ok(Frame::Stdout(bytes)) => ExecOutput::Stdout(bytes),
                Ok(Frame::Stderr(bytes)) => ExecOutput::Stderr(bytes),
                Ok(Frame::Exit(code)) => ExecOutput::Exit(code),
                Ok(Frame::Failed(why)) => ExecOutput::Failed(why),
                Ok(_) => ExecOutput::Failed("unexpected message".into()),
                Err(e) => ExecOutput::Failed(format!("the command's helper ended: {e}")),
            };
            let over = matches!(last, ExecOutput::Exit(_) | ExecOutput::Failed(_));
            if outputs.send(last).await.is_err() || over {
                return;
            }
        }
    };
    tokio::pin!(feeding, reading);
    tokio::select! {
        () = &mut reading => {}
        // The helper no longer reads; its last messages are still there.
        _ = &mut feeding => reading.await,
        // Nobody listens any more: the session was dropped.
        () = outputs.closed() => {}
    }
    let _ = child.start_kill();
    let _ = child.wait().await;
}

async fn write(to: &mut ChildStdin, frame: &Frame) -> std::io::Result<()> {
    to.write_all(&frame.encode()?).await
}

async fn read(from: &mut ChildStdout) -> std::io::Result<Frame> {
    let mut header = [0; 5];
    from.read_exact(&mut header).await?;
    let mut payload = vec![0; Frame::payload_len(header)?];
    from.read_exact(&mut payload).await?;
    Frame::decode(header[0], payload)
}
