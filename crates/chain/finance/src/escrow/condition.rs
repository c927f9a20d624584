//! Conditions on the release of unspent funds, pure.

use ve_base::{ACCOUNT_PREFIX, Address, Amount, Dec, Rounding};
use ve_proto::ve::escrow::v1::Condition;

use super::error::Error;

const MAX_CONDITIONS: usize = 8;
const MAX_SIGNERS: usize = 20;

fn refused(why: &str) -> Error {
    Error::Condition(why.into())
}

/// Conditions as they may be given when an account is opened.
pub fn check(conditions: &[Condition]) -> Result<(), Error> {
    if conditions.len() > MAX_CONDITIONS {
        return Err(refused("at most 8 conditions"));
    }
    conditions.iter().try_for_each(check_one)
}

fn check_one(condition: &Condition) -> Result<(), Error> {
    let kinds = [condition.timelock > 0, condition.signatures.is_some(), !condition.usage.is_empty()];
    if kinds.into_iter().filter(|given| *given).count() != 1 {
        return Err(refused("each condition is exactly one of timelock, signatures and usage"));
    }
    if !condition.usage.is_empty() && condition.usage.parse::<Amount>().is_err() {
        return Err(refused("usage is a whole amount of the account's coin"));
    }
    let Some(signatures) = &condition.signatures else { return Ok(()) };
    let count = signatures.signers.len();
    let threshold = usize::try_from(signatures.threshold).unwrap_or(usize::MAX);
    if count == 0 || count > MAX_SIGNERS || threshold == 0 || threshold > count {
        return Err(refused("signatures name 1 to 20 signers and a threshold among them"));
    }
    if !signatures.approvals.is_empty() {
        return Err(refused("nobody has approved yet"));
    }
    if !signatures.signers.is_sorted_by(|left, right| left < right) {
        return Err(refused("sort the signers, each once"));
    }
    if signatures.signers.iter().any(|signer| Address::from_bech32(signer, ACCOUNT_PREFIX).is_err()) {
        return Err(refused("a signer is not an account address"));
    }
    Ok(())
}

/// The first condition that does not hold, in words.
pub fn unmet(conditions: &[Condition], now: u64, transferred: Dec) -> Option<String> {
    conditions.iter().find_map(|condition| {
        if let Some(signatures) = &condition.signatures {
            let missing = signatures.threshold.saturating_sub(u32::try_from(signatures.approvals.len()).unwrap_or(0));
            return (missing > 0).then(|| format!("{missing} more approvals"));
        }
        if condition.timelock > now {
            return Some(format!("time {}", condition.timelock));
        }
        let earned = transferred.to_amount(Rounding::Truncate).unwrap_or_default();
        let wanted: Amount = condition.usage.parse().unwrap_or_default();
        (earned < wanted).then(|| format!("{wanted} earned by payments"))
    })
}

/// Notes the approval of `signer`; `false` when no condition waits for it.
pub fn approve(conditions: &mut [Condition], signer: &str) -> bool {
    let mut noted = false;
    for signatures in conditions.iter_mut().filter_map(|condition| condition.signatures.as_mut()) {
        let known = signatures.signers.iter().any(|listed| listed == signer);
        if known && !signatures.approvals.iter().any(|done| done == signer) {
            signatures.approvals.push(signer.to_owned());
            noted = true;
        }
    }
    noted
}

#[cfg(test)]
#[path = "condition_tests.rs"]
mod tests;
