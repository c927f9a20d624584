//! How much is minted for a stretch of time. Pure.

use ve_base::{Amount, BlockTime, CodedError, Dec, Rounding};

use super::params::Rates;

/// 365.25 days.
pub const YEAR_SECONDS: u64 = 31_557_600;
/// A network that stood still longer earned nothing for the rest, and no block time can mint more than a day's coins.
const MAX_ELAPSED_NANOS: u64 = 86_400 * NANOS;
const NANOS: u64 = 1_000_000_000;

/// Part of a year from `earlier` to `later` in nanoseconds, at most a day; 0 when time did not advance.
pub fn elapsed_nanos(earlier: BlockTime, later: BlockTime) -> u64 {
    let total = |time: BlockTime| i128::from(time.seconds) * i128::from(NANOS) + i128::from(time.nanos);
    // Seconds have 64 bits, so neither product nor sum leaves 128 bits.
    let elapsed = total(later).saturating_sub(total(earlier));
    u64::try_from(elapsed.max(0)).unwrap_or(u64::MAX).min(MAX_ELAPSED_NANOS)
}

fn year_nanos() -> Amount {
    Amount::from(u128::from(YEAR_SECONDS) * u128::from(NANOS))
}

/// The inflation after `elapsed` nanoseconds in which `bonded` of `supply` were staked: it rises while less than the
/// goal is bonded and falls while more is.
pub fn next(inflation: Dec, rates: &Rates, bonded: Amount, supply: Amount, elapsed: u64) -> Result<Dec, CodedError> {
    let ratio =
        if supply.is_zero() { Dec::zero() } else { Dec::from_amount(bonded)?.quo_int(supply, Rounding::Truncate)? };
    let yearly =
        Dec::one().checked_sub(ratio.quo(rates.goal, Rounding::Truncate)?)?.mul(rates.change, Rounding::Truncate)?;
    let change = yearly.mul_int(Amount::from(elapsed))?.quo_int(year_nanos(), Rounding::Truncate)?;
    Ok(inflation.checked_add(change)?.max(rates.min).min(rates.max))
}

/// What a year at this inflation would add to `supply`.
pub fn annual(inflation: Dec, supply: Amount) -> Result<Dec, CodedError> {
    Ok(inflation.mul_int(supply)?)
}

/// ⌊annual × elapsed / year⌋, and no more than `room`.
pub fn provision(annual: Dec, elapsed: u64, room: Amount) -> Result<Amount, CodedError> {
    let exact = annual.mul_int(Amount::from(elapsed))?.quo_int(year_nanos(), Rounding::Truncate)?;
    Ok(exact.to_amount(Rounding::Truncate)?.min(room))
}

#[cfg(test)]
#[path = "tests/inflation.rs"]
mod tests;
