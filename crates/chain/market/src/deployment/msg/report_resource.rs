//! `MsgReportResource`: the provider's daemon reports about a resource; any account may relay it.

use ve_base::{CodedError, parse_account, preimage};
use ve_proto::ve::market::v1::*;
use ve_proto::ve::provider::v1::KeyUsage;
use ve_sdk::Context;

use crate::deployment::error::Error;
use crate::deployment::ids::BidId;
use crate::deployment::lifecycle::ResourceEvent;
use crate::deployment::resource::{self, running};
use crate::provider;

const MAX_ENDPOINTS: usize = 16;
/// Seconds that a report may be older or newer than the block.
const MAX_SKEW: u64 = 3600;
/// Seconds between two reports of progress.
const PROGRESS_INTERVAL: u64 = 30;

pub fn check(msg: &MsgReportResource) -> Result<(), CodedError> {
    parse_account("relayer", &msg.relayer)?;
    BidId::from_proto(msg.lease.as_ref())?;
    let fits = msg.endpoints.len() <= MAX_ENDPOINTS
        && msg.endpoints.iter().all(|endpoint| endpoint.service.len() <= 64 && endpoint.url.len() <= 256)
        && msg.phase.len() <= 64
        && msg.progress <= 100
        && matches!(msg.backend_ref_commit.len(), 0 | 32)
        && msg.signature.len() == 64;
    if !fits {
        return Err(Error::Report("a field is too long or out of range").into());
    }
    let known = ResourceState::try_from(msg.observed_state).is_ok_and(|state| state != ResourceState::Unspecified);
    match msg.kind() {
        ReportKind::Status if !known => Err(Error::Report("a status names the observed state").into()),
        ReportKind::Result if msg.result_code == 0 || msg.op_id == 0 => {
            Err(Error::Report("a result names the failed operation and a code; success is a status").into())
        }
        ReportKind::Unspecified => Err(Error::Report("name the kind").into()),
        _ => Ok(()),
    }
}

/// Checks everything that the report claims against what is stored; nothing missing is assumed.
fn verify(ctx: &Context<'_>, id: &BidId, stored: &Resource, msg: &MsgReportResource) -> Result<(), CodedError> {
    let expected = stored.last_seq.saturating_add(1);
    if msg.seq != expected {
        return Err(Error::Sequence { lease: id.to_string(), got: msg.seq, expected }.into());
    }
    let (now, observed) = (ctx.time().unix(), msg.observed_at);
    if observed.abs_diff(now) > MAX_SKEW || observed < stored.last_observed_at {
        return Err(Error::ObservedAt { observed, now }.into());
    }
    // An older revision may still run while the newer one is being applied; one not announced yet cannot.
    if msg.spec_rev == 0 || msg.spec_rev > stored.spec_rev {
        return Err(Error::Revision { got: msg.spec_rev, current: stored.spec_rev }.into());
    }
    if msg.op_id != running(stored).map_or(0, |operation| operation.op_id) {
        return Err(Error::Operation(msg.op_id).into());
    }
    let early = msg.kind() == ReportKind::Progress
        && stored.last_progress_at > 0
        && now < stored.last_progress_at.saturating_add(PROGRESS_INTERVAL);
    if early { Err(Error::Report("progress is reported every 30 s at most").into()) } else { Ok(()) }
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgReportResource) -> Result<MsgReportResourceResponse, CodedError> {
    let id = BidId::from_proto(msg.lease.as_ref())?;
    let mut stored = resource::load(ctx, &id)?;
    let digest = preimage::resource_report(ctx.chain_id(), msg);
    let key = provider::daemon_key(ctx, &id.provider, &msg.key_id, KeyUsage::Callback)?;
    key.verify(&digest, &msg.signature).map_err(|_| Error::Signature)?;
    // The same report again: relayed twice.
    if msg.seq == stored.last_seq && stored.last_hash == digest {
        return Ok(MsgReportResourceResponse {});
    }
    verify(ctx, &id, &stored, msg)?;
    provider::liveness::seen(ctx, &id.provider, None)?;
    stored.last_seq = msg.seq;
    stored.last_hash = digest.to_vec();
    stored.last_observed_at = msg.observed_at;
    stored.phase.clone_from(&msg.phase);
    stored.progress = msg.progress;
    if !msg.endpoints.is_empty() {
        stored.endpoints.clone_from(&msg.endpoints);
    }
    if !msg.backend_ref_commit.is_empty() {
        stored.backend_ref_commit.clone_from(&msg.backend_ref_commit);
    }
    let what = match msg.kind() {
        ReportKind::Status => Some(ResourceEvent::Observed(msg.observed_state())),
        ReportKind::Result => Some(ResourceEvent::OperationFailed),
        _ => {
            stored.last_progress_at = ctx.time().unix();
            None
        }
    };
    resource::report(ctx, &id, stored, what, msg.result_code)?;
    Ok(MsgReportResourceResponse {})
}
