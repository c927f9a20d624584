//! Queries of `ve.provider.v1`.

use ve_base::{CodedError, Coin};
use ve_proto::ve::provider::v1::*;
use ve_sdk::{QueryContext, Registrar, pagination};

use super::attributes::missing;
use super::keys::{BY_STATE, KEYS, PROVIDERS};
use super::{params, registry};
use crate::text::address;

pub fn register(registrar: &mut Registrar) {
    registrar.query("/ve.provider.v1.Query/Params", parameters);
    registrar.query("/ve.provider.v1.Query/Providers", providers);
    registrar.query("/ve.provider.v1.Query/Provider", provider);
    registrar.query("/ve.provider.v1.Query/Keys", keys);
    registrar.query("/ve.provider.v1.Query/Bond", bond);
}

fn parameters(ctx: &QueryContext<'_>, _request: &QueryParamsRequest) -> Result<QueryParamsResponse, CodedError> {
    Ok(QueryParamsResponse { params: Some(params::load(ctx)?) })
}

fn providers(ctx: &QueryContext<'_>, request: &QueryProvidersRequest) -> Result<QueryProvidersResponse, CodedError> {
    let page_request = pagination::request(request.pagination.as_ref());
    let keep = |provider: &Provider| missing(&request.attributes, &provider.attributes).is_none();
    let height = ctx.height();
    if request.state == 0 {
        let page = PROVIDERS.scan().page_where(ctx, &page_request, |_, provider| keep(provider))?;
        let pagination = pagination::response(&page);
        let providers = page.entries.into_iter().map(|(_, provider)| provider).collect();
        return Ok(QueryProvidersResponse { providers, pagination, height });
    }
    let state = u8::try_from(request.state).unwrap_or(u8::MAX);
    let page = BY_STATE.scan().prefix(&state).page_where(ctx, &page_request, |(_, owner), ()| {
        PROVIDERS.get(ctx, owner).is_ok_and(|found| found.as_ref().is_some_and(keep))
    })?;
    let pagination = pagination::response(&page);
    let providers = page.entries.iter().map(|((_, owner), ())| PROVIDERS.require(ctx, owner));
    Ok(QueryProvidersResponse { providers: providers.collect::<Result<_, _>>()?, pagination, height })
}

fn provider(ctx: &QueryContext<'_>, request: &QueryProviderRequest) -> Result<QueryProviderResponse, CodedError> {
    let provider = registry::require(ctx, &address("provider", &request.owner)?)?;
    Ok(QueryProviderResponse { provider: Some(provider), height: ctx.height() })
}

fn keys(ctx: &QueryContext<'_>, request: &QueryKeysRequest) -> Result<QueryKeysResponse, CodedError> {
    let owner = address("provider", &request.owner)?;
    let keys = KEYS.prefix(ctx, &owner).map(|entry| entry.map(|(_, key)| key)).collect::<Result<_, _>>()?;
    Ok(QueryKeysResponse { keys, height: ctx.height() })
}

fn bond(ctx: &QueryContext<'_>, request: &QueryBondRequest) -> Result<QueryBondResponse, CodedError> {
    let provider = registry::require(ctx, &address("provider", &request.owner)?)?;
    Ok(QueryBondResponse {
        bond: Some(Coin::native(registry::bond(&provider)?).to_proto()),
        required: params::load(ctx)?.min_bond,
        unlock_at: provider.unlock_at,
        height: ctx.height(),
    })
}
