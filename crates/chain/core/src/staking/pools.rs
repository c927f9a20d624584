//! The two module accounts that hold all staked coins.

use ve_base::{Address, Amount, CodedError, Coins};
use ve_sdk::Context;
use ve_store::Read;

use super::error::Error;
use super::validator::{MAX_TOTAL_POWER, POWER_REDUCTION, Status};
use crate::bank;

/// Holds the tokens of bonded validators.
pub const BONDED: &str = "bonded_tokens_pool";
/// Holds the tokens of all other validators and of unbonding delegations.
pub const NOT_BONDED: &str = "not_bonded_tokens_pool";

/// The pool that holds the tokens of a validator with this status.
pub fn of(status: Status) -> &'static str {
    if status == Status::Bonded { BONDED } else { NOT_BONDED }
}

pub fn balance<R: Read + ?Sized>(state: &R, pool: &str) -> Result<Amount, CodedError> {
    bank::balance(state, &ve_base::module_address(pool), ve_base::BASE_DENOM)
}

/// Moves tokens to the other pool; nothing to do within one pool or for nothing.
pub fn transfer(ctx: &mut Context<'_>, from: &str, to: &str, amount: Amount) -> Result<(), CodedError> {
    if from == to || amount.is_zero() {
        return Ok(());
    }
    bank::send_between_modules(ctx, from, to, &Coins::native(amount))
}

pub fn pay_in(ctx: &mut Context<'_>, from: &Address, pool: &str, amount: Amount) -> Result<(), CodedError> {
    let staked = balance(ctx, BONDED)?.checked_add(balance(ctx, NOT_BONDED)?).and_then(|sum| sum.checked_add(amount));
    check_total(staked.ok_or(Error::PowerBound(MAX_TOTAL_POWER))?)?;
    bank::delegate_to_module(ctx, from, pool, &Coins::native(amount))
}

pub fn pay_out(ctx: &mut Context<'_>, to: &Address, amount: Amount) -> Result<(), CodedError> {
    if amount.is_zero() {
        return Ok(());
    }
    bank::undelegate_from_module(ctx, NOT_BONDED, to, &Coins::native(amount))
}

/// All staked coins together may never give more power than consensus can count (incident C9). Tokens that are not
/// bonded count too: they could all be bonded by one block's validator updates.
pub fn check_total(staked: Amount) -> Result<(), Error> {
    let fits =
        Amount::from(MAX_TOTAL_POWER).checked_mul(Amount::from(POWER_REDUCTION)).is_some_and(|most| staked <= most);
    if fits { Ok(()) } else { Err(Error::PowerBound(MAX_TOTAL_POWER)) }
}
