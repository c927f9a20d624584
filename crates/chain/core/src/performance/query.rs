//! Queries of `ve.performance.v1`.

use ve_base::{CONSENSUS_PREFIX, CodedError, parse_operator};
use ve_proto::ve::performance::v1::*;
use ve_sdk::{QueryContext, Registrar, pagination};

use super::keys::FINISHED;
use super::score::NEUTRAL;
use super::{epoch, params};
use crate::staking;

pub fn register(registrar: &mut Registrar) {
    registrar.query("/ve.performance.v1.Query/Params", parameters);
    registrar.query("/ve.performance.v1.Query/Epoch", present);
    registrar.query("/ve.performance.v1.Query/Performance", performance);
}

fn parameters(ctx: &QueryContext<'_>, _request: &QueryParamsRequest) -> Result<QueryParamsResponse, CodedError> {
    Ok(QueryParamsResponse { params: Some(params::load(ctx)?) })
}

fn present(ctx: &QueryContext<'_>, _request: &QueryEpochRequest) -> Result<QueryEpochResponse, CodedError> {
    Ok(QueryEpochResponse { epoch: Some(epoch::load(ctx)?) })
}

fn performance(
    ctx: &QueryContext<'_>,
    request: &QueryPerformanceRequest,
) -> Result<QueryPerformanceResponse, CodedError> {
    let validator = staking::require(ctx, &parse_operator(&request.operator)?)?;
    let consensus = validator.consensus_address().to_bech32(CONSENSUS_PREFIX);
    let multipliers = epoch::multipliers(ctx)?;
    let multiplier_bps =
        multipliers.iter().find(|(address, _)| *address == consensus).map_or(NEUTRAL, |(_, multiplier)| *multiplier);
    let asked = pagination::request(request.pagination.as_ref());
    let page = FINISHED.scan().prefix(&validator.operator).page(ctx, &asked)?;
    let pagination = pagination::response(&page);
    let finished = page.entries.into_iter().map(|(_, finished)| finished).collect();
    Ok(QueryPerformanceResponse { finished, multiplier_bps, pagination })
}
