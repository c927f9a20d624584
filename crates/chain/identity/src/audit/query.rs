//! Queries of `ve.audit.v1`.

use ve_base::CodedError;
use ve_base::audit::merkle::{self, Hash};
use ve_proto::ve::audit::v1::*;
use ve_sdk::{QueryContext, Registrar, pagination};
use ve_store::{KvError, Page, PageRequest};

use super::error::Error;
use super::keys::{BY_ACTOR, BY_RESOURCE, ENTRIES, ROOTS, SIZE};
use super::{params, tree};

pub fn register(registrar: &mut Registrar) {
    registrar.query("/ve.audit.v1.Query/Params", parameters);
    registrar.query("/ve.audit.v1.Query/Entries", entries);
    registrar.query("/ve.audit.v1.Query/Entry", entry);
    registrar.query("/ve.audit.v1.Query/Head", head);
    registrar.query("/ve.audit.v1.Query/Roots", roots);
    registrar.query("/ve.audit.v1.Query/InclusionProof", inclusion_proof);
    registrar.query("/ve.audit.v1.Query/ConsistencyProof", consistency_proof);
}

fn parameters(ctx: &QueryContext<'_>, _: &QueryParamsRequest) -> Result<QueryParamsResponse, CodedError> {
    Ok(QueryParamsResponse { params: Some(params::load(ctx)?) })
}

fn matches(request: &QueryEntriesRequest, entry: &Entry) -> bool {
    let same = |wanted: &str, given: &str| wanted.is_empty() || wanted == given;
    same(&request.actor, &entry.actor)
        && same(&request.module, &entry.module)
        && same(&request.action, &entry.action)
        && same(&request.resource_id, &entry.resource_id)
        && entry.time >= request.since
        && (request.until == 0 || entry.time <= request.until)
}

fn entries(ctx: &QueryContext<'_>, request: &QueryEntriesRequest) -> Result<QueryEntriesResponse, CodedError> {
    let page = pagination::request(request.pagination.as_ref());
    let index = match (request.resource_id.as_str(), request.actor.as_str()) {
        ("", "") => None,
        ("", actor) => Some(BY_ACTOR.scan().prefix(&actor.to_owned())),
        (resource, _) => Some(BY_RESOURCE.scan().prefix(&resource.to_owned())),
    };
    if let Some(index) = index {
        let fits = |(_, seq): &(String, u64)| {
            ENTRIES.get(ctx, seq).is_ok_and(|entry| entry.is_some_and(|entry| matches(request, &entry)))
        };
        let found: Page<(String, u64), ()> = index.page_where(ctx, &page, |key, ()| fits(key))?;
        let entries: Result<Vec<Entry>, KvError> =
            found.entries.iter().map(|((_, seq), ())| ENTRIES.require(ctx, seq)).collect();
        return Ok(QueryEntriesResponse { entries: entries?, pagination: pagination::response(&found) });
    }
    let found = ENTRIES.scan().page_where(ctx, &page, |_, entry| matches(request, entry))?;
    let pagination = pagination::response(&found);
    Ok(QueryEntriesResponse { entries: found.entries.into_iter().map(|(_, entry)| entry).collect(), pagination })
}

fn entry(ctx: &QueryContext<'_>, request: &QueryEntryRequest) -> Result<QueryEntryResponse, CodedError> {
    require(request.seq, SIZE.get_or_default(ctx)?)?;
    let hash = tree::entry_hash(ctx, request.seq)?;
    Ok(QueryEntryResponse { entry: ENTRIES.get(ctx, &request.seq)?, hash: hash.to_vec() })
}

fn require(seq: u64, size: u64) -> Result<(), Error> {
    if seq < size { Ok(()) } else { Err(Error::NotFound(seq, size)) }
}

fn head(ctx: &QueryContext<'_>, _: &QueryHeadRequest) -> Result<QueryHeadResponse, CodedError> {
    let size = SIZE.get_or_default(ctx)?;
    let hash = match size.checked_sub(1) {
        None => Vec::new(),
        Some(last) => tree::entry_hash(ctx, last)?.to_vec(),
    };
    let first_kept = ENTRIES.scan().first(ctx)?.map_or(size, |(seq, _)| seq);
    Ok(QueryHeadResponse { size, hash, root: root(ctx, size)?.to_vec(), first_kept })
}

fn root(ctx: &QueryContext<'_>, size: u64) -> Result<Hash, CodedError> {
    merkle::root(&tree::Stored(ctx), size)
}

fn roots(ctx: &QueryContext<'_>, request: &QueryRootsRequest) -> Result<QueryRootsResponse, CodedError> {
    let page: PageRequest = pagination::request(request.pagination.as_ref());
    let found = ROOTS.scan().page(ctx, &page)?;
    let pagination = pagination::response(&found);
    Ok(QueryRootsResponse { roots: found.entries.into_iter().map(|(_, root)| root).collect(), pagination })
}

fn lists(path: Vec<Hash>) -> Vec<Vec<u8>> {
    path.iter().map(|hash| hash.to_vec()).collect()
}

fn inclusion_proof(
    ctx: &QueryContext<'_>,
    request: &QueryInclusionProofRequest,
) -> Result<QueryInclusionProofResponse, CodedError> {
    let all = SIZE.get_or_default(ctx)?;
    let size = if request.size == 0 { all } else { request.size };
    if size > all {
        return Err(Error::Size(size, all).into());
    }
    require(request.seq, size)?;
    Ok(QueryInclusionProofResponse {
        size,
        root: root(ctx, size)?.to_vec(),
        hash: tree::entry_hash(ctx, request.seq)?.to_vec(),
        path: lists(merkle::inclusion(&tree::Stored(ctx), request.seq, size)?),
    })
}

fn consistency_proof(
    ctx: &QueryContext<'_>,
    request: &QueryConsistencyProofRequest,
) -> Result<QueryConsistencyProofResponse, CodedError> {
    let all = SIZE.get_or_default(ctx)?;
    let (first, second) = (request.first, request.second);
    if first == 0 || first > second || second > all {
        return Err(Error::Size(first.max(second), all).into());
    }
    Ok(QueryConsistencyProofResponse {
        first_root: root(ctx, first)?.to_vec(),
        second_root: root(ctx, second)?.to_vec(),
        path: lists(merkle::consistency(&tree::Stored(ctx), first, second)?),
    })
}
