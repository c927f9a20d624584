//! Parameters, changed by governance within hard bounds.

use ve_base::CodedError;
use ve_proto::ve::enclave::v1::Params;
use ve_store::{Read, Write};

use super::error::Error;
use super::keys::PARAMS;

const DAY: u64 = 86_400;
/// An envelope to a committee names every member.
const MOST_MEMBERS: u64 = 100;

/// Where the specification counts blocks, one is 5 seconds.
pub fn default() -> Params {
    Params {
        epoch_seconds: 50_000,
        key_seconds: 504_000,
        overlap_seconds: 72_000,
        quote_age_seconds: 600,
        reattest_seconds: 72_000,
        heartbeat_seconds: 250,
        silence_seconds: 500,
        cooldown_seconds: 500,
        tcb_grace_seconds: 2_500,
        committee_size: 21,
        committee_least: 4,
        keys_per_validator: 2,
        registrations_per_block: 10,
        candidate_score: 85,
    }
}

pub fn validate(params: &Params) -> Result<(), CodedError> {
    let within = |name: &str, value: u64, least: u64, most: u64| {
        if (least..=most).contains(&value) {
            return Ok(());
        }
        Err(Error::Params(format!("{name} must be from {least} to {most}, got {value}")))
    };
    within("epoch_seconds", params.epoch_seconds, 60, 30 * DAY)?;
    // A key outlives the epoch that it is drawn for, and the one in which what was sealed to it is worked off.
    within("key_seconds", params.key_seconds, params.epoch_seconds.saturating_mul(2), 90 * DAY)?;
    within("overlap_seconds", params.overlap_seconds, 60, params.key_seconds)?;
    within("quote_age_seconds", params.quote_age_seconds, 60, 3600)?;
    within("reattest_seconds", params.reattest_seconds, 600, 7 * DAY)?;
    within("heartbeat_seconds", params.heartbeat_seconds, 10, 3600)?;
    within("silence_seconds", params.silence_seconds, params.heartbeat_seconds, DAY)?;
    within("cooldown_seconds", params.cooldown_seconds, 0, DAY)?;
    within("tcb_grace_seconds", params.tcb_grace_seconds, 0, 7 * DAY)?;
    within("committee_size", params.committee_size.into(), 1, MOST_MEMBERS)?;
    within("committee_least", params.committee_least.into(), 1, params.committee_size.into())?;
    within("keys_per_validator", params.keys_per_validator.into(), 2, 8)?;
    within("registrations_per_block", params.registrations_per_block.into(), 1, 100)?;
    within("candidate_score", params.candidate_score.into(), 0, 100)?;
    Ok(())
}

pub fn load<R: Read + ?Sized>(state: &R) -> Result<Params, CodedError> {
    Ok(PARAMS.get(state)?.unwrap_or_else(default))
}

pub fn store(state: &mut dyn Write, params: &Params) -> Result<(), CodedError> {
    validate(params)?;
    Ok(PARAMS.set(state, params)?)
}
