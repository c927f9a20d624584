//! `MsgAccountDeposit`: anybody adds to an account; what is not spent returns to them.

use ve_base::CodedError;
use ve_proto::ve::escrow::v1::{MsgAccountDeposit, MsgAccountDepositResponse};
use ve_sdk::Context;

use super::{parse, positive};
use crate::escrow::{AccountId, ledger};

pub fn check(msg: &MsgAccountDeposit) -> Result<(), CodedError> {
    parse("depositor", &msg.depositor)?;
    AccountId::from_proto(msg.account.as_ref())?;
    positive(msg.amount.as_ref())?;
    Ok(())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgAccountDeposit) -> Result<MsgAccountDepositResponse, CodedError> {
    let from = parse("depositor", &msg.depositor)?;
    ledger::deposit(ctx, &AccountId::from_proto(msg.account.as_ref())?, &from, &positive(msg.amount.as_ref())?)?;
    Ok(MsgAccountDepositResponse {})
}
