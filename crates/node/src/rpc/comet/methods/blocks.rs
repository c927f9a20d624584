//! Blocks, commits, validators and results by height or hash.

use serde_json::{Value, json};

use crate::rpc::{
    backend::StoredBlock,
    comet::{
        Comet,
        envelope::RpcError,
        json::{self, block_id, block_meta},
        params::Params,
        results,
    },
};

/// Headers in one `blockchain` answer.
const MAX_METAS: u64 = 20;

/// The asked height, or `latest` when none is given; refused with CometBFT's texts.
pub fn height(comet: &Comet, params: &Params, latest: u64) -> Result<u64, RpcError> {
    let Some(asked) = params.int("height")? else { return Ok(latest) };
    let earliest = comet.backend.view.earliest_height();
    let height = u64::try_from(asked).unwrap_or(0);
    if height == 0 {
        return Err(RpcError::Internal(format!("height must be greater than 0, but got {asked}")));
    }
    if height > latest {
        return Err(RpcError::Internal(format!(
            "height {height} must be less than or equal to the current blockchain height {latest}"
        )));
    }
    if height < earliest {
        return Err(RpcError::Internal(format!("height {height} is not available, lowest height is {earliest}")));
    }
    Ok(height)
}

fn latest(comet: &Comet) -> u64 {
    comet.backend.view.latest_height()
}

pub fn stored(comet: &Comet, height: u64) -> Result<StoredBlock, RpcError> {
    let missing = || RpcError::Internal(format!("block at height {height} is not available"));
    comet.backend.view.block(height)?.ok_or_else(missing)
}

fn shown(stored: &StoredBlock) -> Value {
    json!({"block_id": block_id(Some(&stored.id)), "block": json::block(&stored.block)})
}

pub fn block(comet: &Comet, params: &Params) -> Result<Value, RpcError> {
    Ok(shown(&stored(comet, height(comet, params, latest(comet))?)?))
}

fn by_hash(comet: &Comet, params: &Params) -> Result<Option<StoredBlock>, RpcError> {
    match comet.backend.view.height_of(&params.hash("hash")?)? {
        Some(height) => Ok(comet.backend.view.block(height)?),
        None => Ok(None),
    }
}

/// An unknown hash is an answer with a null block, as in CometBFT.
pub fn block_by_hash(comet: &Comet, params: &Params) -> Result<Value, RpcError> {
    Ok(by_hash(comet, params)?.map_or_else(|| json!({"block_id": block_id(None), "block": null}), |s| shown(&s)))
}

pub fn header(comet: &Comet, params: &Params) -> Result<Value, RpcError> {
    let stored = stored(comet, height(comet, params, latest(comet))?)?;
    Ok(json!({"header": json::header(stored.block.header.as_ref())}))
}

pub fn header_by_hash(comet: &Comet, params: &Params) -> Result<Value, RpcError> {
    let stored = by_hash(comet, params)?;
    Ok(json!({"header": stored.map_or(Value::Null, |s| json::header(s.block.header.as_ref()))}))
}

pub fn commit(comet: &Comet, params: &Params) -> Result<Value, RpcError> {
    let height = height(comet, params, latest(comet))?;
    let stored = stored(comet, height)?;
    let missing = || RpcError::Internal(format!("commit for height {height} is not available"));
    let signed = comet.backend.view.commit(height)?.ok_or_else(missing)?;
    Ok(json!({
        "signed_header": {
            "header": json::header(stored.block.header.as_ref()),
            "commit": json::commit(Some(&signed.commit)),
        },
        "canonical": signed.canonical,
    }))
}

pub fn block_results(comet: &Comet, params: &Params) -> Result<Value, RpcError> {
    let height = height(comet, params, latest(comet))?;
    let missing = || RpcError::Internal(format!("could not find results for height #{height}"));
    let found = comet.backend.view.block_results(height)?.ok_or_else(missing)?;
    Ok(results::block_results(height, &found))
}

/// Page and page size of a listing, with CometBFT's defaults and texts. `total` entries exist.
pub fn paging(params: &Params, total: usize) -> Result<(usize, usize), RpcError> {
    let per_page = match params.int("per_page")? {
        None => 30,
        Some(n) if n < 1 => 30,
        Some(n) => usize::try_from(n).unwrap_or(100).min(100),
    };
    let pages = total.div_ceil(per_page).max(1);
    let page = params.int("page")?.unwrap_or(1);
    match usize::try_from(page) {
        Ok(page) if (1..=pages).contains(&page) => Ok(((page - 1) * per_page, per_page)),
        _ => Err(RpcError::Internal(format!("page should be within [1, {pages}] range, given {page}"))),
    }
}

pub fn validators(comet: &Comet, params: &Params) -> Result<Value, RpcError> {
    // The set of the next height is already decided.
    let last = latest(comet);
    let height = match params.int("height")? {
        None => last.max(1),
        Some(_) => height(comet, params, last + 1)?,
    };
    let missing = || RpcError::Internal(format!("could not find validator set for height #{height}"));
    let all = comet.backend.view.validators(height)?.ok_or_else(missing)?;
    let (offset, limit) = paging(params, all.len())?;
    let page: Vec<Value> = all.iter().skip(offset).take(limit).map(json::validator).collect();
    Ok(json!({
        "block_height": height.to_string(),
        "count": page.len().to_string(),
        "total": all.len().to_string(),
        "validators": page,
    }))
}

pub fn blockchain(comet: &Comet, params: &Params) -> Result<Value, RpcError> {
    let (last, earliest) = (latest(comet), comet.backend.view.earliest_height().max(1));
    let bound = |name, default: u64| -> Result<u64, RpcError> {
        match params.int(name)? {
            None | Some(0) => Ok(default),
            Some(n) => u64::try_from(n).map_err(|_| RpcError::Internal("heights must be non-negative".into())),
        }
    };
    let max = bound("maxHeight", last)?.min(last);
    let min = bound("minHeight", 1)?.max(earliest).max((max + 1).saturating_sub(MAX_METAS));
    if min > max && last > 0 {
        return Err(RpcError::Internal(format!("min height {min} can't be greater than max height {max}")));
    }
    let mut metas = Vec::new();
    for height in (min..=max).rev() {
        metas.extend(comet.backend.view.block(height)?.as_ref().map(block_meta));
    }
    Ok(json!({"last_height": last.to_string(), "block_metas": metas}))
}
