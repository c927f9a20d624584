//! Queries of `cosmos.authz.v1beta1`.

use ve_base::{CodedError, errors::sdk};
use ve_proto::cosmos::authz::v1beta1::*;
use ve_sdk::{QueryContext, Registrar, pagination};

use super::keys::{BY_GRANTEE, GRANTS};
use super::{account, grants};

pub fn register(registrar: &mut Registrar) {
    registrar.query("/cosmos.authz.v1beta1.Query/Grants", between);
    registrar.query("/cosmos.authz.v1beta1.Query/GranterGrants", of_granter);
    registrar.query("/cosmos.authz.v1beta1.Query/GranteeGrants", of_grantee);
}

fn between(ctx: &QueryContext<'_>, request: &QueryGrantsRequest) -> Result<QueryGrantsResponse, CodedError> {
    let (granter, grantee) = (account("granter", &request.granter)?, account("grantee", &request.grantee)?);
    if request.msg_type_url.is_empty() {
        let page =
            GRANTS.scan().prefix((&granter, &grantee)).page(ctx, &pagination::request(request.pagination.as_ref()))?;
        let pagination = pagination::response(&page);
        return Ok(QueryGrantsResponse {
            grants: page.entries.into_iter().map(|(_, grant)| grant).collect(),
            pagination,
        });
    }
    let url = &request.msg_type_url;
    let grant = grants::find(ctx, &granter, &grantee, url)?.ok_or_else(|| {
        let cause = grants::absent(&granter, &grantee, url);
        sdk::Error::KeyNotFound(format!("rpc error: code = NotFound desc = {cause}"))
    })?;
    Ok(QueryGrantsResponse { grants: vec![grant], pagination: None })
}

fn of_granter(
    ctx: &QueryContext<'_>,
    request: &QueryGranterGrantsRequest,
) -> Result<QueryGranterGrantsResponse, CodedError> {
    let granter = account("granter", &request.granter)?;
    let page = GRANTS.scan().prefix(&granter).page(ctx, &pagination::request(request.pagination.as_ref()))?;
    let pagination = pagination::response(&page);
    let grants = page.entries.into_iter().map(|((granter, grantee, _), grant)| GrantAuthorization {
        granter: granter.to_string(),
        grantee: grantee.to_string(),
        authorization: grant.authorization,
        expiration: grant.expiration,
    });
    Ok(QueryGranterGrantsResponse { grants: grants.collect(), pagination })
}

fn of_grantee(
    ctx: &QueryContext<'_>,
    request: &QueryGranteeGrantsRequest,
) -> Result<QueryGranteeGrantsResponse, CodedError> {
    let grantee = account("grantee", &request.grantee)?;
    let page = BY_GRANTEE.scan().prefix(&grantee).page(ctx, &pagination::request(request.pagination.as_ref()))?;
    let pagination = pagination::response(&page);
    let mut grants = Vec::with_capacity(page.entries.len());
    for ((grantee, granter, url), ()) in &page.entries {
        let grant = GRANTS.require(ctx, (granter, grantee, url))?;
        grants.push(GrantAuthorization {
            granter: granter.to_string(),
            grantee: grantee.to_string(),
            authorization: grant.authorization,
            expiration: grant.expiration,
        });
    }
    Ok(QueryGranteeGrantsResponse { grants, pagination })
}
