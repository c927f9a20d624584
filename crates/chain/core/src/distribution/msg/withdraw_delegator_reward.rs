//! `MsgWithdrawDelegatorReward`: a delegator takes what it earned with one validator.

use ve_base::CodedError;
use ve_proto::cosmos::distribution::v1beta1::{MsgWithdrawDelegatorReward, MsgWithdrawDelegatorRewardResponse};
use ve_sdk::Context;

use crate::distribution::error::Error;
use crate::distribution::{account, operator, payout};
use crate::staking;

pub fn check(msg: &MsgWithdrawDelegatorReward) -> Result<(), CodedError> {
    account("delegator", &msg.delegator_address)?;
    operator(&msg.validator_address).map(|_| ())
}

pub fn execute(
    ctx: &mut Context<'_>,
    msg: &MsgWithdrawDelegatorReward,
) -> Result<MsgWithdrawDelegatorRewardResponse, CodedError> {
    let delegator = account("delegator", &msg.delegator_address)?;
    let operator = operator(&msg.validator_address)?;
    if staking::find(ctx, &operator)?.is_none() {
        return Err(Error::NoValidator(msg.validator_address.clone()).into());
    }
    let coins = payout::settle(ctx, &operator, &delegator)?;
    payout::begin(ctx, &operator, &delegator)?;
    Ok(MsgWithdrawDelegatorRewardResponse { amount: coins.to_proto() })
}
