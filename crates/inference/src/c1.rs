//! Model C1: the fixed formulas that score from genesis on. Source: identity-ml.md section 5.1.
//!
//! The components of identity.md section 4.2 have the same names and weights but other inputs (similarity times
//! confidence instead of a gate on it, an address, fraud reports): [`crate::composite`] computes those, and takes this
//! model's result as the verdict of its trust model.

use crate::{BP, Features, features::id};

#[cfg(test)]
#[path = "c1_tests.rs"]
mod tests;

/// Names of the six components in the order of their weights.
pub const NAMES: [&str; 6] = ["doc", "face", "live", "cons", "hist", "risk"];

/// Share of each component in basis points; they sum to one whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weights([u64; 6]);

impl Weights {
    /// Refuses (`None`) weights that do not sum to 10000.
    pub fn new(weights: [u64; 6]) -> Option<Self> {
        let sum = weights.iter().try_fold(0u64, |sum, weight| sum.checked_add(*weight))?;
        (sum == BP).then_some(Self(weights))
    }

    /// The shares, in the order of [`NAMES`].
    pub fn get(&self) -> [u64; 6] {
        self.0
    }
}

impl Default for Weights {
    fn default() -> Self {
        Self([2500, 2500, 2000, 1500, 1000, 500])
    }
}

/// What the features say, in basis points, higher is better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Components {
    /// The document is genuine and well-formed.
    pub doc: u64,
    /// Document and selfie show one person; 0 if either face is found or seen badly.
    pub face: u64,
    /// A live person, no generated or swapped picture.
    pub live: u64,
    /// Visual text, machine-readable zone and barcode agree.
    pub cons: u64,
    /// Age, past successes and government data; 5000 without a past.
    pub hist: u64,
    /// Device, network and proofs of the web; higher is safer.
    pub risk: u64,
    /// The worst of the five forensic features: part of `doc`, gated on its own.
    pub tamper: u64,
    /// Proofs of the web alone: part of `risk`, and the whole score without a document.
    pub web: u64,
}

impl Components {
    /// Computes all of them. An absent feature counts 0 unless the formula names only present ones.
    pub fn of(features: &Features) -> Self {
        let f = |index| features.value(index);
        let tamper = least(features, id::TAMPER_ELA_INV..=id::ANOMALY_INV);
        let web = (10 * f(id::EMAIL_PROOF)
            + 10 * f(id::SMS_PROOF)
            + 12 * f(id::SSO_PROOF)
            + 5 * f(id::SOCIAL_PROOF)
            + 15 * f(id::DOMAIN_PROOF))
            / 52;
        let format = format(features);
        Self {
            doc: (35 * tamper + 25 * format + 25 * f(id::DOC_TEMPLATE_MATCH) + 15 * f(id::SECURITY_FEATURES)) / 100,
            face: face(features),
            live: live(features),
            cons: (45 * f(id::XCHECK_ID) + 30 * f(id::XCHECK_NAMES) + 25 * f(id::XCHECK_DATES)) / 100,
            hist: match features.get(id::PRIOR_SUCCESS) {
                None => 5000,
                Some(success) => (40 * success + 20 * f(id::ACCOUNT_AGE) + 40 * f(id::GOV_DATA_MATCH)) / 100,
            },
            risk: (70 * device(features) + 30 * web) / 100,
            tamper,
            web,
        }
    }

    /// The six weighted ones, in the order of [`NAMES`].
    pub fn six(&self) -> [u64; 6] {
        [self.doc, self.face, self.live, self.cons, self.hist, self.risk]
    }

    /// The weighted mean in basis points.
    pub fn mean(&self, weights: &Weights) -> u64 {
        self.six().iter().zip(weights.0).map(|(raw, weight)| raw * weight).sum::<u64>() / BP
    }
}

fn least(features: &Features, range: std::ops::RangeInclusive<usize>) -> u64 {
    range.map(|index| features.value(index)).min().unwrap_or(0)
}

/// Mean of what is present: check digits, barcode, the four fields without expiry (which not every document has).
fn format(features: &Features) -> u64 {
    let fields = id::FIELD_VALID_ID..=id::FIELD_VALID_BIRTH;
    let visual = fields.clone().any(|index| features.get(index).is_some());
    let valid = fields.map(|index| features.value(index)).sum::<u64>() / 4;
    let parts = [features.get(id::MRZ_CHECK_DIGITS), features.get(id::BARCODE_VALID), visual.then_some(valid)];
    let (sum, count) = parts.into_iter().flatten().fold((0u64, 0u64), |(sum, count), part| (sum + part, count + 1));
    sum.checked_div(count).unwrap_or(0)
}

fn face(features: &Features) -> u64 {
    let found = least(features, id::FACE_DOC_CONF..=id::FACE_SELFIE_CONF) >= 7000;
    let seen = least(features, id::FACE_DOC_QUALITY..=id::FACE_SELFIE_QUALITY) >= 4000;
    if found && seen { features.value(id::FACE_SIMILARITY) } else { 0 }
}

fn live(features: &Features) -> u64 {
    let f = |index| features.value(index);
    let blend = (40 * f(id::LIVE_ACTIVE) + 35 * f(id::LIVE_PASSIVE) + 25 * f(id::LIVE_PAD)) / 100;
    let real = (id::GAN_REAL..=id::MORPH_REAL).filter_map(|index| features.get(index));
    real.fold(blend, u64::min)
}

fn device(features: &Features) -> u64 {
    let f = |index| features.value(index);
    (25 * f(id::VELOCITY)
        + 20 * f(id::DEVICE_REPUTATION)
        + 20 * f(id::DEVICE_INTEGRITY)
        + 15 * f(id::IP_REPUTATION)
        + 20 * f(id::GEO_CONSISTENCY))
        / 100
}
