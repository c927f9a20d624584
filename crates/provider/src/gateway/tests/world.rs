//! A gateway on a free port with a chain and a provider held in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use rustls::client::ResolvesClientCert;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use ve_base::Address;
use ve_base::keys::PublicKey;
use ve_client::cert::{Identity, Role};
use ve_client::gateway::{GatewayClient, LeaseRef, client_config};

use crate::backend::{ExecInput, ExecOutput, ExecRequest, ExecSession, LogLine, LogQuery};
use crate::gateway::{
    ChainCertificate, Directory, Gateway, GatewayConfig, GatewayError, Limits, ServerIdentity, Service,
};
use crate::model::{LeaseId, OrderId};

pub(super) const LEASE: LeaseRef = LeaseRef { dseq: 7, gseq: 1, oseq: 1 };
pub(super) const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// The chain's certificates and the provider's leases.
#[derive(Default)]
pub(super) struct World {
    certificates: Mutex<BTreeMap<(String, String), ChainCertificate>>,
    leases: Mutex<BTreeSet<String>>,
    pub(super) manifests: Mutex<Vec<(String, u64, usize)>>,
    pub(super) restarts: Mutex<Vec<String>>,
    pub(super) lookups: Mutex<usize>,
    /// Keys of accounts on chain, and how often they were asked for.
    pub(super) keys: Mutex<BTreeMap<String, PublicKey>>,
    pub(super) key_lookups: Mutex<usize>,
    pub(super) revoked: Mutex<BTreeSet<(String, String)>>,
    log: Mutex<Option<mpsc::Sender<(String, LogLine)>>>,
    /// `find_lease` answers with this owner's lease, whoever asks.
    pub(super) confused: Mutex<Option<String>>,
}

impl World {
    pub(super) fn register(&self, identity: &Identity) {
        let facts = identity.facts().expect("facts");
        let record = ChainCertificate {
            der: identity.certificate.clone(),
            valid: true,
            not_before: facts.not_before,
            not_after: facts.not_after,
        };
        self.certificates.lock().expect("lock").insert((facts.owner, facts.serial), record);
    }

    pub(super) fn revoke(&self, identity: &Identity) {
        let facts = identity.facts().expect("facts");
        let mut certificates = self.certificates.lock().expect("lock");
        certificates.get_mut(&(facts.owner, facts.serial)).expect("registered").valid = false;
    }

    pub(super) fn lend(&self, owner: &Address) {
        self.leases.lock().expect("lock").insert(owner.to_string());
    }

    pub(super) fn end_lease(&self, owner: &Address) {
        self.leases.lock().expect("lock").remove(&owner.to_string());
    }

    /// Writes a line to the log that is being followed.
    pub(super) async fn write_line(&self, text: &str) {
        let sender = self.log.lock().expect("lock").clone().expect("a follower");
        sender.send(line(text)).await.expect("the follower listens");
    }
}

fn line(text: &str) -> (String, LogLine) {
    let line =
        LogLine { at_unix_ms: 1, stream: "stdout".to_owned(), text: text.to_owned(), partial: false, replica: 0 };
    ("web".to_owned(), line)
}

#[async_trait]
impl Directory for World {
    async fn certificate(&self, owner: &str, serial: &str) -> Result<Option<ChainCertificate>, GatewayError> {
        *self.lookups.lock().expect("lock") += 1;
        let key = (owner.to_owned(), serial.to_owned());
        Ok(self.certificates.lock().expect("lock").get(&key).cloned())
    }

    async fn account_key(&self, owner: &str) -> Result<Option<PublicKey>, GatewayError> {
        *self.key_lookups.lock().expect("lock") += 1;
        Ok(self.keys.lock().expect("lock").get(owner).cloned())
    }

    async fn is_revoked(&self, owner: &str, jti: &str) -> Result<bool, GatewayError> {
        Ok(self.revoked.lock().expect("lock").contains(&(owner.to_owned(), jti.to_owned())))
    }
}

#[async_trait]
impl Service for World {
    async fn status(&self) -> Value {
        json!({ "leases": 1 })
    }

    async fn find_lease(&self, owner: &str, dseq: u64, gseq: u32, oseq: u32, _: bool) -> Result<LeaseId, GatewayError> {
        let confused = self.confused.lock().expect("lock").clone();
        let owner = confused.unwrap_or_else(|| owner.to_owned());
        if dseq != LEASE.dseq || !self.leases.lock().expect("lock").contains(&owner) {
            return Err(GatewayError::NoLease(format!("no lease {owner}/{dseq}/{gseq}/{oseq}")));
        }
        let order = OrderId { owner, dseq, gseq, oseq };
        Ok(LeaseId { order, provider: address(9).to_string(), bseq: 1 })
    }

    async fn put_manifest(&self, owner: &str, dseq: u64, manifest_json: Vec<u8>) -> Result<(), GatewayError> {
        if manifest_json.starts_with(b"nonsense") {
            return Err(GatewayError::InvalidManifest("the hash differs".to_owned()));
        }
        let taken = (owner.to_owned(), dseq, manifest_json.len());
        self.manifests.lock().expect("lock").push(taken);
        Ok(())
    }

    async fn lease_status(&self, _: &LeaseId) -> Result<Value, GatewayError> {
        Ok(json!({ "services": { "web": { "state": "running" } } }))
    }

    async fn manifest(&self, _: &LeaseId) -> Result<String, GatewayError> {
        Ok("[]".to_owned())
    }

    async fn logs(
        &self,
        _: &LeaseId,
        service: Option<String>,
        query: LogQuery,
    ) -> Result<mpsc::Receiver<(String, LogLine)>, GatewayError> {
        if service.is_some_and(|service| service != "web") {
            return Err(GatewayError::NotFound("no such service".to_owned()));
        }
        let (sender, receiver) = mpsc::channel(8);
        for i in 3 - query.tail.unwrap_or(2).min(2)..3 {
            sender.send(line(&format!("old {i}"))).await.expect("room");
        }
        *self.log.lock().expect("lock") = query.follow.then_some(sender);
        Ok(receiver)
    }

    async fn events(&self, _: &LeaseId, _: bool) -> Result<mpsc::Receiver<Value>, GatewayError> {
        let (sender, receiver) = mpsc::channel(1);
        sender.send(json!({ "event": "started" })).await.expect("room");
        Ok(receiver)
    }

    /// Echoes input, reports sizes on standard error, and exits with 7.
    async fn shell(&self, _: &LeaseId, service: &str, request: ExecRequest) -> Result<ExecSession, GatewayError> {
        if service != "web" {
            return Err(GatewayError::NotFound("no such service".to_owned()));
        }
        let (input, mut inputs) = mpsc::channel(1);
        let (outputs, output) = mpsc::channel(1);
        tokio::spawn(async move {
            let command = request.command.join(" ").into_bytes();
            let _ = outputs.send(ExecOutput::Stdout(command)).await;
            while let Some(input) = inputs.recv().await {
                let echoed = match input {
                    ExecInput::Stdin(bytes) => ExecOutput::Stdout(bytes),
                    ExecInput::Resize(size) => ExecOutput::Stderr(format!("{}x{}", size.cols, size.rows).into_bytes()),
                };
                if outputs.send(echoed).await.is_err() {
                    return;
                }
            }
            let _ = outputs.send(ExecOutput::Exit(7)).await;
        });
        Ok(ExecSession { input, output })
    }

    async fn revoke_token(&self, owner: &str, jti: &str) -> Result<(), GatewayError> {
        self.revoked.lock().expect("lock").insert((owner.to_owned(), jti.to_owned()));
        Ok(())
    }

    async fn restart(&self, lease: &LeaseId) -> Result<(), GatewayError> {
        self.restarts.lock().expect("lock").push(lease.to_string());
        Ok(())
    }
}

pub(super) type Socket = WebSocketStream<TlsStream<TcpStream>>;

/// A running gateway.
pub(super) struct Running {
    pub(super) world: Arc<World>,
    pub(super) at: SocketAddr,
    server: Identity,
    pub(super) stop: Option<oneshot::Sender<()>>,
    pub(super) task: tokio::task::JoinHandle<()>,
}

pub(super) fn address(byte: u8) -> Address {
    Address::from([byte; 20])
}

pub(super) fn client_identity(byte: u8, validity: Duration) -> Identity {
    Identity::generate(&address(byte), &Role::Client, validity).expect("certificate")
}

impl Running {
    pub(super) async fn start(limits: Limits) -> Self {
        let world = Arc::new(World::default());
        let role = Role::Gateway(vec!["127.0.0.1".to_owned()]);
        let server = Identity::generate(&address(9), &role, YEAR).expect("certificate");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(server.key.to_vec()));
        let identity = ServerIdentity::new(server.certificate.clone(), key).expect("identity");
        let config = GatewayConfig { provider: address(9).to_string(), limits };
        let gateway = Gateway::new(config, identity, world.clone(), world.clone()).expect("gateway");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
        let at = listener.local_addr().expect("address");
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(gateway.serve(listener, async {
            let _ = stopped.await;
        }));
        Self { world, at, server, stop: Some(stop), task }
    }

    /// A gateway with a customer whose certificate is registered and who has a lease.
    pub(super) async fn with_customer(limits: Limits) -> (Self, Identity) {
        let running = Self::start(limits).await;
        let identity = client_identity(1, YEAR);
        running.world.register(&identity);
        running.world.lend(&address(1));
        (running, identity)
    }

    pub(super) fn client(&self, identity: &Identity) -> GatewayClient {
        let uri = format!("https://{}", self.at);
        GatewayClient::with_pinned(&uri, vec![self.server.certificate.clone()], identity).expect("client")
    }

    /// A WebSocket of the customer at `path`.
    pub(super) async fn socket(&self, identity: &Identity, path: &str) -> Socket {
        let config = client_config(vec![self.server.certificate.clone()], identity);
        let connector = TlsConnector::from(Arc::new(config.expect("config")));
        let tcp = TcpStream::connect(self.at).await.expect("connects");
        let tls = connector.connect(self.at.ip().into(), tcp).await.expect("handshake");
        let url = format!("wss://{}{path}", self.at);
        tokio_tungstenite::client_async(url, tls).await.expect("upgrade").0
    }

    /// Plain HTTP of the customer, or of nobody.
    pub(super) fn http(&self, identity: Option<&Identity>) -> Http {
        let shown = identity.unwrap_or(&self.server);
        let mut config = client_config(vec![self.server.certificate.clone()], shown).expect("config");
        if identity.is_none() {
            config.client_auth_cert_resolver = Arc::new(Nobody);
        }
        let client = reqwest::Client::builder().tls_backend_preconfigured(config).no_proxy().build().expect("client");
        Http { client, base: format!("https://{}", self.at), token: None }
    }

    /// Plain HTTP with a token and no certificate.
    pub(super) fn bearer(&self, token: &str) -> Http {
        Http { token: Some(token.to_owned()), ..self.http(None) }
    }
}

pub(super) struct Http {
    client: reqwest::Client,
    base: String,
    pub(super) token: Option<String>,
}

impl Http {
    pub(super) async fn send(&self, method: &str, path: &str, body: Vec<u8>) -> (u16, Value) {
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("method");
        let mut request = self.client.request(method, format!("{}{path}", self.base)).body(body);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.expect("answer");
        let status = response.status().as_u16();
        let bytes = response.bytes().await.expect("body");
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    pub(super) async fn get(&self, path: &str) -> (u16, Value) {
        self.send("GET", path, Vec::new()).await
    }
}

/// Shows no certificate.
#[derive(Debug)]
struct Nobody;

impl ResolvesClientCert for Nobody {
    fn resolve(&self, _: &[&[u8]], _: &[rustls::SignatureScheme]) -> Option<Arc<rustls::sign::CertifiedKey>> {
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}
