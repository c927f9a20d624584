//! Keys that data is sealed to, and what makes an envelope acceptable (identity spec section 7).
//!
//! Invariants: a public key belongs to one owner, forever; an owner has at most `max_keys` keys that are active or
//! deprecated; nothing new is accepted for a key that is not active; a revoked key never comes back.

mod accept;
mod error;
mod event;
mod genesis;
mod keys;
mod msg;
mod operations;
mod params;
mod query;
mod registry;
mod timers;

use serde_json::Value;
use ve_base::CodedError;
use ve_sdk::application::ValidatorUpdate;
use ve_sdk::simulation::Operation;
use ve_sdk::{Context, Invariant, Module, QueryContext, Registrar};

pub use accept::{accept, accept_for_committee, check_for_committee};
pub use error::Error;
pub use registry::owner_of;

pub struct Encryption;

impl Module for Encryption {
    fn name(&self) -> &'static str {
        "encryption"
    }

    fn register(&self, registrar: &mut Registrar) {
        registrar.msg(msg::register_key::check, msg::register_key::execute);
        registrar.msg(msg::rotate_key::check, msg::rotate_key::execute);
        registrar.msg(msg::revoke_key::check, msg::revoke_key::execute);
        registrar.msg(msg::update_label::check, msg::update_label::execute);
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
        timers::run(ctx)?;
        Ok(Vec::new())
    }

    fn invariants(&self) -> Vec<Invariant> {
        vec![Invariant { name: "keys", check: registry::check_all }]
    }

    fn operations(&self) -> Vec<Operation> {
        operations::all()
    }
}
