//! What tests ask of a network's chain and do on it, through the client library that the daemons use.

use std::time::{Duration, Instant};

use prost::Message as _;
use serde_json::{Value, json};
use ve_base::BASE_DENOM;
use ve_base::keys::hd;
use ve_client::tx::any;
use ve_client::{ClientError, RpcClient, TxClient};
use ve_proto::Any;
use ve_proto::cosmos::auth::v1beta1::{QueryAccountInfoRequest, QueryAccountInfoResponse};
use ve_proto::cosmos::bank::v1beta1::{
    MsgSend, QueryBalanceRequest, QueryBalanceResponse, QuerySupplyOfRequest, QuerySupplyOfResponse,
};
use ve_proto::cosmos::base::v1beta1::Coin;

use crate::support::Localnet;

/// All nodes of the network, so that one of them may be down.
pub fn client(network: &Localnet) -> RpcClient {
    let descriptor = network.descriptor();
    let nodes = descriptor["nodes"].as_array().expect("nodes");
    let endpoints: Vec<&str> = nodes.iter().map(|node| node["rpc"].as_str().expect("an address")).collect();
    RpcClient::new(&endpoints).expect("addresses")
}

/// One of the accounts that `localnet.json` names: its phrase.
pub fn phrase(network: &Localnet, name: &str) -> String {
    let descriptor = network.descriptor();
    let accounts = descriptor["accounts"].as_array().expect("accounts");
    let account = accounts.iter().find(|account| account["name"] == name).expect("a known account");
    account["mnemonic"].as_str().expect("a phrase").to_owned()
}

pub async fn signer(network: &Localnet, name: &str) -> TxClient {
    let key = hd::derive(&phrase(network, name), 0, 0).expect("a phrase");
    TxClient::connect(client(network), key, Some("ve-local-1")).await.expect("the node answers")
}

/// In `uve`.
pub async fn balance(rpc: &RpcClient, address: &str) -> u128 {
    let request = QueryBalanceRequest { address: address.to_owned(), denom: BASE_DENOM.into() };
    let answer: QueryBalanceResponse =
        rpc.query("/cosmos.bank.v1beta1.Query/Balance", &request).await.expect("answered");
    answer.balance.expect("a balance").amount.parse().expect("a number")
}

/// The supply at a height, in `uve`.
pub async fn supply_at(rpc: &RpcClient, height: u64) -> u128 {
    let request = QuerySupplyOfRequest { denom: BASE_DENOM.into() };
    let path = "/cosmos.bank.v1beta1.Query/SupplyOf";
    let bytes = rpc.abci_query(path, &request.encode_to_vec(), height).await.expect("answered");
    let answer = QuerySupplyOfResponse::decode(bytes.as_slice()).expect("a supply");
    answer.amount.expect("a supply").amount.parse().expect("a number")
}

/// Asserts that from the first block to now nothing but what the chain tells of minting and burning changed the supply.
pub async fn supply_adds_up(rpc: &RpcClient) {
    let last = rpc.status().await.expect("answered").latest_height;
    let (mut minted, mut burned) = (0, 0);
    for height in 2..=last {
        let results = rpc.block_results(height).await.expect("answered");
        let events = results.txs.iter().flat_map(|tx| &tx.events).chain(&results.block_events);
        for event in events {
            let amount = || -> u128 {
                let coins = event.attribute("amount").expect("coins");
                coins.trim_end_matches(BASE_DENOM).parse().unwrap_or_else(|_| panic!("only {BASE_DENOM}: {coins}"))
            };
            match event.kind.as_str() {
                "coinbase" => minted += amount(),
                "burn" => burned += amount(),
                _ => {}
            }
        }
    }
    assert_eq!(
        supply_at(rpc, last).await + burned,
        supply_at(rpc, 1).await + minted,
        "{minted} minted, {burned} burned"
    );
}

pub fn coin(amount: u128) -> Coin {
    Coin { denom: BASE_DENOM.into(), amount: amount.to_string() }
}

pub fn transfer(from: &TxClient, to: &str, amount: u128) -> Any {
    let from_address = from.address().to_string();
    any(&MsgSend { from_address, to_address: to.to_owned(), amount: vec![coin(amount)] })
}

/// The codespace and code with which the chain refuses.
pub fn code<T: std::fmt::Debug>(outcome: Result<T, ClientError>) -> (String, u32) {
    let error = outcome.expect_err("refused");
    let (codespace, code) = error.chain_code().unwrap_or_else(|| panic!("an error of the chain, not {error}"));
    (codespace.to_owned(), code)
}

/// Asks again until `answer` is there; `what` names it when it does not come.
pub async fn eventually<T>(what: &str, limit: Duration, mut answer: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(value) = answer().await {
            return value;
        }
        assert!(Instant::now() < deadline, "{what}: not after {limit:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// All transactions that an account paid for: result code and fee in `uve`.
pub async fn paid_by(rpc: &RpcClient, address: &str) -> Vec<(u64, u128)> {
    let query = format!("tx.fee_payer='{address}'");
    let mut found = Vec::new();
    for page in 1.. {
        let parameters =
            json!({"query": query, "prove": false, "page": page.to_string(), "per_page": "100", "order_by": "asc"});
        let answer = rpc.call("tx_search", parameters).await.expect("answered");
        found.extend(answer["txs"].as_array().into_iter().flatten().map(cost));
        let total: usize = answer["total_count"].as_str().expect("a count").parse().expect("a number");
        if found.len() >= total {
            return found;
        }
    }
    found
}

fn cost(tx: &Value) -> (u64, u128) {
    let result = &tx["tx_result"];
    let events = result["events"].as_array().into_iter().flatten().filter(|event| event["type"] == "tx");
    let mut attributes = events.flat_map(|event| event["attributes"].as_array().into_iter().flatten());
    let fee = attributes.find(|attribute| attribute["key"] == "fee").and_then(|fee| fee["value"].as_str());
    let fee = fee.unwrap_or_default().trim_end_matches(BASE_DENOM);
    (result["code"].as_u64().expect("a code"), fee.parse().unwrap_or(0))
}

/// The application's hash in the header of `height`, as node `node` has it.
pub fn app_hash(network: &Localnet, node: u16, height: u64) -> String {
    let block = network.rpc(node, "block", json!({"height": height.to_string()})).expect("the block is there");
    block["block"]["header"]["app_hash"].as_str().expect("a hash").to_owned()
}

/// Number and next sequence of an account.
pub async fn account(rpc: &RpcClient, address: &str) -> (u64, u64) {
    let request = QueryAccountInfoRequest { address: address.to_owned() };
    let path = "/cosmos.auth.v1beta1.Query/AccountInfo";
    let answer: QueryAccountInfoResponse = rpc.query(path, &request).await.expect("answered");
    let info = answer.info.expect("an account");
    (info.account_number, info.sequence)
}
