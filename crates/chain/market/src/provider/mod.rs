//! Provider registry: who may sell, with which bond and daemon keys (marketplace spec section 1).
//!
//! Invariants: the bonds sum to the balance of the module account; an active provider has a key and the least bond of
//! the time at which it became active; an exited one has no bond and no active key.

pub mod attributes;
mod error;
mod genesis;
mod keys;
mod lifecycle;
mod msg;
pub(crate) mod operations;
mod params;
mod query;
mod registry;

use serde_json::Value;
use ve_base::{Address, CodedError};
use ve_proto::ve::provider::v1::Attribute;
use ve_sdk::application::ValidatorUpdate;
use ve_sdk::simulation::Operation;
use ve_sdk::{Context, Invariant, Module, Permission, QueryContext, Registrar};

pub use error::Error;
pub use registry::{daemon_key, get, require, require_active};

/// The module account that holds the bonds.
pub const PROVIDER_BOND: &str = "provider_bond";

/// What the modules with a provider's business decide.
pub trait ProviderHooks: Send + Sync {
    /// Refuses attributes that a live lease does without.
    fn allow_attributes(&self, ctx: &Context<'_>, owner: &Address, attributes: &[Attribute]) -> Result<(), CodedError>;
    /// The provider takes no new business from now on.
    fn withdrawn(&self, ctx: &mut Context<'_>, owner: &Address) -> Result<(), CodedError>;
    /// Whether it still serves a customer.
    fn is_serving(&self, ctx: &Context<'_>, owner: &Address) -> Result<bool, CodedError>;
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
        Ok(Vec::new())
    }

    fn invariants(&self) -> Vec<Invariant> {
        vec![Invariant { name: "bonds", check: genesis::check_bonds }]
    }

    fn operations(&self) -> Vec<Operation> {
        operations::all()
    }
}
