//! Who keeps signing and who broke the rules: liveness, jail, tombstones, and the record of every punishment (finance
//! spec section 2.4).
//!
//! Invariants: the signatures of every bonded validator are followed; a tombstoned key's validator is jailed; one
//! infraction is punished once.

mod error;
mod genesis;
mod hooks;
mod invariants;
mod keys;
mod msg;
mod operations;
mod params;
mod punish;
mod query;
mod signing;
mod window;

use serde_json::Value;
use ve_base::CodedError;
use ve_sdk::application::ValidatorUpdate;
use ve_sdk::simulation::Operation;
use ve_sdk::{Context, Invariant, Module, QueryContext, Registrar};

pub use error::Error;
pub use hooks::SlashingHooks;
pub use punish::{Infraction, punish};
pub use signing::is_tombstoned;

pub struct Slashing;

impl Module for Slashing {
    fn name(&self) -> &'static str {
        "slashing"
    }

    fn register(&self, registrar: &mut Registrar) {
        registrar.msg(msg::unjail::check, msg::unjail::execute);
        registrar.msg(msg::update_params::check, msg::update_params::execute);
        query::register(registrar);
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
        signing::track(ctx)
    }

    fn invariants(&self) -> Vec<Invariant> {
        invariants::all()
    }

    fn operations(&self) -> Vec<Operation> {
        operations::all()
    }
}
