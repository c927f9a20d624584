//! `MsgRebindWallet`: another binding key, which both the old and the new one agree to.

use ve_base::{CodedError, capture, parse_account};
use ve_proto::ve::veid::v1::{MsgRebindWallet, MsgRebindWalletResponse};
use ve_sdk::Context;

use super::create_wallet::key;
use crate::veid::error::Error;
use crate::veid::{event, params, wallet};

pub fn check(msg: &MsgRebindWallet) -> Result<(), CodedError> {
    parse_account("owner", &msg.owner)?;
    capture::public_key(key(&msg.new_key)?)?;
    Ok(())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgRebindWallet) -> Result<MsgRebindWalletResponse, CodedError> {
    let owner = parse_account("owner", &msg.owner)?;
    let params = params::load(ctx)?;
    let mut wallet = wallet::operated(ctx, &owner, &params)?;
    let new = key(&msg.new_key)?;
    if wallet.binding_key.as_ref() == Some(new) {
        return Err(Error::Binding("the wallet is bound to this key already".into()).into());
    }
    wallet::check_binding(ctx.chain_id(), &msg.owner, new, &msg.new_signature)?;
    let old = capture::public_key(key(&wallet.binding_key)?)?;
    old.verify(&capture::wallet_rebinding(ctx.chain_id(), &msg.owner, new), &msg.old_signature)
        .map_err(|error| Error::Binding(format!("the old key: {error}")))?;
    wallet.binding_key = Some(new.clone());
    wallet.binding_signature.clone_from(&msg.new_signature);
    event::wallet(ctx, "wallet_rebound", &wallet);
    wallet::save(ctx, &owner, wallet, &params)?;
    Ok(MsgRebindWalletResponse {})
}
