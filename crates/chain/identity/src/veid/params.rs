//! Parameters and their bounds. Defaults are those of the identity spec; a block counts as 5 seconds.

use ve_base::CodedError;
use ve_proto::ve::veid::v1::{Band, Params, ScopeType, Validity};
use ve_store::{Read, Write};

use super::error::Error;
use super::keys::{ENFORCED, PARAMS};
use super::matrix;

pub const DAY: u64 = 86_400;
/// Types of scopes, numbered from 1.
pub const TYPES: i32 = 16;
/// Highest `max_scopes` that governance may set: a wallet is revoked in one transaction.
pub const MOST_SCOPES: u32 = 100;

pub fn default() -> Params {
    Params {
        max_scopes: 50,
        max_scopes_per_type: 5,
        min_salt_bytes: 32,
        max_salt_bytes: 64,
        basic_score: 50,
        standard_score: 70,
        premium_score: 85,
        secondary_score: 45,
        bands: vec![Band { low: 45, high: 54 }, Band { low: 65, high: 74 }, Band { low: 80, high: 89 }],
        capture_window_seconds: 300,
        capture_future_seconds: 30,
        capture_block_seconds: 250,
        uploads_per_account_block: 3,
        uploads_per_block: 50,
        requests_per_account_block: 5,
        operation_pause_seconds: 10,
        cooldown_seconds: DAY,
        max_cooldown_seconds: 30 * DAY,
        secondary_seconds: 250,
        wallet_pause_seconds: 30 * DAY,
        decay_idle_seconds: 90 * DAY,
        decay_period_seconds: 30 * DAY,
        decay_bps: 9_800,
        decay_floor_milli: 20_000,
        certificate_seconds: 30 * DAY,
        key_overlap_seconds: 7 * DAY,
        validity: validity(),
        max_evidence_bytes: 10 * 1024 * 1024,
        max_work_per_block: 100,
        capabilities: matrix::default(),
        usage_window_seconds: DAY,
        committee_size: 7,
        phase_seconds: 100,
        retry_seconds: 600,
        request_seconds: 3_000,
        challenge_seconds: 500_000,
        appeal_seconds: 504_000,
        review_seconds: 252_000,
        appeal_life_seconds: 30 * DAY,
        appeals_per_scope: 3,
        model_id: ve_inference::Model::genesis().digest().to_vec(),
    }
}

fn validity() -> Vec<Validity> {
    let days = |kind| match ScopeType::try_from(kind) {
        Ok(ScopeType::DeviceAttestation) => 30,
        Ok(ScopeType::SocialMedia | ScopeType::AddressProof) => 180,
        _ => 365,
    };
    (1..=TYPES).map(|kind| Validity { r#type: kind, seconds: days(kind) * DAY }).collect()
}

pub fn validate(params: &Params) -> Result<(), CodedError> {
    counts(params)?;
    times(params)?;
    matrix::validate(&params.capabilities)?;
    let (basic, standard, premium) = (params.basic_score, params.standard_score, params.premium_score);
    if !(0 < params.secondary_score
        && params.secondary_score < basic
        && basic < standard
        && standard < premium
        && premium <= 100)
    {
        return Err(refused(
            "scores rise strictly from secondary_score over basic and standard to premium_score ≤ 100",
        ));
    }
    if params.bands.len() > 10 || params.bands.iter().any(|band| band.low > band.high || band.high > 100) {
        return Err(refused("at most 10 bands, each from low to high, up to 100"));
    }
    let ordered = params.validity.iter().map(|entry| entry.r#type).eq(1..=TYPES);
    if !ordered || params.validity.iter().any(|entry| !(DAY..=3_650 * DAY).contains(&entry.seconds)) {
        return Err(refused("validity names every type of scope in order, each with one day to ten years"));
    }
    Ok(())
}

fn refused(cause: impl Into<String>) -> CodedError {
    Error::Params(cause.into()).into()
}

fn within(name: &str, value: impl Into<u64>, least: u64, most: u64) -> Result<(), CodedError> {
    let value = value.into();
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(refused(format!("{name} must be from {least} to {most}, got {value}")))
}

fn counts(params: &Params) -> Result<(), CodedError> {
    within("max_scopes", params.max_scopes, 1, MOST_SCOPES.into())?;
    within("max_scopes_per_type", params.max_scopes_per_type, 1, params.max_scopes.into())?;
    within("min_salt_bytes", params.min_salt_bytes, 16, 64)?;
    within("max_salt_bytes", params.max_salt_bytes, params.min_salt_bytes.into(), 128)?;
    within("uploads_per_account_block", params.uploads_per_account_block, 1, 50)?;
    within("uploads_per_block", params.uploads_per_block, 1, 5_000)?;
    within("requests_per_account_block", params.requests_per_account_block, 1, 50)?;
    within("decay_bps", params.decay_bps, 5_000, 10_000)?;
    within("decay_floor_milli", params.decay_floor_milli, 0, 100_000)?;
    within("committee_size", params.committee_size, 4, 31)?;
    within("appeals_per_scope", params.appeals_per_scope, 1, 10)?;
    within("model_id", params.model_id.len() as u64, 32, 32)?;
    within("max_evidence_bytes", params.max_evidence_bytes, 1024, 100 * 1024 * 1024)?;
    within("max_work_per_block", params.max_work_per_block, 1, 1_000)
}

fn times(params: &Params) -> Result<(), CodedError> {
    within("capture_window_seconds", params.capture_window_seconds, 10, 3_600)?;
    within("capture_future_seconds", params.capture_future_seconds, 0, 300)?;
    within("capture_block_seconds", params.capture_block_seconds, 10, 3_600)?;
    within("operation_pause_seconds", params.operation_pause_seconds, 0, 3_600)?;
    within("cooldown_seconds", params.cooldown_seconds, 60, 30 * DAY)?;
    within("max_cooldown_seconds", params.max_cooldown_seconds, params.cooldown_seconds, 365 * DAY)?;
    within("secondary_seconds", params.secondary_seconds, 60, 7 * DAY)?;
    within("wallet_pause_seconds", params.wallet_pause_seconds, DAY, 365 * DAY)?;
    within("decay_idle_seconds", params.decay_idle_seconds, DAY, 3_650 * DAY)?;
    within("decay_period_seconds", params.decay_period_seconds, DAY, 365 * DAY)?;
    within("certificate_seconds", params.certificate_seconds, DAY, 90 * DAY)?;
    within("key_overlap_seconds", params.key_overlap_seconds, 0, 30 * DAY)?;
    within("usage_window_seconds", params.usage_window_seconds, 3_600, 30 * DAY)?;
    within("phase_seconds", params.phase_seconds, 10, DAY)?;
    within("retry_seconds", params.retry_seconds, 10, 7 * DAY)?;
    within("request_seconds", params.request_seconds, 60, 30 * DAY)?;
    within("challenge_seconds", params.challenge_seconds, DAY, 90 * DAY)?;
    within("appeal_seconds", params.appeal_seconds, DAY, 90 * DAY)?;
    within("review_seconds", params.review_seconds, 3_600, 30 * DAY)?;
    within("appeal_life_seconds", params.appeal_life_seconds, DAY, 365 * DAY)
}

pub fn load<R: Read + ?Sized>(state: &R) -> Result<Params, CodedError> {
    Ok(PARAMS.get(state)?.unwrap_or_else(default))
}

pub fn store(state: &mut dyn Write, params: &Params) -> Result<(), CodedError> {
    validate(params)?;
    ENFORCED.set(state, &matrix::enforced(&params.capabilities))?;
    Ok(PARAMS.set(state, params)?)
}

/// How long a scope of this type counts.
pub fn validity_of(params: &Params, kind: ScopeType) -> u64 {
    params.validity.iter().find(|entry| entry.r#type() == kind).map_or(0, |entry| entry.seconds)
}
