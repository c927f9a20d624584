//! How a committee agrees on features: exact ones to the bit, tolerant ones by median. Source: identity-ml.md section
//! 7.2. A tolerance exists only here, before scoring; scores are compared exactly.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use crate::{
    Features, SchemaError,
    features::{COUNT, Class, class},
};

#[cfg(test)]
#[path = "agreement_tests.rs"]
mod tests;

/// What names a member: its account's address or a digest of it.
pub type Member = Vec<u8>;

/// One member's opened features.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reveal {
    /// What its commitment was blinded with.
    pub nonce: [u8; 32],
    /// What it extracted.
    pub features: Features,
}

/// How far members may differ in tolerant features.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tolerance {
    /// Basis points that values are rounded to.
    pub quantum: u64,
    /// A member further from the median than this leaves.
    pub distance: u64,
}

impl Default for Tolerance {
    fn default() -> Self {
        Self { quantum: 50, distance: 200 }
    }
}

/// What the committee agrees on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// Members whose features went in, in order.
    pub members: Vec<Member>,
    /// Exact features as all of them had them, tolerant ones by median, attested and chain ones as given.
    pub features: Features,
    /// SHA-256 of the members' nonces in order: what the features' digest is salted with.
    pub salt: [u8; 32],
}

/// Why there is no agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAgreement {
    /// Too few members are alike. The committee is drawn anew.
    #[error("{alike} members agree and {needed} must")]
    NoQuorum {
        /// Members that agree.
        alike: usize,
        /// Members that must.
        needed: usize,
    },
    /// State gives a value that the schema refuses.
    #[error(transparent)]
    State(#[from] SchemaError),
}

/// Members of a committee of `size` that must agree: two thirds, rounded up.
pub fn needed(size: usize) -> usize {
    size.saturating_mul(2).div_ceil(3)
}

/// What a member binds itself to before it sees others' features:
/// `SHA-256("veid-f" || run || member || nonce || features)`.
pub fn commitment(run: &[u8; 32], member: &[u8], reveal: &Reveal) -> [u8; 32] {
    let hash = Sha256::new().chain_update(b"veid-f").chain_update(run).chain_update(member);
    hash.chain_update(reveal.nonce).chain_update(reveal.features.encode()).finalize().into()
}

/// `SHA-256("E" || values of the exact features in order, u16 BE each || presence u64 BE)`.
pub fn exact_digest(features: &Features) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"E");
    for index in of(Class::Exact) {
        hash.update((features.value(index) as u16).to_be_bytes());
    }
    hash.update(features.presence().to_be_bytes());
    hash.finalize().into()
}

/// Rounds to the nearest multiple, halves up.
pub fn quantise(value: u64, quantum: u64) -> u64 {
    value.saturating_add(quantum / 2).checked_div(quantum).map_or(value, |steps| steps * quantum)
}

/// The middle value, of two the lower; `None` of nothing.
pub fn lower_median(values: &[u64]) -> Option<u64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len().checked_sub(1)? / 2).copied()
}

/// Agrees on the features of a committee of `size`. `state` holds the attested and chain features of the block at which
/// reveals end; an index of another class in it is refused, and one that is not in it is absent.
pub fn agree(
    size: usize,
    reveals: &BTreeMap<Member, Reveal>,
    state: &BTreeMap<usize, u16>,
    tolerance: Tolerance,
) -> Result<Agreed, NoAgreement> {
    let quorum = needed(size);
    let mut alike = largest_group(reveals);
    loop {
        if alike.len() < quorum || alike.is_empty() {
            return Err(NoAgreement::NoQuorum { alike: alike.len(), needed: quorum });
        }
        let medians = medians(&alike, tolerance.quantum);
        let before = alike.len();
        alike.retain(|(_, reveal)| {
            let value = |index: usize| quantise(reveal.features.value(index), tolerance.quantum);
            medians.iter().all(|(index, median)| value(*index).abs_diff(*median) <= tolerance.distance)
        });
        // Each round loses a member or is the last.
        if alike.len() == before {
            return combine(&alike, &medians, state);
        }
    }
}

fn of(wanted: Class) -> impl Iterator<Item = usize> {
    (0..COUNT).filter(move |index| class(*index) == Some(wanted))
}

/// Members with the most frequent exact digest, in order. Of two equally large groups neither is two thirds, so which
/// one is taken does not matter; the order of digests decides.
fn largest_group(reveals: &BTreeMap<Member, Reveal>) -> Vec<(&Member, &Reveal)> {
    let mut groups: BTreeMap<[u8; 32], Vec<(&Member, &Reveal)>> = BTreeMap::new();
    for (member, reveal) in reveals {
        groups.entry(exact_digest(&reveal.features)).or_default().push((member, reveal));
    }
    groups.into_values().max_by_key(Vec::len).unwrap_or_default()
}

fn medians(alike: &[(&Member, &Reveal)], quantum: u64) -> BTreeMap<usize, u64> {
    let median = |index: usize| {
        let values: Vec<u64> =
            alike.iter().map(|(_, reveal)| quantise(reveal.features.value(index), quantum)).collect();
        lower_median(&values).map(|median| (index, median))
    };
    of(Class::Tolerant).filter_map(median).collect()
}

fn combine(
    alike: &[(&Member, &Reveal)],
    medians: &BTreeMap<usize, u64>,
    state: &BTreeMap<usize, u16>,
) -> Result<Agreed, NoAgreement> {
    let from_state: BTreeSet<usize> = of(Class::Attested).chain(of(Class::Chain)).collect();
    if let Some(index) = state.keys().find(|index| !from_state.contains(index)) {
        return Err(SchemaError::Index(*index).into());
    }
    let mut pairs: Vec<(usize, u16)> = state.iter().map(|(index, value)| (*index, *value)).collect();
    if let Some((_, first)) = alike.first() {
        let measured = |index: &usize| first.features.get(*index).is_some();
        pairs.extend(of(Class::Exact).filter(measured).map(|index| (index, first.features.value(index) as u16)));
        let agreed = of(Class::Tolerant).filter(measured);
        pairs.extend(agreed.filter_map(|index| Some((index, *medians.get(&index)? as u16))));
    }
    let mut nonces: Vec<[u8; 32]> = alike.iter().map(|(_, reveal)| reveal.nonce).collect();
    nonces.sort_unstable();
    let salt = nonces.iter().fold(Sha256::new(), |hash, nonce| hash.chain_update(nonce));
    Ok(Agreed {
        members: alike.iter().map(|(member, _)| (*member).clone()).collect(),
        features: Features::from_pairs(&pairs)?,
        salt: salt.finalize().into(),
    })
}
