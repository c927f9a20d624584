//! Queries of `ve.attester.v1`.

use ve_base::{CodedError, parse_account};
use ve_proto::ve::attester::v1::*;
use ve_sdk::{QueryContext, Registrar, pagination};

use super::keys::{ATTESTERS, BY_SUBJECT, KEYS};
use super::{params, records, registry};

pub fn register(registrar: &mut Registrar) {
    registrar.query("/ve.attester.v1.Query/Params", parameters);
    registrar.query("/ve.attester.v1.Query/Attesters", attesters);
    registrar.query("/ve.attester.v1.Query/Attester", attester);
    registrar.query("/ve.attester.v1.Query/Attestations", attestations);
    registrar.query("/ve.attester.v1.Query/Attestation", attestation);
    registrar.query("/ve.attester.v1.Query/Facts", facts);
}

fn parameters(ctx: &QueryContext<'_>, _: &QueryParamsRequest) -> Result<QueryParamsResponse, CodedError> {
    Ok(QueryParamsResponse { params: Some(params::load(ctx)?) })
}

fn attesters(ctx: &QueryContext<'_>, request: &QueryAttestersRequest) -> Result<QueryAttestersResponse, CodedError> {
    let page = ATTESTERS.scan().page_where(ctx, &pagination::request(request.pagination.as_ref()), |_, attester| {
        (request.kind == 0 || attester.kinds.contains(&request.kind))
            && (request.state == 0 || request.state == attester.state)
    })?;
    let pagination = pagination::response(&page);
    Ok(QueryAttestersResponse {
        attesters: page.entries.into_iter().map(|(_, attester)| attester).collect(),
        pagination,
    })
}

fn attester(ctx: &QueryContext<'_>, request: &QueryAttesterRequest) -> Result<QueryAttesterResponse, CodedError> {
    let address = parse_account("attester", &request.address)?;
    let attester = registry::require(ctx, &address)?;
    let keys = KEYS.scan().prefix(&address).take(ctx, super::signer::MAX_KEYS)?;
    Ok(QueryAttesterResponse { attester: Some(attester), keys: keys.into_iter().map(|(_, key)| key).collect() })
}

fn attestations(
    ctx: &QueryContext<'_>,
    request: &QueryAttestationsRequest,
) -> Result<QueryAttestationsResponse, CodedError> {
    let subject = parse_account("subject", &request.subject)?.to_string();
    let scan = BY_SUBJECT.scan().prefix(subject.as_str());
    let page = scan.page(ctx, &pagination::request(request.pagination.as_ref()))?;
    let pagination = pagination::response(&page);
    let records: Result<_, _> = page.entries.into_iter().map(|((_, id), ())| records::require(ctx, &id)).collect();
    Ok(QueryAttestationsResponse { records: records?, pagination })
}

fn attestation(
    ctx: &QueryContext<'_>,
    request: &QueryAttestationRequest,
) -> Result<QueryAttestationResponse, CodedError> {
    Ok(QueryAttestationResponse { record: Some(records::require(ctx, &request.id)?) })
}

fn facts(ctx: &QueryContext<'_>, request: &QueryFactsRequest) -> Result<QueryFactsResponse, CodedError> {
    let subject = parse_account("subject", &request.subject)?;
    Ok(QueryFactsResponse { facts: records::facts(ctx, &subject, ctx.time().unix())? })
}
