//! `MsgCreateWallet`: one wallet per account. Its binding key signs captures; the transaction shows that the account
//! wants it, the signature that its holder does.

use ve_base::{CodedError, capture, parse_account};
use ve_proto::ve::veid::v1::{
    ConsentFlags, MsgCreateWallet, MsgCreateWalletResponse, SigningKey, VerificationState, Wallet, WalletStatus,
};
use ve_sdk::Context;

use crate::veid::error::Error;
use crate::veid::keys::WALLETS;
use crate::veid::wallet::{self, Reasons};
use crate::veid::{event, lifecycle, params};

pub fn key(given: &Option<SigningKey>) -> Result<&SigningKey, CodedError> {
    Ok(given.as_ref().ok_or_else(|| Error::Binding("give the binding key".into()))?)
}

pub fn check(msg: &MsgCreateWallet) -> Result<(), CodedError> {
    parse_account("owner", &msg.owner)?;
    capture::public_key(key(&msg.binding_key)?)?;
    Ok(())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgCreateWallet) -> Result<MsgCreateWalletResponse, CodedError> {
    let owner = parse_account("owner", &msg.owner)?;
    let params = params::load(ctx)?;
    let now = ctx.time().unix();
    let old = WALLETS.get(ctx, &owner)?;
    if let Some(old) = &old {
        if old.status() == WalletStatus::Active {
            return Err(Error::WalletExists(msg.owner.clone()).into());
        }
        let free = old.revoked_at.saturating_add(params.wallet_pause_seconds);
        if now < free {
            return Err(Error::WalletPause(free).into());
        }
    }
    let binding_key = key(&msg.binding_key)?;
    wallet::check_binding(ctx.chain_id(), &msg.owner, binding_key, &msg.binding_signature)?;
    // History, ids of consents and rejections go on where the last wallet of the account ended.
    let old = old.unwrap_or_default();
    let mut wallet = Wallet {
        wallet_id: capture::wallet_id(&msg.owner),
        owner: msg.owner.clone(),
        status: WalletStatus::Active.into(),
        binding_key: Some(binding_key.clone()),
        binding_signature: msg.binding_signature.clone(),
        state: VerificationState::Created.into(),
        consent_version: old.consent_version.saturating_add(1),
        consent_flags: Some(ConsentFlags::default()),
        created_at: now,
        active_at: now,
        operated_at: now,
        rejections: old.rejections,
        cooldown_until: old.cooldown_until,
        history_length: old.history_length,
        consents: old.consents,
        requests: old.requests,
        announced_tier: old.announced_tier,
        ..Wallet::default()
    };
    event::wallet(ctx, "wallet_created", &wallet);
    wallet::advance(ctx, &owner, &mut wallet, lifecycle::Event::First, Reasons::default())?;
    let wallet_id = wallet.wallet_id.clone();
    wallet::save(ctx, &owner, wallet, &params)?;
    Ok(MsgCreateWalletResponse { wallet_id })
}
