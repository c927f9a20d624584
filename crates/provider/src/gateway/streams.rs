use axum::extract::ws::{Message, WebSocket};
use futures::StreamExt;
use futures::stream::SplitStream;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use super::GatewayError;
use super::limits::Slot;
use super::session::{Activity, Ending, NORMAL, Outgoing, PING, Session, close, send};
use crate::backend::{LogLine, LogQuery};

/// A client that answers no ping for so long is gone.
const SILENCE: u32 = 4;

/// Streams log lines, one JSON object a message:
/// `{name, service, replica, stream, at_unix_ms, message, partial}`.
pub(super) async fn logs(socket: WebSocket, session: Session, query: LogQuery, slot: Slot<String>) {
    let opened = match session.lease().await {
        Ok(lease) => session.shared.service.logs(&lease, session.service.clone(), query).await,
        Err(error) => Err(error),
    };
    run(socket, &session, opened, encode_line).await;
    drop(slot);
}

fn encode_line((service, line): (String, LogLine)) -> String {
    json!({
        "name": format!("{service}-{}", line.replica),
        "service": service,
        "replica": line.replica,
        "stream": line.stream,
        "at_unix_ms": line.at_unix_ms,
        "message": line.text,
        "partial": line.partial,
    })
    .to_string()
}

/// Streams lifecycle events, one JSON object a message.
pub(super) async fn events(socket: WebSocket, session: Session, follow: bool, slot: Slot<String>) {
    let opened = match session.lease().await {
        Ok(lease) => session.shared.service.events(&lease, follow).await,
        Err(error) => Err(error),
    };
    run(socket, &session, opened, |event| event.to_string()).await;
    drop(slot);
}

async fn run<T>(
    socket: WebSocket,
    session: &Session,
    opened: Result<mpsc::Receiver<T>, GatewayError>,
    encode: impl Fn(T) -> String,
) {
    let (mut outgoing, mut incoming) = socket.split();
    let ending = match opened {
        Err(error) => Some(error.into()),
        Ok(items) => {
            let heard = Activity::new();
            tokio::select! {
                ending = forward(&mut outgoing, items, encode) => ending,
                () = listen(&mut incoming, &heard) => None,
                ending = heard.idle(PING * SILENCE) => Some(ending),
                ending = session.must_end() => Some(ending),
            }
        }
    };
    if let Some(ending) = ending {
        close(&mut outgoing, &ending).await;
    }
}

/// Sends items and pings; `None` when the client is gone.
async fn forward<T>(
    outgoing: &mut Outgoing,
    mut items: mpsc::Receiver<T>,
    encode: impl Fn(T) -> String,
) -> Option<Ending> {
    let mut pings = interval(PING);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let message = tokio::select! {
            item = items.recv() => match item {
                Some(item) => Message::Text(encode(item).into()),
                None => return Some(Ending::new(NORMAL, "")),
            },
            _ = pings.tick() => Message::Ping(Default::default()),
        };
        if !send(outgoing, message).await {
            return None;
        }
    }
}

/// Reads until the client is gone. What it says has no meaning here.
async fn listen(incoming: &mut SplitStream<WebSocket>, heard: &Activity) {
    while let Some(Ok(message)) = incoming.next().await {
        if matches!(message, Message::Close(_)) {
            return;
        }
        heard.touch();
    }
}
