//! The composite score of identity.md section 4.2: six components, held near the trust model's verdict, raised by proofs
//! of the web and of governments, held down by caps.
//!
//! The trust model ([`crate::score`]) has inputs and caps of its own; where both tables name a value (no selfie 30, face
//! below 7000 at 49, risk below 5000 at 49) the one here decides.

use crate::{BP, Reason, reason::normalise};

#[cfg(test)]
#[path = "composite_tests.rs"]
mod tests;

/// Weights of doc, face, live, cons, hist, risk in basis points.
const WEIGHTS: [u64; 6] = [2500, 2500, 2000, 1500, 1000, 500];
/// How far the core may lie above the trust model.
const TRUST_LEAD: u64 = 500;
/// A wider gap between the core and the trust model is looked at by a person.
const REVIEW_GAP: u64 = 1500;
/// Most that proofs of the web and of governments add.
const MAX_EXTRAS: (u64, u64) = (1000, 2000);

/// What the document shows, each in basis points, higher is better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Document {
    pub tamper: u64,
    pub format: u64,
    pub template: u64,
    pub security: u64,
}

/// Comparison of portrait and selfie in basis points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Face {
    pub similarity: u64,
    pub confidence: u64,
    pub quality: u64,
}

/// Result of a liveness check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Liveness {
    /// Basis points.
    pub liveness: u64,
    /// Seen to blink.
    pub blink: bool,
    /// Seen to turn the head.
    pub head_turn: bool,
    /// Seen in depth.
    pub depth: bool,
    /// Basis points.
    pub antispoof: u64,
}

/// How well the sources of personal data agree, in basis points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Consistency {
    pub name: u64,
    pub birth: u64,
    pub address: u64,
    pub cross: u64,
    /// The face looks much older or younger than the document says.
    pub age_check_failed: bool,
    /// The document is expired.
    pub document_expired: bool,
}

/// What is known of the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    /// Nothing but its age.
    New {
        /// Whole days since its first transaction.
        days: u64,
    },
    /// Earlier verifications, in basis points.
    Known {
        /// Their score.
        prior: u64,
        /// Age of the account.
        age: u64,
        /// Share that succeeded.
        success: u64,
    },
}

/// Circumstances in basis points, higher is safer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Risk {
    pub fraud: u64,
    pub device_fingerprint: u64,
    pub device_integrity: u64,
    pub ip: u64,
    pub geo: u64,
    /// Tried too often or from places too far apart.
    pub velocity_failed: bool,
    /// The device's maker vouches for it.
    pub device_attested: bool,
}

/// Everything that a composite score depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inputs {
    /// `None` without a document.
    pub document: Option<Document>,
    /// `None` without a selfie.
    pub face: Option<Face>,
    /// `None` without a result.
    pub liveness: Option<Liveness>,
    /// 0 where nothing could be compared.
    pub consistency: Consistency,
    /// The account's past.
    pub history: History,
    /// The circumstances.
    pub risk: Risk,
    /// [`crate::ScoreOutcome::bp`] of the trust model.
    pub trust_bp: u64,
    /// Sum of [`crate::proofs::web`].
    pub web: u64,
    /// Sum of [`crate::proofs::government`].
    pub government: u64,
}

/// A composite score.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Composite {
    /// doc, face, live, cons, hist, risk in basis points; 0 where absent.
    pub components: [u64; 6],
    /// Their weighted sum, held near the trust model.
    pub core: u64,
    /// 0..=100, caps applied.
    pub score: u64,
    /// A person should look at it.
    pub review: bool,
    /// Sorted by code, each once.
    pub reasons: Vec<Reason>,
}

fn percent(parts: &[(u64, u64)]) -> u64 {
    (parts.iter().map(|(share, value)| share * value.min(&BP)).sum::<u64>() / 100).min(BP)
}

fn scaled(value: u64, applies: bool, percent: u64) -> u64 {
    if applies { (value * percent / 100).min(BP) } else { value }
}

impl Document {
    fn bp(&self) -> u64 {
        percent(&[(35, self.tamper), (25, self.format), (25, self.template), (15, self.security)])
    }
}

impl Face {
    fn bp(&self) -> u64 {
        let [similarity, confidence, quality] = [self.similarity, self.confidence, self.quality].map(|v| v.min(BP));
        (similarity * confidence / BP) * ((BP + quality) / 2) / BP
    }
}

impl Liveness {
    fn bp(&self) -> u64 {
        let blinked = scaled(self.liveness.min(BP), self.blink, 103);
        let turned = scaled(blinked, self.head_turn, 103);
        percent(&[(70, scaled(turned, self.depth, 105)), (30, self.antispoof)])
    }
}

impl Consistency {
    fn bp(&self) -> u64 {
        let agreed = percent(&[(25, self.name), (20, self.birth), (15, self.address), (40, self.cross)]);
        scaled(scaled(agreed, self.age_check_failed, 70), self.document_expired, 80)
    }
}

impl History {
    fn bp(&self) -> u64 {
        match self {
            Self::New { days } => days.min(&365) * BP / 365,
            Self::Known { prior, age, success } => percent(&[(40, *prior), (20, *age), (40, *success)]),
        }
    }
}

impl Risk {
    fn bp(&self) -> u64 {
        let shares = [
            (25, self.fraud),
            (20, self.device_fingerprint),
            (20, self.device_integrity),
            (15, self.ip),
            (20, self.geo),
        ];
        scaled(scaled(percent(&shares), self.velocity_failed, 60), !self.device_attested, 70)
    }
}

/// Computes the composite score.
pub fn composite(inputs: &Inputs) -> Composite {
    let components = [
        inputs.document.map_or(0, |document| document.bp()),
        inputs.face.map_or(0, |face| face.bp()),
        inputs.liveness.map_or(0, |liveness| liveness.bp()),
        inputs.consistency.bp(),
        inputs.history.bp(),
        inputs.risk.bp(),
    ];
    let weighted: u64 = components.iter().zip(WEIGHTS).map(|(raw, weight)| raw * weight / BP).sum();
    let trust = inputs.trust_bp.min(BP);
    let core = weighted.min(trust + TRUST_LEAD);
    let extras = inputs.web.min(MAX_EXTRAS.0) + inputs.government.min(MAX_EXTRAS.1);
    let (cap, mut reasons, risky) = caps(inputs, &components);
    let score = ((core + extras) / 100).min(100).min(cap);
    reasons.push(if score < crate::TIERS[0] { Reason::BelowPassThreshold } else { Reason::Success });
    let review = risky || weighted.abs_diff(trust) > REVIEW_GAP;
    Composite { components, core, score, review, reasons: normalise(reasons) }
}

/// The lowest cap, the reasons, and whether the circumstances ask for a person.
fn caps(inputs: &Inputs, components: &[u64; 6]) -> (u64, Vec<Reason>, bool) {
    let [doc, face, live, cons, _, risk] = *components;
    let (has_document, has_selfie) = (inputs.document.is_some(), inputs.face.is_some());
    let has_liveness = inputs.liveness.is_some();
    let rows = [
        (!has_document, 30, Reason::MissingDocument),
        (!has_selfie, 30, Reason::MissingSelfie),
        (!has_liveness, 69, Reason::LivenessMissing),
        (has_document && doc < 5000, 49, Reason::LowDocumentAuthenticity),
        (has_selfie && face < 7000, 49, Reason::LowFaceMatch),
        (has_liveness && live < 7500, 49, Reason::LowLiveness),
        (risk < 5000, 49, Reason::HighRisk),
        (cons < 6000, 69, Reason::LowDataConsistency),
    ];
    let held: Vec<(u64, Reason)> =
        rows.into_iter().filter(|(holds, ..)| *holds).map(|(_, cap, reason)| (cap, reason)).collect();
    let cap = held.iter().map(|(cap, _)| *cap).min().unwrap_or(100);
    (cap, held.into_iter().map(|(_, reason)| reason).collect(), risk < 5000)
}
