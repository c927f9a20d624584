//! Pages of query results: between `cosmos.base.query.v1beta1` and the store's scans.

use ve_proto::cosmos::base::query::v1beta1 as proto;
use ve_store::{Page, PageRequest};

/// What a query's optional `pagination` asks for.
pub fn request(given: Option<&proto::PageRequest>) -> PageRequest {
    given.map_or_else(PageRequest::default, |page| PageRequest {
        key: page.key.clone(),
        offset: page.offset,
        limit: page.limit,
        count_total: page.count_total,
        reverse: page.reverse,
    })
}

/// The response's `pagination` for a page of the store.
pub fn response<K, V>(page: &Page<K, V>) -> Option<proto::PageResponse> {
    Some(proto::PageResponse { next_key: page.next_key.clone(), total: page.total })
}
