//! Governance: proposals that carry messages, deposits, votes, and the execution of what passed.
//!
//! Invariants: the module's account holds exactly the deposits; every open proposal waits in exactly one queue; the
//! shares counted for a proposal in its voting period are those of its voters' delegations.

mod critical;
mod deposits;
mod effective;
mod end;
mod error;
mod execute;
mod genesis;
mod hooks;
mod invariants;
mod keys;
mod msg;
mod operations;
mod params;
mod proposals;
mod query;
mod query_legacy;
mod tally;
mod votes;

use serde_json::Value;
use ve_base::{Address, CodedError, parse_account as account};
use ve_sdk::application::ValidatorUpdate;
use ve_sdk::simulation::Operation;
use ve_sdk::{Context, Invariant, Module, Permission, QueryContext, Registrar};

pub use critical::TIMELOCK_SECONDS;
pub use error::Error;
pub use hooks::GovHooks;

pub struct Gov;

impl Module for Gov {
    fn name(&self) -> &'static str {
        ve_sdk::context::GOV_MODULE
    }

    fn register(&self, registrar: &mut Registrar) {
        registrar.wrapping_msg(msg::submit::check, msg::submit::execute, msg::submit::inner);
        registrar.msg(msg::vote::check, msg::vote::execute);
        registrar.msg(msg::vote::check_weighted, msg::vote::execute_weighted);
        registrar.msg(msg::deposit::check, msg::deposit::execute);
        registrar.msg(msg::cancel::check, msg::cancel::execute);
        registrar.msg(msg::update_params::check, msg::update_params::execute);
        registrar.msg(msg::legacy::check_submit, msg::legacy::submit);
        registrar.msg(msg::legacy::check_vote, msg::legacy::vote);
        registrar.msg(msg::legacy::check_weighted, msg::legacy::vote_weighted);
        registrar.msg(msg::legacy::check_deposit, msg::legacy::deposit);
        query::register(registrar);
        query_legacy::register(registrar);
        registrar.query("/ve.gov.v1.Query/EffectiveParams", effective::query);
    }

    fn accounts(&self) -> &'static [(&'static str, &'static [Permission])] {
        &[(ve_sdk::context::GOV_MODULE, &[Permission::Burn])]
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
        effective::record(ctx)
    }

    fn end_block(&self, ctx: &mut Context<'_>) -> Result<Vec<ValidatorUpdate>, CodedError> {
        end::block(ctx)?;
        Ok(Vec::new())
    }

    fn invariants(&self) -> Vec<Invariant> {
        invariants::all()
    }

    fn operations(&self) -> Vec<Operation> {
        operations::all()
    }
}

/// In whose name passed proposals act.
fn authority() -> Address {
    ve_base::module_address(ve_sdk::context::GOV_MODULE)
}
