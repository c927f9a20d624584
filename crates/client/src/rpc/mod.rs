//! JSON-RPC of a node over HTTP (platform spec section 2.1), with fail-over between endpoints.

mod types;
mod ws;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use prost::Message;
use serde_json::{Value, json};

use crate::error::ClientError;

pub use types::{AbciEvent, BlockResults, NodeStatus, TxInfo, TxResult};
pub use ws::BlockSignals;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest answer in bytes; block results of a full block fit.
const MAX_ANSWER: usize = 64 << 20;

/// Makes `ring` the process's cryptography, once. Without it no TLS configuration can be built.
pub fn install_crypto() {
    // An error means that another part of the process was first, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// A connection pool to one or more nodes of one chain. Cheap to clone.
#[derive(Clone)]
pub struct RpcClient {
    inner: Arc<Inner>,
}

struct Inner {
    http: reqwest::Client,
    endpoints: Vec<String>,
    /// Index of the endpoint that answered last.
    current: AtomicUsize,
    next_id: AtomicU64,
}

impl std::fmt::Debug for RpcClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RpcClient").field("endpoints", &self.inner.endpoints).finish_non_exhaustive()
    }
}

impl RpcClient {
    /// `http://host:port`, `https://host:port` or `tcp://host:port`; at least one.
    pub fn new<S: AsRef<str>>(endpoints: &[S]) -> Result<Self, ClientError> {
        install_crypto();
        let endpoints: Vec<String> = endpoints.iter().map(|text| endpoint(text.as_ref())).collect::<Result<_, _>>()?;
        if endpoints.is_empty() {
            return Err(ClientError::Endpoint("an empty list".into()));
        }
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|cause| ClientError::Tls(cause.to_string()))?;
        let inner = Inner { http, endpoints, current: AtomicUsize::new(0), next_id: AtomicU64::new(1) };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The endpoint in use.
    pub fn endpoint(&self) -> &str {
        let index = self.inner.current.load(Ordering::Relaxed);
        self.inner.endpoints.get(index).map_or("", String::as_str)
    }

    /// Moves on to the next endpoint, for callers that found this one lagging or on the wrong chain.
    pub fn rotate(&self) {
        let count = self.inner.endpoints.len();
        let update = |index: usize| Some((index + 1) % count);
        let _ = self.inner.current.fetch_update(Ordering::Relaxed, Ordering::Relaxed, update);
    }

    /// One call; on transport failure every endpoint is tried once.
    pub async fn call(&self, method: &str, params: Value) -> Result<Value, ClientError> {
        let mut last = ClientError::Endpoint("an empty list".into());
        for _ in 0..self.inner.endpoints.len() {
            match self.call_here(method, &params).await {
                Err(error @ ClientError::Unreachable { .. }) => {
                    last = error;
                    self.rotate();
                }
                other => return other,
            }
        }
        Err(last)
    }

    async fn call_here(&self, method: &str, params: &Value) -> Result<Value, ClientError> {
        let endpoint = self.endpoint().to_owned();
        let unreachable = |cause: String| ClientError::Unreachable { endpoint: endpoint.clone(), cause };
        let malformed = |cause: String| ClientError::Malformed { method: method.to_owned(), cause };
        let id = self.inner.next_id.fetch_add(1, Ordering::Relaxed);
        let body = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        let response = self.inner.http.post(&endpoint).json(&body).send().await;
        let mut response = response.map_err(|cause| unreachable(root_cause(&cause)))?;
        let status = response.status();
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|cause| unreachable(root_cause(&cause)))? {
            if bytes.len().saturating_add(chunk.len()) > MAX_ANSWER {
                return Err(malformed(format!("longer than {MAX_ANSWER} bytes")));
            }
            bytes.extend_from_slice(&chunk);
        }
        if status == 429 || status.is_server_error() && !bytes.starts_with(b"{") {
            return Err(unreachable(format!("HTTP status {status}")));
        }
        let mut answer: Value =
            serde_json::from_slice(&bytes).map_err(|cause| malformed(format!("HTTP status {status}: {cause}")))?;
        if let Some(error) = answer.get("error").filter(|error| !error.is_null()) {
            let text = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or_default();
            let message = [text("message"), text("data")].join(": ").trim_matches([':', ' ']).to_owned();
            let code = error.get("code").and_then(Value::as_i64).unwrap_or(0);
            return Err(ClientError::Rpc { method: method.to_owned(), code, message });
        }
        answer.get_mut("result").map(Value::take).ok_or_else(|| malformed("no result".into()))
    }

    pub async fn status(&self) -> Result<NodeStatus, ClientError> {
        NodeStatus::from_json(&self.call("status", json!({})).await?)
    }

    /// The value at a query path; `height` 0 is the newest state.
    pub async fn abci_query(&self, path: &str, data: &[u8], height: u64) -> Result<Vec<u8>, ClientError> {
        let params = json!({"path": path, "data": hex::encode(data), "height": height.to_string(), "prove": false});
        let answer = self.call("abci_query", params).await?;
        types::query_value(path, &answer)
    }

    /// A typed query: `path` is `/{package.Service}/{Method}`.
    pub async fn query<Q: Message, A: Message + Default>(&self, path: &str, request: &Q) -> Result<A, ClientError> {
        let bytes = self.abci_query(path, &request.encode_to_vec(), 0).await?;
        A::decode(bytes.as_slice())
            .map_err(|cause| ClientError::Malformed { method: path.to_owned(), cause: cause.to_string() })
    }

    /// Hands a transaction to the mempool; the result is that of its check.
    pub async fn broadcast_sync(&self, tx: &[u8]) -> Result<TxResult, ClientError> {
        let answer = self.call("broadcast_tx_sync", json!({"tx": BASE64.encode(tx)})).await?;
        TxResult::from_json("broadcast_tx_sync", &answer)
    }

    /// The block that holds a transaction, or `None` while there is none. The hash has 32 bytes.
    pub async fn tx(&self, hash: &[u8; 32]) -> Result<Option<TxInfo>, ClientError> {
        match self.call("tx", json!({"hash": BASE64.encode(hash), "prove": false})).await {
            Ok(answer) => TxInfo::from_json(&answer).map(Some),
            Err(ClientError::Rpc { message, .. }) if message.contains("not found") => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub async fn block_results(&self, height: u64) -> Result<BlockResults, ClientError> {
        let answer = self.call("block_results", json!({"height": height.to_string()})).await?;
        BlockResults::from_json(&answer)
    }

    /// Opens a subscription to new heights at the endpoint in use.
    pub async fn new_blocks(&self) -> Result<BlockSignals, ClientError> {
        BlockSignals::open(self.endpoint()).await
    }
}

fn endpoint(text: &str) -> Result<String, ClientError> {
    let trimmed = text.trim().trim_end_matches('/');
    let (scheme, rest) = trimmed.split_once("://").unwrap_or(("http", trimmed));
    let scheme = match scheme {
        "http" | "tcp" => "http",
        "https" => "https",
        _ => return Err(ClientError::Endpoint(text.to_owned())),
    };
    let url = format!("{scheme}://{rest}/");
    match reqwest::Url::parse(&url) {
        Ok(parsed) if parsed.host_str().is_some() && parsed.username().is_empty() => Ok(url),
        _ => Err(ClientError::Endpoint(text.to_owned())),
    }
}

/// The innermost cause: the outer layers only repeat the address.
pub(crate) fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
