//! Genesis: `{params, hashes, entries, roots}`.

use serde_json::Value;
use ve_base::CodedError;
use ve_base::audit::{self, FIRST, merkle};
use ve_proto::ve::audit::v1::{Entry, GenesisState, Root};
use ve_sdk::{Context, QueryContext, json};

use super::error::Error;
use super::keys::{ENTRIES, NODES, ROOTS, SIZE};
use super::{params, tree};

pub fn default() -> Value {
    json::to_json(&GenesisState { params: Some(params::default()), ..GenesisState::default() }).unwrap_or_default()
}

fn refused(cause: impl Into<String>) -> CodedError {
    Error::Genesis(cause.into()).into()
}

pub fn init(ctx: &mut Context<'_>, genesis: &Value) -> Result<(), CodedError> {
    let (head, parts) = json::from_json_in_parts::<GenesisState>(genesis, "hashes")?;
    params::store(ctx, &head.params.unwrap_or_else(params::default))?;
    let mut size = 0u64;
    for part in parts {
        for hash in part?.hashes {
            let hash = hash.as_slice().try_into().map_err(|_| refused(format!("hash {size} has not 32 bytes")))?;
            tree::append(ctx, size, &hash)?;
            size = size.saturating_add(1);
        }
    }
    SIZE.set(ctx, &size)?;
    for entry in &head.entries {
        add(ctx, entry)?;
    }
    head.roots.iter().try_for_each(|root| add_root(ctx, root, size))
}

/// What is kept of the bodies is the end of the log.
fn add(ctx: &mut Context<'_>, entry: &Entry) -> Result<(), CodedError> {
    let seq = entry.seq;
    let hash = audit::check(entry).map_err(|error| refused(error.to_string()))?;
    let previous = match seq.checked_sub(1) {
        None => FIRST,
        Some(last) if NODES.has(ctx, (&0, &last))? => tree::entry_hash(ctx, last)?,
        Some(_) => return Err(refused(format!("entry {seq} is beyond the hashes"))),
    };
    let known = NODES.has(ctx, (&0, &seq))? && tree::entry_hash(ctx, seq)? == hash;
    if !known || entry.prev_hash != previous || ENTRIES.has(ctx, &seq)? {
        return Err(refused(format!("entry {seq} is given twice or is not in the chain of hashes")));
    }
    Ok(ENTRIES.set(ctx, &seq, entry)?)
}

fn add_root(ctx: &mut Context<'_>, root: &Root, size: u64) -> Result<(), CodedError> {
    let fits = root.size <= size && root.size.is_multiple_of(audit::ROOT_INTERVAL) && root.size > 0;
    if !fits || merkle::root(&tree::Stored(&*ctx), root.size)? != root.hash.as_slice() {
        return Err(refused(format!("the root of {} entries is not that of the hashes", root.size)));
    }
    Ok(ROOTS.set(ctx, &root.size, root)?)
}

pub fn export(ctx: &QueryContext<'_>) -> Result<Value, CodedError> {
    let hashes = NODES.scan().prefix(&0u8).entries(ctx).map(|entry| entry.map(|(_, hash)| hash));
    let entries = ENTRIES.scan().entries(ctx).map(|entry| entry.map(|(_, entry)| entry));
    let roots = ROOTS.iter(ctx).map(|entry| entry.map(|(_, root)| root));
    json::to_json(&GenesisState {
        params: Some(params::load(ctx)?),
        hashes: hashes.collect::<Result<_, _>>()?,
        entries: entries.collect::<Result<_, _>>()?,
        roots: roots.collect::<Result<_, _>>()?,
    })
}
