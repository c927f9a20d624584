use super::*;
use crate::testing::{worked_but, worked_without};

/// Cap and reasons of a bundle under rules without the cap on evidence.
fn judged(features: &Features, findings: Findings) -> (u64, Vec<Reason>) {
    let rules = Rules { evidence_cap: 100, ..Rules::default() };
    let verdict = verdict(features, &Components::of(features), findings, &rules);
    (verdict.cap, verdict.reasons)
}

fn found(findings: Findings) -> (u64, Vec<Reason>) {
    judged(&worked_but(&[(38, 9500)]), findings)
}

#[test]
fn a_good_bundle_has_no_cap() {
    assert_eq!(found(Findings::default()), (100, vec![]));
}

#[test]
fn every_row_of_the_table_holds_a_good_bundle_down() {
    let good = (38, 9500);
    type Row<'a> = (&'a [(usize, u16)], u64, Reason);
    let rows: &[Row<'_>] = &[
        (&[good, (49, 9999)], 0, Reason::InvalidSaltBinding),
        (&[(38, 6999)], 20, Reason::LowFaceMatch),
        (&[(38, 8499)], 49, Reason::LowFaceMatch),
        (&[(38, 8500)], 69, Reason::FaceBorderline),
        (&[(38, 8999)], 69, Reason::FaceBorderline),
        (&[good, (47, 7499)], 49, Reason::LivenessCheckFailed),
        (&[good, (45, 0)], 49, Reason::LivenessCheckFailed),
        (&[good, (39, 8499)], 49, Reason::LivenessCheckFailed),
        (&[good, (11, 4999)], 49, Reason::LowDocumentAuthenticity),
        (&[good, (27, 9999)], 49, Reason::LowDocumentAuthenticity),
        (&[good, (30, 0)], 49, Reason::DataMismatch),
        (&[good, (32, 0)], 49, Reason::DataMismatch),
        (&[good, (33, 0)], 49, Reason::Expired),
        (&[good, (16, 0), (17, 2999)], 59, Reason::LowOcrConfidence),
    ];
    for (changes, cap, reason) in rows {
        assert_eq!(judged(&worked_but(changes), Findings::default()), (*cap, vec![*reason]), "{changes:?}");
    }
    let careless: Vec<(usize, u16)> = (50..=59).map(|index| (index, 1999)).chain([good]).collect();
    assert_eq!(judged(&worked_but(&careless), Findings::default()), (69, vec![Reason::HighRisk]));
    // 9500 as everything but two confidences gives exactly the least mean.
    let just = worked_but(&[good, (16, 0), (17, 3000)]);
    assert_eq!(judged(&just, Findings::default()).0, 100);
}

#[test]
fn what_is_missing_holds_down() {
    let none = Findings::default();
    let (cap, reasons) = judged(&worked_without(&[35]), none);
    assert_eq!((cap, reasons), (0, vec![Reason::MissingSelfie]));
    let (cap, reasons) = judged(&worked_without(&[49]), none);
    assert_eq!((cap, reasons.contains(&Reason::InvalidSaltBinding)), (0, true));
    let mut unseen = worked_but(&[(38, 9500)]);
    unseen = Features::new(unseen.presence() & !(7 << 42), {
        let mut values = *unseen.values();
        values[42..45].fill(0);
        values
    })
    .expect("valid");
    assert_eq!(judged(&unseen, none), (69, vec![Reason::LivenessMissing]));
}

#[test]
fn proofs_of_the_web_alone_need_no_capture_but_a_selfie_does() {
    let proofs: Vec<(usize, u16)> = (50..=59).map(|index| (index, 10_000)).collect();
    let web = Features::from_pairs(&proofs).expect("valid");
    assert_eq!(judged(&web, Findings::default()), (30, vec![Reason::MissingDocument]));
    let selfie = Features::from_pairs(&[proofs, vec![(35, 9000)]].concat()).expect("valid");
    let (cap, reasons) = judged(&selfie, Findings::default());
    assert_eq!((cap, reasons), (0, vec![Reason::InvalidSaltBinding, Reason::MissingDocument]));
}

#[test]
fn hard_findings_leave_nothing_and_probable_ones_little() {
    let hard = [
        (Findings { duplicate_face: true, ..Findings::default() }, Reason::DuplicateFace),
        (Findings { duplicate_document: true, ..Findings::default() }, Reason::DuplicateIdentity),
        (Findings { gan: true, ..Findings::default() }, Reason::GanHighConfidence),
        (Findings { deepfake: true, ..Findings::default() }, Reason::DeepfakeDetected),
    ];
    for (findings, reason) in hard {
        assert_eq!(found(findings), (0, vec![reason]));
    }
    let probable = Findings { synthetic: true, ..Findings::default() };
    assert_eq!(found(probable), (49, vec![Reason::SyntheticDetected]));
}

#[test]
fn findings_are_bits_and_unknown_bits_are_refused() {
    for bits in 0..32 {
        assert_eq!(Findings::from_bits(bits).map(|findings| findings.bits()), Some(bits));
    }
    assert_eq!(Findings::from_bits(32), None);
}

#[test]
fn a_step_up_lifts_the_borderline_cap_and_no_other() {
    let rules = Rules { evidence_cap: 100, ..Rules::default() };
    let of = |features: &Features| verdict(features, &Components::of(features), Findings::default(), &rules);
    assert_eq!(of(&worked_but(&[])).cap_after_step_up, Some(100));
    assert_eq!(of(&worked_but(&[(33, 0)])).cap_after_step_up, Some(49));
    assert_eq!(of(&worked_but(&[(38, 8400)])).cap_after_step_up, None);
    assert_eq!(of(&worked_but(&[(38, 9000)])).cap_after_step_up, None);
}

#[test]
fn evidence_from_synthetic_data_alone_holds_every_document_down() {
    let features = worked_but(&[(38, 9500)]);
    let verdict = verdict(&features, &Components::of(&features), Findings::default(), &Rules::default());
    assert_eq!((verdict.cap, verdict.reasons), (69, vec![Reason::EvidenceCap]));
}

#[test]
fn rules_out_of_range_or_out_of_order_are_refused() {
    let good = Rules::default();
    assert!(good.is_valid());
    let bad = [
        Rules { evidence_cap: 101, ..good },
        Rules { face_mismatch: (7000, 50), ..good },
        Rules { face_no_match: (9001, 49), ..good },
        Rules { video: 10_001, ..good },
        Rules { risk: (2000, 101), ..good },
        Rules { named_below: [0, 0, 0, 0, 10_001], ..good },
    ];
    assert!(bad.iter().all(|rules| !rules.is_valid()));
}
