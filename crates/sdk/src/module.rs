//! The shape of a chain module. Modules hold no state of their own: everything is in the store.

use serde_json::Value;
use ve_base::CodedError;

use crate::application::ValidatorUpdate;
use crate::context::{Context, QueryContext};
use crate::registry::Registrar;
use crate::simulation::Operation;

/// What a module account may do beside holding coins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    Mint,
    Burn,
    /// Holds staked coins.
    Staking,
}

/// A statement about the whole state that holds after every block. Returns the violation in words.
pub struct Invariant {
    pub name: &'static str,
    pub check: fn(&QueryContext<'_>) -> Result<(), String>,
}

pub trait Module: Send + Sync {
    /// Store prefix, key in `app_state`, error codespace.
    fn name(&self) -> &'static str;

    /// Version of what the module keeps in state; an upgrade migrates state of a lower version.
    fn version(&self) -> u64 {
        1
    }

    /// Brings state from version `from` to the next one. Called in an upgrade, inside the block that makes it.
    fn migrate(&self, _ctx: &mut Context<'_>, from: u64) -> Result<(), CodedError> {
        Err(ve_base::errors::sdk::Error::InvalidRequest(format!("no migration leads on from version {from}")).into())
    }

    /// Messages and queries.
    fn register(&self, registrar: &mut Registrar);

    /// Module accounts with their permissions; bank refuses user sends to them.
    fn accounts(&self) -> &'static [(&'static str, &'static [Permission])] {
        &[]
    }

    /// Whether the module's parameters decide about money: governance changes them in small steps, after a delay, and
    /// with a report of what the change does (finance spec section 14).
    fn money_critical(&self) -> bool {
        false
    }

    /// The module's part of a new network's `app_state`.
    fn default_genesis(&self) -> Value;

    fn init_genesis(&self, ctx: &mut Context<'_>, genesis: &Value) -> Result<Vec<ValidatorUpdate>, CodedError>;

    /// Importing the result gives the same state.
    fn export_genesis(&self, ctx: &QueryContext<'_>) -> Result<Value, CodedError>;

    /// An error here stops the chain: return one only when going on would corrupt state.
    fn begin_block(&self, _ctx: &mut Context<'_>) -> Result<(), CodedError> {
        Ok(())
    }

    /// As `begin_block`; at most one module returns validator updates.
    fn end_block(&self, _ctx: &mut Context<'_>) -> Result<Vec<ValidatorUpdate>, CodedError> {
        Ok(Vec::new())
    }

    fn invariants(&self) -> Vec<Invariant> {
        Vec::new()
    }

    /// Random operations for the simulation, at least one for each message.
    fn operations(&self) -> Vec<Operation> {
        Vec::new()
    }
}
