use std::time::Instant;

use axum::extract::ws::{Message, WebSocket};
use futures::StreamExt;
use futures::stream::SplitStream;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use ve_client::gateway::frame::{CLOSE_INTERNAL, ExitStatus, Frame};

use super::limits::Slot;
use super::session::{Activity, Ending, NORMAL, Outgoing, PING, Session, UNSUPPORTED, close, send};
use super::{GatewayError, Shared};
use crate::backend::{ExecInput, ExecOutput, ExecRequest, ExecSession, TermSize};
use crate::model::LeaseId;

/// What a client asked to run.
pub(super) struct ShellRequest {
    pub(super) service: String,
    pub(super) exec: ExecRequest,
    /// Whether the client sends standard input.
    pub(super) stdin: bool,
}

/// Runs a shell over a WebSocket from its start to its end.
pub(super) async fn shell(socket: WebSocket, session: Session, request: ShellRequest) {
    let (mut outgoing, incoming) = socket.split();
    let ending = match start(&session, &request).await {
        Err(error) => Some(error.into()),
        Ok((lease, exec, slot)) => {
            let audit = Audit::start(&session, &lease, &request);
            let ending = relay(&mut outgoing, incoming, &session, exec, &request).await;
            audit.stop(ending.as_ref());
            drop(slot);
            ending
        }
    };
    if let Some(ending) = ending {
        close(&mut outgoing, &ending).await;
    }
}

async fn start(
    session: &Session,
    request: &ShellRequest,
) -> Result<(LeaseId, ExecSession, Slot<LeaseId>), GatewayError> {
    let shared: &Shared = &session.shared;
    let lease = session.lease().await?;
    let slot = shared.counters.shells.take(lease.clone()).ok_or_else(|| GatewayError::TooMany {
        message: format!("the lease has {} shells open already", shared.config.limits.shells_per_lease),
        retry_after: PING,
    })?;
    let exec = shared.service.shell(&lease, &request.service, request.exec.clone()).await?;
    Ok((lease, exec, slot))
}

/// Moves frames both ways; `None` when the client is gone.
async fn relay(
    outgoing: &mut Outgoing,
    incoming: SplitStream<WebSocket>,
    session: &Session,
    exec: ExecSession,
    request: &ShellRequest,
) -> Option<Ending> {
    let moved = Activity::new();
    let tty = request.exec.tty.is_some();
    // Both directions run at once: a command that echoes its input would otherwise
    // wait for its output to be read while its input is being written.
    tokio::select! {
        ending = forward(outgoing, exec.output, &moved) => ending,
        ending = feed(incoming, exec.input, tty, request.stdin, &moved) => ending,
        ending = moved.idle(session.shared.config.limits.idle) => Some(ending),
        ending = session.must_end() => Some(ending),
    }
}

async fn forward(outgoing: &mut Outgoing, mut output: mpsc::Receiver<ExecOutput>, moved: &Activity) -> Option<Ending> {
    let mut pings = interval(PING);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let frame = tokio::select! {
            output = output.recv() => match output {
                Some(ExecOutput::Stdout(bytes)) => Frame::Stdout(bytes),
                Some(ExecOutput::Stderr(bytes)) => Frame::Stderr(bytes),
                Some(ExecOutput::Exit(exit_code)) => Frame::Result(ExitStatus { exit_code }),
                Some(ExecOutput::Failed(message)) => Frame::Failure(message),
                None => {
                    let cause = "the command's end was not reported";
                    return Some(Ending::new(CLOSE_INTERNAL, cause));
                }
            },
            _ = pings.tick() => {
                if !send(outgoing, Message::Ping(Default::default())).await {
                    return None;
                }
                continue;
            }
        };
        moved.touch();
        let last = matches!(frame, Frame::Result(_) | Frame::Failure(_));
        if !send(outgoing, Message::Binary(frame.encode().into())).await {
            return None;
        }
        if last {
            return Some(Ending::new(NORMAL, ""));
        }
    }
}

async fn feed(
    mut incoming: SplitStream<WebSocket>,
    input: mpsc::Sender<ExecInput>,
    tty: bool,
    stdin: bool,
    moved: &Activity,
) -> Option<Ending> {
    // Dropping the sender is how a command learns of the end of its input; a
    // terminal keeps it for resizes.
    let mut input = (stdin || tty).then_some(input);
    loop {
        let frame = match incoming.next().await {
            None | Some(Err(_) | Ok(Message::Close(_))) => return None,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
            Some(Ok(Message::Text(_))) => None,
            Some(Ok(Message::Binary(bytes))) => Frame::decode(&bytes),
        };
        let message = match frame {
            Some(Frame::Stdin(bytes)) if bytes.is_empty() => {
                if !tty {
                    input = None;
                }
                continue;
            }
            Some(Frame::Stdin(_)) if !stdin => continue,
            Some(Frame::Stdin(bytes)) => ExecInput::Stdin(bytes),
            Some(Frame::Resize { columns, rows }) => ExecInput::Resize(TermSize { rows, cols: columns }),
            Some(_) | None => {
                return Some(Ending::new(UNSUPPORTED, "only frames of kind 104 and 105 are taken"));
            }
        };
        moved.touch();
        // A command that has closed its input, or ended, is no fault of the client:
        // its result is on the way.
        if let Some(open) = &input
            && open.send(message).await.is_err()
        {
            input = None;
        }
    }
}

/// The record of one shell: who ran what where, from when to when.
struct Audit {
    owner: String,
    lease: String,
    service: String,
    since: Instant,
}

impl Audit {
    fn start(session: &Session, lease: &LeaseId, request: &ShellRequest) -> Self {
        // Arguments may hold secrets: only the program is recorded.
        tracing::info!(
            target: "audit",
            action = "shell_start",
            owner = session.caller.owner(),
            credential = session.caller.credential(),
            address = %session.connection.address,
            %lease,
            service = request.service,
            replica = request.exec.replica,
            program = request.exec.command.first(),
            arguments = request.exec.command.len().saturating_sub(1),
            tty = request.exec.tty.is_some(),
            "a shell was opened"
        );
        Self {
            owner: session.caller.owner().to_owned(),
            lease: lease.to_string(),
            service: request.service.clone(),
            since: Instant::now(),
        }
    }

    fn stop(self, ending: Option<&Ending>) {
        tracing::info!(
            target: "audit",
            action = "shell_stop",
            owner = self.owner,
            lease = self.lease,
            service = self.service,
            seconds = self.since.elapsed().as_secs(),
            code = ending.map(|ending| ending.code),
            reason = ending.map_or("the client left", |ending| ending.reason.as_str()),
            "a shell was closed"
        );
    }
}
