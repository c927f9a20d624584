//! Queries and export: reads of committed versions only.

use std::sync::Arc;

use ve_base::{CodedError, errors::sdk::Error};
use ve_sdk::application::{Fatal, Query, QueryResult};
use ve_sdk::context::{BlockInfo, Committed, QueryContext};

use crate::application::App;
use crate::base_state;

pub(crate) fn answer(app: &App, query: &Query) -> QueryResult {
    match run(app, query) {
        Ok(result) => result,
        Err(error) => QueryResult {
            code: error.code,
            codespace: error.codespace.to_owned(),
            log: error.log,
            height: query.height,
            ..QueryResult::default()
        },
    }
}

fn run(app: &App, query: &Query) -> Result<QueryResult, CodedError> {
    let (state, block) = at(app, query.height)?;
    if let Some(rest) = query.path.strip_prefix("/store/").or_else(|| query.path.strip_prefix("store/")) {
        return raw(app, query, rest, &state, &block);
    }
    if query.prove {
        return Err(Error::InvalidRequest(format!(
            "{} has no proof; ask for store/main/key with the raw key instead",
            query.path
        ))
        .into());
    }
    let ctx = QueryContext::new(state.as_ref(), &block, &app.registry);
    let value = app
        .registry
        .query(&query.path, &ctx, &query.data)
        .ok_or_else(|| Error::UnknownRequest(format!("unknown query path {}", query.path)))??;
    Ok(QueryResult { value: value.into(), height: block.height, ..QueryResult::default() })
}

/// `store/{name}/key`: the value under a raw key, with its ICS-23 proofs when asked.
fn raw(app: &App, query: &Query, rest: &str, state: &Committed, block: &BlockInfo) -> Result<QueryResult, CodedError> {
    if rest != "main/key" {
        return Err(
            Error::UnknownRequest(format!("unknown store path {}; this chain has store/main/key", query.path)).into()
        );
    }
    let value = state.get(&query.data).map_err(storage)?.unwrap_or_default();
    let proof_ops = if query.prove {
        let ops = app.store.prove(block.height, &query.data).map_err(storage)?;
        ops.into_iter().map(|op| (op.kind, op.key, op.data)).collect()
    } else {
        Vec::new()
    };
    Ok(QueryResult {
        key: query.data.clone(),
        value: value.into(),
        proof_ops,
        height: block.height,
        ..QueryResult::default()
    })
}

/// The state after `height` (0 = last) and its block.
fn at(app: &App, height: u64) -> Result<(Committed, BlockInfo), CodedError> {
    let view = app.view();
    let last = view.block.ok_or_else(base_state::not_ready)?;
    if height == 0 || height == last.height {
        return Ok((view.state, last));
    }
    if height > last.height {
        return Err(Error::InvalidRequest(format!(
            "height {height} is in the future; the last committed height is {}",
            last.height
        ))
        .into());
    }
    let snapshot = app.store.snapshot(Some(height)).map_err(storage)?;
    let block = base_state::load(&snapshot).map_err(storage)?.ok_or_else(base_state::not_ready)?;
    Ok((Arc::new(snapshot), block))
}

fn storage(error: ve_store::KvError) -> CodedError {
    Error::InvalidRequest(error.to_string()).into()
}

pub(crate) fn export(app: &App) -> Result<serde_json::Value, Fatal> {
    let view = app.view();
    let block = view.block.ok_or_else(|| Fatal("there is no state to export yet".into()))?;
    let ctx = QueryContext::new(view.state.as_ref(), &block, &app.registry);
    let mut object = serde_json::Map::new();
    for module in &app.modules {
        let genesis = module
            .export_genesis(&ctx)
            .map_err(|error| Fatal(format!("export of module {}: {}", module.name(), error.log)))?;
        object.insert(module.name().to_owned(), genesis);
    }
    Ok(object.into())
}
