//! Queries of `cosmos.mint.v1beta1` and `ve.mint.v1`.

use ve_base::{BASE_DENOM, CodedError};
use ve_proto::cosmos::mint::v1beta1::*;
use ve_proto::ve::mint::v1::{QueryIssuanceRequest, QueryIssuanceResponse};
use ve_sdk::{QueryContext, Registrar};

use super::keys::STATE;
use super::{MAX_SUPPLY, params};
use crate::bank;

pub fn register(registrar: &mut Registrar) {
    registrar.query("/cosmos.mint.v1beta1.Query/Params", parameters);
    registrar.query("/cosmos.mint.v1beta1.Query/Inflation", inflation);
    registrar.query("/cosmos.mint.v1beta1.Query/AnnualProvisions", annual_provisions);
    registrar.query("/ve.mint.v1.Query/Issuance", issuance);
}

fn parameters(ctx: &QueryContext<'_>, _request: &QueryParamsRequest) -> Result<QueryParamsResponse, CodedError> {
    Ok(QueryParamsResponse { params: Some(params::load(ctx)?) })
}

fn minter(ctx: &QueryContext<'_>) -> Result<Minter, CodedError> {
    Ok(STATE.get_or_default(ctx)?.minter.unwrap_or_default())
}

/// Cosmos declares these two as bytes and fills them with the digits of the mantissa.
fn inflation(ctx: &QueryContext<'_>, _request: &QueryInflationRequest) -> Result<QueryInflationResponse, CodedError> {
    Ok(QueryInflationResponse { inflation: minter(ctx)?.inflation.into_bytes() })
}

fn annual_provisions(
    ctx: &QueryContext<'_>,
    _request: &QueryAnnualProvisionsRequest,
) -> Result<QueryAnnualProvisionsResponse, CodedError> {
    Ok(QueryAnnualProvisionsResponse { annual_provisions: minter(ctx)?.annual_provisions.into_bytes() })
}

fn issuance(ctx: &QueryContext<'_>, _request: &QueryIssuanceRequest) -> Result<QueryIssuanceResponse, CodedError> {
    let state = STATE.get_or_default(ctx)?;
    Ok(QueryIssuanceResponse {
        supply: bank::supply(ctx, BASE_DENOM)?.to_string(),
        minted: state.minted,
        max_supply: MAX_SUPPLY.to_string(),
        last: state.last,
        burned: bank::burned(ctx, BASE_DENOM)?.to_string(),
    })
}
