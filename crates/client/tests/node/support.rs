//! A node that speaks just enough JSON-RPC to be dropped, delayed and lied about.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Json, State};
use axum::response::Response;
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use prost::Message as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::sync::broadcast;
use ve_proto::cosmos::auth::v1beta1::{BaseAccount, QueryAccountInfoResponse};
use ve_proto::cosmos::base::abci::v1beta1::GasInfo;
use ve_proto::cosmos::base::node::v1beta1::ConfigResponse;
use ve_proto::cosmos::tx::v1beta1::{AuthInfo, SimulateResponse, TxRaw};

#[derive(Clone)]
pub struct FakeNode {
    pub url: String,
    pub state: Arc<Mutex<Chain>>,
    blocks: broadcast::Sender<Signal>,
}

#[derive(Clone, Copy)]
enum Signal {
    Block(u64),
    Drop,
}

pub struct Chain {
    pub height: u64,
    pub earliest: u64,
    pub results: BTreeMap<u64, Value>,
    pub sequence: u64,
    pub included: BTreeMap<String, u64>,
    pub signed: Vec<Vec<u8>>,
    pub sockets: usize,
    /// Answer the next `block_results` calls with an internal error.
    pub failures: usize,
}

impl FakeNode {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let chain = Chain {
            height: 0,
            earliest: 1,
            results: BTreeMap::new(),
            sequence: 0,
            included: BTreeMap::new(),
            signed: Vec::new(),
            sockets: 0,
            failures: 0,
        };
        let node = Self { url, state: Arc::new(Mutex::new(chain)), blocks: broadcast::channel(1024).0 };
        let router = Router::new().route("/", post(call)).route("/websocket", get(socket)).with_state(node.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        node
    }

    /// Adds a block with one event at its begin, one per named transaction, and one at its end.
    pub fn add_block(&self, txs: &[&str]) -> u64 {
        let event = |name: &str, mode: Option<&str>| {
            let mut attributes = vec![json!({"key": "id", "value": name, "index": true})];
            attributes.extend(mode.map(|mode| json!({"key": "mode", "value": mode, "index": true})));
            json!({"type": "test", "attributes": attributes})
        };
        let mut chain = self.state.lock().unwrap();
        chain.height += 1;
        let height = chain.height;
        let txs: Vec<Value> =
            txs.iter().map(|name| json!({"code": 0, "events": [event(&format!("{height}-{name}"), None)]})).collect();
        let results = json!({
            "height": height.to_string(),
            "txs_results": if txs.is_empty() { Value::Null } else { Value::Array(txs) },
            "finalize_block_events": [
                event(&format!("{height}-begin"), Some("BeginBlock")),
                event(&format!("{height}-end"), Some("EndBlock")),
            ],
        });
        chain.results.insert(height, results);
        drop(chain);
        let _ = self.blocks.send(Signal::Block(height));
        height
    }

    pub fn drop_sockets(&self) {
        let _ = self.blocks.send(Signal::Drop);
    }
}

async fn call(State(node): State<FakeNode>, Json(request): Json<Value>) -> Json<Value> {
    let params = &request["params"];
    let mut chain = node.state.lock().unwrap();
    let result = match request["method"].as_str().unwrap() {
        "status" => Ok(json!({
            "node_info": {"network": "ve-test-1", "moniker": "fake", "version": "0.38.0"},
            "sync_info": {
                "latest_block_height": chain.height.to_string(),
                "earliest_block_height": chain.earliest.to_string(),
                "latest_block_time": "2026-01-01T00:00:00Z",
                "catching_up": false,
            },
        })),
        "block_results" if chain.failures > 0 => {
            chain.failures -= 1;
            Err("try again".to_owned())
        }
        "block_results" => {
            let height: u64 = params["height"].as_str().unwrap().parse().unwrap();
            chain.results.get(&height).cloned().ok_or_else(|| "no such block".to_owned())
        }
        "abci_query" => Ok(query(&chain, params["path"].as_str().unwrap())),
        "broadcast_tx_sync" => Ok(broadcast(&mut chain, params["tx"].as_str().unwrap())),
        "tx" => {
            let hash = hex::encode_upper(BASE64.decode(params["hash"].as_str().unwrap()).unwrap());
            match chain.included.get(&hash) {
                Some(height) => Ok(json!({
                    "hash": hash, "height": height.to_string(), "index": 0,
                    "tx_result": {"code": 0, "data": "", "log": "", "gas_wanted": "1", "gas_used": "1", "events": []},
                })),
                None => Err(format!("tx ({hash}) not found")),
            }
        }
        other => Err(format!("no method {other}")),
    };
    Json(match result {
        Ok(result) => json!({"jsonrpc": "2.0", "id": request["id"], "result": result}),
        Err(data) => json!({
            "jsonrpc": "2.0", "id": request["id"],
            "error": {"code": -32603, "message": "Internal error", "data": data},
        }),
    })
}

fn query(chain: &Chain, path: &str) -> Value {
    let value = match path {
        "/cosmos.auth.v1beta1.Query/AccountInfo" => QueryAccountInfoResponse {
            info: Some(BaseAccount { account_number: 7, sequence: chain.sequence, ..BaseAccount::default() }),
        }
        .encode_to_vec(),
        "/cosmos.base.node.v1beta1.Service/Config" => {
            ConfigResponse { minimum_gas_price: "0.025uve".into(), ..ConfigResponse::default() }.encode_to_vec()
        }
        "/cosmos.tx.v1beta1.Service/Simulate" => SimulateResponse {
            gas_info: Some(GasInfo { gas_wanted: 0, gas_used: 100_001 }),
            ..SimulateResponse::default()
        }
        .encode_to_vec(),
        _ => {
            let log = "unknown query path";
            return json!({"response": {"code": 6, "codespace": "sdk", "log": log, "value": null, "height": "1"}});
        }
    };
    json!({"response": {"code": 0, "codespace": "", "log": "", "value": BASE64.encode(value), "height": "1"}})
}

fn broadcast(chain: &mut Chain, tx: &str) -> Value {
    let bytes = BASE64.decode(tx).unwrap();
    let raw = TxRaw::decode(bytes.as_slice()).unwrap();
    let auth = AuthInfo::decode(&raw.auth_info_bytes[..]).unwrap();
    let got = auth.signer_infos[0].sequence;
    let hash = hex::encode_upper(Sha256::digest(&bytes));
    if got != chain.sequence {
        let log =
            format!("account sequence mismatch, expected {}, got {got}: incorrect account sequence", chain.sequence);
        return json!({"code": 32, "codespace": "sdk", "log": log, "data": "", "hash": hash});
    }
    chain.sequence += 1;
    chain.signed.push(bytes);
    let height = chain.height;
    chain.included.insert(hash.clone(), height);
    json!({"code": 0, "codespace": "", "log": "", "data": "", "hash": hash})
}

async fn socket(State(node): State<FakeNode>, upgrade: WebSocketUpgrade) -> Response {
    node.state.lock().unwrap().sockets += 1;
    let blocks = node.blocks.subscribe();
    upgrade.on_upgrade(move |socket| serve(socket, blocks))
}

async fn serve(mut socket: WebSocket, mut blocks: broadcast::Receiver<Signal>) {
    let Some(Ok(Message::Text(text))) = socket.recv().await else { return };
    let request: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(request["method"], "subscribe");
    let reply = |result: Value| Message::text(json!({"jsonrpc": "2.0", "id": 1, "result": result}).to_string());
    socket.send(reply(json!({}))).await.unwrap();
    while let Ok(Signal::Block(height)) = blocks.recv().await {
        let data = json!({"type": "tendermint/event/NewBlock", "value": {"block": {"header": {"height": height.to_string()}}}});
        if socket.send(reply(json!({"query": "tm.event = 'NewBlock'", "data": data}))).await.is_err() {
            return;
        }
    }
}
