//! What must hold of enclaves and committees after every block.

use std::collections::BTreeSet;

use ve_proto::ve::enclave::v1::{EnclaveIdentity, Tee};
use ve_sdk::QueryContext;
use ve_store::KvError;

use super::draw::draw;
use super::keys::{BY_KEY, COMMITTEES, ENCLAVES, HEALTH, MEASUREMENTS, NEXT_ID, SIMULATED};
use super::registry;

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Whoever has keys in use runs listed code, no key is of two enclaves, and its heartbeats are waited for.
pub fn enclaves(ctx: &QueryContext<'_>) -> Result<(), String> {
    let next = NEXT_ID.get(ctx).map_err(text)?.unwrap_or(1);
    let simulated = SIMULATED.get_or_default(ctx).map_err(text)?;
    let mut running = BTreeSet::new();
    for entry in ENCLAVES.scan().entries(ctx) {
        let (id, enclave) = entry.map_err(text)?;
        let measurement = MEASUREMENTS.get(ctx, &enclave.measurement).map_err(text)?;
        let measurement = measurement.ok_or_else(|| format!("enclave {id} runs code that was never listed"))?;
        if id != enclave.id || id >= next || registry::in_use(&enclave) != (enclave.ended_at == 0) {
            return Err(format!("enclave {id} has a wrong number or end"));
        }
        if (measurement.revoked && registry::in_use(&enclave)) || (enclave.tee() == Tee::Simulated && !simulated) {
            return Err(format!("enclave {id} is in use with code or hardware that is not accepted"));
        }
        if !owns_keys(ctx, &enclave).map_err(text)? {
            return Err(format!("a key of enclave {id} is not its own"));
        }
        if registry::in_use(&enclave) {
            running.insert(enclave.validator);
        }
    }
    for entry in HEALTH.scan().entries(ctx) {
        let (_, health) = entry.map_err(text)?;
        if running.remove(&health.validator) != (health.next_due > 0) {
            return Err(format!("heartbeats of {} are waited for in vain, or not at all", health.validator));
        }
    }
    running.first().map_or(Ok(()), |validator| Err(format!("nobody watches the enclaves of {validator}")))
}

fn owns_keys(ctx: &QueryContext<'_>, enclave: &EnclaveIdentity) -> Result<bool, KvError> {
    for key in [&enclave.enc_pubkey, &enclave.sig_pubkey] {
        if BY_KEY.get(ctx, key)? != Some(enclave.id) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Everybody can repeat the last draw from what is kept of it.
pub fn committees(ctx: &QueryContext<'_>) -> Result<(), String> {
    let Some((epoch, last)) = COMMITTEES.scan().reverse().first(ctx).map_err(text)? else { return Ok(()) };
    let repeated = draw(&last.seed, &last.candidates, last.size) == last.members;
    if repeated && epoch == last.epoch { Ok(()) } else { Err(format!("the committee of epoch {epoch} was not drawn")) }
}
