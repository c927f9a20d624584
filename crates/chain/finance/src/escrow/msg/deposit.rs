//! `MsgAccountDeposit`: anybody adds to an account; what is not spent returns to them.

use ve_base::{CodedError, Coin, errors};
use ve_proto::ve::escrow::v1::{MsgAccountDeposit, MsgAccountDepositResponse};
use ve_sdk::Context;

use super::parse;
use crate::escrow::{AccountId, ledger};

fn coin(msg: &MsgAccountDeposit) -> Result<Coin, CodedError> {
    let missing = || errors::sdk::Error::InvalidCoins("give an amount above zero".into());
    let coin = Coin::try_from(msg.amount.as_ref().ok_or_else(missing)?)?;
    if coin.amount.is_zero() { Err(missing().into()) } else { Ok(coin) }
}

pub fn check(msg: &MsgAccountDeposit) -> Result<(), CodedError> {
    parse("depositor", &msg.depositor)?;
    AccountId::from_proto(msg.account.as_ref())?;
    coin(msg)?;
    Ok(())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgAccountDeposit) -> Result<MsgAccountDepositResponse, CodedError> {
    let from = parse("depositor", &msg.depositor)?;
    ledger::deposit(ctx, &AccountId::from_proto(msg.account.as_ref())?, &from, &coin(msg)?)?;
    Ok(MsgAccountDepositResponse {})
}
