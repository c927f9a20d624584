//! Parameters, changed by governance, with bounds in code; and what each reason costs (finance spec section 2.4).

use ve_base::{CodedError, Dec, errors::sdk::Error};
use ve_proto::cosmos::slashing::v1beta1::Params;
use ve_proto::ve::slashing::v1::Reason;
use ve_store::{Read, Write};

use super::keys::PARAMS;

/// The window is counted in nominal blocks of this many seconds.
const NOMINAL_BLOCK: i64 = 5;
const DAY: u64 = 86_400;
/// Longest jail, however often a reason repeats.
pub const MAX_JAIL: u64 = 180 * DAY;
/// Earlier offences count for this long.
pub const MEMORY: u64 = 90 * DAY;

fn bytes(dec: Dec) -> Vec<u8> {
    dec.to_mantissa().into_bytes()
}

fn part(numerator: u64, digits: u32) -> Dec {
    // At most three digits after the point always fit.
    Dec::from_parts(numerator, digits).unwrap_or_default()
}

pub fn default() -> Params {
    Params {
        signed_blocks_window: 10_000,
        min_signed_per_window: bytes(part(50, 2)),
        downtime_jail_duration: Some(prost_types::Duration { seconds: 600, nanos: 0 }),
        slash_fraction_double_sign: bytes(part(5, 2)),
        slash_fraction_downtime: bytes(part(1, 3)),
    }
}

/// Decimals of this package are the digits of the mantissa as bytes.
fn dec(name: &str, bytes: &[u8]) -> Result<Dec, CodedError> {
    let text = std::str::from_utf8(bytes).map_err(|_| Error::InvalidRequest(format!("{name} is not a decimal")))?;
    Ok(Dec::from_mantissa(text)?)
}

pub fn min_signed(params: &Params) -> Result<Dec, CodedError> {
    dec("min_signed_per_window", &params.min_signed_per_window)
}

pub fn validate(params: &Params) -> Result<(), CodedError> {
    let within = |name: &str, value: Dec, low: Dec, high: Dec| {
        if (low..=high).contains(&value) {
            return Ok(());
        }
        Err(Error::InvalidRequest(format!("{name} must be from {low:#} to {high:#}, got {value:#}")))
    };
    let window = params.signed_blocks_window;
    if !(20..=100_000).contains(&window) {
        return Err(
            Error::InvalidRequest(format!("signed_blocks_window must be from 20 to 100000, got {window}")).into()
        );
    }
    let jail = params.downtime_jail_duration.unwrap_or_default();
    if !(60..=30 * 86_400).contains(&jail.seconds) || jail.nanos != 0 {
        let text = "downtime_jail_duration must be whole seconds, from a minute to 30 days";
        return Err(Error::InvalidRequest(text.into()).into());
    }
    within("min_signed_per_window", min_signed(params)?, part(5, 2), part(95, 2))?;
    let double = dec("slash_fraction_double_sign", &params.slash_fraction_double_sign)?;
    within("slash_fraction_double_sign", double, part(1, 2), part(100, 2))?;
    let downtime = dec("slash_fraction_downtime", &params.slash_fraction_downtime)?;
    Ok(within("slash_fraction_downtime", downtime, Dec::zero(), part(5, 2))?)
}

pub fn load<R: Read + ?Sized>(state: &R) -> Result<Params, CodedError> {
    Ok(PARAMS.get(state)?.unwrap_or_else(default))
}

pub fn store<W: Write + ?Sized>(state: &mut W, params: &Params) -> Result<(), CodedError> {
    validate(params)?;
    Ok(PARAMS.set(state, params)?)
}

/// Length of the liveness window.
pub fn window_seconds(params: &Params) -> u64 {
    u64::try_from(params.signed_blocks_window.saturating_mul(NOMINAL_BLOCK)).unwrap_or(0)
}

/// What an offence costs the first time.
#[derive(Clone, Copy, Debug)]
pub struct Penalty {
    pub fraction: Dec,
    /// Seconds.
    pub jail: u64,
    pub tombstone: bool,
    /// Fraction and jail multiply by this with each earlier offence of the same reason.
    pub repeat: u64,
}

impl Penalty {
    pub fn of(reason: Reason, params: &Params) -> Result<Self, CodedError> {
        Ok(match reason {
            Reason::Downtime => Self {
                fraction: dec("slash_fraction_downtime", &params.slash_fraction_downtime)?,
                jail: params.downtime_jail_duration.map_or(0, |time| u64::try_from(time.seconds).unwrap_or(0)),
                tombstone: false,
                repeat: 2,
            },
            Reason::DoubleSign | Reason::LightClientAttack => Self {
                fraction: dec("slash_fraction_double_sign", &params.slash_fraction_double_sign)?,
                jail: 7 * DAY,
                tombstone: true,
                repeat: 1,
            },
            Reason::InvalidIdentityAttestation => {
                Self { fraction: part(5, 2), jail: 7 * DAY, tombstone: false, repeat: 2 }
            }
            Reason::MissedRecomputations => Self { fraction: part(1, 2), jail: 3_600, tombstone: false, repeat: 1 },
            Reason::InconsistentScore => Self { fraction: part(2, 2), jail: DAY, tombstone: false, repeat: 2 },
            Reason::Unspecified => return Err(Error::InvalidRequest("a punishment needs a reason".into()).into()),
        })
    }

    /// After `earlier` offences of the same reason, within the caps.
    pub fn repeated(self, earlier: usize) -> Result<Self, CodedError> {
        // 2^64 is beyond both caps.
        let factor = self.repeat.saturating_pow(u32::try_from(earlier).unwrap_or(u32::MAX));
        let fraction = self.fraction.mul_int(factor.into())?.min(Dec::one());
        Ok(Self { fraction, jail: self.jail.saturating_mul(factor).min(MAX_JAIL), ..self })
    }
}

#[cfg(test)]
#[path = "tests/params.rs"]
mod tests;
