//! Messages about factors and trusted browsers.

use ve_base::{CodedError, parse_account};
use ve_proto::ve::mfa::v1::*;
use ve_sdk::Context;

use crate::mfa::error::Error;
use crate::mfa::verify::uncompressed;
use crate::mfa::{challenge, factor, policy};

pub fn enroll(ctx: &mut Context<'_>, msg: &MsgEnrollFactor) -> Result<MsgEnrollFactorResponse, CodedError> {
    Ok(MsgEnrollFactorResponse { factor_id: factor::enroll(ctx, msg)?.id })
}

pub fn check_confirm(msg: &MsgConfirmEnrollment) -> Result<(), CodedError> {
    parse_account("account", &msg.address)?;
    msg.proof.as_ref().map(|_| ()).ok_or_else(|| Error::Request("the proof is missing").into())
}

pub fn confirm(ctx: &mut Context<'_>, msg: &MsgConfirmEnrollment) -> Result<MsgConfirmEnrollmentResponse, CodedError> {
    let proof = msg.proof.as_ref().ok_or(Error::Request("the proof is missing"))?;
    if challenge::require(ctx, msg.challenge_id)?.action() != Action::FactorConfirmation {
        return Err(Error::Request("the challenge is not for the confirmation of a factor").into());
    }
    let (challenge, verified) = challenge::submit(ctx, &msg.address, msg.challenge_id, proof)?;
    if verified {
        challenge::forget_one(ctx, challenge.id)?;
        factor::activate(ctx, &parse_account("account", &msg.address)?, challenge.factor_id)?;
    }
    Ok(MsgConfirmEnrollmentResponse { verified })
}

pub fn check_revoke(msg: &MsgRevokeFactor) -> Result<(), CodedError> {
    parse_account("account", &msg.address).map(|_| ())
}

/// One that was never proven goes at once; any other after the delay.
pub fn revoke(ctx: &mut Context<'_>, msg: &MsgRevokeFactor) -> Result<MsgRevokeFactorResponse, CodedError> {
    let mut of = factor::require(ctx, &parse_account("account", &msg.address)?, msg.factor_id)?;
    match of.state() {
        FactorState::Pending => {
            factor::revoke(ctx, &mut of)?;
            Ok(MsgRevokeFactorResponse { change_id: 0, effective_at: ctx.time().unix() })
        }
        FactorState::Active | FactorState::Suspended => {
            let change = DelayedChange { address: msg.address.clone(), factor_id: of.id, ..DelayedChange::default() };
            let change = policy::delay(ctx, change)?;
            Ok(MsgRevokeFactorResponse { change_id: change.id, effective_at: change.effective_at })
        }
        _ => Err(Error::Factor(of.id, "over already").into()),
    }
}

pub fn check_add_browser(msg: &MsgAddTrustedBrowser) -> Result<(), CodedError> {
    parse_account("account", &msg.address)?;
    factor::check_label(&msg.label)?;
    Ok(uncompressed(&msg.public_key).map(|_| ())?)
}

pub fn add_browser(
    ctx: &mut Context<'_>,
    msg: &MsgAddTrustedBrowser,
) -> Result<MsgAddTrustedBrowserResponse, CodedError> {
    Ok(MsgAddTrustedBrowserResponse { factor_id: factor::add_browser(ctx, msg)?.id })
}

pub fn check_remove_browser(msg: &MsgRemoveTrustedBrowser) -> Result<(), CodedError> {
    parse_account("account", &msg.address).map(|_| ())
}

/// At once and without proof: a lost device must not wait.
pub fn remove_browser(
    ctx: &mut Context<'_>,
    msg: &MsgRemoveTrustedBrowser,
) -> Result<MsgRemoveTrustedBrowserResponse, CodedError> {
    let mut of = factor::require(ctx, &parse_account("account", &msg.address)?, msg.factor_id)?;
    if of.r#type() != FactorType::Browser || of.state() != FactorState::Active {
        return Err(Error::Factor(of.id, "no trusted browser").into());
    }
    factor::revoke(ctx, &mut of)?;
    Ok(MsgRemoveTrustedBrowserResponse {})
}
