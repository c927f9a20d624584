//! Logs and shells over WebSockets.

use std::sync::Arc;
use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};

use super::GatewayError;
use super::frame::{self, Frame};

const OPEN_TIMEOUT: Duration = Duration::from_secs(15);
const MAX_MESSAGE: usize = 1 << 20;

pub(super) type Socket = WebSocketStream<TlsStream<TcpStream>>;

pub(super) async fn open(url: &reqwest::Url, tls: Arc<rustls::ClientConfig>) -> Result<Socket, GatewayError> {
    let host = url.host_str().unwrap_or_default().to_owned();
    let unreachable = |cause: String| GatewayError::Unreachable { host: host.clone(), cause };
    let opened = tokio::time::timeout(OPEN_TIMEOUT, connect(url, tls)).await;
    match opened.map_err(|_| unreachable("no answer in time".into()))? {
        Ok(socket) => Ok(socket),
        Err(Failure::Io(cause)) => Err(unreachable(cause)),
        Err(Failure::Ws(WsError::Http(response))) => {
            let body = response.body().as_deref().unwrap_or_default();
            let message = String::from_utf8_lossy(body).chars().take(1000).collect();
            Err(GatewayError::Refused { host, status: response.status().as_u16(), message })
        }
        Err(Failure::Ws(cause)) => Err(unreachable(cause.to_string())),
    }
}

enum Failure {
    Io(String),
    Ws(WsError),
}

async fn connect(url: &reqwest::Url, tls: Arc<rustls::ClientConfig>) -> Result<Socket, Failure> {
    let io = |cause: &dyn std::fmt::Display| Failure::Io(cause.to_string());
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let port = url.port_or_known_default().unwrap_or(443);
    let tcp = TcpStream::connect((host.as_str(), port)).await.map_err(|cause| io(&cause))?;
    tcp.set_nodelay(true).map_err(|cause| io(&cause))?;
    let name = rustls::pki_types::ServerName::try_from(host).map_err(|cause| io(&cause))?;
    let stream = TlsConnector::from(tls).connect(name, tcp).await.map_err(|cause| io(&cause))?;
    let mut address = url.clone();
    // Between two special schemes this cannot fail.
    let _ = address.set_scheme("wss");
    let config = WebSocketConfig::default().max_message_size(Some(MAX_MESSAGE)).max_frame_size(Some(MAX_MESSAGE));
    let opened = tokio_tungstenite::client_async_with_config(address.as_str(), stream, Some(config)).await;
    opened.map(|(socket, _)| socket).map_err(Failure::Ws)
}

/// 1000 normal, 1005 no code given (RFC 6455 section 7.4.1).
fn ends_well(code: u16) -> bool {
    matches!(code, 1000 | 1005)
}

/// What a close code means for the one who reads it.
pub(super) fn meaning(code: u16) -> &'static str {
    match code {
        1001 => "the gateway stops or restarts; connect again in a moment",
        1002 | 1007 => "the gateway does not understand this program; use the release that the provider uses",
        1003 => "the gateway does not take this kind of message here",
        1006 => "the connection was lost; connect again",
        1008 => "a limit was reached or the right to the lease was lost",
        1009 => "a message was too large",
        1011 | frame::CLOSE_INTERNAL => "the gateway failed; try again, or ask the provider",
        1013 | frame::CLOSE_UNAVAILABLE => "the service is not available now; see `virtengine lease status`",
        frame::CLOSE_NO_LEASE => "there is no such lease of yours; see `virtengine lease list`",
        _ => "for a reason of its own",
    }
}

/// The next message with content; `None` after a normal close.
async fn receive(socket: &mut Socket) -> Result<Option<Message>, GatewayError> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Close(Some(close)))) if !ends_well(close.code.into()) => {
                // A provider's words must not control the terminal.
                let reason = close.reason.as_str().chars().filter(|c| !c.is_control()).collect();
                return Err(GatewayError::Closed { code: close.code.into(), reason });
            }
            None | Some(Ok(Message::Close(_)) | Err(WsError::ConnectionClosed)) => return Ok(None),
            Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) => return Ok(Some(message)),
            Some(Ok(_)) => {}
            Some(Err(cause)) => return Err(GatewayError::Closed { code: 1006, reason: cause.to_string() }),
        }
    }
}

/// One line of a service's output; a text message of the log socket is this as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Service and replica, `web-0`.
    pub name: String,
    pub message: String,
}

pub struct LogStream {
    socket: Socket,
}

impl LogStream {
    pub(super) fn new(socket: Socket) -> Self {
        Self { socket }
    }

    /// `None` when the log ends.
    pub async fn next(&mut self) -> Result<Option<LogLine>, GatewayError> {
        loop {
            let Some(message) = receive(&mut self.socket).await? else { return Ok(None) };
            let Message::Text(text) = message else { continue };
            return serde_json::from_str(&text)
                .map(Some)
                .map_err(|cause| GatewayError::Malformed { host: "log stream".into(), cause: cause.to_string() });
        }
    }
}

/// What happens to a lease: objects with `kind`, `message`, `at` (seconds since 1970) and `lease`.
pub struct LeaseEvents {
    socket: Socket,
}

impl LeaseEvents {
    pub(super) fn new(socket: Socket) -> Self {
        Self { socket }
    }

    /// `None` when there are no more.
    pub async fn next(&mut self) -> Result<Option<Value>, GatewayError> {
        loop {
            let Some(message) = receive(&mut self.socket).await? else { return Ok(None) };
            let Message::Text(text) = message else { continue };
            return serde_json::from_str(&text)
                .map(Some)
                .map_err(|cause| GatewayError::Malformed { host: "event stream".into(), cause: cause.to_string() });
        }
    }
}

pub struct Shell {
    socket: Socket,
}

impl Shell {
    pub(super) fn new(socket: Socket) -> Self {
        Self { socket }
    }

    pub async fn send(&mut self, frame: &Frame) -> Result<(), GatewayError> {
        let sent = self.socket.send(Message::binary(frame.encode())).await;
        sent.map_err(|cause| GatewayError::Closed { code: 1006, reason: cause.to_string() })
    }

    /// `None` when the session is over. Safe to drop and call again.
    pub async fn next(&mut self) -> Result<Option<Frame>, GatewayError> {
        loop {
            let Some(message) = receive(&mut self.socket).await? else { return Ok(None) };
            if let Message::Binary(bytes) = message
                && let Some(frame) = Frame::decode(&bytes)
            {
                return Ok(Some(frame));
            }
        }
    }
}
