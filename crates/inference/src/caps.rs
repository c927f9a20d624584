//! What no model may overrule: conditions that hold a score down. The lowest cap wins. Source: identity-ml.md section
//! 5.3.
//!
//! identity.md section 4.2 has a table of its own for the composite score that the chain stores; where both name a
//! value (no selfie, face, risk) that one decides there.

use crate::{BP, Features, Reason, c1::Components, features::id, reason::normalise};

#[cfg(test)]
#[path = "caps_tests.rs"]
mod tests;

/// What a committee found that is no feature: results of searches and hard verdicts, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// A face of another verified account.
    pub duplicate_face: bool,
    /// A document of another verified account.
    pub duplicate_document: bool,
    /// Generated beyond doubt.
    pub gan: bool,
    /// Swapped beyond doubt.
    pub deepfake: bool,
    /// Generated or swapped, probably.
    pub synthetic: bool,
}

impl Findings {
    /// One bit per finding, in the order of the fields from the lowest.
    pub fn bits(&self) -> u8 {
        let all = [self.duplicate_face, self.duplicate_document, self.gan, self.deepfake, self.synthetic];
        all.iter().rev().fold(0, |bits, set| bits << 1 | u8::from(*set))
    }

    /// Reads [`Self::bits`]; `None` for a bit that stands for nothing.
    pub fn from_bits(bits: u8) -> Option<Self> {
        let bit = |at: u8| bits >> at & 1 == 1;
        (bits < 32).then(|| Self {
            duplicate_face: bit(0),
            duplicate_document: bit(1),
            gan: bit(2),
            deepfake: bit(3),
            synthetic: bit(4),
        })
    }
}

/// Caps in score points and thresholds in basis points, set by governance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Cap without a document, and what a full set of proofs of the web is worth then.
    pub no_document_cap: u64,
    /// Below it faces mismatch; cap.
    pub face_mismatch: (u64, u64),
    /// Below it faces do not match; cap.
    pub face_no_match: (u64, u64),
    /// Below it a match needs a step-up; cap until then.
    pub face_match: (u64, u64),
    /// Cap without any result of a liveness check.
    pub no_liveness_cap: u64,
    /// Below it the check has failed; cap.
    pub live: (u64, u64),
    /// Below it video and selfie show different people.
    pub video: u64,
    /// Below it the document is altered; cap, also of wrong check digits, contradictions and expiry.
    pub tamper: (u64, u64),
    /// Below it the text cannot be read; cap.
    pub ocr: (u64, u64),
    /// Below it the circumstances are too risky; cap.
    pub risk: (u64, u64),
    /// Cap as long as the model is proven on synthetic data only; 100 lifts it.
    pub evidence_cap: u64,
    /// Score that verifies.
    pub pass: u64,
    /// Below these a component of doc, face, live, cons, risk is named among the reasons.
    pub named_below: [u64; 5],
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            no_document_cap: 30,
            face_mismatch: (7000, 20),
            face_no_match: (8500, 49),
            face_match: (9000, 69),
            no_liveness_cap: 69,
            live: (7500, 49),
            video: 8500,
            tamper: (5000, 49),
            ocr: (6000, 59),
            risk: (2000, 69),
            evidence_cap: 69,
            pass: 50,
            named_below: [5000, 9000, 7500, 6000, 5000],
        }
    }
}

impl Rules {
    /// Whether caps are scores, thresholds are basis points, and a worse face is never held less.
    pub fn is_valid(&self) -> bool {
        let [mismatch, no_match, matched] = [self.face_mismatch, self.face_no_match, self.face_match];
        let gates = [mismatch, no_match, matched, self.live, self.tamper, self.ocr, self.risk];
        let caps = [self.no_document_cap, self.no_liveness_cap, self.evidence_cap, self.pass];
        gates.iter().all(|(below, cap)| *below <= BP && *cap <= 100)
            && caps.iter().all(|cap| *cap <= 100)
            && self.named_below.iter().chain([&self.video]).all(|below| *below <= BP)
            && mismatch.0 <= no_match.0
            && no_match.0 <= matched.0
            && mismatch.1 <= no_match.1
            && no_match.1 <= matched.1
    }

    /// Every number, in the order of the fields, for the digest of a model.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        let gates =
            [self.face_mismatch, self.face_no_match, self.face_match, self.live, self.tamper, self.ocr, self.risk];
        let single = [self.no_document_cap, self.no_liveness_cap, self.video, self.evidence_cap, self.pass];
        gates.into_iter().flat_map(|(below, cap)| [below, cap]).chain(single).chain(self.named_below).collect()
    }
}

/// The caps that hold and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The lowest cap, 100 if none holds.
    pub cap: u64,
    /// The lowest cap once a further factor has confirmed a borderline face; `None` if that is not asked.
    pub cap_after_step_up: Option<u64>,
    /// Sorted by code, each once.
    pub reasons: Vec<Reason>,
}

struct Caps(Vec<(u64, Reason)>);

impl Caps {
    fn when(&mut self, holds: bool, cap: u64, reason: Reason) {
        if holds {
            self.0.push((cap, reason));
        }
    }

    fn lowest(&self, counts: impl Fn(Reason) -> bool) -> u64 {
        self.0.iter().filter(|(_, reason)| counts(*reason)).map(|(cap, _)| *cap).min().unwrap_or(100)
    }
}

/// Which caps hold for these features.
pub fn verdict(features: &Features, components: &Components, findings: Findings, rules: &Rules) -> Verdict {
    let mut caps = Caps(Vec::new());
    findings_cap(findings, rules, &mut caps);
    let document = features.is_set(id::DOC_PRESENT);
    let selfie = features.get(id::FACE_SELFIE_CONF).is_some();
    let captured = document || selfie || features.get(id::CAPTURE_BINDING).is_some();
    let bound = features.value(id::CAPTURE_BINDING) == BP;
    caps.when(captured && !bound, 0, Reason::InvalidSaltBinding);
    caps.when(!document, rules.no_document_cap, Reason::MissingDocument);
    caps.when(document && !selfie, 0, Reason::MissingSelfie);
    if document && selfie {
        face_caps(components.face, rules, &mut caps);
    }
    if document {
        liveness_caps(features, components, rules, &mut caps);
        document_caps(features, components, rules, &mut caps);
        caps.when(rules.evidence_cap < 100, rules.evidence_cap, Reason::EvidenceCap);
    }
    caps.when(components.risk < rules.risk.0, rules.risk.1, Reason::HighRisk);

    let borderline = caps.0.iter().any(|(_, reason)| *reason == Reason::FaceBorderline);
    Verdict {
        cap: caps.lowest(|_| true),
        cap_after_step_up: borderline.then(|| caps.lowest(|reason| reason != Reason::FaceBorderline)),
        reasons: normalise(caps.0.into_iter().map(|(_, reason)| reason).collect()),
    }
}

fn findings_cap(findings: Findings, rules: &Rules, caps: &mut Caps) {
    caps.when(findings.duplicate_face, 0, Reason::DuplicateFace);
    caps.when(findings.duplicate_document, 0, Reason::DuplicateIdentity);
    caps.when(findings.gan, 0, Reason::GanHighConfidence);
    caps.when(findings.deepfake, 0, Reason::DeepfakeDetected);
    caps.when(findings.synthetic, rules.tamper.1, Reason::SyntheticDetected);
}

/// Only a face that matches but for a step-up is borderline; anything below is no match.
fn face_caps(face: u64, rules: &Rules, caps: &mut Caps) {
    let [mismatch, no_match, matched] = [rules.face_mismatch, rules.face_no_match, rules.face_match];
    caps.when(face < mismatch.0, mismatch.1, Reason::LowFaceMatch);
    caps.when(face < no_match.0, no_match.1, Reason::LowFaceMatch);
    caps.when((no_match.0..matched.0).contains(&face), matched.1, Reason::FaceBorderline);
}

fn liveness_caps(features: &Features, components: &Components, rules: &Rules, caps: &mut Caps) {
    let checked = (id::LIVE_ACTIVE..=id::LIVE_PAD).any(|index| features.get(index).is_some());
    caps.when(!checked, rules.no_liveness_cap, Reason::LivenessMissing);
    let failed = components.live < rules.live.0
        || !features.is_set(id::LIVE_CHALLENGE_BOUND)
        || features.value(id::FACE_VIDEO_CONSISTENCY) < rules.video;
    caps.when(checked && failed, rules.live.1, Reason::LivenessCheckFailed);
}

fn document_caps(features: &Features, components: &Components, rules: &Rules, caps: &mut Caps) {
    let (least_tamper, cap) = rules.tamper;
    let digits_wrong = features.get(id::MRZ_CHECK_DIGITS).is_some_and(|valid| valid < BP);
    caps.when(components.tamper < least_tamper || digits_wrong, cap, Reason::LowDocumentAuthenticity);
    let contradicts = features.value(id::XCHECK_ID) == 0 || features.value(id::XCHECK_DATES) == 0;
    caps.when(contradicts, cap, Reason::DataMismatch);
    // A last day that nobody could read is not assumed to lie in the future.
    caps.when(!features.is_set(id::NOT_EXPIRED), cap, Reason::Expired);
    let read = (id::OCR_CONF_ID..=id::OCR_CONF_EXPIRY).map(|index| features.value(index)).sum::<u64>() / 5;
    caps.when(read < rules.ocr.0, rules.ocr.1, Reason::LowOcrConfidence);
}
