//! Answers as the published client library `tendermint-rpc` reads them: it refuses wrong types and missing fields.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tendermint_rpc::{endpoint, event::v0_38::DeEvent};

use super::{Comet, envelope::Request, http::respond, subscription};
use crate::rpc::test_node::{self, SENDER, raw_tx};

async fn call<R: DeserializeOwned>(method: &str, params: Value) -> R {
    let (_dir, _node, backend, services) = test_node::start();
    let request = Request { id: Some(json!(1)), method: method.into(), params };
    let answer = respond(&Comet::new(backend, services), request).await.expect("answered");
    let text = answer["result"].to_string();
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{method}: {e}: {answer}"))
}

#[tokio::test]
async fn status_and_chain_answers_are_read() {
    let status: endpoint::status::Response = call("status", Value::Null).await;
    assert_eq!(status.sync_info.latest_block_height.value(), 3);
    assert_eq!(status.validator_info.power.value(), 10);
    let _: endpoint::health::Response = call("health", Value::Null).await;
    let info: endpoint::abci_info::Response = call("abci_info", Value::Null).await;
    assert_eq!(info.response.last_block_height.value(), 3);
    let params: endpoint::consensus_params::Response = call("consensus_params", json!({"height": "2"})).await;
    assert_eq!(params.consensus_params.block.max_bytes, 4_194_304);
    let _: endpoint::consensus_state::Response = call("consensus_state", Value::Null).await;
    let net: endpoint::net_info::Response = call("net_info", Value::Null).await;
    assert_eq!(net.n_peers, 1);
}

#[tokio::test]
async fn blocks_commits_and_validators_are_read() {
    for height in ["1", "2"] {
        let block: endpoint::block::Response = call("block", json!({"height": height})).await;
        assert_eq!(block.block.header.height.to_string(), height);
    }
    let header: endpoint::header::Response = call("header", json!({"height": "2"})).await;
    assert_eq!(header.header.height.value(), 2);
    let commit: endpoint::commit::Response = call("commit", json!({"height": "2"})).await;
    assert!(commit.canonical);
    let set: endpoint::validators::Response = call("validators", json!({"height": "2"})).await;
    assert_eq!((set.total, set.validators[0].power.value()), (1, 10));
    for height in ["1", "2"] {
        let results: endpoint::block_results::Response = call("block_results", json!({"height": height})).await;
        assert_eq!(results.finalize_block_events.len(), 1);
    }
    let chain: endpoint::blockchain::Response = call("blockchain", json!({"minHeight": "1", "maxHeight": "3"})).await;
    assert_eq!(chain.block_metas.len(), 3);
}

#[tokio::test]
async fn transactions_and_searches_are_read() {
    let hash = super::json::base64(&Sha256::digest(raw_tx("memo 2")));
    for prove in [true, false] {
        let tx: endpoint::tx::Response = call("tx", json!({"hash": hash, "prove": prove})).await;
        assert_eq!((tx.height.value(), tx.proof.is_some()), (2, prove));
    }
    let query = json!({"query": format!("transfer.sender='{SENDER}'"), "prove": false, "order_by": "asc"});
    let found: endpoint::tx_search::Response = call("tx_search", query).await;
    assert_eq!(found.total_count, 2);
    let found: endpoint::block_search::Response = call("block_search", json!({"query": "block.height=2"})).await;
    assert_eq!(found.blocks.len(), 1);
    let answer: endpoint::abci_query::AbciQuery = {
        let params = json!({"path": "store/main/key", "data": "6b", "prove": true});
        call::<endpoint::abci_query::Response>("abci_query", params).await.response
    };
    assert_eq!(answer.proof.expect("proof").ops.len(), 1);
}

#[tokio::test]
async fn broadcast_answers_are_read() {
    let sent: endpoint::broadcast::tx_sync::Response = call("broadcast_tx_sync", json!({"tx": "aGk="})).await;
    assert!(sent.code.is_ok());
    let refused: endpoint::broadcast::tx_commit::Response =
        call("broadcast_tx_commit", json!({"tx": super::json::base64(b"bad")})).await;
    assert!(refused.check_tx.code.is_err());
}

#[test]
fn subscription_messages_are_read() {
    let block = test_node::block(2);
    for (query, count) in [("tm.event='NewBlock'", 1), ("tm.event='Tx'", 1), ("message.module='bank'", 1)] {
        let messages = subscription::matching(&block, &query.parse().expect("query"));
        assert_eq!(messages.len(), count, "{query}");
        for message in messages {
            let text = message.to_string();
            let event: DeEvent = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{query}: {e}: {text}"));
            assert!(event.events.is_some());
        }
    }
}
