//! The community pool: a part of the module's balance that governance spends.

use ve_base::{Address, CodedError, Coins};
use ve_proto::cosmos::distribution::v1beta1::FeePool;
use ve_sdk::Context;
use ve_store::Read;

use super::dec_coins::DecCoins;
use super::error::Error;
use super::keys::FEE_POOL;
use crate::bank;

/// What the pool holds, with fractions.
pub fn balance<R: Read + ?Sized>(state: &R) -> Result<DecCoins, CodedError> {
    DecCoins::from_proto(&FEE_POOL.get(state)?.unwrap_or_default().community_pool)
}

pub(super) fn set(ctx: &mut Context<'_>, pool: &DecCoins) -> Result<(), CodedError> {
    if pool.is_empty() {
        return Ok(FEE_POOL.remove(ctx)?);
    }
    Ok(FEE_POOL.set(ctx, &FeePool { community_pool: pool.to_proto() })?)
}

/// Counts coins that the module holds already as the community's.
pub(super) fn add(ctx: &mut Context<'_>, coins: &DecCoins) -> Result<(), CodedError> {
    if coins.is_empty() {
        return Ok(());
    }
    let total = balance(ctx)?.checked_add(coins)?;
    set(ctx, &total)
}

/// Gives coins of an account to the community.
pub fn fund(ctx: &mut Context<'_>, from: &Address, coins: &Coins) -> Result<(), CodedError> {
    bank::send_to_module(ctx, from, super::DISTRIBUTION, coins)?;
    add(ctx, &DecCoins::from_coins(coins)?)
}

/// Gives coins of the module account `from` to the community.
pub fn fund_from_module(ctx: &mut Context<'_>, from: &str, coins: &Coins) -> Result<(), CodedError> {
    bank::send_between_modules(ctx, from, super::DISTRIBUTION, coins)?;
    add(ctx, &DecCoins::from_coins(coins)?)
}

/// Pays out of the pool; only governance decides that.
pub(super) fn spend(ctx: &mut Context<'_>, to: &Address, coins: &Coins) -> Result<(), CodedError> {
    let held = balance(ctx)?;
    let left = held.checked_sub(&DecCoins::from_coins(coins)?).map_err(|_| {
        Error::PoolTooSmall(
            held.split().map_or_else(|_| String::new(), |(whole, _)| whole.to_string()),
            coins.to_string(),
        )
    })?;
    set(ctx, &left)?;
    bank::send_from_module(ctx, super::DISTRIBUTION, to, coins)
}
