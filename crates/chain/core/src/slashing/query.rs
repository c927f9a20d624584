//! Queries of `cosmos.slashing.v1beta1` and `ve.slashing.v1`.

use ve_base::{Address, CONSENSUS_PREFIX, CodedError, parse_operator};
use ve_proto::cosmos::slashing::v1beta1::*;
use ve_proto::ve::slashing::v1::{
    QuerySlashRecordRequest, QuerySlashRecordResponse, QuerySlashRecordsRequest, QuerySlashRecordsResponse,
    SigningState, Stretch,
};
use ve_sdk::{QueryContext, Registrar, pagination};

use super::error::Error;
use super::keys::{RECORDS, RECORDS_OF, SIGNING};
use super::{genesis, params, signing};

pub fn register(registrar: &mut Registrar) {
    registrar.query("/cosmos.slashing.v1beta1.Query/Params", parameters);
    registrar.query("/cosmos.slashing.v1beta1.Query/SigningInfo", signing_info);
    registrar.query("/cosmos.slashing.v1beta1.Query/SigningInfos", signing_infos);
    registrar.query("/ve.slashing.v1.Query/SlashRecord", slash_record);
    registrar.query("/ve.slashing.v1.Query/SlashRecords", slash_records);
}

fn parameters(ctx: &QueryContext<'_>, _request: &QueryParamsRequest) -> Result<QueryParamsResponse, CodedError> {
    Ok(QueryParamsResponse { params: Some(params::load(ctx)?) })
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// In the Cosmos shape: counts of the blocks that the window holds now.
fn info(
    ctx: &QueryContext<'_>,
    blocks: &[Stretch],
    consensus: &Address,
    state: &SigningState,
) -> Result<ValidatorSigningInfo, CodedError> {
    let window = signing::window(&params::load(ctx)?, ctx.time());
    Ok(ValidatorSigningInfo {
        address: consensus.to_bech32(CONSENSUS_PREFIX),
        start_height: signed(state.start_height),
        index_offset: signed(window.sum(blocks)),
        jailed_until: Some(signing::time(&state.jailed_until).to_proto()),
        tombstoned: state.tombstoned,
        missed_blocks_counter: signed(window.sum(&state.missed)),
    })
}

fn signing_info(
    ctx: &QueryContext<'_>,
    request: &QuerySigningInfoRequest,
) -> Result<QuerySigningInfoResponse, CodedError> {
    let consensus = genesis::consensus(&request.cons_address)?;
    let state =
        SIGNING.get(ctx, &consensus)?.ok_or_else(|| Error::NoSigningInfo(consensus.to_bech32(CONSENSUS_PREFIX)))?;
    let val_signing_info = Some(info(ctx, &signing::blocks(ctx)?, &consensus, &state)?);
    Ok(QuerySigningInfoResponse { val_signing_info })
}

fn signing_infos(
    ctx: &QueryContext<'_>,
    request: &QuerySigningInfosRequest,
) -> Result<QuerySigningInfosResponse, CodedError> {
    let page = SIGNING.scan().page(ctx, &pagination::request(request.pagination.as_ref()))?;
    let blocks = signing::blocks(ctx)?;
    let infos = page.entries.iter().map(|(consensus, state)| info(ctx, &blocks, consensus, state));
    Ok(QuerySigningInfosResponse { info: infos.collect::<Result<_, _>>()?, pagination: pagination::response(&page) })
}

fn slash_record(
    ctx: &QueryContext<'_>,
    request: &QuerySlashRecordRequest,
) -> Result<QuerySlashRecordResponse, CodedError> {
    let record = RECORDS.get(ctx, &request.id)?.ok_or(Error::NoRecord(request.id))?;
    Ok(QuerySlashRecordResponse { record: Some(record) })
}

fn slash_records(
    ctx: &QueryContext<'_>,
    request: &QuerySlashRecordsRequest,
) -> Result<QuerySlashRecordsResponse, CodedError> {
    let asked = pagination::request(request.pagination.as_ref());
    if request.operator.is_empty() {
        let page = RECORDS.scan().page(ctx, &asked)?;
        let records = page.entries.iter().map(|(_, record)| record.clone()).collect();
        return Ok(QuerySlashRecordsResponse { records, pagination: pagination::response(&page) });
    }
    let operator = parse_operator(&request.operator)?;
    let page = RECORDS_OF.scan().prefix(&operator).page(ctx, &asked)?;
    let records = page.entries.iter().map(|((_, id), ())| RECORDS.require(ctx, id));
    Ok(QuerySlashRecordsResponse {
        records: records.collect::<Result<_, _>>()?,
        pagination: pagination::response(&page),
    })
}
