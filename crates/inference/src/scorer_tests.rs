use proptest::prelude::*;

use super::*;
use crate::testing::{self, worked_but};

fn proven() -> Model {
    Model::new(Scorer::C1(Weights::default()), Rules { evidence_cap: 100, ..Rules::default() }).expect("valid")
}

fn of(features: &Features) -> ScoreOutcome {
    score(features, Findings::default(), &proven())
}

#[test]
fn the_worked_bundle_scores_69_before_step_up_and_86_after() {
    let outcome = of(&worked_but(&[]));
    assert_eq!((outcome.bp, outcome.score, outcome.score_after_step_up), (8625, 69, Some(86)));
    assert_eq!(outcome.margin_bp, 100);
    assert_eq!(outcome.reasons, [Reason::FaceBorderline, Reason::LowFaceMatch, Reason::Success]);
    let weighted: Vec<u64> = outcome.contributions.iter().map(|part| part.weighted).collect();
    assert_eq!(weighted, [2300, 2200, 1800, 1425, 500, 400]);
}

#[test]
fn a_model_of_synthetic_evidence_never_gives_more_than_tier_one() {
    let outcome = score(&worked_but(&[(38, 10_000)]), Findings::default(), &Model::genesis());
    assert_eq!((outcome.score, outcome.score_after_step_up), (69, None));
    assert_eq!(outcome.reasons, [Reason::EvidenceCap, Reason::Success]);
}

#[test]
fn without_a_document_only_proofs_of_the_web_count() {
    let proofs: Vec<(usize, u16)> = (50..=59).map(|index| (index, 8000)).collect();
    let outcome = of(&Features::from_pairs(&proofs).expect("valid"));
    assert_eq!((outcome.score, outcome.bp, outcome.margin_bp), (24, 2400, 2600));
    assert_eq!(outcome.reasons, [Reason::BelowPassThreshold, Reason::MissingDocument]);
    assert_eq!(of(&Features::from_pairs(&[]).expect("valid")).score, 0);
}

#[test]
fn weak_components_are_named_even_where_no_cap_holds() {
    let outcome = of(&worked_but(&[(38, 9500), (31, 100), (30, 5000), (32, 5000)]));
    assert_eq!(outcome.reasons, [Reason::LowDataConsistency, Reason::Success]);
}

#[test]
fn the_distance_to_the_next_tier_counts_from_what_the_caps_leave() {
    assert_eq!([0, 4999, 5000, 6900, 7000, 8499, 8500].map(margin), [5000, 1, 2000, 100, 1500, 1, 0]);
}

#[test]
fn a_network_that_does_not_take_the_schema_is_no_model() {
    let short =
        [b"TSM1\x01\x00\x01\x00\x01\x05".as_slice(), &[0; 9], &[2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 9]].concat();
    let network = Tsm::load(&short).expect("a network of one input");
    assert_eq!(Model::new(Scorer::Tsm(Box::new(network)), Rules::default()), None);
    let rules = Rules { pass: 101, ..Rules::default() };
    assert_eq!(Model::new(Scorer::C1(Weights::default()), rules), None);
}

#[test]
fn the_digest_of_a_model_and_the_hash_of_an_outcome_commit_to_every_number() {
    let genesis = Model::genesis();
    assert_ne!(genesis.digest(), proven().digest());
    let moved = Weights::new([2400, 2600, 2000, 1500, 1000, 500]).expect("one whole");
    assert_ne!(Model::new(Scorer::C1(moved), Rules::default()).expect("valid").digest(), genesis.digest());
    let outcome = of(&worked_but(&[]));
    let changed = [
        ScoreOutcome { score: 70, ..outcome.clone() },
        ScoreOutcome { score_after_step_up: None, ..outcome.clone() },
        ScoreOutcome { bp: 1, ..outcome.clone() },
        ScoreOutcome { reasons: vec![], ..outcome.clone() },
        ScoreOutcome { contributions: vec![], ..outcome.clone() },
        ScoreOutcome { input_hash: [0; 32], ..outcome.clone() },
        ScoreOutcome { model: [0; 32], ..outcome.clone() },
    ];
    assert!(changed.iter().all(|other| other.hash() != outcome.hash()));
}

/// A network that sums all features.
fn network() -> Model {
    let layer = [1u16.to_be_bytes(), 64u16.to_be_bytes()].concat();
    let knots =
        [vec![2], 0i32.to_be_bytes().to_vec(), vec![0, 0], (64 * 127i32).to_be_bytes().to_vec(), vec![0x27, 0x10]];
    let file = [b"TSM1\x01".to_vec(), layer, vec![1; 64], vec![0; 9], knots.concat()].concat();
    let network = Tsm::load(&file).expect("a network");
    Model::new(Scorer::Tsm(Box::new(network)), Rules::default()).expect("takes 64 features")
}

#[test]
fn a_network_scores_under_the_same_caps_and_explains_no_parts() {
    let all: Vec<(usize, u16)> = (0..64).map(|index| (index, 10_000)).collect();
    let outcome = score(&Features::from_pairs(&all).expect("valid"), Findings::default(), &network());
    assert_eq!((outcome.bp, outcome.score, outcome.contributions.len()), (10_000, 69, 0));
}

proptest! {
    #[test]
    fn scores_are_0_to_100_and_contributions_sum_to_the_basis_points_within_6(
        features in testing::features(), findings in testing::findings(),
    ) {
        let outcome = score(&features, findings, &proven());
        prop_assert!(outcome.score <= 100 && outcome.bp <= 10_000);
        prop_assert!(outcome.score_after_step_up.is_none_or(|after| (outcome.score..=100).contains(&after)));
        prop_assert_eq!(outcome.hash(), score(&features, findings, &proven()).hash());
        prop_assert!(outcome.reasons.windows(2).all(|pair| pair[0] < pair[1]));
        if features.is_set(id::DOC_PRESENT) {
            let sum: u64 = outcome.contributions.iter().map(|part| part.weighted).sum();
            prop_assert!(sum <= outcome.bp && outcome.bp <= sum + 6);
            prop_assert_eq!(outcome.contributions.iter().map(|part| part.weight).sum::<u64>(), BP);
        }
    }

    #[test]
    fn raising_a_feature_never_lowers_the_score_before_caps(
        features in testing::features(), at in 1usize..64, by in 1u16..=10_000, trained in any::<bool>(),
    ) {
        let model = if trained { network() } else { proven() };
        let mut values = *features.values();
        values[at] = values[at].saturating_add(by).min(10_000);
        if testing::FLAGS.contains(&at) {
            values[at] = 10_000;
        }
        if let Ok(higher) = Features::new(features.presence(), values) {
            let bp = |features| score(features, Findings::default(), &model).bp;
            prop_assert!(bp(&features) <= bp(&higher));
        }
    }

    #[test]
    fn a_failed_gate_never_raises_the_final_score(features in testing::features(), first in 0u8..32, more in 0u8..32) {
        let of = |bits| score(&features, Findings::from_bits(bits).expect("five bits"), &proven());
        let (before, after) = (of(first), of(first | more));
        prop_assert!(after.score <= before.score);
        prop_assert!(after.score_after_step_up <= before.score_after_step_up);
    }
}
