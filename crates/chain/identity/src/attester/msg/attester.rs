//! `MsgRegisterAttester`, `MsgBondAttester` and `MsgExitAttester`: an attester puts up its bond and takes it back.

use ve_base::{CodedError, parse_account};
use ve_proto::ve::attester::v1::*;
use ve_sdk::Context;

use crate::attester::error::Error;
use crate::attester::keys::ATTESTERS;
use crate::attester::{params, registry};

pub fn check_register(msg: &MsgRegisterAttester) -> Result<(), CodedError> {
    parse_account("attester", &msg.attester)?;
    registry::check_text("name", &msg.name)?;
    registry::check_text("organisation", &msg.organisation)?;
    registry::check_kinds(&msg.kinds)?;
    registry::amount(&msg.bond).map(|_| ())
}

pub fn register(ctx: &mut Context<'_>, msg: &MsgRegisterAttester) -> Result<MsgRegisterAttesterResponse, CodedError> {
    let address = parse_account("attester", &msg.attester)?;
    if ATTESTERS.has(ctx, &address)? {
        return Err(Error::Exists(msg.attester.clone()).into());
    }
    let (bond, least) = (registry::amount(&msg.bond)?, params::min_bond(&params::load(ctx)?));
    if bond < least {
        return Err(Error::Bond(least.to_string(), bond.to_string()).into());
    }
    let mut attester = Attester {
        address: msg.attester.clone(),
        name: msg.name.clone(),
        organisation: msg.organisation.clone(),
        kinds: msg.kinds.clone(),
        state: AttesterState::Pending.into(),
        bond: "0".into(),
        slashed: "0".into(),
        registered_at: ctx.time().unix(),
        unlock_at: 0,
    };
    registry::add_bond(ctx, &mut attester, bond)?;
    registry::save(ctx, &attester, "attester_registered")?;
    Ok(MsgRegisterAttesterResponse {})
}

pub fn check_bond(msg: &MsgBondAttester) -> Result<(), CodedError> {
    parse_account("attester", &msg.attester)?;
    registry::amount(&msg.amount).map(|_| ())
}

pub fn bond(ctx: &mut Context<'_>, msg: &MsgBondAttester) -> Result<MsgBondAttesterResponse, CodedError> {
    let mut attester = registry::require(ctx, &parse_account("attester", &msg.attester)?)?;
    if matches!(attester.state(), AttesterState::Exiting | AttesterState::Revoked) {
        return Err(registry::illegal(&attester, "it takes no more bond").into());
    }
    registry::add_bond(ctx, &mut attester, registry::amount(&msg.amount)?)?;
    registry::save(ctx, &attester, "attester_bonded")?;
    Ok(MsgBondAttesterResponse {})
}

pub fn check_exit(msg: &MsgExitAttester) -> Result<(), CodedError> {
    parse_account("attester", &msg.attester).map(|_| ())
}

pub fn exit(ctx: &mut Context<'_>, msg: &MsgExitAttester) -> Result<MsgExitAttesterResponse, CodedError> {
    let mut attester = registry::require(ctx, &parse_account("attester", &msg.attester)?)?;
    if matches!(attester.state(), AttesterState::Exiting | AttesterState::Revoked) {
        return Err(registry::illegal(&attester, "it leaves already").into());
    }
    attester.set_state(AttesterState::Exiting);
    attester.unlock_at = ctx.time().unix().saturating_add(params::load(ctx)?.unbonding_seconds);
    registry::save(ctx, &attester, "attester_exiting")?;
    Ok(MsgExitAttesterResponse { unlock_at: attester.unlock_at })
}
