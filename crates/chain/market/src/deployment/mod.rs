//! The order book: deployments with groups, orders, bids, leases and their resources (marketplace spec sections 4, 5).
//!
//! Invariants: a group has at most one live lease; a live lease has a matched order, one active bid, one open payment
//! and one live resource; a closed order has no open bid; bid deposits are in escrow while their bids are open or
//! active; every close names actor and reason.

mod activity;
mod error;
mod event;
mod exposure;
mod flow;
mod genesis;
mod hooks;
pub mod ids;
mod invariants;
mod keys;
mod lifecycle;
mod msg;
mod operations;
mod params;
mod query;
mod resource;
pub mod spec;
mod timers;

use serde_json::Value;
use ve_base::CodedError;
use ve_sdk::application::ValidatorUpdate;
use ve_sdk::simulation::Operation;
use ve_sdk::{Context, Invariant, Module, QueryContext, Registrar};

pub use error::Error;
pub use hooks::MarketHooks;

pub struct Market;

impl Module for Market {
    fn name(&self) -> &'static str {
        "market"
    }

    fn register(&self, registrar: &mut Registrar) {
        registrar.msg(msg::create_deployment::check, msg::create_deployment::execute);
        registrar.msg(msg::update_deployment::check, msg::update_deployment::execute);
        registrar.msg(msg::close_deployment::check, msg::close_deployment::execute);
        registrar.msg(msg::group::check_pause, msg::group::pause);
        registrar.msg(msg::group::check_start, msg::group::start);
        registrar.msg(msg::group::check_close, msg::group::close);
        registrar.msg(msg::create_bid::check, msg::create_bid::execute);
        registrar.msg(msg::close_bid::check, msg::close_bid::execute);
        registrar.msg(msg::accept_bid::check, msg::accept_bid::execute);
        registrar.msg(msg::close_lease::check, msg::close_lease::execute);
        registrar.msg(msg::start_reclaim::check, msg::start_reclaim::execute);
        registrar.msg(msg::request_operation::check, msg::request_operation::execute);
        registrar.msg(msg::report_resource::check, msg::report_resource::execute);
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
        timers::run(ctx)?;
        Ok(Vec::new())
    }

    fn invariants(&self) -> Vec<Invariant> {
        vec![
            Invariant { name: "leases", check: invariants::check_leases },
            Invariant { name: "bids", check: invariants::check_bids },
            Invariant { name: "deployments", check: invariants::check_deployments },
            Invariant { name: "exposures", check: exposure::check },
        ]
    }

    fn operations(&self) -> Vec<Operation> {
        operations::all()
    }
}
