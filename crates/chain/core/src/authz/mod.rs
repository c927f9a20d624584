//! Leave to act for another account: who may send which messages in whose name.
//!
//! Invariants: a grant that expires has its place in the queue and no other grant has; every grant is found by its
//! grantee too.

mod authorization;
mod error;
mod genesis;
mod grants;
mod keys;
mod msg;
mod operations;
mod query;
mod send;
mod stake;

use serde_json::Value;
use ve_base::{CodedError, parse_account as account};
use ve_sdk::application::ValidatorUpdate;
use ve_sdk::simulation::Operation;
use ve_sdk::{Context, Invariant, Module, QueryContext, Registrar};

pub use authorization::Authorization;
pub use error::Error;

pub struct Authz;

impl Module for Authz {
    fn name(&self) -> &'static str {
        "authz"
    }

    fn register(&self, registrar: &mut Registrar) {
        registrar.msg(msg::grant::check, msg::grant::execute);
        registrar.wrapping_msg(msg::exec::check, msg::exec::execute, msg::exec::inner);
        registrar.msg(msg::revoke::check, msg::revoke::execute);
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
        grants::prune(ctx)
    }

    fn invariants(&self) -> Vec<Invariant> {
        vec![Invariant { name: "queue", check: genesis::check_queue }]
    }

    fn operations(&self) -> Vec<Operation> {
        operations::all()
    }
}
