//! Each field's JSON type, as CosmJS, Hermes and Keplr read it.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    Comet,
    envelope::{Request, RpcError},
    http::respond,
};
use crate::rpc::test_node::{self, SENDER, raw_tx};

async fn call(method: &str, params: Value) -> Result<Value, Value> {
    let (_dir, _node, backend, services) = test_node::start();
    let comet = Comet::new(backend, services);
    let request = Request { id: Some(json!(1)), method: method.into(), params };
    let answer = respond(&comet, request).await.expect("a request with an id is answered");
    assert_eq!(answer["id"], 1);
    assert_eq!(answer["jsonrpc"], "2.0");
    if answer["error"].is_null() { Ok(answer["result"].clone()) } else { Err(answer["error"].clone()) }
}

/// The type of every leaf: `s` string, `n` number, `b` boolean, `0` null; arrays show their first element.
fn shape(value: &Value) -> Value {
    match value {
        Value::Null => json!("0"),
        Value::Bool(_) => json!("b"),
        Value::Number(_) => json!("n"),
        Value::String(_) => json!("s"),
        Value::Array(items) => items.first().map_or_else(|| json!([]), |first| json!([shape(first)])),
        Value::Object(object) => object.iter().map(|(k, v)| (k.clone(), shape(v))).collect(),
    }
}

fn block_id() -> Value {
    json!({"hash": "s", "parts": {"total": "n", "hash": "s"}})
}

fn header() -> Value {
    json!({
        "version": {"block": "s", "app": "s"}, "chain_id": "s", "height": "s", "time": "s",
        "last_block_id": block_id(), "last_commit_hash": "s", "data_hash": "s", "validators_hash": "s",
        "next_validators_hash": "s", "consensus_hash": "s", "app_hash": "s", "last_results_hash": "s",
        "evidence_hash": "s", "proposer_address": "s",
    })
}

fn commit() -> Value {
    json!({"height": "s", "round": "n", "block_id": block_id(), "signatures": [
        {"block_id_flag": "n", "validator_address": "s", "timestamp": "s", "signature": "s"}
    ]})
}

fn tx_result() -> Value {
    json!({
        "code": "n", "data": "s", "log": "s", "info": "s", "gas_wanted": "s", "gas_used": "s", "codespace": "s",
        "events": [{"type": "s", "attributes": [{"key": "s", "value": "s", "index": "b"}]}],
    })
}

fn validator() -> Value {
    json!({"address": "s", "pub_key": {"type": "s", "value": "s"}, "voting_power": "s", "proposer_priority": "s"})
}

#[tokio::test]
async fn status_names_the_node_its_heights_and_its_key() {
    let status = call("status", Value::Null).await.expect("answers");
    let sync = json!({
        "latest_block_hash": "s", "latest_app_hash": "s", "latest_block_height": "s", "latest_block_time": "s",
        "earliest_block_hash": "s", "earliest_app_hash": "s", "earliest_block_height": "s",
        "earliest_block_time": "s", "catching_up": "b",
    });
    assert_eq!(shape(&status["sync_info"]), sync);
    let node = json!({
        "protocol_version": {"p2p": "s", "block": "s", "app": "s"}, "id": "s", "listen_addr": "s", "network": "s",
        "version": "s", "channels": "s", "moniker": "s", "other": {"tx_index": "s", "rpc_address": "s"},
    });
    assert_eq!(shape(&status["node_info"]), node);
    let key = json!({"address": "s", "pub_key": {"type": "s", "value": "s"}, "voting_power": "s"});
    assert_eq!(shape(&status["validator_info"]), key);
    assert_eq!(status["sync_info"]["latest_block_height"], "3");
    assert_eq!(status["sync_info"]["latest_block_time"], "2026-01-01T00:00:03.12Z");
    assert!(status["node_info"]["version"].as_str().is_some_and(|v| v.starts_with("0.38.")));
    assert_eq!(status["validator_info"]["voting_power"], "10");
}

#[tokio::test]
async fn a_block_has_cometbfts_shape_and_the_first_one_an_empty_predecessor() {
    let expected = json!({"block_id": block_id(), "block": {
        "header": header(), "data": {"txs": ["s"]}, "evidence": {"evidence": []}, "last_commit": commit(),
    }});
    assert_eq!(shape(&call("block", json!({"height": "2"})).await.expect("answers")), expected);
    let first = call("block", json!({"height": "1"})).await.expect("answers");
    let empty = json!({"hash": "", "parts": {"total": 0, "hash": ""}});
    assert_eq!(first["block"]["header"]["last_block_id"], empty);
    let none = json!({"height": "0", "round": 0, "block_id": empty, "signatures": []});
    assert_eq!(first["block"]["last_commit"], none);
    let by_hash = call("block_by_hash", json!({"hash": first["block_id"]["hash"]})).await.expect("answers");
    assert_eq!(by_hash, first);
    let unknown = call("block_by_hash", json!({"hash": "EE".repeat(32)})).await.expect("answers");
    assert_eq!(unknown["block"], Value::Null);
}

#[tokio::test]
async fn a_commit_shows_absent_votes_with_the_zero_time() {
    let answer = call("commit", json!({"height": "2"})).await.expect("answers");
    assert_eq!(shape(&answer), json!({"signed_header": {"header": header(), "commit": commit()}, "canonical": "b"}));
    let absent = json!({
        "block_id_flag": 1, "validator_address": "", "timestamp": "0001-01-01T00:00:00Z", "signature": null,
    });
    assert_eq!(answer["signed_header"]["commit"]["signatures"][1], absent);
    assert_eq!(answer["canonical"], true);
    assert_eq!(call("commit", Value::Null).await.expect("answers")["canonical"], false);
}

#[tokio::test]
async fn validators_are_paged_with_string_counts() {
    let answer = call("validators", json!({"height": "4"})).await.expect("the next set is known");
    assert_eq!(shape(&answer), json!({"block_height": "s", "validators": [validator()], "count": "s", "total": "s"}));
    assert_eq!(answer["validators"][0]["proposer_priority"], "-3");
    let refused = call("validators", json!({"height": "3", "page": "2"})).await.expect_err("one page only");
    assert_eq!(refused["data"], "page should be within [1, 1] range, given 2");
}

#[tokio::test]
async fn block_results_show_absent_lists_as_null() {
    let answer = call("block_results", json!({"height": "2"})).await.expect("answers");
    let event = json!({"type": "s", "attributes": [{"key": "s", "value": "s", "index": "b"}]});
    let update = json!({"pub_key": {"Sum": {"type": "s", "value": {"ed25519": "s"}}}, "power": "s"});
    assert_eq!(
        shape(&answer),
        json!({
            "height": "s", "txs_results": [tx_result()], "finalize_block_events": [event],
            "validator_updates": [update], "consensus_param_updates": "0", "app_hash": "s",
        })
    );
    let empty = call("block_results", json!({"height": "1"})).await.expect("answers");
    assert_eq!(empty["txs_results"], Value::Null);
    assert_eq!(empty["validator_updates"], Value::Null);
}

#[tokio::test]
async fn a_transaction_is_found_by_hash_with_a_proof_of_inclusion() {
    let hash = super::json::base64(&Sha256::digest(raw_tx("memo 2")));
    let answer = call("tx", json!({"hash": hash, "prove": true})).await.expect("answers");
    let proof = json!({"total": "s", "index": "s", "leaf_hash": "s", "aunts": []});
    assert_eq!(
        shape(&answer),
        json!({
            "hash": "s", "height": "s", "index": "n", "tx_result": tx_result(), "tx": "s",
            "proof": {"root_hash": "s", "data": "s", "proof": proof},
        })
    );
    assert_eq!(answer["height"], "2");
    let missing = call("tx", json!({"hash": "EE".repeat(32)})).await.expect_err("unknown");
    assert_eq!(missing["code"], -32603);
    assert_eq!(missing["message"], "Internal error");
    assert_eq!(missing["data"], format!("tx ({}) not found", "EE".repeat(32)));
}

#[tokio::test]
async fn searches_page_and_count() {
    let query = format!("transfer.sender='{SENDER}' AND tx.height>=2");
    let params = json!({"query": query, "prove": false, "page": "2", "per_page": "1", "order_by": "desc"});
    let answer = call("tx_search", params).await.expect("answers");
    assert_eq!(answer["total_count"], "2");
    assert_eq!(answer["txs"][0]["height"], "2");
    let blocks = call("block_search", json!({"query": "block.height > 1", "page": "1"})).await.expect("answers");
    assert_eq!(blocks["total_count"], "2");
    assert_eq!(shape(&blocks["blocks"][0]["block_id"]), block_id());
    assert!(call("tx_search", json!({"query": "tx.height="})).await.is_err());
    assert!(call("tx_search", json!({"query": "tx.height=2", "order_by": "up"})).await.is_err());
}

#[tokio::test]
async fn abci_query_answers_with_proofs_and_refuses_with_the_text_that_wallets_search() {
    let answer = call("abci_query", json!({"path": "store/main/key", "data": "6b", "prove": true})).await;
    let response = json!({
        "code": "n", "log": "s", "info": "s", "index": "s", "key": "s", "value": "s",
        "proofOps": {"ops": [{"type": "s", "key": "s", "data": "s"}]}, "height": "s", "codespace": "s",
    });
    let answer = answer.expect("answers");
    assert_eq!(shape(&answer["response"]), response);
    assert_ne!(answer["response"]["height"], "0");
    let data = hex::encode(prost::Message::encode_to_vec(&ve_proto::cosmos::auth::v1beta1::QueryAccountRequest {
        address: "ve1nobody".into(),
    }));
    let path = "/cosmos.auth.v1beta1.Query/Account";
    let refused = call("abci_query", json!({"path": path, "data": data})).await.expect("an answer with a code");
    assert_eq!(refused["response"]["code"], 22);
    assert_eq!(
        refused["response"]["log"],
        "rpc error: code = NotFound desc = account ve1nobody not found: key not found"
    );
    assert_eq!(refused["response"]["value"], Value::Null);
}

#[tokio::test]
async fn the_nodes_own_services_answer_abci_query_too() {
    let path = "/cosmos.base.node.v1beta1.Service/Config";
    let answer = call("abci_query", json!({"path": path})).await.expect("answers");
    assert_eq!(answer["response"]["code"], 0);
    assert_eq!(answer["response"]["height"], "3");
}

#[tokio::test]
async fn broadcasts_report_the_check_and_a_repeat_is_refused() {
    let tx = super::json::base64(b"fresh");
    let sent = call("broadcast_tx_sync", json!({"tx": tx})).await.expect("answers");
    assert_eq!(shape(&sent), json!({"code": "n", "data": "s", "log": "s", "codespace": "s", "hash": "s"}));
    let bad = call("broadcast_tx_sync", json!([super::json::base64(b"bad")])).await.expect("answers");
    assert_eq!((bad["code"].clone(), bad["codespace"].clone()), (json!(2), json!("sdk")));
    let committed = call("broadcast_tx_commit", json!([super::json::base64(b"bad")])).await.expect("answers");
    assert_eq!(committed["height"], "0");
    assert_eq!(committed["check_tx"]["code"], 2);
    assert!(call("broadcast_tx_sync", json!({})).await.is_err());
}

#[tokio::test]
async fn a_waiting_transaction_is_refused_with_cometbfts_text() {
    let (_dir, _node, backend, services) = test_node::start();
    let comet = Comet::new(backend, services);
    let request = || Request { id: Some(json!(1)), method: "broadcast_tx_sync".into(), params: json!(["aGk="]) };
    respond(&comet, request()).await.expect("answered");
    let again = respond(&comet, request()).await.expect("answered");
    assert_eq!(again["error"]["data"], "tx already exists in cache");
    let waiting = Request { id: Some(json!(2)), method: "num_unconfirmed_txs".into(), params: Value::Null };
    let waiting = respond(&comet, waiting).await.expect("answered");
    assert_eq!(waiting["result"], json!({"n_txs": "1", "total": "1", "total_bytes": "2", "txs": null}));
}

#[tokio::test]
async fn consensus_params_write_integers_as_strings_and_durations_in_nanoseconds() {
    let answer = call("consensus_params", json!({"height": "3"})).await.expect("answers");
    let params = json!({
        "block": {"max_bytes": "4194304", "max_gas": "60000000"},
        "evidence": {"max_age_num_blocks": "100", "max_age_duration": "172800000000005", "max_bytes": "65536"},
        "validator": {"pub_key_types": ["ed25519"]},
        "version": {"app": "1"},
        "abci": {"vote_extensions_enable_height": "0"},
    });
    assert_eq!(answer, json!({"block_height": "3", "consensus_params": params}));
}

#[tokio::test]
async fn heights_out_of_range_are_refused_with_cometbfts_texts() {
    let future = call("block", json!({"height": "9"})).await.expect_err("future");
    assert_eq!(future["data"], "height 9 must be less than or equal to the current blockchain height 3");
    let zero = call("block", json!({"height": "0"})).await.expect_err("zero");
    assert_eq!(zero["data"], "height must be greater than 0, but got 0");
    let unknown = call("no_such_method", Value::Null).await.expect_err("unknown");
    assert_eq!(unknown["code"], RpcError::MethodNotFound(String::new()).code());
}

#[tokio::test]
async fn the_remaining_methods_answer() {
    for (method, params) in [
        ("health", Value::Null),
        ("abci_info", Value::Null),
        ("header", json!({"height": 2})),
        ("blockchain", json!({"minHeight": "1", "maxHeight": "3"})),
        ("genesis", Value::Null),
        ("genesis_chunked", json!({"chunk": "0"})),
        ("net_info", Value::Null),
        ("consensus_state", Value::Null),
        ("dump_consensus_state", Value::Null),
        ("unconfirmed_txs", json!({"limit": "5"})),
        ("check_tx", json!({"tx": "aGk="})),
        ("broadcast_tx_async", json!({"tx": "aGk="})),
    ] {
        assert!(call(method, params).await.is_ok(), "{method}");
    }
    let metas = call("blockchain", json!([])).await.expect("answers");
    assert_eq!(metas["last_height"], "3");
    assert_eq!(metas["block_metas"].as_array().map(Vec::len), Some(3));
    assert_eq!(metas["block_metas"][0]["num_txs"], "1");
    assert!(call("genesis_chunked", json!({"chunk": "1"})).await.is_err());
    assert!(call("broadcast_evidence", json!({"evidence": {"type": "other"}})).await.is_err());
}
