use super::*;
use crate::testing::{worked_but, worked_without};

#[test]
fn the_worked_bundle_has_the_worked_components() {
    let components = Components::of(&worked_but(&[]));
    assert_eq!(components.six(), [9200, 8800, 9000, 9500, 5000, 8000]);
    assert_eq!(components.mean(&Weights::default()), 8625);
}

#[test]
fn tamper_is_the_worst_forensic_feature_and_an_absent_one_is_the_worst() {
    assert_eq!(Components::of(&worked_but(&[(id::RECAPTURE_INV, 4100)])).tamper, 4100);
    assert_eq!(Components::of(&worked_without(&[id::ANOMALY_INV])).tamper, 0);
}

#[test]
fn the_form_of_a_document_is_judged_by_what_it_has() {
    // Without zone and barcode only the fields count; without anything nothing does.
    let plain = [id::MRZ_PRESENT, id::MRZ_CHECK_DIGITS, id::BARCODE_PRESENT, id::BARCODE_VALID];
    assert_eq!(Components::of(&worked_without(&plain)).doc, (35 * 9200 + 25 * 10_000 + 25 * 9200 + 15 * 8000) / 100);
    let fields: Vec<usize> = (21..=24).collect();
    let bare = worked_without(&[plain.as_slice(), &fields].concat());
    assert_eq!(Components::of(&bare).doc, (35 * 9200 + 25 * 9200 + 15 * 8000) / 100);
    let half = worked_but(&[(id::FIELD_VALID_FIRST, 0), (id::FIELD_VALID_BIRTH, 0), (id::BARCODE_VALID, 5000)]);
    assert_eq!(Components::of(&half).doc, (35 * 9200 + 25 * 6666 + 25 * 9200 + 15 * 8000) / 100);
}

#[test]
fn a_face_that_is_hardly_found_or_seen_counts_nothing() {
    for (index, least) in [(34, 7000), (35, 7000), (36, 4000), (37, 4000)] {
        assert_eq!(Components::of(&worked_but(&[(index, least)])).face, 8800);
        assert_eq!(Components::of(&worked_but(&[(index, least - 1)])).face, 0);
    }
}

#[test]
fn a_generated_picture_pulls_liveness_down_and_an_unjudged_one_does_not() {
    assert_eq!(Components::of(&worked_but(&[(id::MORPH_REAL, 3000)])).live, 3000);
    assert_eq!(Components::of(&worked_without(&[id::GAN_REAL])).live, 9000);
    assert_eq!(Components::of(&worked_but(&[(id::LIVE_ACTIVE, 5000)])).live, 7400);
}

#[test]
fn a_past_replaces_the_middle_value_even_if_it_is_worse() {
    let past = |success| Components::of(&worked_but(&[(id::PRIOR_SUCCESS, success), (id::ACCOUNT_AGE, 2700)])).hist;
    assert_eq!((past(0), past(10_000)), (540, 4540));
}

#[test]
fn weights_sum_to_one_whole_or_are_refused() {
    assert_eq!(Weights::new([10_000, 0, 0, 0, 0, 0]).map(|weights| weights.get()[0]), Some(10_000));
    assert_eq!(Weights::new([2500, 2500, 2000, 1500, 1000, 499]), None);
    assert_eq!(Weights::new([u64::MAX, 10_001, 0, 0, 0, 0]), None);
    assert_eq!(Weights::default().get().iter().sum::<u64>(), BP);
}
