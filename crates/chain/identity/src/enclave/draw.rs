//! The draw of a committee: a pure function of seed, candidates and size.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use ve_proto::ve::enclave::v1::{CommitteeMember, Tee};

/// Draws up to `size` members, by address. No operator group has more than a third of what was drawn, no vendor of
/// hardware more than half; a committee that would break this is drawn again, smaller.
pub fn draw(seed: &[u8], candidates: &[CommitteeMember], size: u32) -> Vec<CommitteeMember> {
    let mut size = usize::try_from(size).unwrap_or(usize::MAX).min(candidates.len());
    loop {
        let mut members = attempt(seed, candidates, size);
        if members.len() >= size {
            members.sort_by(|left, right| left.validator.cmp(&right.validator));
            return members;
        }
        size = members.len();
    }
}

/// Stake-weighted draw without replacement: the i-th place goes to where u128(SHA-256(seed ‖ i)) mod the remaining
/// weight falls. Whoever would break a cap leaves the draw.
fn attempt(seed: &[u8], candidates: &[CommitteeMember], size: usize) -> Vec<CommitteeMember> {
    let (of_group, of_vendor) = ((size / 3).max(1), (size / 2).max(1));
    let mut left: Vec<&CommitteeMember> = candidates.iter().collect();
    let mut groups: BTreeMap<&str, usize> = BTreeMap::new();
    let mut vendors: BTreeMap<i32, usize> = BTreeMap::new();
    let mut chosen = Vec::new();
    let mut round = 0u64;
    while chosen.len() < size {
        let total: u128 = left.iter().map(|candidate| u128::from(candidate.weight)).sum();
        let digest = Sha256::new_with_prefix(seed).chain_update(round.to_be_bytes()).finalize();
        round = round.saturating_add(1);
        let number = digest.first_chunk::<16>().map_or(0, |bytes| u128::from_be_bytes(*bytes));
        // Nobody is left, or nobody who has any weight.
        let Some(point) = number.checked_rem(total) else { break };
        let Some(at) = position(&left, point) else { break };
        let candidate = left.remove(at);
        let group = groups.entry(group_of(candidate)).or_default();
        let vendor = vendors.entry(candidate.tee).or_default();
        // Simulated enclaves are of no vendor.
        let capped = candidate.tee() != Tee::Simulated && *vendor >= of_vendor;
        if *group < of_group && !capped {
            *group = group.saturating_add(1);
            *vendor = vendor.saturating_add(1);
            chosen.push(candidate.clone());
        }
    }
    chosen
}

fn position(left: &[&CommitteeMember], mut point: u128) -> Option<usize> {
    left.iter().position(|candidate| {
        let weight = u128::from(candidate.weight);
        let hit = point < weight;
        point = point.saturating_sub(weight);
        hit
    })
}

fn group_of(candidate: &CommitteeMember) -> &str {
    if candidate.operator_group.is_empty() { &candidate.validator } else { &candidate.operator_group }
}

#[cfg(test)]
#[path = "draw_tests.rs"]
mod tests;
