//! `MsgBeginRedelegate`: stake moves from one validator to another without waiting.

use ve_base::{CodedError, Coins};
use ve_proto::cosmos::staking::v1beta1::{MsgBeginRedelegate, MsgBeginRedelegateResponse};
use ve_sdk::{Context, Event};

use crate::staking::{account, operator, redelegation};

pub fn check(msg: &MsgBeginRedelegate) -> Result<(), CodedError> {
    account(&msg.delegator_address)?;
    operator(&msg.validator_src_address)?;
    operator(&msg.validator_dst_address)?;
    super::delegation(msg.amount.as_ref()).map(|_| ())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgBeginRedelegate) -> Result<MsgBeginRedelegateResponse, CodedError> {
    let delegator = account(&msg.delegator_address)?;
    let (source, destination) = (operator(&msg.validator_src_address)?, operator(&msg.validator_dst_address)?);
    let amount = super::delegation(msg.amount.as_ref())?;
    let (completion, amount) = redelegation::begin(ctx, &delegator, &source, &destination, amount)?;
    ctx.emit(
        Event::new("redelegate")
            .with("source_validator", &msg.validator_src_address)
            .with("destination_validator", &msg.validator_dst_address)
            .with("delegator", &delegator)
            .with("amount", Coins::native(amount))
            .with("completion_time", completion),
    );
    Ok(MsgBeginRedelegateResponse { completion_time: Some(completion.to_proto()) })
}
