//! The methods: their parameters in positional order, and dispatch.

mod blocks;
mod info;
mod mempool;
mod search;

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Comet, envelope::RpcError, params::Params};

pub use mempool::broadcast_sync_all as send;

/// The method of [`send`].
pub const SEND: &str = "broadcast_tx_sync";

/// Method and the names of its parameters. Subscriptions exist on WebSocket only.
pub const METHODS: &[(&str, &[&str])] = &[
    ("abci_info", &[]),
    ("abci_query", &["path", "data", "height", "prove"]),
    ("block", &["height"]),
    ("block_by_hash", &["hash"]),
    ("block_results", &["height"]),
    ("block_search", &["query", "page", "per_page", "order_by"]),
    ("blockchain", &["minHeight", "maxHeight"]),
    ("broadcast_evidence", &["evidence"]),
    ("broadcast_tx_async", &["tx"]),
    ("broadcast_tx_commit", &["tx"]),
    ("broadcast_tx_sync", &["tx"]),
    ("check_tx", &["tx"]),
    ("commit", &["height"]),
    ("consensus_params", &["height"]),
    ("consensus_state", &[]),
    ("dump_consensus_state", &[]),
    ("genesis", &[]),
    ("genesis_chunked", &["chunk"]),
    ("header", &["height"]),
    ("header_by_hash", &["hash"]),
    ("health", &[]),
    ("net_info", &[]),
    ("num_unconfirmed_txs", &[]),
    ("status", &[]),
    ("tx", &["hash", "prove"]),
    ("tx_search", &["query", "prove", "page", "per_page", "order_by"]),
    ("unconfirmed_txs", &["limit"]),
    ("validators", &["height", "page", "per_page"]),
];

pub fn parameters(method: &str) -> Option<&'static [&'static str]> {
    METHODS.iter().find(|(name, _)| *name == method).map(|(_, parameters)| *parameters)
}

/// Runs a method. Those that read from disk run beside the network tasks, which must not wait for it.
pub async fn call(comet: &Arc<Comet>, method: &str, params: Params) -> Result<Value, RpcError> {
    match method {
        "health" => Ok(json!({})),
        "abci_query" => info::abci_query(comet, &params).await,
        "broadcast_tx_async" => mempool::broadcast_async(comet, &params),
        SEND => mempool::broadcast_sync(comet, &params).await,
        "broadcast_tx_commit" => mempool::broadcast_commit(comet, &params).await,
        _ => {
            let (comet, method) = (comet.clone(), method.to_string());
            let work = tokio::task::spawn_blocking(move || read(&comet, &method, &params));
            work.await.map_err(|_| RpcError::Internal("the method's handler failed".into()))?
        }
    }
}

fn read(comet: &Comet, method: &str, params: &Params) -> Result<Value, RpcError> {
    match method {
        "status" => info::status(comet),
        "abci_info" => Ok(info::abci_info(comet)),
        "genesis" => info::genesis(comet),
        "genesis_chunked" => info::genesis_chunked(comet, params),
        "consensus_params" => info::consensus_params(comet, params),
        "net_info" => Ok(info::net_info(comet)),
        "dump_consensus_state" => Ok(info::dump_consensus_state(comet)),
        "consensus_state" => info::consensus_state(comet),
        "block" => blocks::block(comet, params),
        "block_by_hash" => blocks::block_by_hash(comet, params),
        "block_results" => blocks::block_results(comet, params),
        "blockchain" => blocks::blockchain(comet, params),
        "commit" => blocks::commit(comet, params),
        "header" => blocks::header(comet, params),
        "header_by_hash" => blocks::header_by_hash(comet, params),
        "validators" => blocks::validators(comet, params),
        "tx" => search::tx(comet, params),
        "tx_search" => search::tx_search(comet, params),
        "block_search" => search::block_search(comet, params),
        "check_tx" => mempool::check_tx(comet, params),
        "unconfirmed_txs" => mempool::unconfirmed(comet, params),
        "num_unconfirmed_txs" => Ok(mempool::unconfirmed_count(comet)),
        "broadcast_evidence" => mempool::broadcast_evidence(comet, params),
        _ => Err(RpcError::MethodNotFound(method.to_string())),
    }
}
