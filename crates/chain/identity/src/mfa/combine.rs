//! Whether proven factors satisfy a combination.

use ve_proto::ve::mfa::v1::{Combination, FactorType};

/// How much a factor proves; the lowest is what a trusted browser may stand for.
pub fn strength(kind: FactorType) -> u8 {
    match kind {
        FactorType::Webauthn | FactorType::Certificate | FactorType::Biometric => 3,
        FactorType::Totp => 2,
        FactorType::Sms | FactorType::Call | FactorType::Email | FactorType::BackupCode | FactorType::Browser => 1,
        FactorType::Unspecified => 0,
    }
}

/// Whether one of the combinations holds. `proven` are types of distinct enrolments: each counts once. With `browser` a
/// proven trusted browser stands for one set, the lowest, unless that set is met by the person alone.
pub fn satisfied(combinations: &[Combination], proven: &[FactorType], browser: bool) -> bool {
    combinations.iter().any(|combination| holds(combination, proven, browser))
}

fn holds(combination: &Combination, proven: &[FactorType], browser: bool) -> bool {
    let sets: Vec<&[i32]> = combination.all.iter().map(|set| set.any.as_slice()).collect();
    let factors: Vec<FactorType> = proven.iter().copied().filter(|kind| *kind != FactorType::Browser).collect();
    if assign(&sets, &factors) {
        return true;
    }
    if !browser || !proven.contains(&FactorType::Browser) {
        return false;
    }
    let person = i32::from(FactorType::Biometric);
    let weight = |set: &[i32]| {
        set.iter().map(|kind| strength(FactorType::try_from(*kind).unwrap_or_default())).min().unwrap_or_default()
    };
    let replaceable = sets.iter().enumerate().filter(|(_, set)| **set != [person]);
    let Some((lowest, _)) = replaceable.min_by_key(|(_, set)| weight(set)) else {
        return false;
    };
    let rest: Vec<&[i32]> = sets.iter().enumerate().filter(|(at, _)| *at != lowest).map(|(_, set)| *set).collect();
    assign(&rest, &factors)
}

/// Gives each set a factor of its own. Sets and factors are few: the search is bounded by the limits on both.
fn assign(sets: &[&[i32]], factors: &[FactorType]) -> bool {
    let Some((first, rest)) = sets.split_first() else { return true };
    factors.iter().enumerate().any(|(at, factor)| {
        if !first.contains(&i32::from(*factor)) {
            return false;
        }
        let mut left = factors.to_vec();
        left.remove(at);
        assign(rest, &left)
    })
}

#[cfg(test)]
#[path = "tests/combine.rs"]
mod tests;
