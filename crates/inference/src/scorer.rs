//! From features to the score.

use sha2::{Digest, Sha256};

use crate::{
    BP, Features, Findings, Reason, Rules,
    c1::{Components, NAMES, Weights},
    caps::{Verdict, verdict},
    features::{COUNT, id},
    reason::normalise,
    tsm::Tsm,
};

#[cfg(test)]
#[path = "scorer_tests.rs"]
mod tests;

/// Least scores of tiers 1, 2 and 3.
pub const TIERS: [u64; 3] = [50, 70, 85];

/// How basis points come from features.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scorer {
    /// The formulas of genesis.
    C1(Weights),
    /// A trained network.
    Tsm(Box<Tsm>),
}

/// A scorer with the rules around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    scorer: Scorer,
    rules: Rules,
}

impl Model {
    /// Refuses (`None`) rules that are not valid and a network that does not take the 64 features.
    pub fn new(scorer: Scorer, rules: Rules) -> Option<Self> {
        let takes = match &scorer {
            Scorer::C1(_) => COUNT,
            Scorer::Tsm(network) => network.inputs(),
        };
        (takes == COUNT && rules.is_valid()).then_some(Self { scorer, rules })
    }

    /// The model of genesis: C1 with its default weights and rules.
    pub fn genesis() -> Self {
        Self { scorer: Scorer::C1(Weights::default()), rules: Rules::default() }
    }

    /// The rules around the scorer.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// SHA-256 that commits to every number that a score depends on: the hash of the network's file or the weights of
    /// C1, then the rules, each number u64 big-endian.
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        match &self.scorer {
            Scorer::C1(weights) => {
                hash.update(b"VM1|C1|");
                weights.get().iter().for_each(|weight| hash.update(weight.to_be_bytes()));
            }
            Scorer::Tsm(network) => {
                hash.update(b"VM1|TSM1|");
                hash.update(network.sha256());
            }
        }
        self.rules.numbers().iter().for_each(|number| hash.update(number.to_be_bytes()));
        hash.finalize().into()
    }
}

/// What one component adds under C1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contribution {
    /// One of [`NAMES`].
    pub name: &'static str,
    /// The component in basis points.
    pub raw: u64,
    /// Its share in basis points.
    pub weight: u64,
    /// `raw * weight / 10000`.
    pub weighted: u64,
}

/// A score and everything that explains it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScoreOutcome {
    /// 0..=100, caps applied.
    pub score: u64,
    /// Replaces `score` when a further factor confirms a borderline face; `None` where that is not asked.
    pub score_after_step_up: Option<u64>,
    /// Basis points of the model before any cap.
    pub bp: u64,
    /// Basis points that are missing to the next tier, 0 in the highest.
    pub margin_bp: u64,
    /// What each component adds; empty for a trained network, whose parts do not add up.
    pub contributions: Vec<Contribution>,
    /// Sorted by code, each once.
    pub reasons: Vec<Reason>,
    /// SHA-256 of `"VI1"`, the features' bytes and the findings' bits.
    pub input_hash: [u8; 32],
    /// [`Model::digest`] of the model that scored.
    pub model: [u8; 32],
}

impl ScoreOutcome {
    /// SHA-256 of the outcome's canonical bytes: what independent members must agree on.
    pub fn hash(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(b"VO1");
        let after = self.score_after_step_up.map_or([0, 0], |score| [1, score]);
        let numbers = [self.score, after[0], after[1], self.bp, self.margin_bp, self.contributions.len() as u64];
        let parts = self.contributions.iter().flat_map(|part| [part.raw, part.weight, part.weighted]);
        numbers.into_iter().chain(parts).for_each(|number| hash.update(number.to_be_bytes()));
        hash.update((self.reasons.len() as u64).to_be_bytes());
        self.reasons.iter().for_each(|reason| hash.update([reason.number()]));
        hash.update(self.input_hash);
        hash.update(self.model);
        hash.finalize().into()
    }
}

/// Scores features. Without a document only proofs of the web count, whichever the model.
pub fn score(features: &Features, findings: Findings, model: &Model) -> ScoreOutcome {
    let components = Components::of(features);
    let rules = &model.rules;
    let verdict = verdict(features, &components, findings, rules);
    let (bp, contributions) = if features.is_set(id::DOC_PRESENT) {
        match &model.scorer {
            Scorer::C1(weights) => (components.mean(weights), contributions(&components, weights)),
            Scorer::Tsm(network) => (network.evaluate(features.values()), Vec::new()),
        }
    } else {
        (rules.no_document_cap * components.web / 100, Vec::new())
    };
    let score = (bp / 100).min(verdict.cap);
    ScoreOutcome {
        score,
        score_after_step_up: verdict.cap_after_step_up.map(|cap| (bp / 100).min(cap)),
        bp,
        margin_bp: margin(bp.min(verdict.cap * 100)),
        contributions,
        reasons: reasons(features, &components, score, rules, verdict),
        input_hash: input_hash(features, findings),
        model: model.digest(),
    }
}

fn contributions(components: &Components, weights: &Weights) -> Vec<Contribution> {
    let parts = NAMES.into_iter().zip(components.six()).zip(weights.get());
    parts.map(|((name, raw), weight)| Contribution { name, raw, weight, weighted: raw * weight / BP }).collect()
}

/// Distance to the least basis points of the next tier.
fn margin(bp: u64) -> u64 {
    TIERS.iter().map(|tier| tier * 100).find(|tier| *tier > bp).map_or(0, |tier| tier - bp)
}

fn reasons(features: &Features, components: &Components, score: u64, rules: &Rules, verdict: Verdict) -> Vec<Reason> {
    const NAMED: [Reason; 5] = [
        Reason::LowDocumentAuthenticity,
        Reason::LowFaceMatch,
        Reason::LowLiveness,
        Reason::LowDataConsistency,
        Reason::HighRisk,
    ];
    let mut all = verdict.reasons;
    if features.is_set(id::DOC_PRESENT) {
        let raw = [components.doc, components.face, components.live, components.cons, components.risk];
        let low = NAMED.iter().zip(raw.iter().zip(rules.named_below)).filter(|(_, (raw, below))| *raw < below);
        all.extend(low.map(|(reason, _)| *reason));
    }
    all.push(if score < rules.pass { Reason::BelowPassThreshold } else { Reason::Success });
    normalise(all)
}

fn input_hash(features: &Features, findings: Findings) -> [u8; 32] {
    let hash = Sha256::new().chain_update(b"VI1").chain_update(features.encode());
    hash.chain_update([findings.bits()]).finalize().into()
}
