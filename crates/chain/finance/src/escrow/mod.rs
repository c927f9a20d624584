//! Escrow: customers' money from order to settlement (finance spec section 7, marketplace spec section 6).
//!
//! An account holds the deposits of one deployment or bid and streams them to payees at rates per second of block time.
//! Invariants: the module account holds exactly the funds, unpaid balances and dispute bonds of all accounts; of each
//! account, deposited = transferred + refunded + funds, and funds cover what disputes hold; closed accounts and payments
//! hold nothing and never open again.

pub mod book;
mod claims;
mod condition;
mod dispute;
mod error;
mod genesis;
mod invariants;
mod keys;
mod ledger;
mod msg;
mod operations;
mod params;
mod query;
mod queue;
mod release;
pub mod settle;
mod stress;
mod types;

use serde_json::Value;
use ve_base::CodedError;
use ve_sdk::application::ValidatorUpdate;
use ve_sdk::simulation::Operation;
use ve_sdk::{Context, Invariant, Module, Permission, QueryContext, Registrar};

pub use error::Error;
pub use ledger::{
    Terms, close, close_payment, create, deposit, load, open_payment, payment, set_rate, settle, settled, unlock,
    withdraw,
};
pub use query::runway;
pub use settle::{BLOCK_SECONDS, rate_per_second};
pub use stress::EscrowStress;
pub use types::{Account, AccountId, AccountState, Condition, Payment, PaymentState, Scope};

/// The module account that holds all deposits.
pub const ESCROW: &str = "escrow";

/// What the modules whose services are paid want to know. Ids of foreign scopes are passed too.
pub trait EscrowHooks: Send + Sync {
    /// The account cannot pay: its grace time begins.
    fn overdrawn(&self, ctx: &mut Context<'_>, id: &AccountId) -> Result<(), CodedError>;
    /// A top-up ended the grace time.
    fn restored(&self, ctx: &mut Context<'_>, id: &AccountId) -> Result<(), CodedError>;
    /// The grace time is over: end what the account pays for. The account is closed afterwards.
    fn exhausted(&self, ctx: &mut Context<'_>, id: &AccountId) -> Result<(), CodedError>;
    /// The life that the account was given is over: as `exhausted`.
    fn expired(&self, ctx: &mut Context<'_>, id: &AccountId) -> Result<(), CodedError>;
    /// Funds or rates changed otherwise than by the flow of time.
    fn changed(&self, ctx: &mut Context<'_>, id: &AccountId) -> Result<(), CodedError>;
}

pub struct Escrow;

impl Module for Escrow {
    fn name(&self) -> &'static str {
        "escrow"
    }

    fn register(&self, registrar: &mut Registrar) {
        registrar.msg(msg::deposit::check, msg::deposit::execute);
        registrar.msg(msg::withdraw::check, msg::withdraw::execute);
        registrar.msg(msg::release::check, msg::release::execute);
        registrar.msg(msg::approve::check, msg::approve::execute);
        registrar.msg(msg::refund::check, msg::refund::execute);
        registrar.msg(msg::dispute::check, msg::dispute::execute);
        registrar.msg(msg::resolve::check, msg::resolve::execute);
        registrar.msg(msg::update_params::check, msg::update_params::execute);
        query::register(registrar);
    }

    fn accounts(&self) -> &'static [(&'static str, &'static [Permission])] {
        &[(ESCROW, &[])]
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
        queue::run(ctx)?;
        stress::forget(ctx, ctx.time().unix())?;
        Ok(Vec::new())
    }

    fn invariants(&self) -> Vec<Invariant> {
        vec![
            Invariant { name: "accounts", check: invariants::check_accounts },
            Invariant { name: "module-balance", check: invariants::check_balance },
        ]
    }

    fn operations(&self) -> Vec<Operation> {
        operations::all()
    }
}

#[cfg(test)]
#[path = "book_tests.rs"]
mod book_tests;
#[cfg(test)]
#[path = "claims_tests.rs"]
mod claims_tests;
#[cfg(test)]
#[path = "settle_tests.rs"]
mod settle_tests;
