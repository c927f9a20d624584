//! The arithmetic of accrual, pure.
//!
//! Time is whole seconds of block time: however often and at whatever block interval an account is settled, the sums
//! are the same, because a rate per second times a whole number of seconds never rounds. A price "per block" is per 5 s;
//! [`rate_per_second`] derives the rate once, when a payment begins.

use ve_base::{Amount, Dec, DecError, Rounding};

/// Seconds of one accounting block, the unit of prices.
pub const BLOCK_SECONDS: u64 = 5;

/// Price per accounting block → rate per second. Exact for up to 17 decimals; beyond, less than 10^-18 per second is
/// lost to the payee.
pub fn rate_per_second(price_per_block: Dec) -> Result<Dec, DecError> {
    price_per_block.quo_int(Amount::from(BLOCK_SECONDS), Rounding::Truncate)
}

/// What a span of time moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// Funds that remain.
    pub funds: Dec,
    /// To each payment, in the order given.
    pub paid: Vec<Dec>,
    /// Earned by each payment and not covered.
    pub owed: Vec<Dec>,
    pub overdrawn: bool,
}

pub fn sum(values: &[Dec]) -> Result<Dec, DecError> {
    values.iter().try_fold(Dec::zero(), |sum, value| sum.checked_add(*value))
}

/// Whole seconds that `funds` last; `u64::MAX` stands for longer than that and for a rate of zero.
pub fn seconds_left(funds: Dec, total_rate: Dec) -> u64 {
    if total_rate.is_zero() {
        return u64::MAX;
    }
    // A quotient beyond 256 bits is beyond u64 too.
    let quotient = funds.quo(total_rate, Rounding::Truncate).and_then(|whole| whole.to_amount(Rounding::Truncate));
    quotient.ok().and_then(Amount::to_u64).unwrap_or(u64::MAX)
}

/// Accrues `elapsed` seconds of all rates (finance spec section 7.3): whole seconds as long as funds last, then the
/// remainder in proportion to the rates, each share truncated, the dust to the first payments that are still owed it.
pub fn settle(funds: Dec, rates: &[Dec], elapsed: u64) -> Result<Settlement, DecError> {
    let total = sum(rates)?;
    let nothing = vec![Dec::zero(); rates.len()];
    if elapsed == 0 || total.is_zero() {
        return Ok(Settlement { funds, paid: nothing.clone(), owed: nothing, overdrawn: false });
    }
    let covered = elapsed.min(seconds_left(funds, total));
    let times = |seconds: u64| -> Result<Vec<Dec>, DecError> {
        rates.iter().map(|rate| rate.mul_int(Amount::from(seconds))).collect()
    };
    let mut paid = times(covered)?;
    let rest = funds.checked_sub(sum(&paid)?)?;
    if covered == elapsed {
        return Ok(Settlement { funds: rest, paid, owed: nothing, overdrawn: false });
    }
    let mut owed = times(elapsed.saturating_sub(covered))?;
    let mut dust = rest;
    for ((rate, paid), owed) in rates.iter().zip(&mut paid).zip(&mut owed) {
        let share = rest.mul_quo(*rate, total, Rounding::Truncate)?;
        dust = dust.checked_sub(share)?;
        *paid = paid.checked_add(share)?;
        *owed = owed.checked_sub(share)?;
    }
    for (paid, owed) in paid.iter_mut().zip(&mut owed) {
        let part = dust.min(*owed);
        dust = dust.checked_sub(part)?;
        *paid = paid.checked_add(part)?;
        *owed = owed.checked_sub(part)?;
    }
    Ok(Settlement { funds: dust, paid, owed, overdrawn: true })
}

/// Shares `funds` among debts in order; returns what each gets.
pub fn repay(funds: Dec, debts: &[Dec]) -> Result<Vec<Dec>, DecError> {
    let mut left = funds;
    debts
        .iter()
        .map(|debt| {
            let part = left.min(*debt);
            left = left.checked_sub(part)?;
            Ok(part)
        })
        .collect()
}

/// The whole part and the fraction.
pub fn split_whole(value: Dec) -> Result<(Amount, Dec), DecError> {
    let whole = value.to_amount(Rounding::Truncate)?;
    Ok((whole, value.checked_sub(Dec::from_amount(whole)?)?))
}
