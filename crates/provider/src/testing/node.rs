//! A node that knows the order book and nothing else: orders and leases are put in by the test, bids, reports and
//! closes are taken from the daemon's transactions.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::extract::{Json, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use prost::{Message, Name};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use ve_base::Dec;
use ve_client::manifest::{self, Manifest};
use ve_client::sdl;
use ve_proto::Any;
use ve_proto::cosmos::auth::v1beta1::{BaseAccount, QueryAccountInfoResponse};
use ve_proto::cosmos::bank::v1beta1::QueryBalanceResponse;
use ve_proto::cosmos::base::abci::v1beta1::GasInfo;
use ve_proto::cosmos::base::node::v1beta1::ConfigResponse;
use ve_proto::cosmos::base::v1beta1::{Coin, DecCoin};
use ve_proto::cosmos::tx::v1beta1::{SimulateResponse, TxBody, TxRaw};
use ve_proto::ve::market::v1::{self as market, LeaseState, ResourceState};
use ve_proto::ve::provider::v1::{MsgHeartbeat, Provider, ProviderState, QueryProviderResponse};

pub const CHAIN_ID: &str = "ve-test-1";
/// The account behind every order.
pub const CUSTOMER: &str = "ve1customer";

#[derive(Clone)]
pub struct FakeNode {
    pub url: String,
    state: Arc<Mutex<Book>>,
}

pub struct Book {
    pub provider: String,
    pub height: u64,
    pub balance: u64,
    sequence: u64,
    included: BTreeSet<String>,
    pub orders: Vec<market::Order>,
    pub bids: Vec<market::Bid>,
    pub leases: Vec<market::Lease>,
    pub deployments: Vec<(market::Deployment, Vec<market::Group>)>,
    pub resources: Vec<market::Resource>,
    pub heartbeats: Vec<MsgHeartbeat>,
    /// Lists of live leases are empty, as from a node that lags.
    pub forgets_leases: bool,
    /// Reports that were taken.
    pub reports: Vec<market::MsgReportResource>,
    dead: bool,
    death: Option<Death>,
}

/// When a node dies over a transaction that is handed to it.
#[derive(Clone, Copy)]
pub enum Death {
    /// The transaction is lost with it.
    Before,
    /// A block has the transaction, its sender never hears of that.
    After,
}

impl FakeNode {
    pub async fn start(provider: &str) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let book = Book {
            provider: provider.to_owned(),
            height: 1,
            balance: 10_000_000,
            sequence: 0,
            included: BTreeSet::new(),
            orders: Vec::new(),
            bids: Vec::new(),
            leases: Vec::new(),
            deployments: Vec::new(),
            resources: Vec::new(),
            heartbeats: Vec::new(),
            forgets_leases: false,
            reports: Vec::new(),
            dead: false,
            death: None,
        };
        let state = Arc::new(Mutex::new(book));
        let router = Router::new().route("/", post(call)).with_state(state.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.expect("serves") });
        Self { url, state }
    }

    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.state.lock().unwrap()
    }

    /// Answers as a proxy whose node is down.
    pub fn die(&self) {
        self.book().dead = true;
    }

    /// Dies over the next transaction.
    pub fn die_over_transaction(&self, death: Death) {
        self.book().death = Some(death);
    }

    pub fn revive(&self) {
        self.book().dead = false;
    }
}

impl Book {
    /// An open order for the groups of a deployment file; returns the manifest that goes with it.
    pub fn order(&mut self, dseq: u64, file: &str) -> Manifest {
        let file = sdl::parse(file).expect("a sound file");
        let manifest = manifest::manifest(&file);
        let mut groups = Vec::new();
        for (spec, gseq) in manifest::group_specs(&file).iter().zip(1..) {
            let spec = spec.to_proto(0);
            let id = market::GroupId { owner: CUSTOMER.into(), dseq, gseq };
            groups.push(market::Group { id: Some(id), spec: Some(spec.clone()), ..market::Group::default() });
            let amount = "1000".parse::<Dec>().expect("a decimal").to_mantissa();
            self.orders.push(market::Order {
                id: Some(market::OrderId { owner: CUSTOMER.into(), dseq, gseq, oseq: 1 }),
                state: market::OrderState::Open as i32,
                spec: Some(spec),
                max_price: Some(DecCoin { denom: "uve".into(), amount }),
                ..market::Order::default()
            });
        }
        let id = market::DeploymentId { owner: CUSTOMER.into(), dseq };
        let hash = manifest.hash().to_vec();
        self.deployments.push((market::Deployment { id: Some(id), hash, ..market::Deployment::default() }, groups));
        manifest
    }

    /// The customer takes the provider's bid on the order.
    pub fn accept(&mut self, dseq: u64) {
        let bid = self.bids.iter_mut().find(|bid| bid.id.as_ref().is_some_and(|id| id.dseq == dseq)).expect("a bid");
        bid.state = market::BidState::Active as i32;
        let id = bid.id.clone();
        self.orders.retain(|order| order.id.as_ref().is_some_and(|id| id.dseq != dseq));
        let created_at = crate::daemon::now();
        let state = LeaseState::Active as i32;
        self.leases.push(market::Lease { id: id.clone(), state, created_at, ..market::Lease::default() });
        let state = ResourceState::Pending as i32;
        self.resources.push(market::Resource { lease: id, state, ..market::Resource::default() });
    }

    pub fn set_lease(&mut self, dseq: u64, state: LeaseState) {
        for lease in &mut self.leases {
            if lease.id.as_ref().is_some_and(|id| id.dseq == dseq) {
                lease.state = state as i32;
            }
        }
    }

    /// The customer asks for an operation on the only lease; returns its number.
    pub fn ask(&mut self, action: market::Action) -> u64 {
        let resource = &mut self.resources[0];
        let op_id = resource.operation.as_ref().map_or(0, |operation| operation.op_id) + 1;
        resource.state = ResourceState::Updating as i32;
        let state = market::OperationState::Requested as i32;
        resource.operation =
            Some(market::Operation { op_id, action: action as i32, state, ..market::Operation::default() });
        op_id
    }

    /// As the chain's table: the time of the operation is over, or it failed.
    pub fn roll_back(&mut self, state: market::OperationState, code: u32) {
        let resource = &mut self.resources[0];
        let operation = resource.operation.as_mut().expect("an operation");
        let before = match operation.action() {
            market::Action::Start => ResourceState::Stopped,
            _ => ResourceState::Active,
        };
        operation.state = state as i32;
        operation.result_code = code;
        resource.state = before as i32;
    }

    fn take_report(&mut self, report: market::MsgReportResource) {
        let found = self.resources.iter().position(|resource| resource.lease == report.lease);
        let resource = &mut self.resources[found.expect("a known resource")];
        assert_eq!(report.seq, resource.last_seq + 1, "reports follow each other");
        resource.last_seq = report.seq;
        let code = report.result_code;
        if report.kind() == market::ReportKind::Result {
            self.roll_back(market::OperationState::RolledBack, code);
        } else {
            resource.state = report.observed_state;
            let succeeded = market::OperationState::Succeeded as i32;
            resource.operation.iter_mut().for_each(|operation| operation.state = succeeded);
        }
        self.reports.push(report);
    }

    fn query(&self, path: &str, data: &[u8]) -> Result<Vec<u8>, (&'static str, u32)> {
        Ok(match path {
            "/cosmos.auth.v1beta1.Query/AccountInfo" => QueryAccountInfoResponse {
                info: Some(BaseAccount { account_number: 7, sequence: self.sequence, ..BaseAccount::default() }),
            }
            .encode_to_vec(),
            "/cosmos.base.node.v1beta1.Service/Config" => {
                ConfigResponse { minimum_gas_price: "0.025uve".into(), ..ConfigResponse::default() }.encode_to_vec()
            }
            "/cosmos.tx.v1beta1.Service/Simulate" => {
                let gas_info = Some(GasInfo { gas_wanted: 0, gas_used: 1000 });
                SimulateResponse { gas_info, ..SimulateResponse::default() }.encode_to_vec()
            }
            "/cosmos.bank.v1beta1.Query/Balance" => {
                let coin = Coin { denom: "uve".into(), amount: self.balance.to_string() };
                QueryBalanceResponse { balance: Some(coin) }.encode_to_vec()
            }
            "/ve.provider.v1.Query/Provider" => {
                let state = ProviderState::Active as i32;
                let provider = Provider { owner: self.provider.clone(), state, ..Provider::default() };
                QueryProviderResponse { provider: Some(provider), ..QueryProviderResponse::default() }.encode_to_vec()
            }
            _ => return self.market_query(path, data),
        })
    }

    fn market_query(&self, path: &str, data: &[u8]) -> Result<Vec<u8>, (&'static str, u32)> {
        let lease = |id: &market::BidId| self.leases.iter().find(|lease| lease.id.as_ref() == Some(id)).cloned();
        Ok(match path {
            "/ve.market.v1.Query/Params" => {
                let bid_deposit = Some(Coin { denom: "uve".into(), amount: "500000".into() });
                let params = market::Params { bid_deposit, ..market::Params::default() };
                market::QueryParamsResponse { params: Some(params) }.encode_to_vec()
            }
            "/ve.market.v1.Query/OrdersForProvider" => {
                let orders = self.orders.clone();
                market::QueryOrdersForProviderResponse { orders, ..Default::default() }.encode_to_vec()
            }
            "/ve.market.v1.Query/Bids" => {
                let request = decode::<market::QueryBidsRequest>(data);
                let bids = self.bids.iter().filter(|bid| bid.state == request.state).cloned().collect();
                market::QueryBidsResponse { bids, ..Default::default() }.encode_to_vec()
            }
            "/ve.market.v1.Query/Leases" => {
                let request = decode::<market::QueryLeasesRequest>(data);
                let shown = |lease: &&market::Lease| lease.state == request.state && !self.forgets_leases;
                let leases = self.leases.iter().filter(shown).cloned().collect();
                market::QueryLeasesResponse { leases, ..Default::default() }.encode_to_vec()
            }
            "/ve.market.v1.Query/Lease" => {
                let q = decode::<market::QueryLeaseRequest>(data);
                let id = id(q.owner, q.dseq, q.gseq, q.oseq, q.provider, q.bseq);
                let lease = Some(lease(&id).ok_or(("market", 3))?);
                market::QueryLeaseResponse { lease, ..Default::default() }.encode_to_vec()
            }
            "/ve.market.v1.Query/Resources" => {
                let request = decode::<market::QueryResourcesRequest>(data);
                let shown = |resource: &&market::Resource| resource.state == request.state;
                let resources = self.resources.iter().filter(shown).cloned().collect();
                market::QueryResourcesResponse { resources, ..Default::default() }.encode_to_vec()
            }
            "/ve.market.v1.Query/Resource" => {
                let q = decode::<market::QueryResourceRequest>(data);
                let id = id(q.owner, q.dseq, q.gseq, q.oseq, q.provider, q.bseq);
                let found = self.resources.iter().find(|resource| resource.lease.as_ref() == Some(&id)).cloned();
                let resource = Some(found.ok_or(("market", 3))?);
                market::QueryResourceResponse { resource, ..Default::default() }.encode_to_vec()
            }
            "/ve.market.v1.Query/Deployment" => {
                let q = decode::<market::QueryDeploymentRequest>(data);
                let same = |id: &market::DeploymentId| id.owner == q.owner && id.dseq == q.dseq;
                let found = self.deployments.iter().find(|(deployment, _)| deployment.id.as_ref().is_some_and(same));
                let (deployment, groups) = found.cloned().ok_or(("market", 3))?;
                let deployment = Some(deployment);
                market::QueryDeploymentResponse { deployment, groups, ..Default::default() }.encode_to_vec()
            }
            _ => return Err(("sdk", 6)),
        })
    }

    fn execute(&mut self, message: &Any) {
        let url = message.type_url.as_str();
        if url == market::MsgCreateBid::type_url() {
            let bid = decode::<market::MsgCreateBid>(&message.value);
            let order = bid.order.expect("an order");
            let id = id(order.owner, order.dseq, order.gseq, order.oseq, bid.provider, 1);
            let state = market::BidState::Open as i32;
            self.bids.push(market::Bid { id: Some(id), state, price: bid.price, ..market::Bid::default() });
        } else if url == market::MsgReportResource::type_url() {
            self.take_report(decode(&message.value));
        } else if url == MsgHeartbeat::type_url() {
            self.heartbeats.push(decode(&message.value));
        } else if url == market::MsgCloseLease::type_url() {
            let close = decode::<market::MsgCloseLease>(&message.value);
            self.set_lease(close.lease.expect("a lease").dseq, LeaseState::Closed);
        }
    }

    fn broadcast(&mut self, tx: &str) -> Value {
        let bytes = BASE64.decode(tx).expect("base64");
        let raw = decode::<TxRaw>(&bytes);
        let body = decode::<TxBody>(&raw.body_bytes);
        let hash = hex::encode_upper(Sha256::digest(&bytes));
        if self.included.insert(hash.clone()) {
            self.sequence += 1;
            self.height += 1;
            body.messages.iter().for_each(|message| self.execute(message));
        }
        json!({"code": 0, "codespace": "", "log": "", "data": "", "hash": hash})
    }
}

fn decode<M: Message + Default>(bytes: &[u8]) -> M {
    M::decode(bytes).expect("a well-formed message")
}

fn id(owner: String, dseq: u64, gseq: u32, oseq: u32, provider: String, bseq: u32) -> market::BidId {
    market::BidId { owner, dseq, gseq, oseq, provider, bseq }
}

async fn call(State(state): State<Arc<Mutex<Book>>>, Json(request): Json<Value>) -> Response {
    let params = &request["params"];
    let text = |key: &str| params[key].as_str().unwrap_or_default();
    let mut book = state.lock().unwrap();
    if book.dead {
        return (StatusCode::BAD_GATEWAY, "no node").into_response();
    }
    let result = match request["method"].as_str().unwrap_or_default() {
        "status" => json!({
            "node_info": {"network": CHAIN_ID, "moniker": "scripted", "version": "0.38.0"},
            "sync_info": {
                "latest_block_height": book.height.to_string(),
                "earliest_block_height": "1",
                "latest_block_time": "2026-01-01T00:00:00Z",
                "catching_up": false,
            },
        }),
        "abci_query" => {
            let data = hex::decode(text("data")).expect("hex");
            match book.query(text("path"), &data) {
                Ok(value) => json!({"response": {"code": 0, "value": BASE64.encode(value), "height": "1"}}),
                Err((codespace, code)) => json!({"response": {
                    "code": code, "codespace": codespace, "log": "refused", "value": null, "height": "1",
                }}),
            }
        }
        "broadcast_tx_sync" => {
            let death = book.death.take();
            let taken = (!matches!(death, Some(Death::Before))).then(|| book.broadcast(text("tx")));
            match taken.filter(|_| death.is_none()) {
                Some(answer) => answer,
                None => {
                    book.dead = true;
                    return (StatusCode::BAD_GATEWAY, "no node").into_response();
                }
            }
        }
        "tx" => {
            let hash = hex::encode_upper(BASE64.decode(text("hash")).expect("base64"));
            json!({
                "hash": hash, "height": book.height.to_string(), "index": 0,
                "tx_result": {"code": 0, "data": "", "log": "", "gas_wanted": "1", "gas_used": "1", "events": []},
            })
        }
        "block_results" => json!({"height": text("height"), "txs_results": null, "finalize_block_events": []}),
        _ => Value::Null,
    };
    Json(json!({"jsonrpc": "2.0", "id": request["id"], "result": result})).into_response()
}
