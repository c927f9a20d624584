//! Appeals against rejections: a moderator who had no part in it decides whether the verification is done again. An
//! appeal never writes a score (identity spec section 2.6).

use ve_base::{Address, CodedError, parse_account, verification};
use ve_proto::ve::veid::v1::{
    Appeal, AppealStatus, Params, RequestStatus, ScopeStatus, VerificationRequest, VerificationState, Wallet,
};
use ve_sdk::Context;
use ve_store::Read;

use super::error::Error;
use super::keys::{APPEAL_DUE, APPEALS, LAST_APPEAL, OPEN_APPEALS, RECORDS, REQUESTS, SCOPES};
use super::wallet::{self, Reasons};
use super::{event, lifecycle, params, runs};
use crate::roles::{self, Role};

pub fn is_open(appeal: &Appeal) -> bool {
    matches!(appeal.status(), AppealStatus::Pending | AppealStatus::Reviewing)
}

pub fn require<R: Read + ?Sized>(state: &R, id: u64) -> Result<Appeal, CodedError> {
    Ok(APPEALS.get(state, &id)?.ok_or(Error::AppealNotFound(id))?)
}

/// The request that an owner may appeal against now.
pub fn rejected<R: Read + ?Sized>(
    state: &R,
    owner: &Address,
    wallet: &Wallet,
    params: &Params,
    now: u64,
) -> Result<VerificationRequest, CodedError> {
    let refused = |cause: &'static str| Err(Error::Appeal(cause).into());
    let request = REQUESTS.get(state, owner)?.unwrap_or_default();
    let record = RECORDS.get(state, owner)?.unwrap_or_default();
    let of_run = request.run.as_ref().is_some_and(|run| run.run_id == record.run_id);
    if wallet.state() != VerificationState::Rejected || request.status() != RequestStatus::Final || !of_run {
        return refused("only a rejection can be appealed against");
    }
    if now > record.time.saturating_add(params.appeal_seconds) {
        return refused("the time for an appeal is over; ask for verification anew");
    }
    if OPEN_APPEALS.get(state, owner)?.is_some() {
        return refused("an appeal of this account is open; withdraw it first");
    }
    for scope_id in &request.scope_ids {
        let scope = SCOPES.require(state, &(owner.clone(), scope_id.clone()))?;
        if scope.status() == ScopeStatus::Revoked || scope.expires_at <= now {
            return refused("evidence that the rejection was about is gone");
        }
        if scope.appeals >= params.appeals_per_scope {
            return refused("this evidence was appealed for too often");
        }
    }
    Ok(request)
}

/// Keeps an appeal and counts it for each of its scopes.
pub fn submit(ctx: &mut Context<'_>, owner: &Address, mut appeal: Appeal) -> Result<u64, CodedError> {
    for scope_id in &appeal.scope_ids {
        let key = (owner.clone(), scope_id.clone());
        let mut scope = SCOPES.require(ctx, &key)?;
        scope.appeals = scope.appeals.saturating_add(1);
        SCOPES.set(ctx, &key, &scope)?;
    }
    let id = LAST_APPEAL.get(ctx)?.unwrap_or_default().saturating_add(1);
    LAST_APPEAL.set(ctx, &id)?;
    appeal.appeal_id = id;
    save(ctx, &appeal, "appeal_submitted")?;
    Ok(id)
}

pub fn save(ctx: &mut Context<'_>, appeal: &Appeal, what: &'static str) -> Result<(), CodedError> {
    APPEALS.set(ctx, &appeal.appeal_id, appeal)?;
    event::appeal(ctx, what, appeal);
    Ok(())
}

/// Ends an appeal. What it told of the owner leaves state.
pub fn close(
    ctx: &mut Context<'_>,
    mut appeal: Appeal,
    status: AppealStatus,
    what: &'static str,
) -> Result<(), CodedError> {
    appeal.set_status(status);
    appeal.reason = None;
    appeal.resolved_at = ctx.time().unix();
    appeal.due_at = 0;
    save(ctx, &appeal, what)
}

/// Refuses reviewers who are no moderators, or who had a part in what they review.
pub fn check_reviewer(ctx: &Context<'_>, appeal: &Appeal, reviewer: &str) -> Result<(), CodedError> {
    let account = parse_account("reviewer", reviewer)?;
    if !roles::has(ctx, &account, Role::Moderator)? {
        return Err(Error::Reviewer("is no active moderator").into());
    }
    let seated = appeal.members.iter().any(|member| member == reviewer);
    if appeal.owner == reviewer || seated {
        return Err(Error::Reviewer("had a part in what is reviewed").into());
    }
    Ok(())
}

/// The verification is done again, by other members where there are enough.
pub fn approve(ctx: &mut Context<'_>, appeal: &Appeal) -> Result<String, CodedError> {
    let owner = parse_account("owner", &appeal.owner)?;
    let params = params::load(ctx)?;
    runs::require_none(ctx, &owner)?;
    let mut wallet = wallet::active(ctx, &owner)?;
    let reasons = Reasons { scope_ids: appeal.scope_ids.clone(), codes: vec!["APPEAL_APPROVED".into()] };
    wallet::advance(ctx, &owner, &mut wallet, lifecycle::Event::AppealApproved, reasons)?;
    for scope_id in &appeal.scope_ids {
        let key = (owner.clone(), scope_id.clone());
        let mut scope = SCOPES.require(ctx, &key)?;
        if scope.status() == ScopeStatus::Rejected {
            scope.set_status(ScopeStatus::InProgress);
            SCOPES.set(ctx, &key, &scope)?;
        }
    }
    wallet.requests = wallet.requests.saturating_add(1);
    let now = ctx.time().unix();
    let request = VerificationRequest {
        request_id: verification::request_id(&appeal.owner, wallet.requests),
        owner: appeal.owner.clone(),
        scope_ids: appeal.scope_ids.clone(),
        status: RequestStatus::Queued.into(),
        requested_at: now,
        height: ctx.height(),
        due_at: now,
        manual_review: true,
        excluded: appeal.members.clone(),
        ..VerificationRequest::default()
    };
    REQUESTS.set(ctx, &owner, &request)?;
    wallet::save(ctx, &owner, wallet, &params)?;
    event::run(ctx, "verification_submitted", &request);
    Ok(request.request_id)
}

/// Reviews that take too long are open to others again; appeals that nobody decides end.
pub fn end_block(ctx: &mut Context<'_>, params: &Params, most: usize) -> Result<(), CodedError> {
    let now = ctx.time().unix();
    let mut due = Vec::new();
    for entry in APPEAL_DUE.scan().through(&now).keys(ctx).take(most) {
        due.push(entry?.1);
    }
    for id in due {
        let mut appeal = require(ctx, id)?;
        let end = appeal.submitted_at.saturating_add(params.appeal_life_seconds);
        if now >= end {
            close(ctx, appeal, AppealStatus::Expired, "appeal_expired")?;
            continue;
        }
        appeal.set_status(AppealStatus::Pending);
        appeal.reviewer.clear();
        appeal.due_at = end;
        save(ctx, &appeal, "appeal_reopened")?;
    }
    Ok(())
}
