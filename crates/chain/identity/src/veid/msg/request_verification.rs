//! `MsgRequestVerification`: puts evidence before a committee.

use ve_base::{Address, CodedError, parse_account, verification};
use ve_proto::ve::veid::v1::{
    MsgRequestVerification, MsgRequestVerificationResponse, RequestStatus, ScopeStatus, VerificationRequest,
};
use ve_sdk::{Context, transient};

use crate::veid::error::Error;
use crate::veid::keys::{REQUESTS, SCOPES};
use crate::veid::wallet::{self, Reasons};
use crate::veid::{clients, consent, event, lifecycle, params, runs};

const MAX_SCOPES: usize = 10;
/// Requests that one block takes: each makes a committee work.
const MAX_PER_BLOCK: u64 = 20;

pub fn check(msg: &MsgRequestVerification) -> Result<(), CodedError> {
    parse_account("owner", &msg.owner)?;
    let ids = &msg.scope_ids;
    if ids.is_empty() || ids.len() > MAX_SCOPES || !ids.is_sorted_by(|left, right| left < right) {
        return Err(Error::Input("name 1 to 10 scopes, sorted, each once".into()).into());
    }
    Ok(())
}

pub fn execute(
    ctx: &mut Context<'_>,
    msg: &MsgRequestVerification,
) -> Result<MsgRequestVerificationResponse, CodedError> {
    let owner = parse_account("owner", &msg.owner)?;
    let params = params::load(ctx)?;
    let now = ctx.time().unix();
    let mine = transient::count(ctx, "veid", &[&b"requests/"[..], owner.as_bytes()].concat())?;
    if mine > params.requests_per_account_block.into() {
        return Err(Error::RateLimited("this block takes no more requests; send it again".into()).into());
    }
    let all = transient::count(ctx, "veid", b"requests")?;
    if all > MAX_PER_BLOCK {
        return Err(Error::RateLimited("this block takes no more requests; send it again".into()).into());
    }
    runs::require_none(ctx, &owner)?;
    let mut wallet = wallet::operated(ctx, &owner, &params)?;
    for scope_id in &msg.scope_ids {
        usable(ctx, &owner, scope_id)?;
    }
    let reasons = Reasons { scope_ids: msg.scope_ids.clone(), codes: Vec::new() };
    wallet::advance(ctx, &owner, &mut wallet, lifecycle::Event::Requested, reasons)?;
    wallet.requests = wallet.requests.saturating_add(1);
    let request = VerificationRequest {
        request_id: verification::request_id(&msg.owner, wallet.requests),
        owner: msg.owner.clone(),
        scope_ids: msg.scope_ids.clone(),
        status: RequestStatus::Queued.into(),
        requested_at: now,
        height: ctx.height(),
        // A committee is drawn after all that this block brings, withdrawals among it.
        due_at: now,
        ..VerificationRequest::default()
    };
    REQUESTS.set(ctx, &owner, &request)?;
    wallet::save(ctx, &owner, wallet, &params)?;
    event::run(ctx, "verification_submitted", &request);
    Ok(MsgRequestVerificationResponse { request_id: request.request_id })
}

fn usable(ctx: &Context<'_>, owner: &Address, scope_id: &str) -> Result<(), CodedError> {
    let now = ctx.time().unix();
    let unknown = || Error::ScopeNotFound(scope_id.chars().take(64).collect());
    let scope = SCOPES.get(ctx, &(owner.clone(), scope_id.to_owned()))?.ok_or_else(unknown)?;
    let waits = matches!(scope.status(), ScopeStatus::Pending | ScopeStatus::InProgress | ScopeStatus::Verified);
    if !waits || scope.expires_at <= now {
        return Err(Error::Transition(scope.status().as_str_name(), "be verified").into());
    }
    if clients::is_compromised(ctx, &scope)? {
        return Err(Error::ClientNotApproved("it was revoked when it was compromised; capture again".into()).into());
    }
    consent::require(ctx, owner, scope.r#type(), consent::VERIFICATION, now)
}
