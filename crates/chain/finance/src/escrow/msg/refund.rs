//! `MsgRefundEscrow`: a payee gives back earnings, or a depositor takes back deposits before any payment.

use ve_base::CodedError;
use ve_proto::cosmos::base::v1beta1::DecCoin;
use ve_proto::ve::escrow::v1::{MsgRefundEscrow, MsgRefundEscrowResponse};
use ve_sdk::Context;

use super::{leases, parse};
use crate::escrow::release;

pub fn check(msg: &MsgRefundEscrow) -> Result<(), CodedError> {
    parse("sender", &msg.sender)?;
    leases(msg.account.as_ref()).map(|_| ())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgRefundEscrow) -> Result<MsgRefundEscrowResponse, CodedError> {
    let (sender, id) = (parse("sender", &msg.sender)?, leases(msg.account.as_ref())?);
    let (denom, amount) = if msg.payment.is_empty() {
        let coin = release::refund_deposits(ctx, &id, &sender)?;
        (coin.denom.to_string(), ve_base::Dec::from_amount(coin.amount)?)
    } else {
        release::refund_payment(ctx, &id, &sender, &msg.payment)?
    };
    Ok(MsgRefundEscrowResponse { refunded: Some(DecCoin { denom, amount: amount.to_mantissa() }) })
}
