//! Upgrades: the plan that governance made, what was applied, and the version of each module's state. The application
//! asks [`due`] before each block and stops where another release must go on.
//!
//! Invariants: a plan names an upgrade that was not applied yet; every module of the release has its version in state.

mod error;
mod genesis;
mod keys;
mod msg;
mod plan;
mod query;

use serde_json::Value;
use ve_base::CodedError;
use ve_sdk::application::ValidatorUpdate;
use ve_sdk::{Context, Invariant, Module, QueryContext, Registrar};

pub use error::Error;
pub use plan::{Due, complete, due, forget_version, record_version, versions};

pub struct Upgrade;

impl Module for Upgrade {
    fn name(&self) -> &'static str {
        "upgrade"
    }

    fn register(&self, registrar: &mut Registrar) {
        registrar.msg(msg::software_upgrade::check, msg::software_upgrade::execute);
        registrar.msg(msg::cancel::check, msg::cancel::execute);
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

    fn invariants(&self) -> Vec<Invariant> {
        vec![Invariant { name: "versions", check: genesis::check_versions }]
    }
}
