//! `GetTx`, `GetTxsEvent` and `GetBlockWithTxs`: transactions from index and block store.

use ve_proto::cosmos::{
    base::{abci::v1beta1::TxResponse, query::v1beta1::PageResponse},
    tx::v1beta1::{
        GetBlockWithTxsRequest, GetBlockWithTxsResponse, GetTxRequest, GetTxResponse, GetTxsEventRequest,
        GetTxsEventResponse, OrderBy, Tx,
    },
};

use super::{
    paging, required,
    tx_response::{executed, parse_tx},
};
use crate::{
    index::{Order, Page, TxPlace},
    rpc::{Backend, status::Status},
};

pub fn get_tx(backend: &Backend, request: &GetTxRequest) -> Result<GetTxResponse, Status> {
    let text = request.hash.strip_prefix("0x").unwrap_or(&request.hash);
    let hash = hex::decode(text).ok().filter(|h| h.len() == 32);
    let hash = hash.ok_or_else(|| Status::invalid("tx hash has 64 hex digits"))?;
    let place = backend.find_tx(&hash)?;
    let place = place.ok_or_else(|| Status::not_found(format!("tx not found: {}", request.hash)))?;
    let (tx, tx_response) = at_place(backend, place)?;
    Ok(GetTxResponse { tx: Some(tx), tx_response: Some(tx_response) })
}

fn at_place(backend: &Backend, place: TxPlace) -> Result<(Tx, TxResponse), Status> {
    let gone = || format!("block {} is not available", place.height);
    let stored = required(backend.view.block(place.height), gone)?;
    let results = required(backend.view.block_results(place.height), gone)?;
    let index = place.index as usize;
    let raw = stored.block.data.as_ref().and_then(|d| d.txs.get(index));
    let (Some(raw), Some(result)) = (raw, results.tx_results.get(index)) else {
        return Err(Status::internal(format!("block {} has no transaction {index}", place.height)));
    };
    let seconds = stored.block.header.as_ref().and_then(|h| h.time).map_or(0, |t| t.seconds);
    // A block may carry bytes that are no transaction; their result says so.
    let tx = parse_tx(raw).unwrap_or_default();
    let response = executed(raw, &tx, result, place.height, seconds);
    Ok((tx, response))
}

#[allow(deprecated)]
pub fn get_txs_event(backend: &Backend, request: GetTxsEventRequest) -> Result<GetTxsEventResponse, Status> {
    let text = if request.query.is_empty() { request.events.join(" AND ") } else { request.query };
    if text.is_empty() {
        return Err(Status::invalid("query cannot be empty; give query=tx.height=5 or another event condition"));
    }
    let query = text.parse().map_err(|e| Status::invalid(format!("failed to parse query: {e}")))?;
    let order = match OrderBy::try_from(request.order_by) {
        Ok(OrderBy::Unspecified | OrderBy::Asc) => Order::Ascending,
        Ok(OrderBy::Desc) => Order::Descending,
        Err(_) => return Err(Status::invalid("order_by is ORDER_BY_ASC or ORDER_BY_DESC")),
    };
    let pagination = request.pagination.unwrap_or_default();
    let asked = if request.limit == 0 { pagination.limit } else { request.limit };
    let limit = if asked == 0 { paging::DEFAULT_LIMIT } else { asked.min(paging::MAX_LIMIT) };
    let offset = if request.page == 0 { pagination.offset } else { (request.page - 1).saturating_mul(limit) };
    let page = Page {
        offset: usize::try_from(offset).unwrap_or(usize::MAX),
        limit: limit as usize,
        order,
        through: backend.view.latest_height(),
    };
    let found = backend.index.search_txs(&query, page)?;
    let mut response = GetTxsEventResponse { total: found.total as u64, ..Default::default() };
    for place in found.items {
        let (tx, tx_response) = at_place(backend, place)?;
        response.txs.push(tx);
        response.tx_responses.push(tx_response);
    }
    // Deprecated upstream, but explorers still read the total here.
    response.pagination = Some(PageResponse { next_key: Vec::new(), total: response.total });
    Ok(response)
}

pub fn get_block_with_txs(
    backend: &Backend,
    request: &GetBlockWithTxsRequest,
) -> Result<GetBlockWithTxsResponse, Status> {
    let latest = backend.view.latest_height();
    let height = u64::try_from(request.height).ok().filter(|h| (1..=latest).contains(h)).ok_or_else(|| {
        Status::invalid(format!("requested height {} must be at least 1 and at most {latest}", request.height))
    })?;
    let stored = required(backend.view.block(height), || format!("block {height} is not available"))?;
    let raw = stored.block.data.as_ref().map_or(&[][..], |d| &d.txs);
    let (page, pagination) = paging::page(raw, request.pagination.as_ref())?;
    Ok(GetBlockWithTxsResponse {
        txs: page.iter().map(|raw| parse_tx(raw).unwrap_or_default()).collect(),
        block_id: Some(stored.id),
        block: Some(stored.block),
        pagination: Some(pagination),
    })
}
