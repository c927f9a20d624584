//! A provider's gateway as its customers use it (marketplace spec section 13.5): mutual TLS in which each side's
//! certificate stands on chain.

pub mod frame;
mod stream;
mod tls;
pub mod token;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::cert::{self, Identity};
use crate::error::ClientError;
use crate::manifest::Manifest;
use crate::rpc::{RpcClient, root_cause};

pub use stream::{LeaseEvents, LogLine, LogStream, Shell};
pub use tls::client_config;

const TIMEOUT: Duration = Duration::from_secs(30);
const MAX_ANSWER: usize = 4 << 20;

#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    #[error("gateway {host} does not answer: {cause}; the provider may be down")]
    Unreachable { host: String, cause: String },
    #[error("provider {0} has no valid certificate on chain; choose another provider")]
    NoCertificate(String),
    #[error("gateway {host} refuses with {status}: {message}")]
    Refused { host: String, status: u16, message: String },
    #[error("gateway {host} sends what is not understood: {cause}")]
    Malformed { host: String, cause: String },
    #[error("the gateway ended the stream ({code}): {}{}{reason}", stream::meaning(*code), if reason.is_empty() { "" } else { ": " })]
    Closed { code: u16, reason: String },
    #[error("secure connections cannot be set up: {0}")]
    Tls(String),
    #[error(transparent)]
    Chain(#[from] ClientError),
}

/// Which lease of the caller is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseRef {
    pub dseq: u64,
    pub gseq: u32,
    pub oseq: u32,
}

impl LeaseRef {
    fn path(&self) -> String {
        format!("/lease/{}/{}/{}", self.dseq, self.gseq, self.oseq)
    }
}

/// A connection to one provider's gateway as one customer.
#[derive(Clone)]
pub struct GatewayClient {
    http: reqwest::Client,
    tls: Arc<rustls::ClientConfig>,
    base: reqwest::Url,
}

impl GatewayClient {
    /// Looks the provider's certificates up on chain and accepts no other at the handshake. `host_uri` is what the
    /// provider registered.
    pub async fn connect(
        rpc: &RpcClient,
        provider: &str,
        host_uri: &str,
        identity: &Identity,
    ) -> Result<Self, GatewayError> {
        let certificates = cert::on_chain(rpc, provider, "").await?;
        let pinned: Vec<Vec<u8>> = certificates
            .into_iter()
            .filter(|certificate| certificate.owner == provider)
            .map(|certificate| certificate.certificate)
            .collect();
        if pinned.is_empty() {
            return Err(GatewayError::NoCertificate(provider.to_owned()));
        }
        Self::with_pinned(host_uri, pinned, identity)
    }

    /// As [`GatewayClient::connect`] with certificates that the caller looked up.
    pub fn with_pinned(host_uri: &str, pinned: Vec<Vec<u8>>, identity: &Identity) -> Result<Self, GatewayError> {
        let base = reqwest::Url::parse(host_uri).ok().filter(|url| url.scheme() == "https" && url.has_host());
        let base = base.ok_or_else(|| GatewayError::Malformed {
            host: host_uri.to_owned(),
            cause: "the provider registered no https address".into(),
        })?;
        let config = client_config(pinned, identity).map_err(GatewayError::Tls)?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(config.clone())
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(Duration::from_secs(10))
            .timeout(TIMEOUT)
            .build()
            .map_err(|cause| GatewayError::Tls(root_cause(&cause)))?;
        Ok(Self { http, tls: Arc::new(config), base })
    }

    fn host(&self) -> String {
        self.base.host_str().unwrap_or_default().to_owned()
    }

    fn url(&self, path: &str, query: &[(&str, String)]) -> reqwest::Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    async fn request(&self, method: reqwest::Method, path: &str, body: Option<Vec<u8>>) -> Result<Value, GatewayError> {
        let host = self.host();
        let unreachable = |cause: String| GatewayError::Unreachable { host: host.clone(), cause };
        let mut request = self.http.request(method, self.url(path, &[]));
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body);
        }
        let mut response = request.send().await.map_err(|cause| unreachable(root_cause(&cause)))?;
        let status = response.status();
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|cause| unreachable(root_cause(&cause)))? {
            if bytes.len().saturating_add(chunk.len()) > MAX_ANSWER {
                return Err(GatewayError::Malformed { host, cause: "an answer beyond 4 MiB".into() });
            }
            bytes.extend_from_slice(&chunk);
        }
        if !status.is_success() {
            let message = String::from_utf8_lossy(&bytes).chars().take(1000).collect();
            return Err(GatewayError::Refused { host, status: status.as_u16(), message });
        }
        if bytes.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&bytes).map_err(|cause| GatewayError::Malformed { host, cause: cause.to_string() })
    }

    /// `GET /status`: what the provider says of itself.
    pub async fn status(&self) -> Result<Value, GatewayError> {
        self.request(reqwest::Method::GET, "/status", None).await
    }

    /// `PUT /deployment/{dseq}/manifest`. Sending the same again changes nothing.
    pub async fn put_manifest(&self, dseq: u64, manifest: &Manifest) -> Result<(), GatewayError> {
        let path = format!("/deployment/{dseq}/manifest");
        self.request(reqwest::Method::PUT, &path, Some(manifest.to_json())).await.map(|_| ())
    }

    pub async fn lease_status(&self, lease: &LeaseRef) -> Result<Value, GatewayError> {
        self.request(reqwest::Method::GET, &format!("{}/status", lease.path()), None).await
    }

    pub async fn service_status(&self, lease: &LeaseRef, service: &str) -> Result<Value, GatewayError> {
        let service: String = service.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
        let path = format!("{}/service/{service}/status", lease.path());
        self.request(reqwest::Method::GET, &path, None).await
    }

    /// The log of a service, or of all.
    pub async fn logs(
        &self,
        lease: &LeaseRef,
        service: Option<&str>,
        follow: bool,
        tail: Option<u64>,
    ) -> Result<LogStream, GatewayError> {
        let mut query = vec![("follow", follow.to_string())];
        query.extend(service.map(|service| ("service", service.to_owned())));
        query.extend(tail.map(|tail| ("tail", tail.to_string())));
        let url = self.url(&format!("{}/logs", lease.path()), &query);
        Ok(LogStream::new(stream::open(&url, self.tls.clone()).await?))
    }

    /// What happened to the services of a lease, and with `follow` what happens.
    pub async fn events(&self, lease: &LeaseRef, follow: bool) -> Result<LeaseEvents, GatewayError> {
        let url = self.url(&format!("{}/kubeevents", lease.path()), &[("follow", follow.to_string())]);
        Ok(LeaseEvents::new(stream::open(&url, self.tls.clone()).await?))
    }

    /// Replaces every service of a lease by a fresh one; returns when the gateway has taken the order. Nothing of it is on
    /// the chain, so whoever holds a token for it needs no account.
    pub async fn restart(&self, lease: &LeaseRef) -> Result<(), GatewayError> {
        self.request(reqwest::Method::POST, &format!("{}/restart", lease.path()), None).await.map(|_| ())
    }

    /// Runs a command in a replica.
    pub async fn shell(
        &self,
        lease: &LeaseRef,
        service: &str,
        replica: u32,
        tty: bool,
        command: &[String],
    ) -> Result<Shell, GatewayError> {
        let flag = |set: bool| u8::from(set).to_string();
        let mut query = vec![
            ("service".to_owned(), service.to_owned()),
            ("podIndex".to_owned(), replica.to_string()),
            ("tty".to_owned(), flag(tty)),
            ("stdin".to_owned(), flag(true)),
        ];
        query.extend(command.iter().enumerate().map(|(index, word)| (format!("cmd{index}"), word.clone())));
        let query: Vec<(&str, String)> = query.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
        let url = self.url(&format!("{}/shell", lease.path()), &query);
        Ok(Shell::new(stream::open(&url, self.tls.clone()).await?))
    }
}
