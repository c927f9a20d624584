//! The price of gas: it follows the use of the latest blocks, holds for every transaction of a block, and a part of what
//! is paid is burned (finance spec section 4).
//!
//! Invariant: the price is between the lowest and its largest multiple.

mod course;
mod genesis;
mod keys;
mod msg;
mod params;
mod price;
mod query;

use serde_json::Value;
use ve_base::CodedError;
use ve_sdk::application::ValidatorUpdate;
use ve_sdk::{Context, Invariant, Module, Permission, QueryContext, Registrar};

pub use price::{base_fee, count_base_part, max_tx_gas, required};

/// Where the burned part of fees is destroyed.
const BURN: &str = "feemarket_burn";

/// What tells of stress in the economy: answered by the module that holds customers' money.
pub trait StressGauge: Send + Sync {
    /// How many accounts ran dry within the last hour, and how many are open.
    fn dry(&self, ctx: &Context<'_>) -> Result<(u64, u64), CodedError>;
}

pub struct Feemarket;

impl Module for Feemarket {
    fn name(&self) -> &'static str {
        "feemarket"
    }

    fn register(&self, registrar: &mut Registrar) {
        registrar.msg(msg::check, msg::execute);
        query::register(registrar);
    }

    fn accounts(&self) -> &'static [(&'static str, &'static [Permission])] {
        &[(BURN, &[Permission::Burn])]
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

    fn end_block(&self, ctx: &mut Context<'_>) -> Result<Vec<ValidatorUpdate>, CodedError> {
        price::burn(ctx)?;
        price::update(ctx)?;
        Ok(Vec::new())
    }

    fn invariants(&self) -> Vec<Invariant> {
        vec![Invariant { name: "bounds", check: price::check_bounds }]
    }
}
