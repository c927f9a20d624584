//! `MsgWithdrawValidatorCommission`: an operator takes its commission.

use ve_base::CodedError;
use ve_proto::cosmos::distribution::v1beta1::{MsgWithdrawValidatorCommission, MsgWithdrawValidatorCommissionResponse};
use ve_sdk::Context;

use crate::distribution::{operator, payout};

pub fn check(msg: &MsgWithdrawValidatorCommission) -> Result<(), CodedError> {
    operator(&msg.validator_address).map(|_| ())
}

pub fn execute(
    ctx: &mut Context<'_>,
    msg: &MsgWithdrawValidatorCommission,
) -> Result<MsgWithdrawValidatorCommissionResponse, CodedError> {
    let coins = payout::commission(ctx, &operator(&msg.validator_address)?)?;
    Ok(MsgWithdrawValidatorCommissionResponse { amount: coins.to_proto() })
}
