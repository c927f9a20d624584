//! Attesters: bonded operators whose signed statements are the only way for facts of the outside world to become known
//! to the chain (identity spec section 5).
//!
//! Invariants: only an active attester with an active key adds anything; an attestation is accepted once and only for
//! its subject; one upstream account belongs to one account of the chain; what a compromised key signed does not count
//! from the moment at which the compromise is declared; bonds are covered by the module's account.

mod error;
mod event;
mod genesis;
pub mod hooks;
mod keys;
mod msg;
mod operations;
mod params;
mod query;
mod records;
mod registry;
mod signer;
mod statement;

use serde_json::Value;
use ve_base::CodedError;
use ve_sdk::application::ValidatorUpdate;
use ve_sdk::simulation::Operation;
use ve_sdk::{Context, Invariant, Module, Permission, QueryContext, Registrar};

pub use error::Error;
pub use records::facts;
pub use registry::{organisation_of, sample};
pub use statement::{CHALLENGE_PREFIX, accept_answer};

/// Module account that holds the bonds.
pub const BOND_ACCOUNT: &str = "attester_bond";

pub struct Attesters;

impl Module for Attesters {
    fn name(&self) -> &'static str {
        "attester"
    }

    fn register(&self, registrar: &mut Registrar) {
        registrar.msg(msg::attester::check_register, msg::attester::register);
        registrar.msg(msg::approve_attester::check, msg::approve_attester::execute);
        registrar.msg(msg::attester::check_bond, msg::attester::bond);
        registrar.msg(msg::attester::check_exit, msg::attester::exit);
        registrar.msg(msg::slash_attester::check_revoke, msg::slash_attester::revoke);
        registrar.msg(msg::slash_attester::check, msg::slash_attester::execute);
        registrar.msg(msg::signer_key::check_add, msg::signer_key::add);
        registrar.msg(msg::signer_key::check_revoke, msg::signer_key::revoke);
        registrar.msg(msg::submit_attestation::check, msg::submit_attestation::execute);
        registrar.msg(msg::withdraw_attestation::check, msg::withdraw_attestation::execute);
        registrar.msg(msg::report_equivocation::check, msg::report_equivocation::execute);
        registrar.msg(msg::update_params::check, msg::update_params::execute);
        query::register(registrar);
    }

    fn accounts(&self) -> &'static [(&'static str, &'static [Permission])] {
        &[(BOND_ACCOUNT, &[Permission::Burn])]
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
        registry::return_bonds(ctx)?;
        signer::run(ctx)?;
        records::run(ctx)?;
        statement::forget_nonces(ctx)?;
        Ok(Vec::new())
    }

    fn invariants(&self) -> Vec<Invariant> {
        vec![
            Invariant { name: "bonds", check: registry::check_bonds },
            Invariant { name: "records", check: records::check_all },
        ]
    }

    fn operations(&self) -> Vec<Operation> {
        operations::all()
    }
}
