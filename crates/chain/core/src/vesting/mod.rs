//! Accounts some of whose coins are locked for a time. They may be staked while they are locked; all other coins of such
//! an account are spendable at once, so that nobody can lock what belongs to somebody else.
//!
//! Invariant: what is locked is there, or staked.

mod account;
mod msg;
mod operations;

use serde_json::{Value, json};
use ve_base::{CodedError, errors::sdk, parse_account as account};
use ve_sdk::application::ValidatorUpdate;
use ve_sdk::simulation::Operation;
use ve_sdk::{Context, Invariant, Module, QueryContext, Registrar};

pub use account::VestingAccount;

pub struct Vesting;

impl Module for Vesting {
    fn name(&self) -> &'static str {
        "vesting"
    }

    fn register(&self, registrar: &mut Registrar) {
        registrar.msg(msg::create::check, msg::create::execute);
        registrar.msg(msg::create::check_locked, msg::create::execute_locked);
        registrar.msg(msg::create::check_periodic, msg::create::execute_periodic);
    }

    /// The accounts are in the genesis of `auth`.
    fn default_genesis(&self) -> Value {
        json!({})
    }

    fn init_genesis(&self, ctx: &mut Context<'_>, _: &Value) -> Result<Vec<ValidatorUpdate>, CodedError> {
        let query = QueryContext::new(ctx, ctx.block(), ctx.registry());
        check_locked(&query).map_err(sdk::Error::InvalidRequest)?;
        Ok(Vec::new())
    }

    fn export_genesis(&self, _: &QueryContext<'_>) -> Result<Value, CodedError> {
        Ok(json!({}))
    }

    fn invariants(&self) -> Vec<Invariant> {
        vec![Invariant { name: "locked", check: check_locked }]
    }

    fn operations(&self) -> Vec<Operation> {
        operations::all()
    }
}

/// Every vesting account holds at least what is locked and not staked.
fn check_locked(ctx: &QueryContext<'_>) -> Result<(), String> {
    for entry in crate::auth::all_vesting(ctx) {
        let (address, account) = entry.map_err(|error| error.log)?;
        let locked = account.locked(ctx.time()).map_err(|error| error.log)?;
        let held = crate::bank::balances(ctx, &address).map_err(|error| error.log)?;
        if held.checked_sub(&locked).is_none() {
            return Err(format!("{address} has {held}, of which {locked} are locked"));
        }
    }
    Ok(())
}
