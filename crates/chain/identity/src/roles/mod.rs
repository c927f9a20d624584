//! Roles, account states and the actions that change them (identity spec section 8).
//!
//! Invariants: nobody promotes or judges himself; everybody counts once in an action; one genesis account and two
//! administrators remain once there are any; each change cites an action or governance and stands in the audit log; no
//! state seizes funds. An account without a record is active.

mod actions;
mod delegations;
mod error;
pub mod gate;
mod genesis;
pub mod hooks;
mod invariants;
mod keys;
mod msg;
mod operations;
mod params;
mod query;
mod rules;
mod states;
mod table;

use serde_json::Value;
use ve_base::CodedError;
use ve_sdk::application::ValidatorUpdate;
use ve_sdk::simulation::Operation;
use ve_sdk::{Context, Invariant, Module, QueryContext, Registrar};

pub use delegations::spend as use_delegation;
pub use error::Error;
pub use states::{is_active, of as state, signal as signal_fraud};
pub use table::{has, holds, members, of as roles_of, trust};
pub use ve_proto::ve::roles::v1::{AccountState, Permission, Role};

pub struct Roles;

impl Module for Roles {
    fn name(&self) -> &'static str {
        "roles"
    }

    fn register(&self, registrar: &mut Registrar) {
        registrar.msg(msg::propose::check, msg::propose::execute);
        registrar.msg(msg::approve::check, msg::approve::execute);
        registrar.msg(msg::veto::check, msg::veto::execute);
        registrar.msg(msg::execute::check, msg::execute::execute);
        registrar.msg(msg::grant_delegation::check, msg::grant_delegation::execute);
        registrar.msg(msg::revoke_delegation::check, msg::revoke_delegation::execute);
        registrar.msg(msg::appeal::check, msg::appeal::execute);
        registrar.msg(msg::claim_residual::check, msg::claim_residual::execute);
        registrar.msg(msg::set_roles::check, msg::set_roles::execute);
        registrar.msg(msg::ratify::check, msg::ratify::execute);
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
        actions::advance(ctx)?;
        delegations::advance(ctx)?;
        states::end_reviews(ctx)?;
        Ok(Vec::new())
    }

    fn invariants(&self) -> Vec<Invariant> {
        vec![Invariant { name: "roles", check: invariants::all }]
    }

    fn operations(&self) -> Vec<Operation> {
        operations::all()
    }
}
