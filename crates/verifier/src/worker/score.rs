//! From what all members opened to the attestation that each of them computes alike.

use std::collections::BTreeMap;

use ve_inference::agreement::{Reveal, Tolerance, agree};
use ve_inference::{Findings as Marks, Model, ScoreOutcome};
use ve_proto::ve::veid::v1::{Run, ScoreAttestation, ScoreContribution};

use super::evidence::Findings;

/// The attestation of a run; `None` where too few members agree.
pub fn attestation(
    run: &Run,
    opened: &BTreeMap<String, Option<Reveal>>,
    findings: &Findings,
    model: &Model,
) -> Option<ScoreAttestation> {
    let bound = opened.iter().filter_map(|(member, reveal)| Some((member.clone().into_bytes(), reveal.clone()?)));
    let known = |feature: &ve_proto::ve::veid::v1::StateFeature| {
        Some((usize::try_from(feature.index).ok()?, u16::try_from(feature.value).ok()?))
    };
    let state: BTreeMap<usize, u16> = run.state_features.iter().filter_map(known).collect();
    let agreed = agree(run.seats.len(), &bound.collect(), &state, Tolerance::default()).ok()?;
    let members: Option<Vec<String>> =
        agreed.members.iter().map(|member| String::from_utf8(member.clone()).ok()).collect();
    let outcome = ve_inference::score(&agreed.features, Marks::default(), model);
    Some(ScoreAttestation {
        f_digest: agreed.features.salted_digest(&agreed.salt).to_vec(),
        score: u32::try_from(outcome.score).ok()?,
        score_after_step_up: u32::try_from(outcome.score_after_step_up.unwrap_or_default()).ok()?,
        has_step_up: outcome.score_after_step_up.is_some(),
        bp: u32::try_from(outcome.bp).ok()?,
        reason_codes: outcome.reasons.iter().map(|reason| reason.code().to_owned()).collect(),
        contributions: contributions(&outcome)?,
        input_hash: outcome.input_hash.to_vec(),
        model_id: outcome.model.to_vec(),
        accepted_scopes: findings.accepted.clone(),
        assured_scopes: Vec::new(),
        doc_nullifier: findings.document.clone(),
        members: members?,
        mismatched: opened.iter().filter(|(_, reveal)| reveal.is_none()).map(|(member, _)| member.clone()).collect(),
    })
}

fn contributions(outcome: &ScoreOutcome) -> Option<Vec<ScoreContribution>> {
    let one = |part: &ve_inference::Contribution| {
        Some(ScoreContribution {
            name: part.name.to_owned(),
            raw: u32::try_from(part.raw).ok()?,
            weight: u32::try_from(part.weight).ok()?,
            weighted: u32::try_from(part.weighted).ok()?,
        })
    };
    outcome.contributions.iter().map(one).collect()
}
