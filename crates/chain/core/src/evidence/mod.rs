//! Proof of broken consensus rules: what the engine saw, and what anybody submits (platform spec section 3.4).
//!
//! Invariant: evidence is kept under the hash of its bytes.

mod error;
mod handle;
mod keys;
mod msg;
mod operations;
mod query;
mod votes;

use serde_json::Value;
use sha2::{Digest, Sha256};
use ve_base::CodedError;
use ve_proto::cosmos::evidence::v1beta1::GenesisState;
use ve_sdk::application::ValidatorUpdate;
use ve_sdk::simulation::Operation;
use ve_sdk::{Context, Invariant, Module, QueryContext, Registrar, json};

pub use error::Error;
use keys::EVIDENCE;

pub struct Evidence;

impl Module for Evidence {
    fn name(&self) -> &'static str {
        "evidence"
    }

    fn register(&self, registrar: &mut Registrar) {
        registrar.msg(msg::submit_evidence::check, msg::submit_evidence::execute);
        query::register(registrar);
    }

    fn default_genesis(&self) -> Value {
        json::to_json(&GenesisState::default()).unwrap_or_default()
    }

    fn init_genesis(&self, ctx: &mut Context<'_>, genesis: &Value) -> Result<Vec<ValidatorUpdate>, CodedError> {
        let genesis: GenesisState = json::from_json(genesis)?;
        for evidence in genesis.evidence {
            EVIDENCE.set(ctx, &Sha256::digest(&evidence.value).into(), &evidence)?;
        }
        Ok(Vec::new())
    }

    fn export_genesis(&self, ctx: &QueryContext<'_>) -> Result<Value, CodedError> {
        let mut genesis = GenesisState::default();
        for entry in EVIDENCE.iter(ctx) {
            genesis.evidence.push(entry?.1);
        }
        json::to_json(&genesis)
    }

    fn begin_block(&self, ctx: &mut Context<'_>) -> Result<(), CodedError> {
        handle::misbehavior(ctx)
    }

    fn invariants(&self) -> Vec<Invariant> {
        vec![Invariant { name: "hashes", check: hashes_are_of_the_bytes }]
    }

    fn operations(&self) -> Vec<Operation> {
        operations::all()
    }
}

fn hashes_are_of_the_bytes(ctx: &QueryContext<'_>) -> Result<(), String> {
    for entry in EVIDENCE.iter(ctx) {
        let (hash, evidence) = entry.map_err(|error| error.to_string())?;
        if hash != <[u8; 32]>::from(Sha256::digest(&evidence.value)) {
            return Err(format!("evidence is kept under {}, which is not its hash", handle::hex(&hash)));
        }
    }
    Ok(())
}
