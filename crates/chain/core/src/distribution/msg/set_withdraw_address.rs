//! `MsgSetWithdrawAddress`: another account receives what a delegator or operator earns.

use ve_base::CodedError;
use ve_proto::cosmos::distribution::v1beta1::{MsgSetWithdrawAddress, MsgSetWithdrawAddressResponse};
use ve_sdk::{Context, Event};

use super::require_receivable;
use crate::distribution::error::Error;
use crate::distribution::keys::WITHDRAW;
use crate::distribution::{account, params};

pub fn check(msg: &MsgSetWithdrawAddress) -> Result<(), CodedError> {
    account("delegator", &msg.delegator_address)?;
    account("withdraw", &msg.withdraw_address).map(|_| ())
}

pub fn execute(
    ctx: &mut Context<'_>,
    msg: &MsgSetWithdrawAddress,
) -> Result<MsgSetWithdrawAddressResponse, CodedError> {
    let delegator = account("delegator", &msg.delegator_address)?;
    let to = account("withdraw", &msg.withdraw_address)?;
    if !params::load(ctx)?.withdraw_addr_enabled {
        return Err(Error::WithdrawAddressDisabled.into());
    }
    require_receivable(ctx, &to)?;
    if to == delegator {
        WITHDRAW.remove(ctx, &delegator)?;
    } else {
        WITHDRAW.set(ctx, &delegator, &to)?;
    }
    ctx.emit(Event::new("set_withdraw_address").with("withdraw_address", &to));
    Ok(MsgSetWithdrawAddressResponse {})
}
