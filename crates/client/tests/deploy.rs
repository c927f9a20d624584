//! The deployment flow against a market inside the test process: what happens when it is interrupted.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Json, State};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use prost::Message;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use ve_base::keys::hd;
use ve_client::cert::{self, Identity, MAX_VALIDITY, Role};
use ve_client::deploy::{DeployError, Deployed, Options, deploy};
use ve_client::{RpcClient, TxClient};
use ve_proto::cosmos::auth::v1beta1::{BaseAccount, QueryAccountInfoResponse};
use ve_proto::cosmos::base::abci::v1beta1::GasInfo;
use ve_proto::cosmos::base::node::v1beta1::ConfigResponse;
use ve_proto::cosmos::base::v1beta1::DecCoin;
use ve_proto::cosmos::tx::v1beta1::{AuthInfo, SimulateResponse, TxBody, TxRaw};
use ve_proto::ve::cert::v1::{
    Certificate, CertificateState, MsgCreateCertificate, QueryCertificatesRequest, QueryCertificatesResponse,
};
use ve_proto::ve::market::v1::*;
use ve_proto::ve::provider::v1::{Provider, QueryProviderResponse};

const WORDS: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";
const FILE: &str = include_str!("../../../tests/vectors/sdl/valid/nginx.yaml");

#[derive(Default)]
struct Market {
    sequence: u64,
    certificates: Vec<Certificate>,
    deployments: Vec<MsgCreateDeployment>,
    bidding: bool,
    leases: Vec<Lease>,
    manifests: Vec<Vec<u8>>,
    included: Vec<String>,
    provider: String,
    gateway: String,
}

type Shared = Arc<Mutex<Market>>;

async fn start(bidding: bool) -> (String, Shared) {
    let owner = hd::derive(WORDS, 0, 9).unwrap().public_key().address();
    let identity = Identity::generate(&owner, &Role::Gateway(vec!["localhost".into()]), MAX_VALIDITY).unwrap();
    let market = Market { bidding, provider: owner.to_string(), ..Market::default() };
    let shared: Shared = Arc::new(Mutex::new(market));
    shared.lock().unwrap().certificates.push(stored(&identity.certificate));
    let gateway = gateway(identity, shared.clone()).await;
    shared.lock().unwrap().gateway = gateway;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().route("/", post(call)).with_state(shared.clone());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, shared)
}

fn stored(der: &[u8]) -> Certificate {
    let facts = cert::facts(der).unwrap();
    let state = CertificateState::Valid as i32;
    Certificate { owner: facts.owner, serial: facts.serial, state, certificate: der.to_vec(), ..Certificate::default() }
}

/// Takes every manifest.
async fn gateway(identity: Identity, market: Shared) -> String {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(identity.key.to_vec()));
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(identity.certificate)], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(tcp).await else { continue };
            let mut request = Vec::new();
            let mut chunk = [0; 4096];
            let body = loop {
                let read = stream.read(&mut chunk).await.unwrap();
                request.extend_from_slice(&chunk[..read]);
                let head = request.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4);
                if let Some(head) = head.filter(|head| read == 0 || request.ends_with(b"]") && request.len() > *head) {
                    break request[head..].to_vec();
                }
            };
            assert!(request.starts_with(b"PUT /deployment/"));
            market.lock().unwrap().manifests.push(body);
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await.unwrap();
            let _ = stream.shutdown().await;
        }
    });
    url
}

async fn call(State(market): State<Shared>, Json(request): Json<Value>) -> Json<Value> {
    let mut market = market.lock().unwrap();
    let params = &request["params"];
    let result = match request["method"].as_str().unwrap() {
        "status" => json!({
            "node_info": {"network": "ve-test-1", "moniker": "m", "version": "0.38.0"},
            "sync_info": {
                "latest_block_height": "9", "earliest_block_height": "1",
                "latest_block_time": "2026-01-01T00:00:00Z", "catching_up": false,
            },
        }),
        "abci_query" => {
            let data = hex::decode(params["data"].as_str().unwrap()).unwrap();
            match query(&market, params["path"].as_str().unwrap(), &data) {
                Some(value) => json!({"response": {"code": 0, "log": "", "value": BASE64.encode(value)}}),
                None => json!({"response": {"code": 22, "codespace": "sdk", "log": "not found", "value": null}}),
            }
        }
        "broadcast_tx_sync" => execute(&mut market, &BASE64.decode(params["tx"].as_str().unwrap()).unwrap()),
        "tx" => json!({"height": "9", "index": 0, "tx_result": {"code": 0, "events": []}}),
        other => panic!("{other}"),
    };
    Json(json!({"jsonrpc": "2.0", "id": request["id"], "result": result}))
}

fn execute(market: &mut Market, bytes: &[u8]) -> Value {
    let raw = TxRaw::decode(bytes).unwrap();
    let auth = AuthInfo::decode(raw.auth_info_bytes.as_slice()).unwrap();
    assert_eq!(auth.signer_infos[0].sequence, market.sequence);
    market.sequence += 1;
    for any in TxBody::decode(raw.body_bytes.as_slice()).unwrap().messages {
        let value = any.value.as_slice();
        match any.type_url.as_str() {
            "/ve.cert.v1.MsgCreateCertificate" => {
                market.certificates.push(stored(&MsgCreateCertificate::decode(value).unwrap().certificate));
            }
            "/ve.market.v1.MsgCreateDeployment" => {
                market.deployments.push(MsgCreateDeployment::decode(value).unwrap());
            }
            "/ve.market.v1.MsgAcceptBid" => {
                let MsgAcceptBid { bid, price, .. } = MsgAcceptBid::decode(value).unwrap();
                market.leases.push(Lease { id: bid, price, state: LeaseState::Active as i32, ..Lease::default() });
            }
            other => panic!("{other}"),
        }
        market.included.push(any.type_url);
    }
    json!({"code": 0, "hash": hex::encode_upper(Sha256::digest(bytes))})
}

fn query(market: &Market, path: &str, data: &[u8]) -> Option<Vec<u8>> {
    Some(match path {
        "/cosmos.auth.v1beta1.Query/AccountInfo" => {
            let info = BaseAccount { sequence: market.sequence, ..BaseAccount::default() };
            QueryAccountInfoResponse { info: Some(info) }.encode_to_vec()
        }
        "/cosmos.base.node.v1beta1.Service/Config" => ConfigResponse::default().encode_to_vec(),
        "/cosmos.tx.v1beta1.Service/Simulate" => {
            let gas_info = Some(GasInfo { gas_wanted: 0, gas_used: 10 });
            SimulateResponse { gas_info, ..SimulateResponse::default() }.encode_to_vec()
        }
        "/ve.cert.v1.Query/Certificates" => {
            let request = QueryCertificatesRequest::decode(data).unwrap();
            let fits = |known: &&Certificate| {
                known.owner == request.owner && (request.serial.is_empty() || known.serial == request.serial)
            };
            let certificates = market.certificates.iter().filter(fits).cloned().collect();
            QueryCertificatesResponse { certificates, ..QueryCertificatesResponse::default() }.encode_to_vec()
        }
        "/ve.market.v1.Query/Deployment" => {
            let QueryDeploymentRequest { owner, dseq } = QueryDeploymentRequest::decode(data).unwrap();
            let known = market.deployments.iter().find(|known| known.dseq == dseq && known.owner == owner)?;
            let state = DeploymentState::Active as i32;
            let deployment = Deployment { state, hash: known.hash.clone(), ..Deployment::default() };
            QueryDeploymentResponse { deployment: Some(deployment), ..QueryDeploymentResponse::default() }
                .encode_to_vec()
        }
        "/ve.market.v1.Query/Leases" => {
            QueryLeasesResponse { leases: market.leases.clone(), ..QueryLeasesResponse::default() }.encode_to_vec()
        }
        "/ve.market.v1.Query/Bids" => {
            let QueryBidsRequest { owner, dseq, gseq, .. } = QueryBidsRequest::decode(data).unwrap();
            let bid = |bseq: u32, price: &str| Bid {
                id: Some(BidId { owner: owner.clone(), dseq, gseq, oseq: 1, provider: market.provider.clone(), bseq }),
                price: Some(DecCoin { denom: "uve".into(), amount: price.into() }),
                ..Bid::default()
            };
            // As text, the dearer price sorts first.
            let bids = vec![bid(1, "10000000000000000000"), bid(2, "9000000000000000000")];
            let bids = if market.bidding { bids } else { Vec::new() };
            QueryBidsResponse { bids, ..QueryBidsResponse::default() }.encode_to_vec()
        }
        "/ve.provider.v1.Query/Provider" => {
            let provider = Provider { host_uri: market.gateway.clone(), ..Provider::default() };
            QueryProviderResponse { provider: Some(provider), height: 9 }.encode_to_vec()
        }
        "/ve.market.v1.Query/Resource" => {
            let ready = !market.manifests.is_empty();
            let state = if ready { ResourceState::Active } else { ResourceState::Pending };
            let endpoint = ServiceEndpoint { service: "web".into(), url: "http://127.0.0.1:8080".into() };
            let resource = Resource { state: state as i32, endpoints: vec![endpoint], ..Resource::default() };
            QueryResourceResponse { resource: Some(resource), height: 9 }.encode_to_vec()
        }
        // A chain without a price of its own.
        "/feemarket.feemarket.v1.Query/GasPrice" => return None,
        other => panic!("{other}"),
    })
}

/// One run of the command, as a new process would do it.
async fn run(url: &str, home: &std::path::Path, steps: &mut Vec<&'static str>) -> Result<Deployed, DeployError> {
    let rpc = RpcClient::new(&[url]).unwrap();
    let tx = TxClient::connect(rpc, hd::derive(WORDS, 0, 0).unwrap(), None).await.unwrap();
    let options = Options {
        home: home.to_owned(),
        passphrase: "correct horse".into(),
        deposit: None,
        bid_window: Duration::from_millis(10),
        bid_timeout: Duration::from_millis(600),
        run_timeout: Duration::from_secs(10),
    };
    let mut progress = |step: ve_client::deploy::Step| steps.push(step.name);
    deploy(&tx, FILE, &options, &mut |_, _| Some(0), &mut progress).await
}

fn home() -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("deploy");
    ve_client::keystore::private_dir(&home).unwrap();
    (dir, home)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_becomes_a_running_workload_at_the_cheapest_bid() {
    let (url, market) = start(true).await;
    let (_dir, home) = home();
    let mut steps = Vec::new();
    let deployed = run(&url, &home, &mut steps).await.unwrap();
    assert_eq!(deployed.leases[0].urls, ["http://127.0.0.1:8080"]);
    assert_eq!((deployed.leases[0].price.as_str(), deployed.leases[0].denom.as_str()), ("9", "uve"));
    assert_eq!(
        steps,
        [
            "file_checked",
            "certificate_ready",
            "deployment_created",
            "bids_received",
            "lease_created",
            "manifest_delivered",
            "workload_running"
        ]
    );
    let market = market.lock().unwrap();
    assert_eq!(market.manifests[0].len(), 612);
    assert_eq!(Sha256::digest(&market.manifests[0]).to_vec(), market.deployments[0].hash);
    assert_eq!(market.deployments[0].deposit.as_ref().unwrap().amount, "5000000");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_run_is_continued_and_buys_nothing_twice() {
    let (url, market) = start(false).await;
    let (_dir, home) = home();
    let error = run(&url, &home, &mut Vec::new()).await.unwrap_err();
    assert!(matches!(error, DeployError::NoBid { .. }), "{error}");
    market.lock().unwrap().bidding = true;
    let mut steps = Vec::new();
    let deployed = run(&url, &home, &mut steps).await.unwrap();
    assert!(steps.contains(&"deployment_found"), "{steps:?}");
    {
        let market = market.lock().unwrap();
        assert_eq!((market.certificates.len(), market.deployments.len(), market.leases.len()), (2, 1, 1));
        assert_eq!(deployed.dseq, market.deployments[0].dseq);
    }
    // The work is done: the same file again is a new order, not the old one.
    market.lock().unwrap().leases.clear();
    run(&url, &home, &mut Vec::new()).await.unwrap();
    assert_eq!(market.lock().unwrap().deployments.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_killed_before_its_order_was_in_a_block_orders_under_the_same_number() {
    let (url, market) = start(false).await;
    let (_dir, home) = home();
    run(&url, &home, &mut Vec::new()).await.unwrap_err();
    // As if neither the order nor the certificate had reached a block before the process died.
    let (first, certificate) = {
        let mut market = market.lock().unwrap();
        market.bidding = true;
        (market.deployments.pop().unwrap(), market.certificates.pop().unwrap())
    };
    run(&url, &home, &mut Vec::new()).await.unwrap();
    let market = market.lock().unwrap();
    assert_eq!(market.deployments[0], first);
    assert_eq!(market.certificates[1].certificate, certificate.certificate);
}
