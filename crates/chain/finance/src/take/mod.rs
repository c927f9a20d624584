//! Commission ("take"): one schedule for every settlement (finance spec section 6).
//!
//! Invariant: the parts sum to the gross amount; rounding favours the provider, who gets the residual. The community's
//! part joins the community pool of the distribution module.

mod error;
mod genesis;
mod keys;
mod msg;
mod operations;
mod params;
mod query;
mod split;

use serde_json::Value;
use ve_base::{Address, CodedError, Coin, Coins};
use ve_chain_core::{bank, distribution};
use ve_sdk::application::ValidatorUpdate;
use ve_sdk::simulation::Operation;
use ve_sdk::{Context, Event, Module, Permission, QueryContext, Registrar};

pub use error::Error;
pub use split::{Split, split};

pub const TREASURY: &str = "treasury";
pub const FEE_COLLECTOR: &str = ve_chain_core::auth::admission::FEE_COLLECTOR;

/// Pays `gross` out of the module account `from`: commission to its receivers, the rest to `payee`.
pub fn settle(ctx: &mut Context<'_>, from: &str, payee: &Address, gross: &Coin) -> Result<Split, CodedError> {
    let parts = quote(ctx, payee, gross)?;
    let pay = |amount| Coins::one(Coin::new(gross.denom.clone(), amount));
    for (receiver, amount) in [(TREASURY, parts.platform), (FEE_COLLECTOR, parts.network)] {
        if !amount.is_zero() {
            bank::send_between_modules(ctx, from, receiver, &pay(amount))?;
        }
    }
    if !parts.community.is_zero() {
        distribution::fund_from_module(ctx, from, &pay(parts.community))?;
    }
    if !parts.provider.is_zero() {
        bank::send_from_module(ctx, from, payee, &pay(parts.provider))?;
    }
    ctx.emit(
        Event::new("settlement")
            .with("payee", payee)
            .with("gross", gross)
            .with("platform", parts.platform)
            .with("network", parts.network)
            .with("community", parts.community)
            .with("provider", parts.provider),
    );
    Ok(parts)
}

/// What [`settle`] would pay.
pub fn quote<R: ve_store::Read>(state: &R, payee: &Address, gross: &Coin) -> Result<Split, CodedError> {
    let params = params::load(state)?;
    if params.exempt.contains(&payee.to_string()) {
        return Ok(Split { provider: gross.amount, ..Split::default() });
    }
    split(&params, gross.denom.as_str(), gross.amount).map_err(Into::into)
}

pub struct Take;

impl Module for Take {
    fn name(&self) -> &'static str {
        "take"
    }

    fn register(&self, registrar: &mut Registrar) {
        registrar.msg(msg::update_params::check, msg::update_params::execute);
        query::register(registrar);
    }

    fn accounts(&self) -> &'static [(&'static str, &'static [Permission])] {
        &[(TREASURY, &[])]
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

    fn operations(&self) -> Vec<Operation> {
        operations::all()
    }
}

#[cfg(test)]
#[path = "split_tests.rs"]
mod tests;
