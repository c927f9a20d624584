//! `MsgCancelUnbondingDelegation`: stake on its way out returns to its validator.

use ve_base::{CodedError, Coins, errors::sdk};
use ve_proto::cosmos::staking::v1beta1::{MsgCancelUnbondingDelegation, MsgCancelUnbondingDelegationResponse};
use ve_sdk::{Context, Event};

use crate::staking::{account, height, operator, unbonding};

pub fn check(msg: &MsgCancelUnbondingDelegation) -> Result<(), CodedError> {
    account(&msg.delegator_address)?;
    operator(&msg.validator_address)?;
    if height(msg.creation_height)? == 0 {
        return Err(sdk::Error::InvalidRequest("creation_height names the entry and must be positive".into()).into());
    }
    super::stake(msg.amount.as_ref()).map(|_| ())
}

pub fn execute(
    ctx: &mut Context<'_>,
    msg: &MsgCancelUnbondingDelegation,
) -> Result<MsgCancelUnbondingDelegationResponse, CodedError> {
    let (delegator, operator) = (account(&msg.delegator_address)?, operator(&msg.validator_address)?);
    let amount = super::stake(msg.amount.as_ref())?;
    unbonding::cancel(ctx, &delegator, &operator, amount, height(msg.creation_height)?)?;
    ctx.emit(
        Event::new("cancel_unbonding_delegation")
            .with("amount", Coins::native(amount))
            .with("validator", &msg.validator_address)
            .with("delegator", &delegator)
            .with("creation_height", msg.creation_height),
    );
    Ok(MsgCancelUnbondingDelegationResponse {})
}
