//! Proofs beyond the account's key: factors, challenges, sessions, the gate that demands them, and the keys of accounts
//! (identity spec sections 1 and 6).
//!
//! Invariants: no gated message runs without a session that satisfies its row at that height; two proofs of one
//! enrolment count once; an account that had a factor once is held to the chain's demands for good; a session serves
//! exactly its action, and one of single use exactly its message, once; an account's address never changes with its key.

mod actions;
mod challenge;
mod classify;
mod combine;
mod error;
mod event;
mod factor;
mod gate;
mod genesis;
pub mod hooks;
mod invariants;
mod keys;
mod msg;
mod operations;
mod params;
mod policy;
mod profile;
mod query;
mod recovery;
mod rows;
mod session;
mod verify;

use serde_json::Value;
use ve_base::CodedError;
use ve_sdk::application::ValidatorUpdate;
use ve_sdk::simulation::Operation;
use ve_sdk::{Context, Invariant, Module, QueryContext, Registrar};

pub use error::Error;
pub use gate::MfaGate;
pub use session::SESSIONS_STEP as SESSIONS;

pub struct Mfa;

impl Module for Mfa {
    fn name(&self) -> &'static str {
        "mfa"
    }

    fn register(&self, registrar: &mut Registrar) {
        registrar.msg(factor::check, msg::factor::enroll);
        registrar.msg(msg::factor::check_confirm, msg::factor::confirm);
        registrar.msg(msg::factor::check_revoke, msg::factor::revoke);
        registrar.msg(msg::factor::check_add_browser, msg::factor::add_browser);
        registrar.msg(msg::factor::check_remove_browser, msg::factor::remove_browser);
        registrar.msg(msg::policy::check, msg::policy::set);
        registrar.msg(msg::policy::check_cancel, msg::policy::cancel);
        registrar.msg(challenge::check, msg::challenge::create);
        registrar.msg(msg::challenge::check_submit, msg::challenge::submit);
        registrar.msg(msg::session::check_issue, msg::session::issue);
        registrar.msg(msg::session::check_revoke, msg::session::revoke);
        registrar.msg(msg::recovery::check_rotate, msg::recovery::rotate);
        registrar.msg(msg::recovery::check_initiate, msg::recovery::initiate);
        registrar.msg(msg::recovery::check_veto, msg::recovery::veto);
        registrar.msg(msg::recovery::check_complete, msg::recovery::complete);
        registrar.msg(msg::update_action_config::check, msg::update_action_config::execute);
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
        policy::run(ctx)?;
        factor::expire(ctx)?;
        challenge::forget(ctx)?;
        session::forget(ctx)?;
        Ok(Vec::new())
    }

    fn invariants(&self) -> Vec<Invariant> {
        vec![
            Invariant { name: "factors", check: invariants::factors },
            Invariant { name: "sessions", check: invariants::sessions },
            Invariant { name: "recoveries", check: invariants::recoveries },
        ]
    }

    fn operations(&self) -> Vec<Operation> {
        operations::all()
    }
}
