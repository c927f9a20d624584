//! Queries of `cosmos.feegrant.v1beta1`.

use ve_base::{Address, CodedError, errors::sdk};
use ve_proto::cosmos::feegrant::v1beta1::*;
use ve_sdk::{QueryContext, Registrar, pagination};

use super::account;
use super::keys::{ALLOWANCES, BY_GRANTER};

pub fn register(registrar: &mut Registrar) {
    registrar.query("/cosmos.feegrant.v1beta1.Query/Allowance", one);
    registrar.query("/cosmos.feegrant.v1beta1.Query/Allowances", of_grantee);
    registrar.query("/cosmos.feegrant.v1beta1.Query/AllowancesByGranter", of_granter);
}

fn grant(granter: &Address, grantee: &Address, allowance: prost_types::Any) -> Grant {
    Grant { granter: granter.to_string(), grantee: grantee.to_string(), allowance: Some(allowance) }
}

fn one(ctx: &QueryContext<'_>, request: &QueryAllowanceRequest) -> Result<QueryAllowanceResponse, CodedError> {
    let (granter, grantee) = (account("granter", &request.granter)?, account("grantee", &request.grantee)?);
    let allowance = ALLOWANCES.get(ctx, (&grantee, &granter))?.ok_or_else(|| {
        sdk::Error::KeyNotFound("rpc error: code = NotFound desc = fee-grant not found: not found".into())
    })?;
    Ok(QueryAllowanceResponse { allowance: Some(grant(&granter, &grantee, allowance)) })
}

fn of_grantee(ctx: &QueryContext<'_>, request: &QueryAllowancesRequest) -> Result<QueryAllowancesResponse, CodedError> {
    let grantee = account("grantee", &request.grantee)?;
    let page = ALLOWANCES.scan().prefix(&grantee).page(ctx, &pagination::request(request.pagination.as_ref()))?;
    let pagination = pagination::response(&page);
    let allowances = page.entries.into_iter().map(|((grantee, granter), any)| grant(&granter, &grantee, any)).collect();
    Ok(QueryAllowancesResponse { allowances, pagination })
}

fn of_granter(
    ctx: &QueryContext<'_>,
    request: &QueryAllowancesByGranterRequest,
) -> Result<QueryAllowancesByGranterResponse, CodedError> {
    let granter = account("granter", &request.granter)?;
    let page = BY_GRANTER.scan().prefix(&granter).page(ctx, &pagination::request(request.pagination.as_ref()))?;
    let pagination = pagination::response(&page);
    let mut allowances = Vec::with_capacity(page.entries.len());
    for ((granter, grantee), ()) in &page.entries {
        allowances.push(grant(granter, grantee, ALLOWANCES.require(ctx, (grantee, granter))?));
    }
    Ok(QueryAllowancesByGranterResponse { allowances, pagination })
}
