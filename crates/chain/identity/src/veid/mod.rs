//! Identities: wallets that their owners alone control, sealed evidence of who somebody is, and the score and tier that
//! follow from it (identity spec sections 2 and 3).
//!
//! Invariants: no message sets a score; the tier is a pure function of score, scopes that count and time; a scope that
//! ended or was revoked counts no longer from the next block on; salts and client signatures are taken once; images are
//! never in state, not even sealed.

mod actions;
mod appeals;
mod capture;
mod checks;
mod clients;
pub mod committee;
mod consent;
mod draw;
mod enclaves;
mod error;
mod event;
mod faults;
mod gate;
mod genesis;
mod hooks;
mod invariants;
mod keys;
mod known;
pub mod lifecycle;
mod matrix;
mod msg;
mod operations;
mod params;
mod query;
mod result;
mod runs;
mod seats;
mod sentences;
pub mod tier;
mod timers;
mod wallet;

use serde_json::Value;
use ve_base::CodedError;
use ve_sdk::application::ValidatorUpdate;
use ve_sdk::simulation::Operation;
use ve_sdk::{Context, Invariant, Module, QueryContext, Registrar};

pub use actions::all as gated_messages;
pub use enclaves::{CandidateScore, EnclaveCommittee};
pub use error::Error;
pub use gate::IdentityGate;
pub use hooks::IdentityHooks;
pub use operations::{simulated_client, simulated_enclave};
pub use wallet::score;

pub struct Veid;

impl Module for Veid {
    fn name(&self) -> &'static str {
        "veid"
    }

    fn register(&self, registrar: &mut Registrar) {
        registrar.msg(msg::create_wallet::check, msg::create_wallet::execute);
        registrar.msg(msg::rebind_wallet::check, msg::rebind_wallet::execute);
        registrar.msg(msg::revoke_wallet::check, msg::revoke_wallet::execute);
        registrar.msg(msg::update_consent::check, msg::update_consent::execute);
        registrar.msg(msg::upload_scope::check, msg::upload_scope::execute);
        registrar.msg(msg::revoke_scope::check, msg::revoke_scope::execute);
        registrar.msg(msg::request_verification::check, msg::request_verification::execute);
        registrar.msg(msg::commit_features::check, msg::commit_features::execute);
        registrar.msg(msg::reveal_features::check, msg::reveal_features::execute);
        registrar.msg(msg::attest_score::check, msg::attest_score::execute);
        registrar.msg(msg::report_run_failure::check, msg::report_run_failure::execute);
        registrar.msg(msg::challenge_score::check, msg::challenge_score::execute);
        registrar.msg(msg::complete_secondary::check, msg::complete_secondary::execute);
        registrar.msg(msg::submit_appeal::check, msg::submit_appeal::execute);
        registrar.msg(msg::claim_appeal::check, msg::claim_appeal::execute);
        registrar.msg(msg::resolve_appeal::check, msg::resolve_appeal::execute);
        registrar.msg(msg::withdraw_appeal::check, msg::withdraw_appeal::execute);
        registrar.msg(msg::register_client::check, msg::register_client::execute);
        registrar.msg(msg::update_client::check, msg::update_client::execute);
        registrar.msg(msg::revoke_client::check, msg::revoke_client::execute);
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
        timers::begin(ctx)
    }

    fn end_block(&self, ctx: &mut Context<'_>) -> Result<Vec<ValidatorUpdate>, CodedError> {
        timers::end(ctx)?;
        Ok(Vec::new())
    }

    fn invariants(&self) -> Vec<Invariant> {
        invariants::all()
    }

    fn operations(&self) -> Vec<Operation> {
        operations::all()
    }
}

#[cfg(test)]
mod tests;
