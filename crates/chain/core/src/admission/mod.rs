//! How many transactions a block takes: of all, of one account, of one kind of message.
//!
//! Counters live for one block and roll back with a refused transaction, so a mempool check cannot influence a block.

mod genesis;
mod keys;
mod msg;
mod operations;
pub mod params;
mod query;
mod quotas;

#[cfg(test)]
mod tests;

use serde_json::Value;
use ve_base::CodedError;
use ve_sdk::application::ValidatorUpdate;
use ve_sdk::simulation::Operation;
use ve_sdk::{Context, Module, QueryContext, Registrar};

pub use quotas::{QUOTAS, Tally};

pub struct Admission;

impl Module for Admission {
    fn name(&self) -> &'static str {
        "admission"
    }

    fn register(&self, registrar: &mut Registrar) {
        registrar.msg(msg::update_params::check, msg::update_params::execute);
        query::register(registrar);
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
