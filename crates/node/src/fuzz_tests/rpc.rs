//! Requests of clients: bodies, paths, searches.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use tower::ServiceExt as _;

use super::{LONG, SHORT, fuzz};
use crate::index::Query;
use crate::rpc::comet::{Comet, router};
use crate::rpc::{rest, test_node};

const BODIES: [&str; 6] = [
    r#"{"jsonrpc":"2.0","id":1,"method":"block","params":{"height":"2"}}"#,
    r#"[{"jsonrpc":"2.0","id":"a","method":"status"},{"jsonrpc":"2.0","method":"health","params":[]}]"#,
    r#"{"jsonrpc":"2.0","id":2,"method":"abci_query","params":{"path":"/a.B/C","data":"0a01ff","height":"1","prove":true}}"#,
    r#"{"jsonrpc":"2.0","id":3,"method":"tx_search","params":["tx.height=3 AND a.b='c'",false,"1","30","asc"]}"#,
    r#"{"jsonrpc":"2.0","id":4,"method":"broadcast_tx_sync","params":{"tx":"aGVsbG8="}}"#,
    r#"{"jsonrpc":"2.0","id":5,"method":"broadcast_evidence","params":{"evidence":{"type":"x","value":{"vote_a":{}}}}}"#,
];

const PATHS: [&str; 6] = [
    "/block?height=2",
    "/tx_search?query=%22tx.height%3D3%22&prove=true&per_page=5",
    "/abci_query?path=%22/store/main/key%22&data=0x0aff&height=1",
    "/cosmos/tx/v1beta1/txs?events=a.b%3D%27c%27&pagination.limit=3",
    "/cosmos/base/tendermint/v1beta1/blocks/2",
    "/cosmos/auth/v1beta1/accounts/ve19rl4cm2hmr8afy4kldpxz3fka4jguq0aqakfsa",
];

/// A handler that panics would end this test: nothing catches it here.
fn requests(time: Duration) {
    let (_directory, _node, backend, services) = test_node::start();
    let comet = router(Comet::new(backend, services.clone()));
    let rest = rest::router(services).expect("the schema loads");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let answered = |router: &axum::Router, request: Request<Body>| {
        runtime.block_on(async {
            let response = router.clone().oneshot(request).await.expect("infallible");
            let status = response.status();
            to_bytes(response.into_body(), 64 << 20).await.expect("a whole answer");
            status
        })
    };
    fuzz(BODIES.map(|body| body.as_bytes().to_vec()).to_vec(), time / 2, |body| {
        let request = Request::post("/").header("content-type", "application/json").body(Body::from(body.to_vec()));
        answered(&comet, request.expect("a request"));
        serde_json::from_slice::<serde_json::Value>(body).is_ok()
    });
    fuzz(PATHS.map(|path| path.as_bytes().to_vec()).to_vec(), time / 2, |path| {
        let Ok(path) = std::str::from_utf8(path) else { return false };
        let (Ok(get), Ok(other)) = (Request::get(path).body(Body::empty()), Request::get(path).body(Body::empty()))
        else {
            return false;
        };
        answered(&comet, get);
        answered(&rest, other);
        true
    });
}

fn searches(time: Duration) {
    let corpus = [
        "tm.event = 'NewBlock'",
        "message.module = 'ibc_client' AND tx.height >= 3",
        "transfer.amount EXISTS AND a.b CONTAINS 'c' AND x.y<5",
    ];
    fuzz(corpus.map(|text| text.as_bytes().to_vec()).to_vec(), time, |bytes| {
        std::str::from_utf8(bytes).is_ok_and(|text| text.parse::<Query>().is_ok())
    });
}

#[test]
fn mutated_requests_never_panic_a_handler() {
    requests(SHORT);
}

#[test]
fn mutated_searches_never_panic() {
    searches(SHORT);
}

#[test]
#[ignore = "slow: half a minute of mutations"]
fn mutated_requests_never_panic_a_handler_for_long() {
    requests(LONG);
}

#[test]
#[ignore = "slow: half a minute of mutations"]
fn mutated_searches_never_panic_for_long() {
    searches(LONG);
}
