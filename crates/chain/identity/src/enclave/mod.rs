//! Enclaves that may hold identity keys, the code that governance accepts in them, and the committees drawn from them
//! (identity spec section 9).
//!
//! Invariants: keys in force belong to an enclave whose quote bound them to listed code; a key belongs to one enclave;
//! revoking a measurement ejects its enclaves at once; a committee can be drawn again from what is kept of it.

mod attest;
mod committee;
mod draw;
mod error;
mod floors;
mod genesis;
mod health;
mod invariants;
mod keys;
mod measurements;
mod msg;
mod operations;
mod params;
mod query;
pub mod quote;
mod registry;

use serde_json::Value;
use ve_base::CodedError;
use ve_sdk::application::ValidatorUpdate;
use ve_sdk::simulation::Operation;
use ve_sdk::{Context, Invariant, Module, QueryContext, Registrar};

pub use committee::{CandidateGate, epoch, find as committee, now as committee_now, standing};
pub use draw::draw;
pub use error::Error;
pub use measurements::MeasurementEmergency;

pub struct Enclaves;

impl Module for Enclaves {
    fn name(&self) -> &'static str {
        "enclave"
    }

    fn register(&self, registrar: &mut Registrar) {
        registrar.msg(msg::register::check, msg::register::execute);
        registrar.msg(msg::heartbeat::check, msg::heartbeat::execute);
        registrar.msg(msg::retire::check, msg::retire::execute);
        registrar.msg(msg::set_measurement::check, msg::set_measurement::execute);
        registrar.msg(msg::revoke_measurement::check, msg::revoke_measurement::execute);
        registrar.msg(msg::set_tcb_floor::check, msg::set_tcb_floor::execute);
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

    fn begin_block(&self, ctx: &mut Context<'_>) -> Result<(), CodedError> {
        attest::drop_anchor(ctx)?;
        committee::advance(ctx)
    }

    fn end_block(&self, ctx: &mut Context<'_>) -> Result<Vec<ValidatorUpdate>, CodedError> {
        registry::advance(ctx)?;
        health::advance(ctx)?;
        Ok(Vec::new())
    }

    fn invariants(&self) -> Vec<Invariant> {
        vec![
            Invariant { name: "enclaves", check: invariants::enclaves },
            Invariant { name: "committees", check: invariants::committees },
        ]
    }

    fn operations(&self) -> Vec<Operation> {
        operations::all()
    }
}
