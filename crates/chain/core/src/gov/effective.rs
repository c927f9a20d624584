//! Which parameters were in force at a height (finance spec section 14). Only governance changes parameters, so it keeps
//! what each of its changes replaced; a chain that is imported begins a new history.

use prost_types::Any;
use ve_base::{CodedError, errors::sdk};
use ve_proto::ve::gov::v1::{EffectiveParams, QueryEffectiveParamsRequest, QueryEffectiveParamsResponse};
use ve_sdk::{Context, QueryContext, Registry};

use super::keys::{PARAMS_CHANGED, PARAMS_SINCE};

const UPDATE: &str = ".MsgUpdateParams";

/// The package whose parameters a message replaces.
fn package_of(type_url: &str) -> Option<&str> {
    type_url.strip_prefix('/')?.strip_suffix(UPDATE)
}

/// What a package's own query `Params` answers now; `None` when it has none.
fn current(ctx: &QueryContext<'_>, package: &str) -> Result<Option<Any>, CodedError> {
    let service = format!("{package}.Query");
    let method = ve_proto::descriptors()
        .get_service_by_name(&service)
        .and_then(|service| service.methods().find(|method| method.name() == "Params"));
    let (Some(method), Some(answer)) = (method, ctx.registry().query(&format!("/{service}/Params"), ctx, &[])) else {
        return Ok(None);
    };
    Ok(Some(Any { type_url: format!("/{}", method.output().full_name()), value: answer? }))
}

/// Before a message of a proposal: keeps the parameters that it replaces, unless the history has them already.
pub fn before(ctx: &mut Context<'_>, message: &Any) -> Result<(), CodedError> {
    let Some(package) = package_of(&message.type_url) else { return Ok(()) };
    let package = package.to_owned();
    if PARAMS_SINCE.scan().prefix(&package).first(ctx)?.is_none() {
        let query = QueryContext::new(ctx, ctx.block(), ctx.registry());
        let Some(answer) = current(&query, &package)? else { return Ok(()) };
        let first = EffectiveParams { package: package.clone(), since_height: 0, answer: Some(answer) };
        PARAMS_SINCE.set(ctx, &(package.clone(), 0), &first)?;
    }
    Ok(PARAMS_CHANGED.set(ctx, &package, &())?)
}

/// Begin block: what the last block changed holds from this one on.
pub fn record(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let changed: Vec<String> = PARAMS_CHANGED.scan().keys(ctx).collect::<Result<_, _>>()?;
    for package in changed {
        PARAMS_CHANGED.remove(ctx, &package)?;
        let query = QueryContext::new(ctx, ctx.block(), ctx.registry());
        let answer = current(&query, &package)?;
        let last = PARAMS_SINCE.scan().prefix(&package).reverse().first(ctx)?;
        if last.is_none_or(|(_, last)| last.answer != answer) {
            let since_height = ctx.height();
            let entry = EffectiveParams { package: package.clone(), since_height, answer };
            PARAMS_SINCE.set(ctx, &(package, since_height), &entry)?;
        }
    }
    Ok(())
}

/// Packages with parameters, in order.
fn packages(registry: &Registry) -> impl Iterator<Item = &str> {
    registry.message_types().filter_map(package_of)
}

fn at(ctx: &QueryContext<'_>, package: &str, height: u64) -> Result<Option<EffectiveParams>, CodedError> {
    let package = package.to_owned();
    let known = PARAMS_SINCE.scan().prefix(&package).through(&(package.clone(), height)).reverse().first(ctx)?;
    if let Some((_, entry)) = known {
        return Ok(Some(entry));
    }
    Ok(current(ctx, &package)?.map(|answer| EffectiveParams { package, since_height: 0, answer: Some(answer) }))
}

pub fn query(
    ctx: &QueryContext<'_>,
    request: &QueryEffectiveParamsRequest,
) -> Result<QueryEffectiveParamsResponse, CodedError> {
    let newest = ctx.height();
    if request.height > newest {
        let cause = format!("the newest block is {newest}; what governance will decide is not known");
        return Err(sdk::Error::InvalidRequest(cause).into());
    }
    let height = if request.height == 0 { newest } else { request.height };
    let mut params = Vec::new();
    for package in packages(ctx.registry()).filter(|name| request.package.is_empty() || *name == request.package) {
        params.extend(at(ctx, package, height)?);
    }
    if params.is_empty() {
        let shown: String = request.package.chars().take(100).collect();
        return Err(sdk::Error::KeyNotFound(format!("no package {shown:?} has parameters: key not found")).into());
    }
    Ok(QueryEffectiveParamsResponse { height, params })
}
