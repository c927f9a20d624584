//! Hard ranges of the parameters, and their two forms.

use ve_base::{CodedError, errors::sdk::Error};
use ve_proto::tendermint::types::{
    AbciParams, BlockParams, ConsensusParams as Proto, EvidenceParams, ValidatorParams, VersionParams,
};
use ve_sdk::application::ConsensusParams;

/// The only keys that validators have.
const KEY_TYPE: &str = "ed25519";
const DAY: i64 = 86_400;

fn missing(what: &str) -> CodedError {
    Error::InvalidRequest(format!("{what} parameters are missing; give all of them")).into()
}

pub fn validate(params: &Proto) -> Result<(), CodedError> {
    let within = |name: &str, value: i64, low: i64, high: i64| {
        if (low..=high).contains(&value) {
            return Ok(());
        }
        Err(Error::InvalidRequest(format!("{name} must be from {low} to {high}, got {value}")))
    };
    let block = params.block.ok_or_else(|| missing("block"))?;
    let evidence = params.evidence.ok_or_else(|| missing("evidence"))?;
    let validator = params.validator.as_ref().ok_or_else(|| missing("validator"))?;
    // Room for one transaction of the largest size with all that is around it; at most what a node keeps in memory.
    within("block.max_bytes", block.max_bytes, 2 << 20, 4 << 20)?;
    // Finite: the use of a block's gas sets its price.
    within("block.max_gas", block.max_gas, 10_000_000, 1_000_000_000)?;
    within("evidence.max_age_num_blocks", evidence.max_age_num_blocks, 1_000, 10_000_000)?;
    let age = evidence.max_age_duration.unwrap_or_default();
    within("evidence.max_age_duration in seconds", age.seconds, 60, 365 * DAY)?;
    within("nanoseconds of evidence.max_age_duration", age.nanos.into(), 0, 0)?;
    within("evidence.max_bytes", evidence.max_bytes, 1_024, 1 << 20)?;
    if validator.pub_key_types != [KEY_TYPE] {
        return Err(Error::InvalidRequest(format!("validator.pub_key_types is [{KEY_TYPE}] and cannot change")).into());
    }
    Ok(())
}

pub fn from_proto(params: &Proto, app_version: u64) -> Result<ConsensusParams, CodedError> {
    let block = params.block.ok_or_else(|| missing("block"))?;
    let evidence = params.evidence.ok_or_else(|| missing("evidence"))?;
    Ok(ConsensusParams {
        block_max_bytes: block.max_bytes,
        block_max_gas: block.max_gas,
        evidence_max_age_blocks: evidence.max_age_num_blocks,
        evidence_max_age_secs: evidence.max_age_duration.unwrap_or_default().seconds,
        evidence_max_bytes: evidence.max_bytes,
        vote_extensions_enable_height: params.abci.unwrap_or_default().vote_extensions_enable_height,
        app_version,
    })
}

pub fn to_proto(params: &ConsensusParams) -> Proto {
    Proto {
        block: Some(BlockParams { max_bytes: params.block_max_bytes, max_gas: params.block_max_gas }),
        evidence: Some(EvidenceParams {
            max_age_num_blocks: params.evidence_max_age_blocks,
            max_age_duration: Some(prost_types::Duration { seconds: params.evidence_max_age_secs, nanos: 0 }),
            max_bytes: params.evidence_max_bytes,
        }),
        validator: Some(ValidatorParams { pub_key_types: vec![KEY_TYPE.to_owned()] }),
        version: Some(VersionParams { app: params.app_version }),
        abci: Some(AbciParams { vote_extensions_enable_height: params.vote_extensions_enable_height }),
    }
}
