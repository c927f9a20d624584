use proptest::prelude::*;

use super::*;
use crate::{features::id, testing};

fn reveal(nonce: u8, changes: &[(usize, u16)]) -> Reveal {
    Reveal { nonce: [nonce; 32], features: testing::worked_but(changes) }
}

fn committee(reveals: &[Reveal]) -> BTreeMap<Member, Reveal> {
    reveals.iter().enumerate().map(|(at, reveal)| (vec![at as u8], reveal.clone())).collect()
}

fn outcome(size: usize, reveals: &[Reveal]) -> Result<Agreed, NoAgreement> {
    agree(size, &committee(reveals), &BTreeMap::new(), Tolerance::default())
}

/// Six members that differ in one tolerant feature as in the worked example of identity-ml.md section 7.2.
fn worked() -> Vec<Reveal> {
    let values = [8210, 8240, 8260, 8300, 8320, 9000];
    (0u8..).zip(values).map(|(nonce, value)| reveal(nonce, &[(id::OCR_CONF_ID, value)])).collect()
}

#[test]
fn the_worked_example_agrees_on_8250_and_loses_one_member() {
    let quantised: Vec<u64> = [8210, 8240, 8260, 8300, 8320, 9000].map(|value| quantise(value, 50)).to_vec();
    assert_eq!(quantised, [8200, 8250, 8250, 8300, 8300, 9000]);
    assert_eq!(lower_median(&quantised), Some(8250));
    let agreed = outcome(7, &worked()).expect("five of seven agree");
    assert_eq!(agreed.members.len(), 5);
    assert!(!agreed.members.contains(&vec![5]));
    assert_eq!(agreed.features.value(id::OCR_CONF_ID), 8250);
}

#[test]
fn two_thirds_rounded_up_must_be_alike() {
    assert_eq!([1, 3, 5, 7, 31].map(needed), [1, 2, 4, 5, 21]);
    let four: Vec<Reveal> = (0..4).map(|nonce| reveal(nonce, &[])).collect();
    assert_eq!(outcome(7, &four), Err(NoAgreement::NoQuorum { alike: 4, needed: 5 }));
    assert_eq!(outcome(0, &[]), Err(NoAgreement::NoQuorum { alike: 0, needed: 0 }));
}

#[test]
fn a_member_that_leaves_can_break_the_quorum() {
    let mut reveals = worked();
    reveals.remove(0);
    assert_eq!(outcome(7, &reveals), Err(NoAgreement::NoQuorum { alike: 4, needed: 5 }));
}

#[test]
fn a_difference_in_an_exact_feature_or_in_presence_splits_the_committee() {
    let mut reveals: Vec<Reveal> = (0..5).map(|nonce| reveal(nonce, &[])).collect();
    reveals.push(reveal(5, &[(id::FACE_SIMILARITY, 8801)]));
    reveals.push(Reveal { nonce: [6; 32], features: testing::worked_without(&[id::OCR_CONF_ID]) });
    assert_eq!(outcome(7, &reveals).expect("five are alike").members.len(), 5);
    reveals.remove(0);
    assert!(outcome(7, &reveals).is_err());
}

#[test]
fn attested_and_chain_features_come_from_state_whatever_members_say() {
    let reveals: Vec<Reveal> = (0..5).map(|nonce| reveal(nonce, &[])).collect();
    let state = BTreeMap::from([(id::CAPTURE_BINDING, 10_000), (id::EMAIL_PROOF, 1234)]);
    let agreed = agree(7, &committee(&reveals), &state, Tolerance::default()).expect("agrees");
    assert_eq!(agreed.features.get(id::EMAIL_PROOF), Some(1234));
    assert_eq!(agreed.features.get(id::SMS_PROOF), None);
    for wrong in [(id::FACE_SIMILARITY, 10_000), (64, 1), (id::EMAIL_PROOF, 10_001)] {
        let state = BTreeMap::from([wrong]);
        let refused = agree(7, &committee(&reveals), &state, Tolerance::default());
        assert!(matches!(refused, Err(NoAgreement::State(_))), "{wrong:?}");
    }
}

#[test]
fn what_a_reveal_opens_is_bound_to_run_member_and_nonce() {
    let one = reveal(1, &[]);
    let of = |run: u8, member: &[u8], reveal: &Reveal| commitment(&[run; 32], member, reveal);
    let base = of(1, b"a", &one);
    assert_eq!(base, of(1, b"a", &one));
    for other in
        [of(2, b"a", &one), of(1, b"b", &one), of(1, b"a", &reveal(2, &[])), of(1, b"a", &reveal(1, &[(38, 1)]))]
    {
        assert_ne!(base, other);
    }
}

#[test]
fn the_salt_is_of_the_nonces_of_those_who_stay_in_order() {
    let agreed = outcome(7, &worked()).expect("agrees");
    let nonces: Vec<u8> = (0..5u8).flat_map(|nonce| [nonce; 32]).collect();
    let expected: [u8; 32] = Sha256::digest(nonces).into();
    assert_eq!(agreed.salt, expected);
}

proptest! {
    #[test]
    fn with_two_arbitrary_members_of_seven_the_result_is_the_honest_one_or_none(
        honest in testing::features(),
        liars in proptest::collection::vec(testing::features(), 2),
        shifts in proptest::collection::vec((16usize..=20, 0u16..=10_000), 2),
        names in Just((0u8..7).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let mut all: Vec<Reveal> =
            (0u8..5).map(|nonce| Reveal { nonce: [nonce; 32], features: honest }).collect();
        for ((liar, (index, value)), nonce) in liars.into_iter().zip(shifts).zip(10u8..) {
            // A clever liar copies what must be exact and moves what is tolerated.
            let mut values = *honest.values();
            let present = honest.get(index).is_some();
            values[index] = if present { value } else { 0 };
            let clever = Features::new(honest.presence(), values);
            let features = if nonce == 10 { liar } else { clever.unwrap_or(liar) };
            all.push(Reveal { nonce: [nonce; 32], features });
        }
        let named = |order: &[u8]| -> BTreeMap<Member, Reveal> {
            order.iter().map(|at| (vec![*at], all[usize::from(*at)].clone())).collect()
        };
        let result = agree(7, &named(&names), &BTreeMap::new(), Tolerance::default());
        prop_assert_eq!(&result, &agree(7, &named(&[0, 1, 2, 3, 4, 5, 6]), &BTreeMap::new(), Tolerance::default()));
        if let Ok(agreed) = result {
            for index in of(Class::Exact) {
                prop_assert_eq!(agreed.features.get(index), honest.get(index));
            }
            for index in of(Class::Tolerant) {
                let expected = honest.get(index).map(|value| quantise(value, 50));
                prop_assert_eq!(agreed.features.get(index), expected);
            }
        }
    }
}
