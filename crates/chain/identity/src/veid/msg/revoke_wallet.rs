//! `MsgRevokeWallet`: ends the wallet with all its scopes. Always possible for its owner.

use ve_base::{CodedError, parse_account};
use ve_proto::ve::veid::v1::{MsgRevokeWallet, MsgRevokeWalletResponse, VerificationState, WalletStatus};
use ve_sdk::Context;

use super::revoke_scope;
use crate::veid::keys::LIVE_SCOPES;
use crate::veid::{event, params, result, runs, wallet};

pub fn check(msg: &MsgRevokeWallet) -> Result<(), CodedError> {
    parse_account("owner", &msg.owner).map(|_| ())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgRevokeWallet) -> Result<MsgRevokeWalletResponse, CodedError> {
    let owner = parse_account("owner", &msg.owner)?;
    let params = params::load(ctx)?;
    let mut wallet = wallet::active(ctx, &owner)?;
    let mut live = Vec::new();
    for key in LIVE_SCOPES.keys(ctx, &owner) {
        live.push(key?.1);
    }
    for scope_id in live {
        revoke_scope::revoke(ctx, &owner, &mut wallet, &scope_id, "wallet_revoked")?;
    }
    result::release_document(ctx, &owner)?;
    wallet.set_status(WalletStatus::Revoked);
    wallet.set_state(VerificationState::Created);
    (wallet.score_milli, wallet.borderline, wallet.shadow) = (0, false, false);
    wallet.secondary_until = 0;
    wallet.revoked_at = ctx.time().unix();
    event::wallet(ctx, "wallet_revoked", &wallet);
    wallet::save(ctx, &owner, wallet, &params)?;
    runs::review(ctx, &owner)?;
    Ok(MsgRevokeWalletResponse {})
}
