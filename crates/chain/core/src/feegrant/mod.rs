//! Fees paid by another account: allowances, and the check of admission that spends them.
//!
//! Invariants: an allowance that expires has its place in the queue and no other has; every allowance is found by its
//! granter too.

mod allowance;
mod error;
mod genesis;
mod grants;
mod keys;
mod msg;
mod operations;
mod query;

use serde_json::Value;
use ve_base::{CodedError, parse_account as account};
use ve_sdk::application::ValidatorUpdate;
use ve_sdk::simulation::Operation;
use ve_sdk::{Context, Invariant, Module, QueryContext, Registrar};

pub use allowance::Allowance;
pub use error::Error;
pub use grants::spend;

/// Expired allowances removed in one block.
const MAX_PRUNED_PER_BLOCK: usize = 200;

pub struct Feegrant;

impl Module for Feegrant {
    fn name(&self) -> &'static str {
        "feegrant"
    }

    fn register(&self, registrar: &mut Registrar) {
        registrar.msg(msg::grant::check, msg::grant::execute);
        registrar.msg(msg::revoke::check, msg::revoke::execute);
        registrar.msg(msg::prune::check, msg::prune::execute);
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

    fn begin_block(&self, ctx: &mut Context<'_>) -> Result<(), CodedError> {
        grants::prune(ctx, MAX_PRUNED_PER_BLOCK)
    }

    fn invariants(&self) -> Vec<Invariant> {
        vec![Invariant { name: "queue", check: genesis::check_queue }]
    }

    fn operations(&self) -> Vec<Operation> {
        operations::all()
    }
}
