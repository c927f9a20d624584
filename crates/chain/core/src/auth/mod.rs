//! Accounts: who exists, with which key, number and sequence; and the admission steps that concern signatures and fees.
//!
//! Invariants: account numbers are unique and below the next number; an account's first key hashes to its address, which
//! stays when the key is replaced; unordered transactions are counted.

pub mod account;
pub mod admission;
mod genesis;
mod keys;
mod msg;
mod params;
mod query;
pub mod unordered;

use serde_json::Value;
use ve_base::CodedError;
use ve_sdk::application::ValidatorUpdate;
use ve_sdk::{Context, Invariant, Module, Permission, QueryContext, Registrar};

pub use account::{
    Account, account, all_vesting, create_vesting, ensure, ensure_module, exists, require, save, vesting,
};

pub struct Auth;

impl Module for Auth {
    fn name(&self) -> &'static str {
        "auth"
    }

    fn register(&self, registrar: &mut Registrar) {
        registrar.msg(msg::update_params::check, msg::update_params::execute);
        query::register(registrar);
    }

    fn accounts(&self) -> &'static [(&'static str, &'static [Permission])] {
        &[(admission::FEE_COLLECTOR, &[])]
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
        unordered::forget(ctx)
    }

    fn invariants(&self) -> Vec<Invariant> {
        vec![
            Invariant { name: "unordered", check: unordered::check_count },
            Invariant { name: "account-numbers", check: genesis::check_numbers },
        ]
    }
}
