//! Queries of `ve.provider.v1`.

use ve_base::{CodedError, Coin, parse_account};
use ve_proto::ve::provider::v1::*;
use ve_sdk::{QueryContext, Registrar, pagination};

use super::attributes::missing;
use super::keys::{BY_STATE, DENIALS, DOMAIN_REQUESTS, DOMAINS, KEYS, PROVIDERS};
use super::{liveness, params, penalty, registry};

pub fn register(registrar: &mut Registrar) {
    registrar.query("/ve.provider.v1.Query/Params", parameters);
    registrar.query("/ve.provider.v1.Query/Providers", providers);
    registrar.query("/ve.provider.v1.Query/Provider", provider);
    registrar.query("/ve.provider.v1.Query/Keys", keys);
    registrar.query("/ve.provider.v1.Query/Bond", bond);
    registrar.query("/ve.provider.v1.Query/Liveness", liveness_of);
    registrar.query("/ve.provider.v1.Query/Domain", domain);
    registrar.query("/ve.provider.v1.Query/DomainRequests", domain_requests);
    registrar.query("/ve.provider.v1.Query/DenyList", deny_list);
}

fn parameters(ctx: &QueryContext<'_>, _request: &QueryParamsRequest) -> Result<QueryParamsResponse, CodedError> {
    Ok(QueryParamsResponse { params: Some(params::load(ctx)?) })
}

fn providers(ctx: &QueryContext<'_>, request: &QueryProvidersRequest) -> Result<QueryProvidersResponse, CodedError> {
    let page_request = pagination::request(request.pagination.as_ref());
    let mut wanted = request.attributes.clone();
    if !request.region.is_empty() {
        wanted.push(Attribute { key: "region".into(), value: request.region.clone() });
    }
    let keep = |provider: &Provider| missing(&wanted, &provider.attributes).is_none();
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
    let provider = registry::require(ctx, &parse_account("provider", &request.owner)?)?;
    Ok(QueryProviderResponse { provider: Some(provider), height: ctx.height() })
}

fn keys(ctx: &QueryContext<'_>, request: &QueryKeysRequest) -> Result<QueryKeysResponse, CodedError> {
    let owner = parse_account("provider", &request.owner)?;
    let keys = KEYS.prefix(ctx, &owner).map(|entry| entry.map(|(_, key)| key)).collect::<Result<_, _>>()?;
    Ok(QueryKeysResponse { keys, height: ctx.height() })
}

fn bond(ctx: &QueryContext<'_>, request: &QueryBondRequest) -> Result<QueryBondResponse, CodedError> {
    let owner = parse_account("provider", &request.owner)?;
    let provider = registry::require(ctx, &owner)?;
    let bond = registry::bond(&provider)?;
    let prepaid = registry::prepaid(ctx.registry().hooks(), ctx, ctx.time().unix(), &owner)?;
    let required = registry::required_bond(&params::load(ctx)?, prepaid)?;
    let coin = |amount| Some(Coin::native(amount).to_proto());
    Ok(QueryBondResponse {
        bond: coin(bond),
        required: coin(required),
        unlock_at: provider.unlock_at,
        height: ctx.height(),
        open_prepaid: coin(prepaid),
        penalty: coin(penalty::quote(ctx, bond, prepaid)?),
    })
}

fn liveness_of(ctx: &QueryContext<'_>, request: &QueryLivenessRequest) -> Result<QueryLivenessResponse, CodedError> {
    let owner = parse_account("provider", &request.owner)?;
    registry::require(ctx, &owner)?;
    Ok(QueryLivenessResponse { liveness: Some(liveness::load(ctx, &owner)?), height: ctx.height() })
}

fn domain(ctx: &QueryContext<'_>, request: &QueryDomainRequest) -> Result<QueryDomainResponse, CodedError> {
    let owner = parse_account("provider", &request.owner)?;
    registry::require(ctx, &owner)?;
    let (verified, request) = (DOMAINS.get(ctx, &owner)?, DOMAIN_REQUESTS.get(ctx, &owner)?);
    Ok(QueryDomainResponse { verified, request, height: ctx.height() })
}

fn domain_requests(
    ctx: &QueryContext<'_>,
    request: &QueryDomainRequestsRequest,
) -> Result<QueryDomainRequestsResponse, CodedError> {
    let state = request.state;
    let keep = |_: &ve_base::Address, asked: &DomainVerification| state == 0 || asked.state == state;
    let page = DOMAIN_REQUESTS.scan().page_where(ctx, &pagination::request(request.pagination.as_ref()), keep)?;
    let pagination = pagination::response(&page);
    let requests = page.entries.into_iter().map(|(_, asked)| asked).collect();
    Ok(QueryDomainRequestsResponse { requests, pagination, height: ctx.height() })
}

fn deny_list(ctx: &QueryContext<'_>, request: &QueryDenyListRequest) -> Result<QueryDenyListResponse, CodedError> {
    let owner = parse_account("provider", &request.owner)?;
    let page = DENIALS.scan().prefix(&owner).page(ctx, &pagination::request(request.pagination.as_ref()))?;
    let pagination = pagination::response(&page);
    let customers = page.entries.iter().map(|((_, customer), ())| customer.to_string()).collect();
    Ok(QueryDenyListResponse { customers, pagination, height: ctx.height() })
}
