//! The hash-chained log of acts that people must be able to check afterwards (platform spec section 6).
//!
//! Invariants: entries are numbered without a gap and each hash covers the one before; a kept body hashes to what is
//! kept of it; every root is that of the tree over the entries it counts. Nothing is ever changed; bodies go after
//! their retention, hashes and roots stay.

mod error;
mod genesis;
mod invariants;
mod keys;
mod log;
mod msg;
mod operations;
mod params;
mod prune;
mod query;
mod tree;

use serde_json::Value;
use ve_base::CodedError;
use ve_sdk::application::ValidatorUpdate;
use ve_sdk::simulation::Operation;
use ve_sdk::{Context, Invariant, Module, QueryContext, Registrar};

pub use error::Error;
pub use log::{Act, record};

pub struct Audit;

impl Module for Audit {
    fn name(&self) -> &'static str {
        "audit"
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

    fn end_block(&self, ctx: &mut Context<'_>) -> Result<Vec<ValidatorUpdate>, CodedError> {
        prune::run(ctx)?;
        Ok(Vec::new())
    }

    fn invariants(&self) -> Vec<Invariant> {
        vec![Invariant { name: "log", check: invariants::log }]
    }

    fn operations(&self) -> Vec<Operation> {
        operations::all()
    }
}
