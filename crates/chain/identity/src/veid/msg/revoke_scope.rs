//! `MsgRevokeScope`: final, and always possible for the owner. The ciphertext leaves state with it.

use ve_base::{Address, CodedError, parse_account};
use ve_proto::ve::veid::v1::{MsgRevokeScope, MsgRevokeScopeResponse, ScopeStatus, Wallet};
use ve_sdk::Context;

use crate::veid::error::Error;
use crate::veid::keys::{ENVELOPES, SCOPES};
use crate::veid::wallet::{self, Reasons};
use crate::veid::{event, lifecycle, params, runs};

const MAX_REASON: usize = 64;

pub fn check(msg: &MsgRevokeScope) -> Result<(), CodedError> {
    parse_account("owner", &msg.owner)?;
    if msg.reason.len() > MAX_REASON || !(msg.reason.is_empty() || ve_base::capture::is_name(&msg.reason)) {
        return Err(Error::Input("a reason is empty or 1 to 64 letters, digits and `._:-`".into()).into());
    }
    Ok(())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgRevokeScope) -> Result<MsgRevokeScopeResponse, CodedError> {
    let owner = parse_account("owner", &msg.owner)?;
    let params = params::load(ctx)?;
    let mut wallet = wallet::active(ctx, &owner)?;
    let counted = revoke(ctx, &owner, &mut wallet, &msg.scope_id, &msg.reason)?;
    if counted {
        let reasons = Reasons { scope_ids: vec![msg.scope_id.clone()], codes: vec!["SCOPE_REVOKED".into()] };
        wallet::lost_scopes(ctx, &owner, &mut wallet, reasons)?;
    }
    wallet::save(ctx, &owner, wallet, &params)?;
    runs::review(ctx, &owner)?;
    Ok(MsgRevokeScopeResponse {})
}

/// Revokes one scope of a wallet, which the caller saves; returns whether the scope counted.
pub fn revoke(
    ctx: &mut Context<'_>,
    owner: &Address,
    wallet: &mut Wallet,
    scope_id: &str,
    reason: &str,
) -> Result<bool, CodedError> {
    let key = (owner.clone(), scope_id.to_owned());
    let unknown = || Error::ScopeNotFound(scope_id.chars().take(ve_base::capture::MAX_NAME).collect());
    let mut scope = SCOPES.get(ctx, &key)?.ok_or_else(unknown)?;
    if !lifecycle::scope_may(scope.status(), ScopeStatus::Revoked) {
        return Err(Error::Transition(scope.status().as_str_name(), "be revoked").into());
    }
    scope.set_status(ScopeStatus::Revoked);
    scope.revoked_at = ctx.time().unix();
    reason.clone_into(&mut scope.reason);
    SCOPES.set(ctx, &key, &scope)?;
    ENVELOPES.remove(ctx, &key)?;
    wallet.scope_count = wallet.scope_count.saturating_sub(1);
    event::scope(ctx, "scope_revoked", &scope);
    Ok(wallet::discount(wallet, scope_id))
}
