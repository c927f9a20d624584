//! The course of the price from one block to the next, pure. It rises by at most 38 % and falls by at most 20 %.

use ve_base::{Amount, CodedError, Dec, Rounding};
use ve_proto::ve::feemarket::v1::{Mode, Params, State};

use super::params;
use super::price::ONE;

/// Bounds of the learning rate, in thousandths.
const RATES: (u64, u64) = (10, 500);
/// What a price may become in one block, in hundredths of what it was.
const STEPS: (u64, u64) = (80, 138);

fn bps(value: u64) -> Result<Dec, CodedError> {
    Ok(Dec::from_parts(value, 4)?)
}

/// The state after a block that used `used` of `max` gas. Without a limit on gas there is no use to measure.
pub fn next(params: &Params, before: &State, used: u64, max: u64) -> Result<State, CodedError> {
    let use_bps = used.saturating_mul(ONE).checked_div(max).unwrap_or(0).min(ONE);
    let length = u64::from(params.window).max(1);
    let smoothed = u64::from(before.smoothed_bps)
        .saturating_mul(length.saturating_sub(1))
        .saturating_add(use_bps)
        .checked_div(length)
        .unwrap_or(0);
    let narrow = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let dropped = before.window_bps.len().saturating_add(1).saturating_sub(length);
    let mut window: Vec<u32> = before.window_bps.iter().copied().skip(dropped).collect();
    window.push(narrow(use_bps));
    let old = Dec::from_mantissa(&before.base_fee)?;
    let (price, learning_rate) = match params.mode() {
        Mode::Smoothed => (by_smoothed_use(params, old, smoothed)?, String::new()),
        Mode::Aimd => {
            let rate = learn(params, &before.learning_rate, &window)?;
            (by_learned_rate(params, old, rate, use_bps)?, rate.to_mantissa())
        }
    };
    let (low, high) =
        (old.mul(hundredths(STEPS.0)?, Rounding::Truncate)?, old.mul(hundredths(STEPS.1)?, Rounding::Ceil)?);
    // A floor that was raised is climbed, not jumped.
    let price = price.max(params::floor(params, before.stressed)?).clamp(low, high);
    let price = price.clamp(params::min_base_fee(params)?, params::max_base_fee(params)?);
    Ok(State {
        base_fee: price.to_mantissa(),
        smoothed_bps: narrow(smoothed),
        last_bps: narrow(use_bps),
        height: before.height,
        window_bps: window,
        learning_rate,
        stressed: before.stressed,
    })
}

/// The lowest and the highest learning rate, as digits.
pub fn rates() -> Result<(String, String), CodedError> {
    Ok((Dec::from_parts(RATES.0, 3)?.to_mantissa(), Dec::from_parts(RATES.1, 3)?.to_mantissa()))
}

fn hundredths(value: u64) -> Result<Dec, CodedError> {
    Ok(Dec::from_parts(value, 2)?)
}

/// By a fixed part of the distance between smoothed use and target; congestion adds to it.
fn by_smoothed_use(params: &Params, price: Dec, smoothed: u64) -> Result<Dec, CodedError> {
    let (target, rate) = (u64::from(params.target_bps), u64::from(params.rate_bps));
    let part = |distance: u64| distance.saturating_mul(rate).checked_div(ONE).unwrap_or(0);
    let most = u64::from(params.max_change_bps);
    let factor = if smoothed >= target {
        ONE.saturating_add(part(smoothed.saturating_sub(target)).min(most))
    } else {
        ONE.saturating_sub(part(target.saturating_sub(smoothed)).min(most))
    };
    let price = price.mul(bps(factor)?, Rounding::Truncate)?;
    if smoothed < u64::from(params.congestion_bps) {
        return Ok(price);
    }
    let boost = ONE.saturating_add(u64::from(params.congestion_boost_bps));
    Ok(price.mul(bps(boost)?, Rounding::Truncate)?)
}

/// The learning rate after this block: more while the mean use of the window is far from the middle, a part of what it
/// was while it is near.
fn learn(params: &Params, before: &str, window: &[u32]) -> Result<Dec, CodedError> {
    let (low, high) = (Dec::from_parts(RATES.0, 3)?, Dec::from_parts(RATES.1, 3)?);
    let before = if before.is_empty() { low } else { Dec::from_mantissa(before)? };
    let sum: u64 = window.iter().map(|used| u64::from(*used)).sum();
    let mean = sum.checked_div(window.len() as u64).unwrap_or(0);
    let (mean, gamma) = (bps(mean)?, Dec::from_mantissa(&params.gamma)?);
    let far = mean <= gamma || mean >= Dec::one().checked_sub(gamma)?;
    let after = if far {
        before.checked_add(Dec::from_mantissa(&params.alpha)?)?
    } else {
        before.mul(Dec::from_mantissa(&params.beta)?, Rounding::Truncate)?
    };
    Ok(after.clamp(low, high))
}

/// The rate times the distance of the last use from the target, as a part of the target.
fn by_learned_rate(params: &Params, price: Dec, rate: Dec, used: u64) -> Result<Dec, CodedError> {
    let target = u64::from(params.target_bps);
    let share = |distance: u64| -> Result<Dec, CodedError> {
        Ok(rate.mul_int(Amount::from(distance))?.quo_int(Amount::from(target), Rounding::Truncate)?)
    };
    let factor = if used >= target {
        Dec::one().checked_add(share(used.saturating_sub(target))?)?
    } else {
        Dec::one().checked_sub(share(target.saturating_sub(used))?)?
    };
    Ok(price.mul(factor, Rounding::Truncate)?)
}

#[cfg(test)]
#[path = "course_tests.rs"]
mod tests;
