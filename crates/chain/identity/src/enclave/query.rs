//! Queries of `ve.enclave.v1`.

use ve_base::{CodedError, parse_account};
use ve_proto::ve::enclave::v1::*;
use ve_sdk::{QueryContext, Registrar, pagination};

use super::error::Error;
use super::keys::{ANCHORS, ENCLAVES, FLOORS, HEALTH, MEASUREMENTS, SIMULATED};
use super::{committee, params, registry};

pub fn register(registrar: &mut Registrar) {
    registrar.query("/ve.enclave.v1.Query/Params", parameters);
    registrar.query("/ve.enclave.v1.Query/Enclave", enclave);
    registrar.query("/ve.enclave.v1.Query/Enclaves", enclaves);
    registrar.query("/ve.enclave.v1.Query/ActiveKeys", active_keys);
    registrar.query("/ve.enclave.v1.Query/Committee", committee_of);
    registrar.query("/ve.enclave.v1.Query/CommitteeKeys", committee_keys);
    registrar.query("/ve.enclave.v1.Query/Measurements", measurements);
    registrar.query("/ve.enclave.v1.Query/TcbFloors", floors);
    registrar.query("/ve.enclave.v1.Query/Anchor", anchor);
    registrar.query("/ve.enclave.v1.Query/Health", health);
}

fn parameters(ctx: &QueryContext<'_>, _: &QueryParamsRequest) -> Result<QueryParamsResponse, CodedError> {
    Ok(QueryParamsResponse { params: Some(params::load(ctx)?), allow_simulated: SIMULATED.get_or_default(ctx)? })
}

fn enclave(ctx: &QueryContext<'_>, request: &QueryEnclaveRequest) -> Result<QueryEnclaveResponse, CodedError> {
    let enclave = ENCLAVES.get(ctx, &request.id)?;
    let enclave = enclave.ok_or_else(|| Error::NotFound(request.id, "anybody".into()))?;
    let valid = registry::is_valid(ctx, &enclave, ctx.time().unix())?;
    Ok(QueryEnclaveResponse { enclave: Some(enclave), valid })
}

fn enclaves(ctx: &QueryContext<'_>, request: &QueryEnclavesRequest) -> Result<QueryEnclavesResponse, CodedError> {
    Ok(QueryEnclavesResponse { enclaves: registry::of(ctx, &parse_account("validator", &request.validator)?)? })
}

fn active_keys(
    ctx: &QueryContext<'_>,
    request: &QueryActiveKeysRequest,
) -> Result<QueryActiveKeysResponse, CodedError> {
    let now = ctx.time().unix();
    let page = pagination::request(request.pagination.as_ref());
    let valid = |enclave: &EnclaveIdentity| registry::is_valid(ctx, enclave, now).unwrap_or_default();
    let found = ENCLAVES.scan().page_where(ctx, &page, |_, enclave| valid(enclave))?;
    let pagination = pagination::response(&found);
    Ok(QueryActiveKeysResponse {
        enclaves: found.entries.into_iter().map(|(_, enclave)| enclave).collect(),
        pagination,
    })
}

fn epoch(ctx: &QueryContext<'_>, asked: u64) -> Result<u64, CodedError> {
    if asked == 0 { committee::epoch(ctx) } else { Ok(asked) }
}

fn committee_of(ctx: &QueryContext<'_>, request: &QueryCommitteeRequest) -> Result<QueryCommitteeResponse, CodedError> {
    let epoch = epoch(ctx, request.epoch)?;
    let paused = committee::keys(ctx, epoch, ctx.time().unix())?.is_none();
    Ok(QueryCommitteeResponse { committee: Some(committee::find(ctx, epoch)?), paused })
}

fn committee_keys(
    ctx: &QueryContext<'_>,
    request: &QueryCommitteeKeysRequest,
) -> Result<QueryCommitteeKeysResponse, CodedError> {
    let keys = committee::keys(ctx, epoch(ctx, request.epoch)?, ctx.time().unix())?;
    Ok(QueryCommitteeKeysResponse { enclaves: keys.unwrap_or_default() })
}

fn measurements(
    ctx: &QueryContext<'_>,
    request: &QueryMeasurementsRequest,
) -> Result<QueryMeasurementsResponse, CodedError> {
    let found = MEASUREMENTS.scan().page(ctx, &pagination::request(request.pagination.as_ref()))?;
    let pagination = pagination::response(&found);
    Ok(QueryMeasurementsResponse {
        measurements: found.entries.into_iter().map(|(_, known)| known).collect(),
        pagination,
    })
}

fn floors(ctx: &QueryContext<'_>, _: &QueryTcbFloorsRequest) -> Result<QueryTcbFloorsResponse, CodedError> {
    let floors = FLOORS.iter(ctx).map(|entry| entry.map(|(_, floor)| floor));
    Ok(QueryTcbFloorsResponse { floors: floors.collect::<Result<_, _>>()? })
}

fn anchor(ctx: &QueryContext<'_>, _: &QueryAnchorRequest) -> Result<QueryAnchorResponse, CodedError> {
    let anchor = ANCHORS.scan().reverse().first(ctx)?.map(|(_, anchor)| anchor);
    Ok(QueryAnchorResponse { anchor, epoch: committee::epoch(ctx)? })
}

fn health(ctx: &QueryContext<'_>, request: &QueryHealthRequest) -> Result<QueryHealthResponse, CodedError> {
    Ok(QueryHealthResponse { health: HEALTH.get(ctx, &parse_account("validator", &request.validator)?)? })
}
