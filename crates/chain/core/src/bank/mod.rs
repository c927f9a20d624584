//! Balances and supply.
//!
//! Invariants: for each denomination the supply is the sum of all balances; no balance of zero is stored; only modules
//! with the permission mint or burn. [`check_conservation`] proves the first for every block from its changes alone.

mod conservation;
mod genesis;
mod keys;
mod ledger;
mod msg;
mod operations;
mod params;
mod query;

use serde_json::Value;
use ve_base::{Address, CodedError, Coins};
use ve_sdk::application::ValidatorUpdate;
use ve_sdk::simulation::Operation;
use ve_sdk::{Context, Invariant, Module, QueryContext, Registrar};

pub use conservation::check_conservation;
pub(crate) use ledger::restore_burned;
pub use ledger::{
    balance, balances, burn, burned, delegate_to_module, mint, send, send_between_modules, send_from_module,
    send_to_module, spendable, supply, undelegate_from_module,
};
pub use params::require_sendable;

/// Whether a user may send these coins to `to`: their denominations are not stopped, and no module gets them.
pub fn require_user_transfer(ctx: &Context<'_>, to: &Address, coins: &Coins) -> Result<(), CodedError> {
    params::require_sendable(ctx, coins)?;
    msg::require_receivable(ctx, to)
}

pub struct Bank;

impl Module for Bank {
    fn name(&self) -> &'static str {
        "bank"
    }

    fn register(&self, registrar: &mut Registrar) {
        registrar.msg(msg::send::check, msg::send::execute);
        registrar.msg(msg::multi_send::check, msg::multi_send::execute);
        registrar.msg(msg::update_params::check, msg::update_params::execute);
        registrar.msg(msg::set_send_enabled::check, msg::set_send_enabled::execute);
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

    fn invariants(&self) -> Vec<Invariant> {
        vec![Invariant { name: "supply", check: conservation::check_supply }]
    }

    fn operations(&self) -> Vec<Operation> {
        operations::all()
    }
}
