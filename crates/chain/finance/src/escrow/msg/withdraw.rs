//! `MsgWithdrawPayment`: a payee takes what has accrued.

use ve_base::{Amount, CodedError};
use ve_proto::ve::escrow::v1::{MsgWithdrawPayment, MsgWithdrawPaymentResponse};
use ve_sdk::Context;

use super::parse;
use crate::escrow::{AccountId, ledger, params};

pub fn check(msg: &MsgWithdrawPayment) -> Result<(), CodedError> {
    parse("payee", &msg.payee)?;
    AccountId::from_proto(msg.account.as_ref())?;
    Ok(())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgWithdrawPayment) -> Result<MsgWithdrawPaymentResponse, CodedError> {
    let payee = parse("payee", &msg.payee)?;
    let id = AccountId::from_proto(msg.account.as_ref())?;
    let least: Amount = params::load(ctx)?.min_withdraw.parse()?;
    let (gross, net) = ledger::withdraw(ctx, &id, &msg.payment, &payee, least)?;
    Ok(MsgWithdrawPaymentResponse { gross: Some(gross.to_proto()), net: Some(net.to_proto()) })
}
