use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{Comet, MAX_BODY_BYTES, router};
use crate::rpc::test_node;

async fn send(request: Request<Body>) -> (StatusCode, Vec<u8>) {
    let (_dir, _node, backend, services) = test_node::start();
    let response = router(Comet::new(backend, services)).oneshot(request).await.expect("infallible");
    let status = response.status();
    (status, to_bytes(response.into_body(), usize::MAX).await.expect("body").to_vec())
}

async fn post(body: impl Into<Body>) -> (StatusCode, Value) {
    let request = Request::post("/").header("content-type", "application/json").body(body.into()).expect("request");
    let (status, body) = send(request).await;
    (status, if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap_or(Value::Null) })
}

async fn get(uri: &str) -> (StatusCode, Value) {
    let (status, body) = send(Request::get(uri).body(Body::empty()).expect("request")).await;
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

#[tokio::test]
async fn integer_and_string_ids_come_back_as_they_were() {
    for id in [json!(7), json!("seven")] {
        let (status, answer) = post(json!({"jsonrpc": "2.0", "id": id, "method": "health"}).to_string()).await;
        assert_eq!((status, answer["id"].clone()), (StatusCode::OK, id));
        assert_eq!(answer["result"], json!({}));
    }
}

#[tokio::test]
async fn a_batch_answers_each_request_and_skips_notifications() {
    let batch = json!([
        {"jsonrpc": "2.0", "id": 1, "method": "health"},
        {"jsonrpc": "2.0", "method": "health"},
        {"jsonrpc": "2.0", "id": 2, "method": "nothing"},
        {"jsonrpc": "2.0", "id": 3, "method": "block", "params": ["2"]},
    ]);
    let (_, answers) = post(batch.to_string()).await;
    let ids: Vec<&Value> = answers.as_array().expect("array").iter().map(|a| &a["id"]).collect();
    assert_eq!(ids, [&json!(1), &json!(2), &json!(3)]);
    assert_eq!(answers[1]["error"]["code"], -32601);
    assert_eq!(answers[2]["result"]["block"]["header"]["height"], "2");
}

#[tokio::test]
async fn errors_of_a_post_are_answers_with_status_200() {
    let (status, answer) = post("{").await;
    assert_eq!((status, answer["error"]["code"].clone()), (StatusCode::OK, json!(-32700)));
    assert_eq!(post(json!({"method": "health"}).to_string()).await, (StatusCode::OK, Value::Null));
}

#[tokio::test]
async fn url_calls_take_quoted_strings_hex_and_stray_parameters() {
    let (status, answer) = get("/block?height=2&stray=1").await;
    assert_eq!((status, answer["id"].clone()), (StatusCode::OK, json!(-1)));
    assert_eq!(answer["result"]["block"]["header"]["height"], "2");
    let (_, answer) = get("/tx_search?query=%22tx.height=3%22&prove=true&order_by=%22asc%22").await;
    assert_eq!(answer["result"]["total_count"], "1");
    let (_, answer) = get("/broadcast_tx_sync?tx=0x6869").await;
    assert_eq!(answer["result"]["code"], 0);
    let (status, answer) = get("/block?height=99").await;
    assert_eq!((status, answer["error"]["code"].clone()), (StatusCode::INTERNAL_SERVER_ERROR, json!(-32603)));
    assert_eq!(get("/nothing").await.0, StatusCode::NOT_FOUND);
    assert_eq!(get("/").await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_transaction_as_large_as_the_mempool_admits_is_taken() {
    use base64::Engine as _;
    let tx = base64::engine::general_purpose::STANDARD.encode(vec![b'a'; crate::mempool::MAX_TX_BYTES]);
    let body =
        json!({"jsonrpc": "2.0", "id": "a client's own name", "method": "broadcast_tx_sync", "params": {"tx": tx}});
    let (status, answer) = post(body.to_string()).await;
    assert_eq!((status, answer["result"]["code"].clone()), (StatusCode::OK, json!(0)), "{answer}");
}

#[tokio::test]
async fn an_empty_transaction_is_refused_with_the_text_that_relayers_know() {
    for method in ["broadcast_tx_sync", "broadcast_tx_async", "broadcast_tx_commit", "check_tx"] {
        for params in [json!({"tx": ""}), json!({}), json!([""])] {
            let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
            let (_, answer) = post(body.to_string()).await;
            assert!(answer["error"].to_string().contains("invalid empty tx"), "{method}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused() {
    let (status, _) = post(vec![b' '; MAX_BODY_BYTES + 1]).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
}
