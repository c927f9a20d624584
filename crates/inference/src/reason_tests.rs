use std::collections::BTreeSet;

use super::*;

#[test]
fn reasons_are_ordered_by_their_codes_and_codes_and_numbers_are_unique() {
    let codes: Vec<&str> = Reason::ALL.iter().map(|reason| reason.code()).collect();
    assert!(codes.windows(2).all(|pair| pair[0] < pair[1]), "{codes:?}");
    assert!(Reason::ALL.windows(2).all(|pair| pair[0] < pair[1]));
    let numbers: BTreeSet<u8> = Reason::ALL.iter().map(|reason| reason.number()).collect();
    assert_eq!(numbers.len(), Reason::ALL.len());
}

#[test]
fn lists_of_reasons_are_sorted_and_unique() {
    let list = vec![Reason::Success, Reason::Expired, Reason::Success, Reason::DataMismatch];
    assert_eq!(normalise(list), [Reason::DataMismatch, Reason::Expired, Reason::Success]);
}
