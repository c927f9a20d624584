use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tower::ServiceExt;

use crate::rpc::test_node::{self, SENDER, raw_tx};

async fn send(request: Request<Body>) -> (StatusCode, Value, String) {
    let (_dir, _node, _backend, services) = test_node::start();
    let response = super::router(services).expect("routes").oneshot(request).await.expect("infallible");
    let status = response.status();
    let height = response.headers().get("grpc-metadata-x-cosmos-block-height");
    let height = height.map(|h| h.to_str().expect("text").to_string()).unwrap_or_default();
    let body = to_bytes(response.into_body(), usize::MAX).await.expect("body");
    (status, serde_json::from_slice(&body).expect("JSON"), height)
}

async fn get(uri: &str) -> (StatusCode, Value) {
    let (status, body, _) = send(Request::get(uri).body(Body::empty()).expect("request")).await;
    (status, body)
}

async fn post(uri: &str, body: Value) -> (StatusCode, Value) {
    let (status, body, _) = send(Request::post(uri).body(Body::from(body.to_string())).expect("request")).await;
    (status, body)
}

#[tokio::test]
async fn an_account_is_shown_with_its_type_and_the_height_that_was_read() {
    let request = Request::get(format!("/cosmos/auth/v1beta1/accounts/{SENDER}"))
        .header("x-cosmos-block-height", "2")
        .body(Body::empty())
        .expect("request");
    let (status, body, height) = send(request).await;
    assert_eq!((status, height.as_str()), (StatusCode::OK, "2"));
    let account = json!({
        "@type": "/cosmos.auth.v1beta1.BaseAccount", "address": SENDER, "pub_key": null,
        "account_number": "1", "sequence": "7",
    });
    assert_eq!(body["account"], account);
}

#[tokio::test]
async fn failures_have_the_http_codes_that_wallets_probe() {
    let (status, body) = get("/cosmos/auth/v1beta1/accounts/ve1nobody").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let message = "account ve1nobody not found: key not found";
    assert_eq!(body, json!({"code": 5, "message": message, "details": []}));
    assert_eq!(get("/cosmos/auth/v1beta1/accounts/malformed").await.0, StatusCode::BAD_REQUEST);
    assert_eq!(get("/no/such/route").await.0, StatusCode::NOT_IMPLEMENTED);
    assert_eq!(post("/cosmos/bank/v1beta1/params", json!({})).await.0, StatusCode::NOT_IMPLEMENTED);
    assert_eq!(get("/cosmos/bank/v1beta1/params").await.0, StatusCode::NOT_IMPLEMENTED, "not in this application");
    assert_eq!(get("/cosmos/tx/v1beta1/txs?page=x&query=tx.height=1").await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn parameters_are_shown_as_the_cosmos_sdk_does() {
    let (_, body) = get("/cosmos/staking/v1beta1/params").await;
    let expected = json!({
        "unbonding_time": "1814400s", "max_validators": 0, "max_entries": 0, "historical_entries": 10_000,
        "bond_denom": "", "min_commission_rate": "0.050000000000000000",
    });
    assert_eq!(body["params"], expected);
}

#[tokio::test]
async fn transactions_are_simulated_and_sent() {
    let tx = STANDARD.encode(raw_tx("fresh"));
    let (status, body) = post("/cosmos/tx/v1beta1/simulate", json!({"tx_bytes": tx})).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(body["gas_info"], json!({"gas_wanted": "100", "gas_used": "90"}));
    assert_eq!(body["result"]["msg_responses"][0]["@type"], "/cosmos.base.v1beta1.Coin");
    let (_, body) = post("/cosmos/tx/v1beta1/txs", json!({"tx_bytes": tx, "mode": "BROADCAST_MODE_SYNC"})).await;
    assert_eq!(body["tx_response"]["code"], 0);
    assert_eq!(body["tx_response"]["txhash"], hex::encode_upper(Sha256::digest(raw_tx("fresh"))));
    for mode in ["BROADCAST_MODE_BLOCK", "BROADCAST_MODE_UNSPECIFIED"] {
        let (status, _) = post("/cosmos/tx/v1beta1/txs", json!({"tx_bytes": tx, "mode": mode})).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{mode}");
    }
    let bad = STANDARD.encode(b"bad");
    let (status, body) = post("/cosmos/tx/v1beta1/simulate", json!({"tx_bytes": bad})).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    let text = "account sequence mismatch, expected 8, got 7: incorrect account sequence";
    assert!(body["message"].as_str().is_some_and(|m| m.contains(text)));
    assert_eq!(post("/cosmos/tx/v1beta1/simulate", json!({})).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn transactions_are_found_by_hash_by_event_and_by_block() {
    let hash = hex::encode_upper(Sha256::digest(raw_tx("memo 2")));
    let (status, body) = get(&format!("/cosmos/tx/v1beta1/txs/{hash}")).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(body["tx"]["body"]["memo"], "memo 2");
    assert_eq!(body["tx"]["body"]["messages"][0]["@type"], "/cosmos.bank.v1beta1.MsgSend");
    assert_eq!(body["tx"]["auth_info"]["fee"]["gas_limit"], "200000");
    let response = &body["tx_response"];
    assert_eq!(response["height"], "2");
    assert_eq!(response["timestamp"], "2026-01-01T00:00:02Z");
    assert_eq!(response["tx"]["@type"], "/cosmos.tx.v1beta1.Tx");
    assert_eq!(response["gas_used"], "70000");
    let query = format!("/cosmos/tx/v1beta1/txs?query=transfer.sender%3D%27{SENDER}%27&order_by=ORDER_BY_DESC&limit=1");
    let (_, body) = get(&query).await;
    assert_eq!((body["total"].clone(), body["tx_responses"][0]["height"].clone()), (json!("2"), json!("3")));
    let (_, body) = get("/cosmos/tx/v1beta1/txs?events=tx.height%3D3&events=message.module%3D%27bank%27").await;
    assert_eq!(body["total"], "1");
    let (_, body) = get("/cosmos/tx/v1beta1/txs/block/3").await;
    assert_eq!(body["txs"][0]["body"]["memo"], "memo 3");
    assert_eq!(get("/cosmos/tx/v1beta1/txs").await.0, StatusCode::BAD_REQUEST);
    assert_eq!(get("/cosmos/tx/v1beta1/txs/abcd").await.0, StatusCode::BAD_REQUEST);
    let unknown = format!("/cosmos/tx/v1beta1/txs/{}", "AB".repeat(32));
    assert_eq!(get(&unknown).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn node_and_blocks_are_shown() {
    let (_, info) = get("/cosmos/base/tendermint/v1beta1/node_info").await;
    assert_eq!(info["default_node_info"]["network"], "ve-local-1");
    assert_eq!(info["application_version"]["cosmos_sdk_version"], "v0.50.13");
    let deps: Vec<&str> = info["application_version"]["build_deps"]
        .as_array()
        .expect("list")
        .iter()
        .filter_map(|d| d["path"].as_str())
        .collect();
    assert!(deps.contains(&"github.com/cosmos/ibc-go/v10"));
    let (_, config) = get("/cosmos/base/node/v1beta1/config").await;
    assert_eq!(config["minimum_gas_price"], "0.01uve");
    let (_, block) = get("/cosmos/base/tendermint/v1beta1/blocks/latest").await;
    assert_eq!(block["block"]["header"]["height"], "3");
    let (_, set) = get("/cosmos/base/tendermint/v1beta1/validatorsets/2").await;
    assert_eq!(set["validators"][0]["pub_key"]["@type"], "/cosmos.crypto.ed25519.PubKey");
    assert_eq!(set["pagination"]["total"], "1");
    assert_eq!(get("/cosmos/base/tendermint/v1beta1/blocks/99").await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_openapi_document_lists_every_route() {
    let (_, document) = get("/openapi.json").await;
    let balances = &document["paths"]["/cosmos/bank/v1beta1/balances/{address}"]["get"];
    assert_eq!(balances["operationId"], "cosmos.bank.v1beta1.Query.AllBalances");
    let names: Vec<&str> =
        balances["parameters"].as_array().expect("list").iter().filter_map(|p| p["name"].as_str()).collect();
    assert!(names.contains(&"address") && names.contains(&"pagination.limit"));
    assert!(document["paths"]["/cosmos/tx/v1beta1/txs"]["post"]["requestBody"].is_object());
    let schemas = document["components"]["schemas"].as_object().expect("schemas");
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (_, operation) in methods.as_object().expect("methods") {
            let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"];
            let name = schema.as_str().expect("reference").rsplit('/').next().expect("name");
            assert!(schemas.contains_key(name), "{path}: {name}");
        }
    }
}
