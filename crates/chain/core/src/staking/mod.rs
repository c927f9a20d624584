//! Stake: validators, delegations, and the set that decides blocks.
//!
//! Invariants: the bonded pool holds the tokens of bonded validators, the not-bonded pool those of all others and of
//! unbonding delegations; a validator's shares are the sum of its delegations; what unbonds has its place in a queue;
//! all stake together gives at most [`MAX_TOTAL_POWER`].

mod delegation;
mod entries;
mod error;
mod genesis;
mod history;
pub mod hooks;
mod invariants;
mod keys;
mod msg;
mod operations;
mod params;
mod past;
mod pools;
mod query;
mod redelegation;
mod set;
pub mod setup;
mod slash;
mod table;
mod unbonding;
mod validator;

use serde_json::Value;
use ve_base::{Address, CodedError, errors::sdk, parse_account, parse_operator as operator};
use ve_sdk::application::ValidatorUpdate;
use ve_sdk::simulation::Operation;
use ve_sdk::{Context, Invariant, Module, Permission, QueryContext, Registrar};
use ve_store::Read;

pub use delegation::{all as delegations, of as delegations_of, shares};
pub use error::Error;
pub(crate) use operations::key_of as simulated_key_of;
pub use params::{MAX_VALIDATORS_PER_DELEGATOR, MIN_DELEGATION, MIN_SELF_BOND};
pub use past::{Past, at, is_expired};
pub use pools::{BONDED as BONDED_POOL, NOT_BONDED as NOT_BONDED_POOL};
pub use set::bonded;
pub use setup::{GenesisValidator, add_created, add_validator};
pub use slash::{Slash, jail, slash, unjail};
pub use table::{by_consensus, find, require, required_self_bond};
pub use unbonding::begin as begin_unbonding;
pub use validator::{MAX_TOTAL_POWER, POWER_REDUCTION, Rates, Status, Validator};

pub struct Staking;

impl Module for Staking {
    fn name(&self) -> &'static str {
        "staking"
    }

    fn register(&self, registrar: &mut Registrar) {
        registrar.msg(msg::create_validator::check, msg::create_validator::execute);
        registrar.msg(msg::edit_validator::check, msg::edit_validator::execute);
        registrar.msg(msg::delegate::check, msg::delegate::execute);
        registrar.msg(msg::undelegate::check, msg::undelegate::execute);
        registrar.msg(msg::begin_redelegate::check, msg::begin_redelegate::execute);
        registrar.msg(msg::cancel_unbonding::check, msg::cancel_unbonding::execute);
        registrar.msg(msg::update_params::check, msg::update_params::execute);
        query::register(registrar);
    }

    fn accounts(&self) -> &'static [(&'static str, &'static [Permission])] {
        &[
            (pools::BONDED, &[Permission::Burn, Permission::Staking]),
            (pools::NOT_BONDED, &[Permission::Burn, Permission::Staking]),
        ]
    }

    fn default_genesis(&self) -> Value {
        genesis::default()
    }

    fn init_genesis(&self, ctx: &mut Context<'_>, genesis: &Value) -> Result<Vec<ValidatorUpdate>, CodedError> {
        genesis::init(ctx, genesis)
    }

    fn export_genesis(&self, ctx: &QueryContext<'_>) -> Result<Value, CodedError> {
        genesis::export(ctx)
    }

    fn begin_block(&self, ctx: &mut Context<'_>) -> Result<(), CodedError> {
        history::track(ctx)?;
        past::track(ctx)
    }

    fn end_block(&self, ctx: &mut Context<'_>) -> Result<Vec<ValidatorUpdate>, CodedError> {
        let updates = set::update(ctx)?;
        set::complete_matured(ctx)?;
        unbonding::complete_matured(ctx)?;
        redelegation::complete_matured(ctx)?;
        Ok(updates)
    }

    fn invariants(&self) -> Vec<Invariant> {
        invariants::all()
    }

    fn operations(&self) -> Vec<Operation> {
        operations::all()
    }
}

/// Refuses an age of evidence beyond the time in which stake leaves.
pub fn covers_evidence<R: Read + ?Sized>(state: &R, evidence_seconds: u64) -> Result<(), CodedError> {
    params::covers_evidence(&params::load(state)?, evidence_seconds)
}

fn account(text: &str) -> Result<Address, CodedError> {
    parse_account("delegator", text)
}

fn height(height: i64) -> Result<u64, CodedError> {
    Ok(u64::try_from(height).map_err(|_| sdk::Error::InvalidRequest(format!("height {height} is negative")))?)
}
