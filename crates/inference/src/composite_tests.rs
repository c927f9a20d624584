use proptest::prelude::*;

use super::*;
use crate::proofs;

/// The worked example of identity.md section 4.2.
fn worked() -> Inputs {
    Inputs {
        document: Some(Document { tamper: 9200, format: 9600, template: 9000, security: 8000 }),
        face: Some(Face { similarity: 9100, confidence: 9700, quality: 8800 }),
        liveness: Some(Liveness { liveness: 9000, blink: true, head_turn: true, depth: false, antispoof: 9300 }),
        consistency: Consistency { name: 9500, birth: 10_000, address: 0, cross: 9000, ..Consistency::default() },
        history: History::New { days: 120 },
        risk: Risk {
            fraud: 9000,
            device_fingerprint: 8000,
            device_integrity: 9500,
            ip: 8000,
            geo: 9000,
            velocity_failed: false,
            device_attested: true,
        },
        trust_bp: 8400,
        web: proofs::web(&[
            (proofs::Proof::Email { organisational: true, years: 0 }, [1; 32]),
            (proofs::Proof::Sms { mobile: true, years: 0 }, [2; 32]),
            (proofs::Proof::Login(proofs::Login::Microsoft), [3; 32]),
        ]),
        government: 0,
    }
}

#[test]
fn the_worked_example_scores_91() {
    let inputs = worked();
    assert_eq!(inputs.web, 1300);
    let result = composite(&inputs);
    assert_eq!(result.components, [9070, 8297, 9473, 7975, 3287, 8750]);
    assert_eq!((result.core, result.score, result.review), (8196, 91, false));
    assert_eq!(result.reasons, [Reason::Success]);
    let bare = composite(&Inputs { web: 0, ..inputs });
    assert_eq!(bare.score, 81);
}

#[test]
fn the_trust_model_holds_the_core_down_and_a_wide_gap_asks_for_a_person() {
    let cut = composite(&Inputs { trust_bp: 7000, web: 0, ..worked() });
    assert_eq!((cut.core, cut.score, cut.review), (7500, 75, false));
    let wide = composite(&Inputs { trust_bp: 6695, ..worked() });
    assert!(wide.review && composite(&Inputs { trust_bp: 9697, ..worked() }).review);
    assert!(!composite(&Inputs { trust_bp: 6696, ..worked() }).review);
}

#[test]
fn extras_add_at_most_their_limits_and_never_pass_100() {
    let rich = composite(&Inputs { web: 5000, government: 9000, ..worked() });
    assert_eq!(rich.score, 100);
    let plain = composite(&Inputs { web: 0, government: 9000, trust_bp: 5000, ..worked() });
    assert_eq!(plain.score, 75);
}

#[test]
fn every_cap_holds_the_worked_example_down() {
    let of = |inputs: Inputs| {
        let result = composite(&inputs);
        (result.score, result.reasons)
    };
    let low = |reason| vec![Reason::BelowPassThreshold, reason];
    assert_eq!(of(Inputs { document: None, ..worked() }), (30, low(Reason::MissingDocument)));
    assert_eq!(of(Inputs { face: None, ..worked() }), (30, low(Reason::MissingSelfie)));
    let document = Some(Document { tamper: 0, format: 9600, template: 9000, security: 1 });
    assert_eq!(of(Inputs { document, ..worked() }), (49, low(Reason::LowDocumentAuthenticity)));
    let face = Some(Face { similarity: 7500, confidence: 9700, quality: 8800 });
    assert_eq!(of(Inputs { face, ..worked() }), (49, low(Reason::LowFaceMatch)));
    let liveness = Some(Liveness { liveness: 7000, antispoof: 8000, ..Liveness::default() });
    assert_eq!(of(Inputs { liveness, ..worked() }), (49, low(Reason::LowLiveness)));
    let risk = Risk { velocity_failed: true, device_attested: false, ..worked().risk };
    let risky = Inputs { risk, ..worked() };
    assert_eq!(of(risky), (49, vec![Reason::BelowPassThreshold, Reason::HighRisk]));
    assert!(composite(&risky).review);
    let unseen = Inputs { liveness: None, government: 2000, ..worked() };
    assert_eq!(of(unseen), (69, vec![Reason::LivenessMissing, Reason::Success]));
    let consistency = Consistency { age_check_failed: true, ..worked().consistency };
    let torn = Inputs { consistency, government: 2000, ..worked() };
    assert_eq!(of(torn), (69, vec![Reason::LowDataConsistency, Reason::Success]));
}

#[test]
fn factors_apply_where_they_hold() {
    let consistency = Consistency { age_check_failed: true, document_expired: true, ..worked().consistency };
    assert_eq!(consistency.bp(), 7975 * 70 / 100 * 80 / 100);
    let risk = Risk { velocity_failed: true, device_attested: false, ..worked().risk };
    assert_eq!(risk.bp(), 8750 * 60 / 100 * 70 / 100);
    let seen = Liveness { liveness: 9800, blink: true, head_turn: true, depth: true, antispoof: 0 };
    assert_eq!(seen.bp(), 7000);
    assert_eq!(History::New { days: u64::MAX }.bp(), BP);
    assert_eq!(History::Known { prior: 8000, age: 5000, success: 9000 }.bp(), 7800);
}

proptest! {
    #[test]
    fn no_value_breaks_the_range(values in proptest::collection::vec(prop_oneof![0u64..=10_000, Just(u64::MAX)], 12), bits in any::<u8>()) {
        let bit = |at: u8| bits >> at & 1 == 1;
        let v = |at: usize| values[at];
        let inputs = Inputs {
            document: bit(0).then(|| Document { tamper: v(0), format: v(1), template: v(2), security: v(3) }),
            face: bit(1).then(|| Face { similarity: v(4), confidence: v(5), quality: v(6) }),
            liveness: bit(2).then(|| Liveness { liveness: v(7), blink: bit(3), head_turn: bit(4), depth: bit(5), antispoof: v(8) }),
            consistency: Consistency { name: v(0), birth: v(5), address: v(9), cross: v(1), age_check_failed: bit(6), document_expired: bit(7) },
            history: if bit(3) { History::New { days: v(10) } } else { History::Known { prior: v(10), age: v(11), success: v(2) } },
            risk: Risk { fraud: v(3), device_fingerprint: v(6), device_integrity: v(9), ip: v(11), geo: v(4), velocity_failed: bit(2), device_attested: bit(5) },
            trust_bp: v(7),
            web: v(8),
            government: v(10),
        };
        let result = composite(&inputs);
        prop_assert!(result.score <= 100 && result.components.iter().all(|bp| *bp <= BP));
        prop_assert!(result.core <= inputs.trust_bp.min(BP) + TRUST_LEAD);
    }
}
