//! From counts to a score, and from scores to the weight of a validator's power (finance spec section 2.6). Pure.

use ve_proto::ve::performance::v1::Counts;

const BPS: u128 = 10_000;
/// Multiplier of a validator without a score, in basis points.
pub const NEUTRAL: u64 = 10_000;
/// Finished epochs that count.
pub const REMEMBERED: usize = 10;

/// Basis points of `part` in `whole`; `None` when there was nothing to do.
fn ratio(part: u64, whole: u64) -> Option<u128> {
    // A part above its whole cannot be counted; 10^4 times 64 bits always fit.
    (u128::from(part.min(whole)) * BPS).checked_div(u128::from(whole))
}

/// 0 to 10,000. Proposals weigh 3, verifications 4, signatures 3; what did not occur drops out and the other weights
/// grow. `None` when nothing occurred.
pub fn score(counts: &Counts) -> Option<u32> {
    let proposals = ratio(counts.proposals_committed, counts.proposals_assigned);
    let completed = ratio(counts.ident_completed, counts.ident_expected);
    let agreed = ratio(counts.ident_agreed, counts.ident_completed);
    // Whoever finished nothing agreed with nobody.
    let verifications = completed.map(|completed| completed.saturating_add(agreed.unwrap_or(0)) / 2);
    let signatures = ratio(counts.blocks_signed, counts.blocks_signed.saturating_add(counts.blocks_missed));
    let parts = [(3_000u128, proposals), (4_000, verifications), (3_000, signatures)];
    let (mut sum, mut weights) = (0u128, 0u128);
    for (weight, value) in parts.into_iter().filter_map(|(weight, value)| Some((weight, value?))) {
        // At most 10^4 times 10^4, three times.
        sum = sum.saturating_add(weight.saturating_mul(value));
        weights = weights.saturating_add(weight);
    }
    u32::try_from(sum.checked_div(weights)?).ok()
}

/// By how much a validator's power counts in rewards, in basis points: 5,000 and the mean of its last scores; 10,000
/// for one without any.
pub fn multiplier(scores: &[u32]) -> u64 {
    let last = scores.iter().rev().take(REMEMBERED);
    let (sum, count) =
        last.fold((0u64, 0u64), |(sum, count), score| (sum.saturating_add(u64::from(*score)), count.saturating_add(1)));
    sum.checked_div(count).map_or(NEUTRAL, |mean| mean.saturating_add(5_000))
}

#[cfg(test)]
#[path = "tests/score.rs"]
mod tests;
