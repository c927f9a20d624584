//! Parameters, changed by governance within hard bounds.

use ve_base::CodedError;
use ve_base::envelope::Limits;
use ve_proto::ve::encryption::v1::{Params, Suite};
use ve_store::{Read, Write};

use super::error::Error;
use super::keys::PARAMS;

/// Highest `max_keys` that governance may set.
pub const MOST_KEYS: u32 = 20;

const DAY: u64 = 86_400;

pub fn default() -> Params {
    Params {
        max_recipients: 10,
        max_keys: 5,
        key_ttl_seconds: 365 * DAY,
        max_inline_bytes: 16 * 1024,
        suites: vec![Suite::X25519.into(), Suite::XWing.into()],
    }
}

pub fn validate(params: &Params) -> Result<(), CodedError> {
    let within = |name: &str, value: u64, least: u64, most: u64| {
        if (least..=most).contains(&value) {
            return Ok(());
        }
        Err(Error::Params(format!("{name} must be from {least} to {most}, got {value}")))
    };
    within("max_recipients", params.max_recipients.into(), 1, 64)?;
    within("max_keys", params.max_keys.into(), 2, MOST_KEYS.into())?;
    within("key_ttl_seconds", params.key_ttl_seconds, 30 * DAY, 5 * 365 * DAY)?;
    within("max_inline_bytes", params.max_inline_bytes.into(), 1024, 256 * 1024)?;
    let known =
        params.suites.iter().all(|suite| Suite::try_from(*suite).is_ok_and(|suite| suite != Suite::Unspecified));
    if params.suites.is_empty() || !known || !params.suites.is_sorted_by(|left, right| left < right) {
        return Err(Error::Params("suites names known suites in ascending order, at least one".into()).into());
    }
    Ok(())
}

pub fn load<R: Read + ?Sized>(state: &R) -> Result<Params, CodedError> {
    Ok(PARAMS.get(state)?.unwrap_or_else(default))
}

pub fn store(state: &mut dyn Write, params: &Params) -> Result<(), CodedError> {
    validate(params)?;
    Ok(PARAMS.set(state, params)?)
}

pub fn limits(params: &Params) -> Limits {
    Limits {
        max_recipients: usize::try_from(params.max_recipients).unwrap_or(usize::MAX),
        max_inline: usize::try_from(params.max_inline_bytes).unwrap_or(usize::MAX),
        suites: params.suites.iter().filter_map(|suite| Suite::try_from(*suite).ok()).collect(),
    }
}
