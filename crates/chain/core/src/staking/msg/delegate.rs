//! `MsgDelegate`: coins become stake with a validator.

use ve_base::{CodedError, Coins};
use ve_proto::cosmos::staking::v1beta1::{MsgDelegate, MsgDelegateResponse};
use ve_sdk::{Context, Event};

use crate::staking::delegation::{self, Source};
use crate::staking::hooks::admit_delegation;
use crate::staking::{account, operator, table};

pub fn check(msg: &MsgDelegate) -> Result<(), CodedError> {
    account(&msg.delegator_address)?;
    operator(&msg.validator_address)?;
    super::delegation(msg.amount.as_ref()).map(|_| ())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgDelegate) -> Result<MsgDelegateResponse, CodedError> {
    let (delegator, operator) = (account(&msg.delegator_address)?, operator(&msg.validator_address)?);
    let amount = super::delegation(msg.amount.as_ref())?;
    let mut validator = table::require(ctx, &operator)?;
    admit_delegation(ctx, &validator)?;
    let issued = delegation::add(ctx, &delegator, &mut validator, amount, Source::Balance)?;
    ctx.emit(
        Event::new("delegate")
            .with("validator", &msg.validator_address)
            .with("delegator", &delegator)
            .with("amount", Coins::native(amount))
            .with("new_shares", issued),
    );
    Ok(MsgDelegateResponse {})
}
