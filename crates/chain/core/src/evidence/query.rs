//! Queries of `cosmos.evidence.v1beta1`.

use ve_base::CodedError;
use ve_proto::cosmos::evidence::v1beta1::*;
use ve_sdk::{QueryContext, Registrar, pagination};

use super::error::Error;
use super::keys::EVIDENCE;

pub fn register(registrar: &mut Registrar) {
    registrar.query("/cosmos.evidence.v1beta1.Query/Evidence", evidence);
    registrar.query("/cosmos.evidence.v1beta1.Query/AllEvidence", all_evidence);
}

/// 64 hexadecimal digits of either case.
fn parse(text: &str) -> Option<[u8; 32]> {
    let digits = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<u8>> = text.as_bytes().chunks(2).map(digits).collect();
    if text.len() == 64 { bytes?.try_into().ok() } else { None }
}

#[allow(deprecated)]
fn evidence(ctx: &QueryContext<'_>, request: &QueryEvidenceRequest) -> Result<QueryEvidenceResponse, CodedError> {
    let hash =
        if request.hash.is_empty() { request.evidence_hash.as_slice().try_into().ok() } else { parse(&request.hash) };
    let hash = hash.ok_or_else(|| Error::Invalid("a hash has 64 hexadecimal digits".into()))?;
    let found = EVIDENCE.get(ctx, &hash)?.ok_or_else(|| Error::NotFound(super::handle::hex(&hash)))?;
    Ok(QueryEvidenceResponse { evidence: Some(found) })
}

fn all_evidence(
    ctx: &QueryContext<'_>,
    request: &QueryAllEvidenceRequest,
) -> Result<QueryAllEvidenceResponse, CodedError> {
    let page = EVIDENCE.scan().page(ctx, &pagination::request(request.pagination.as_ref()))?;
    let evidence = page.entries.iter().map(|(_, evidence)| evidence.clone()).collect();
    Ok(QueryAllEvidenceResponse { evidence, pagination: pagination::response(&page) })
}
