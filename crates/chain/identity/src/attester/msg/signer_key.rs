//! `MsgAddSignerKey` and `MsgRevokeSignerKey`: the keys of an attester.

use ve_base::{CodedError, parse_account};
use ve_proto::ve::attester::v1::*;
use ve_sdk::Context;

use crate::attester::error::Error;
use crate::attester::{registry, signer};

pub fn check_add(msg: &MsgAddSignerKey) -> Result<(), CodedError> {
    parse_account("attester", &msg.attester)?;
    Ok(signer::check(&msg.public_key)?)
}

pub fn add(ctx: &mut Context<'_>, msg: &MsgAddSignerKey) -> Result<MsgAddSignerKeyResponse, CodedError> {
    let address = parse_account("attester", &msg.attester)?;
    let attester = registry::require(ctx, &address)?;
    if matches!(attester.state(), AttesterState::Exiting | AttesterState::Revoked) {
        return Err(registry::illegal(&attester, "it announces no more keys").into());
    }
    let key = signer::add(ctx, &address, &msg.public_key, &msg.proof_of_possession)?;
    Ok(MsgAddSignerKeyResponse { key_id: key.key_id, active_at: key.active_at })
}

pub fn check_revoke(msg: &MsgRevokeSignerKey) -> Result<(), CodedError> {
    parse_account("attester", &msg.attester).map(|_| ())
}

pub fn revoke(ctx: &mut Context<'_>, msg: &MsgRevokeSignerKey) -> Result<MsgRevokeSignerKeyResponse, CodedError> {
    let address = parse_account("attester", &msg.attester)?;
    let key = signer::require(ctx, &address, &msg.key_id)?;
    if key.state() == KeyState::Revoked && msg.compromised_since == 0 {
        return Err(Error::Key(key.key_id, "it is revoked already").into());
    }
    signer::revoke(ctx, &key, msg.compromised_since)?;
    Ok(MsgRevokeSignerKeyResponse {})
}
