//! New coins: inflation by elapsed time, handed to the fee collector (finance spec section 3).
//!
//! Invariant: nothing is minted once the supply is [`MAX_SUPPLY`], and no other module mints the native coin.

mod genesis;
mod inflation;
mod keys;
mod msg;
mod params;
mod query;

use serde_json::Value;
use ve_base::{Amount, BASE_DENOM, BlockTime, CodedError, Coins, Dec, Rounding, errors::sdk};
use ve_proto::cosmos::mint::v1beta1::Minter;
use ve_proto::ve::mint::v1::State;
use ve_sdk::application::ValidatorUpdate;
use ve_sdk::{Context, Event, Invariant, Module, Permission, QueryContext, Registrar};

use crate::auth::admission::FEE_COLLECTOR;
use crate::{bank, staking};
use keys::STATE;

/// The module account through which new coins come.
pub const MINT: &str = "mint";
/// Inflation stops when the supply of the native coin reaches this: 10^10 VE.
pub const MAX_SUPPLY: Amount = Amount::from_u128(10_000_000_000_000_000);

pub struct Mint;

impl Module for Mint {
    fn name(&self) -> &'static str {
        "mint"
    }

    fn register(&self, registrar: &mut Registrar) {
        registrar.msg(msg::update_params::check, msg::update_params::execute);
        query::register(registrar);
    }

    fn accounts(&self) -> &'static [(&'static str, &'static [Permission])] {
        &[(MINT, &[Permission::Mint])]
    }

    fn money_critical(&self) -> bool {
        true
    }

    fn default_genesis(&self) -> Value {
        genesis::default()
    }

    fn init_genesis(&self, ctx: &mut Context<'_>, genesis: &Value) -> Result<Vec<ValidatorUpdate>, CodedError> {
        genesis::init(ctx, genesis)?;
        Ok(Vec::new())
    }

    fn export_genesis(&self, ctx: &QueryContext<'_>) -> Result<Value, CodedError> {
        genesis::export(ctx)
    }

    fn begin_block(&self, ctx: &mut Context<'_>) -> Result<(), CodedError> {
        mint(ctx)
    }

    fn invariants(&self) -> Vec<Invariant> {
        vec![Invariant { name: "minted", check: minted_is_in_the_supply }]
    }
}

/// Mints for the time since the last block and hands it to the fee collector.
fn mint(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let malformed = || sdk::Error::InvalidRequest("the minter's state is not there: genesis did not run".into());
    let state = STATE.get(ctx)?.ok_or_else(malformed)?;
    let last = state.last.as_ref().and_then(BlockTime::from_proto).ok_or_else(malformed)?;
    let old = Dec::from_mantissa(&state.minter.ok_or_else(malformed)?.inflation)?;
    let elapsed = inflation::elapsed_nanos(last, ctx.time());
    let supply = bank::supply(ctx, BASE_DENOM)?;
    let bonded = bank::balance(ctx, &ve_base::module_address(staking::BONDED_POOL), BASE_DENOM)?;
    let rates = params::rates(&params::load(ctx)?)?;
    let new = inflation::next(old, &rates, bonded, supply, elapsed)?;
    let annual = inflation::annual(new, supply)?;
    let amount = inflation::provision(annual, elapsed, MAX_SUPPLY.saturating_sub(supply))?;
    let minted = state.minted.parse::<Amount>()?.checked_add(amount).ok_or(ve_base::AmountError::Overflow)?;
    let minter = Minter { inflation: new.to_mantissa(), annual_provisions: annual.to_mantissa() };
    let last = Some(ctx.time().to_proto());
    STATE.set(ctx, &State { minter: Some(minter), minted: minted.to_string(), last })?;
    if amount.is_zero() {
        return Ok(());
    }
    let coins = Coins::native(amount);
    bank::mint(ctx, MINT, &coins)?;
    bank::send_between_modules(ctx, MINT, FEE_COLLECTOR, &coins)?;
    let ratio = Dec::from_amount(bonded)?.quo_int(supply, Rounding::Truncate)?;
    ctx.emit(
        Event::new("mint")
            .with("bonded_ratio", ratio)
            .with("inflation", new)
            .with("annual_provisions", annual)
            .with("amount", amount),
    );
    Ok(())
}

/// What was minted passed through the module's account, which keeps nothing.
fn minted_is_in_the_supply(ctx: &QueryContext<'_>) -> Result<(), String> {
    let held = bank::balances(ctx, &ve_base::module_address(MINT)).map_err(|error| error.log)?;
    if held.is_empty() { Ok(()) } else { Err(format!("the module keeps {held}")) }
}
