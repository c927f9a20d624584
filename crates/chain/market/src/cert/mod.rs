//! Certificates that customers and gateways show each other in mTLS (marketplace spec section 2).
//!
//! Invariants: a certificate's fields are those of its bytes; a serial number of an owner is never used twice; a revoked
//! certificate stays revoked.

mod error;
mod genesis;
mod keys;
mod msg;
mod operations;
mod query;
pub mod x509;

use serde_json::Value;
use ve_base::CodedError;
use ve_sdk::application::ValidatorUpdate;
use ve_sdk::simulation::Operation;
use ve_sdk::{Context, Invariant, Module, QueryContext, Registrar};

pub use error::Error;
pub use keys::CERTIFICATES;

/// Valid certificates that an owner may have at once.
pub const MAX_VALID: usize = 10;

pub struct Cert;

impl Module for Cert {
    fn name(&self) -> &'static str {
        "cert"
    }

    fn register(&self, registrar: &mut Registrar) {
        registrar.msg(msg::check_create, msg::create);
        registrar.msg(msg::check_revoke, msg::revoke);
        registrar.query("/ve.cert.v1.Query/Certificates", query::certificates);
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
        vec![Invariant { name: "certificates", check: genesis::check_all }]
    }

    fn operations(&self) -> Vec<Operation> {
        operations::all()
    }
}
