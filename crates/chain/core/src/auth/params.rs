//! Parameters, changed by governance. Bounds keep a proposal from making the chain unusable.

use ve_base::{CodedError, errors::sdk::Error};
use ve_proto::cosmos::auth::v1beta1::Params;
use ve_store::{Read, Write};

use super::keys::PARAMS;

pub fn default() -> Params {
    Params {
        max_memo_characters: 256,
        tx_sig_limit: 7,
        tx_size_cost_per_byte: 10,
        sig_verify_cost_ed25519: 590,
        sig_verify_cost_secp256k1: 1000,
    }
}

pub fn validate(params: &Params) -> Result<(), CodedError> {
    let within = |name: &str, value: u64, low: u64, high: u64| {
        if (low..=high).contains(&value) {
            return Ok(());
        }
        Err(Error::InvalidRequest(format!("{name} must be from {low} to {high}, got {value}")))
    };
    within("max_memo_characters", params.max_memo_characters, 1, 4096)?;
    within("tx_sig_limit", params.tx_sig_limit, 1, 64)?;
    within("tx_size_cost_per_byte", params.tx_size_cost_per_byte, 1, 10_000)?;
    within("sig_verify_cost_ed25519", params.sig_verify_cost_ed25519, 1, 1_000_000)?;
    within("sig_verify_cost_secp256k1", params.sig_verify_cost_secp256k1, 1, 1_000_000)?;
    Ok(())
}

pub fn load(state: &dyn Read) -> Result<Params, CodedError> {
    Ok(PARAMS.get(state)?.unwrap_or_else(default))
}

pub fn store(state: &mut dyn Write, params: &Params) -> Result<(), CodedError> {
    validate(params)?;
    Ok(PARAMS.set(state, params)?)
}
