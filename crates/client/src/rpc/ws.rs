//! Signals of new blocks over the node's WebSocket. They carry heights only: what happened in a block is always read
//! from its results, so that live and replayed events have one source.

use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::error::ClientError;

const OPEN_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_MESSAGE: usize = 64 << 20;

trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// An open subscription to `tm.event = 'NewBlock'`.
pub struct BlockSignals {
    endpoint: String,
    socket: WebSocketStream<Box<dyn Io>>,
}

impl BlockSignals {
    pub(super) async fn open(endpoint: &str) -> Result<Self, ClientError> {
        let unreachable = |cause: String| ClientError::Unreachable { endpoint: endpoint.to_owned(), cause };
        tokio::time::timeout(OPEN_TIMEOUT, connect(endpoint))
            .await
            .map_err(|_| unreachable(format!("no WebSocket after {} s", OPEN_TIMEOUT.as_secs())))?
            .map_err(unreachable)
            .map(|socket| Self { endpoint: endpoint.to_owned(), socket })
    }

    /// Height of the next block; an error when the socket is gone. Safe to drop and call again.
    pub async fn next(&mut self) -> Result<u64, ClientError> {
        loop {
            let message = match self.socket.next().await {
                Some(Ok(message)) => message,
                Some(Err(cause)) => return Err(self.gone(cause.to_string())),
                None => return Err(self.gone("the node closed the WebSocket".into())),
            };
            let Message::Text(text) = message else { continue };
            let value: Value = serde_json::from_str(&text).map_err(|cause| self.gone(cause.to_string()))?;
            if let Some(error) = value.get("error").filter(|error| !error.is_null()) {
                return Err(self.gone(error.to_string()));
            }
            let height = value.pointer("/result/data/value/block/header/height").and_then(Value::as_str);
            if let Some(height) = height.and_then(|text| text.parse().ok()) {
                return Ok(height);
            }
        }
    }

    fn gone(&self, cause: String) -> ClientError {
        ClientError::Unreachable { endpoint: self.endpoint.clone(), cause }
    }
}

async fn connect(endpoint: &str) -> Result<WebSocketStream<Box<dyn Io>>, String> {
    let url = reqwest::Url::parse(endpoint).map_err(|cause| cause.to_string())?;
    let host = url.host_str().ok_or("no host")?.trim_matches(['[', ']']).to_owned();
    let port = url.port_or_known_default().ok_or("no port")?;
    let tcp = TcpStream::connect((host.as_str(), port)).await.map_err(|cause| cause.to_string())?;
    tcp.set_nodelay(true).map_err(|cause| cause.to_string())?;
    let secure = url.scheme() == "https";
    let stream: Box<dyn Io> = if secure { Box::new(tls(&host, tcp).await?) } else { Box::new(tcp) };
    let address = format!(
        "{}://{}:{port}{}/websocket",
        if secure { "wss" } else { "ws" },
        url.host_str().unwrap_or_default(),
        url.path().trim_end_matches('/')
    );
    let config = WebSocketConfig::default().max_message_size(Some(MAX_MESSAGE)).max_frame_size(Some(MAX_MESSAGE));
    let (mut socket, _) = tokio_tungstenite::client_async_with_config(address, stream, Some(config))
        .await
        .map_err(|cause| cause.to_string())?;
    let subscribe = json!({
        "jsonrpc": "2.0", "id": 1, "method": "subscribe", "params": {"query": "tm.event = 'NewBlock'"},
    });
    socket.send(Message::text(subscribe.to_string())).await.map_err(|cause| cause.to_string())?;
    Ok(socket)
}

async fn tls(host: &str, tcp: TcpStream) -> Result<tokio_rustls::client::TlsStream<TcpStream>, String> {
    use rustls_platform_verifier::BuilderVerifierExt as _;
    super::install_crypto();
    let config = rustls::ClientConfig::builder()
        .with_platform_verifier()
        .map_err(|cause| cause.to_string())?
        .with_no_client_auth();
    let name = rustls::pki_types::ServerName::try_from(host.to_owned()).map_err(|cause| cause.to_string())?;
    tokio_rustls::TlsConnector::from(std::sync::Arc::new(config))
        .connect(name, tcp)
        .await
        .map_err(|cause| cause.to_string())
}
