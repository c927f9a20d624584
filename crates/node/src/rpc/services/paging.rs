//! Pagination of the node's own lists.

use ve_proto::cosmos::base::query::v1beta1::{PageRequest, PageResponse};

use crate::rpc::status::Status;

pub const DEFAULT_LIMIT: u64 = 100;
pub const MAX_LIMIT: u64 = 1_000;

/// Cuts a page out of `all`; keys are positions in decimal.
pub fn page<T: Clone>(all: &[T], request: Option<&PageRequest>) -> Result<(Vec<T>, PageResponse), Status> {
    let default = PageRequest::default();
    let request = request.unwrap_or(&default);
    let offset = if request.key.is_empty() { request.offset } else { position(&request.key)? };
    let limit = if request.limit == 0 { DEFAULT_LIMIT } else { request.limit.min(MAX_LIMIT) };
    let total = all.len() as u64;
    let start = offset.min(total);
    let end = start.saturating_add(limit).min(total);
    let items = if request.reverse {
        all.iter().rev().skip(start as usize).take((end - start) as usize).cloned().collect()
    } else {
        all[start as usize..end as usize].to_vec()
    };
    let next_key = if end < total { end.to_string().into_bytes() } else { Vec::new() };
    Ok((items, PageResponse { next_key, total }))
}

fn position(key: &[u8]) -> Result<u64, Status> {
    std::str::from_utf8(key)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| Status::invalid("pagination.key is not a key of this list"))
}
