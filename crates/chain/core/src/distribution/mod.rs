//! Who earns what: fees and new coins go to validators, to those who delegate to them, and to the community pool
//! (finance spec section 3).
//!
//! A validator's rewards are kept as a sum per staked token (F1 fee distribution), so that paying a delegator costs the
//! same however many blocks and delegators there were. Invariants: the module's balance is what is outstanding plus the
//! community pool; what is outstanding covers every claim; a ratio is kept exactly as long as somebody refers to it.

mod allocate;
mod dec_coins;
mod earnings;
mod error;
mod genesis;
mod hooks;
mod invariants;
mod keys;
mod msg;
mod operations;
mod params;
mod payout;
mod pool;
mod query;

use serde_json::Value;
use ve_base::{CodedError, parse_account as account, parse_operator as operator};
use ve_sdk::application::ValidatorUpdate;
use ve_sdk::simulation::Operation;
use ve_sdk::{Context, Invariant, Module, Permission, QueryContext, Registrar};

pub use dec_coins::DecCoins;
pub use error::Error;
pub use hooks::DistributionHooks;
pub use pool::{balance as community_pool, fund, fund_from_module};

/// The module account that holds all rewards and the community pool.
pub const DISTRIBUTION: &str = "distribution";

pub struct Distribution;

impl Module for Distribution {
    fn name(&self) -> &'static str {
        "distribution"
    }

    fn register(&self, registrar: &mut Registrar) {
        registrar.msg(msg::set_withdraw_address::check, msg::set_withdraw_address::execute);
        registrar.msg(msg::withdraw_delegator_reward::check, msg::withdraw_delegator_reward::execute);
        registrar.msg(msg::withdraw_validator_commission::check, msg::withdraw_validator_commission::execute);
        registrar.msg(msg::fund_community_pool::check, msg::fund_community_pool::execute);
        registrar.msg(msg::community_pool_spend::check, msg::community_pool_spend::execute);
        registrar.msg(msg::update_params::check, msg::update_params::execute);
        query::register(registrar);
    }

    fn accounts(&self) -> &'static [(&'static str, &'static [Permission])] {
        &[(DISTRIBUTION, &[])]
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
        allocate::allocate(ctx)
    }

    fn invariants(&self) -> Vec<Invariant> {
        invariants::all()
    }

    fn operations(&self) -> Vec<Operation> {
        operations::all()
    }
}
