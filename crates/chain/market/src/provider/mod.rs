//! Provider registry: who may sell, with which bond and daemon keys (marketplace spec section 1).
//!
//! Invariants: bonds and unpaid penalties sum to the balance of the module account; an active provider has a key, and is
//! not short of its bond for longer than it may be; an exited one has no bond and no active key.

pub mod attributes;
pub mod domain;
mod error;
mod genesis;
mod keys;
mod lifecycle;
pub mod liveness;
mod msg;
pub(crate) mod operations;
mod params;
pub mod penalty;
mod query;
mod registry;

use serde_json::Value;
use ve_base::{Address, Amount, CodedError};
use ve_proto::ve::provider::v1::Attribute;
use ve_sdk::application::ValidatorUpdate;
use ve_sdk::simulation::Operation;
use ve_sdk::{Context, Invariant, Module, Permission, QueryContext, Registrar};
use ve_store::Read;

pub use error::Error;
pub use registry::{daemon_key, get, open_prepaid, require, require_active, require_welcome};

/// The module account that holds the bonds.
pub const PROVIDER_BOND: &str = "provider_bond";

/// What the modules with a provider's business decide.
pub trait ProviderHooks: Send + Sync {
    /// Refuses attributes that a live lease does without.
    fn allow_attributes(&self, ctx: &Context<'_>, owner: &Address, attributes: &[Attribute]) -> Result<(), CodedError>;
    /// The provider takes no new business from now on.
    fn withdrawn(&self, ctx: &mut Context<'_>, owner: &Address) -> Result<(), CodedError>;
    /// Whether it has live leases.
    fn has_leases(&self, ctx: &Context<'_>, owner: &Address) -> Result<bool, CodedError>;
    /// Whether it still serves a customer, or has something of one to tear down.
    fn is_serving(&self, ctx: &Context<'_>, owner: &Address) -> Result<bool, CodedError>;
    /// What customers of its live leases have prepaid and is not served at the time `now`, in the native coin.
    fn open_prepaid(&self, state: &dyn Read, now: u64, owner: &Address) -> Result<Amount, CodedError>;
    /// Closes at most `limit` live leases of a provider that left its customers; returns each customer with the value
    /// that was not served.
    fn abandon(
        &self,
        ctx: &mut Context<'_>,
        owner: &Address,
        limit: usize,
    ) -> Result<Vec<(Address, Amount)>, CodedError>;
}

pub struct Providers;

impl Module for Providers {
    fn name(&self) -> &'static str {
        "provider"
    }

    fn register(&self, registrar: &mut Registrar) {
        registrar.msg(msg::create::check, msg::create::execute);
        registrar.msg(msg::update::check, msg::update::execute);
        registrar.msg(msg::bond::check, msg::bond::execute);
        registrar.msg(msg::exit::check, msg::exit::execute);
        registrar.msg(msg::add_key::check, msg::add_key::execute);
        registrar.msg(msg::revoke_key::check, msg::revoke_key::execute);
        registrar.msg(msg::deny_list::check, msg::deny_list::execute);
        registrar.msg(msg::heartbeat::check, msg::heartbeat::execute);
        registrar.msg(msg::request_domain::check, msg::request_domain::execute);
        registrar.msg(msg::attest_domain::check, msg::attest_domain::execute);
        registrar.msg(msg::revoke_domain::check, msg::revoke_domain::execute);
        registrar.msg(msg::update_params::check, msg::update_params::execute);
        query::register(registrar);
    }

    fn accounts(&self) -> &'static [(&'static str, &'static [Permission])] {
        &[(PROVIDER_BOND, &[Permission::Burn])]
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
        registry::release_exits(ctx)?;
        registry::check_bonds(ctx)?;
        domain::run(ctx)?;
        liveness::run(ctx)?;
        penalty::run(ctx)?;
        Ok(Vec::new())
    }

    fn invariants(&self) -> Vec<Invariant> {
        vec![
            Invariant { name: "bonds", check: genesis::check_bonds },
            Invariant { name: "states", check: genesis::check_states },
            Invariant { name: "domains", check: genesis::check_domains },
        ]
    }

    fn operations(&self) -> Vec<Operation> {
        operations::all()
    }
}
