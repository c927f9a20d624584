//! `MsgRotateKey` and the messages of a recovery.

use prost_types::Any;
use ve_base::keys::PublicKey;
use ve_base::{CodedError, parse_account};
use ve_proto::ve::mfa::v1::*;
use ve_sdk::Context;

use crate::mfa::error::Error;
use crate::mfa::recovery;

fn check_key(key: Option<&Any>) -> Result<(), CodedError> {
    let key = PublicKey::from_any(key.ok_or(Error::Recovery("the new key is missing"))?)?;
    Ok(key.check()?)
}

pub fn check_rotate(msg: &MsgRotateKey) -> Result<(), CodedError> {
    parse_account("account", &msg.address)?;
    check_key(msg.new_key.as_ref())
}

pub fn rotate(ctx: &mut Context<'_>, msg: &MsgRotateKey) -> Result<MsgRotateKeyResponse, CodedError> {
    recovery::rotate(ctx, msg)?;
    Ok(MsgRotateKeyResponse {})
}

pub fn check_initiate(msg: &MsgInitiateRecovery) -> Result<(), CodedError> {
    parse_account("sender", &msg.sender)?;
    parse_account("account", &msg.address)?;
    check_key(msg.new_key.as_ref())
}

pub fn initiate(ctx: &mut Context<'_>, msg: &MsgInitiateRecovery) -> Result<MsgInitiateRecoveryResponse, CodedError> {
    Ok(MsgInitiateRecoveryResponse { executes_at: recovery::initiate(ctx, msg)?.executes_at })
}

pub fn check_veto(msg: &MsgVetoRecovery) -> Result<(), CodedError> {
    parse_account("account", &msg.address).map(|_| ())
}

pub fn veto(ctx: &mut Context<'_>, msg: &MsgVetoRecovery) -> Result<MsgVetoRecoveryResponse, CodedError> {
    recovery::veto(ctx, &msg.address)?;
    Ok(MsgVetoRecoveryResponse {})
}

pub fn check_complete(msg: &MsgCompleteRecovery) -> Result<(), CodedError> {
    parse_account("sender", &msg.sender)?;
    parse_account("account", &msg.address).map(|_| ())
}

pub fn complete(ctx: &mut Context<'_>, msg: &MsgCompleteRecovery) -> Result<MsgCompleteRecoveryResponse, CodedError> {
    recovery::complete(ctx, &msg.address)?;
    Ok(MsgCompleteRecoveryResponse {})
}
