//! How well each validator does its work, epoch by epoch, and what that makes of its rewards (finance spec sections 2.1
//! and 2.6). No account, not even governance, submits performance: only the state machine counts it.
//!
//! Invariants: scores and their number stay within bounds; every finished epoch belongs to a validator.

mod epoch;
mod genesis;
mod keys;
mod msg;
mod params;
mod query;
mod score;

use serde_json::Value;
use ve_base::{Address, CodedError};
use ve_sdk::application::ValidatorUpdate;
use ve_sdk::{Context, Invariant, Module, QueryContext, Registrar};

pub use epoch::{Verification, multipliers, verified};
pub use score::NEUTRAL;

use crate::staking;
use crate::staking::hooks::StakingHooks;

pub struct Performance;

impl Module for Performance {
    fn name(&self) -> &'static str {
        "performance"
    }

    fn register(&self, registrar: &mut Registrar) {
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
        epoch::track(ctx)
    }

    fn invariants(&self) -> Vec<Invariant> {
        vec![Invariant { name: "scores", check: |ctx| within_bounds(ctx).map_err(|error| error.log)? }]
    }
}

fn within_bounds(ctx: &QueryContext<'_>) -> Result<Result<(), String>, CodedError> {
    for tally in epoch::load(ctx)?.tallies {
        let bad = tally.scores.iter().any(|score| *score > 10_000);
        if bad || tally.scores.len() > score::REMEMBERED {
            return Ok(Err(format!("{} has the scores {:?}", tally.address, tally.scores)));
        }
    }
    for entry in keys::FINISHED.scan().keys(ctx) {
        let (operator, number) = entry?;
        if staking::find(ctx, &operator)?.is_none() {
            return Ok(Err(format!("epoch {number} is kept of {operator}, which does not exist")));
        }
    }
    Ok(Ok(()))
}

/// Registered with the staking module by the application.
pub struct PerformanceHooks;

impl StakingHooks for PerformanceHooks {
    fn after_validator_removed(
        &self,
        ctx: &mut Context<'_>,
        _consensus: &Address,
        validator: &Address,
    ) -> Result<(), CodedError> {
        epoch::end(ctx, validator)
    }
}
