//! `MsgUndelegate`: stake leaves a validator and returns after the unbonding time.

use ve_base::{CodedError, Coin, Coins};
use ve_proto::cosmos::staking::v1beta1::{MsgUndelegate, MsgUndelegateResponse};
use ve_sdk::{Context, Event};

use crate::staking::{account, operator, unbonding};

pub fn check(msg: &MsgUndelegate) -> Result<(), CodedError> {
    account(&msg.delegator_address)?;
    operator(&msg.validator_address)?;
    super::stake(msg.amount.as_ref()).map(|_| ())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgUndelegate) -> Result<MsgUndelegateResponse, CodedError> {
    let (delegator, operator) = (account(&msg.delegator_address)?, operator(&msg.validator_address)?);
    let amount = super::stake(msg.amount.as_ref())?;
    let (completion, amount) = unbonding::begin(ctx, &delegator, &operator, amount)?;
    ctx.emit(
        Event::new("unbond")
            .with("validator", &msg.validator_address)
            .with("amount", Coins::native(amount))
            .with("delegator", &delegator)
            .with("completion_time", completion),
    );
    Ok(MsgUndelegateResponse {
        completion_time: Some(completion.to_proto()),
        amount: Some(Coin::native(amount).to_proto()),
    })
}
