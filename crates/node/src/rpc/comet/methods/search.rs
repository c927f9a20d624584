//! Transactions by hash, transactions and blocks by events.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::blocks;
use crate::{
    index::{Order, Page, Query, TxPlace},
    rpc::comet::{
        Comet,
        envelope::RpcError,
        json::{self, base64, block_id, hex_upper},
        params::Params,
        results, tx_proof,
    },
};

pub fn tx(comet: &Comet, params: &Params) -> Result<Value, RpcError> {
    let hash = params.hash("hash")?;
    let missing = || RpcError::Internal(format!("tx ({}) not found", hex_upper(&hash)));
    let place = comet.backend.find_tx(&hash)?.ok_or_else(missing)?;
    at_place(comet, place, params.bool("prove")?)
}

/// Reads a transaction and its result from the block store.
fn at_place(comet: &Comet, place: TxPlace, prove: bool) -> Result<Value, RpcError> {
    let stored = blocks::stored(comet, place.height)?;
    let pruned = || RpcError::Internal(format!("results of height {} are not available", place.height));
    let results = comet.backend.view.block_results(place.height)?.ok_or_else(pruned)?;
    let txs = stored.block.data.as_ref().map_or(&[][..], |d| &d.txs);
    let index = place.index as usize;
    let (Some(tx), Some(result)) = (txs.get(index), results.tx_results.get(index)) else {
        return Err(RpcError::Internal(format!("block {} has no transaction {index}", place.height)));
    };
    let mut shown = json!({
        "hash": hex_upper(&Sha256::digest(tx)),
        "height": place.height.to_string(),
        "index": place.index,
        "tx_result": results::tx_result(result),
        "tx": base64(tx),
    });
    if prove {
        shown["proof"] = tx_proof::proof_json(txs, index);
    }
    Ok(shown)
}

fn query(params: &Params) -> Result<Query, RpcError> {
    params.text("query")?.parse().map_err(|e| RpcError::Internal(format!("failed to parse query: {e}")))
}

fn order(params: &Params) -> Result<Order, RpcError> {
    match params.text("order_by")?.as_str() {
        "" | "asc" => Ok(Order::Ascending),
        "desc" => Ok(Order::Descending),
        _ => Err(RpcError::Internal("expected order_by to be either `asc` or `desc` or empty".into())),
    }
}

/// Part of `all`, as asked for.
fn page(params: &Params, total: usize, all: Page) -> Result<Page, RpcError> {
    let (offset, limit) = blocks::paging(params, total)?;
    Ok(Page { offset, limit, ..all })
}

fn all(comet: &Comet, order: Order) -> Page {
    Page { offset: 0, limit: usize::MAX, order, through: comet.backend.view.latest_height() }
}

pub fn tx_search(comet: &Comet, params: &Params) -> Result<Value, RpcError> {
    let (query, order, prove) = (query(params)?, order(params)?, params.bool("prove")?);
    let whole = all(comet, order);
    let found = comet.backend.index.search_txs(&query, whole)?;
    let page = page(params, found.total, whole)?;
    let txs = found
        .items
        .into_iter()
        .skip(page.offset)
        .take(page.limit)
        .map(|place| at_place(comet, place, prove))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(json!({"txs": txs, "total_count": found.total.to_string()}))
}

pub fn block_search(comet: &Comet, params: &Params) -> Result<Value, RpcError> {
    let (query, order) = (query(params)?, order(params)?);
    let whole = all(comet, order);
    let count = comet.backend.index.search_blocks(&query, Page { limit: 0, ..whole })?.total;
    let found = comet.backend.index.search_blocks(&query, page(params, count, whole)?)?;
    let mut shown = Vec::new();
    for height in found.items {
        let stored = blocks::stored(comet, height)?;
        shown.push(json!({"block_id": block_id(Some(&stored.id)), "block": json::block(&stored.block)}));
    }
    Ok(json!({"blocks": shown, "total_count": found.total.to_string()}))
}
