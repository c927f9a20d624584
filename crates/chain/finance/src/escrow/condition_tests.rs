use ve_base::{ACCOUNT_PREFIX, Address, Dec};
use ve_proto::ve::escrow::v1::{Condition, Signatures};

use super::{approve, check, unmet};

fn person(number: u8) -> String {
    Address::from([number; 20]).to_bech32(ACCOUNT_PREFIX)
}

fn signatures(threshold: u32, people: &[u8]) -> Condition {
    let mut signers: Vec<String> = people.iter().map(|number| person(*number)).collect();
    signers.sort();
    Condition { signatures: Some(Signatures { signers, threshold, approvals: Vec::new() }), ..Condition::default() }
}

fn timelock(time: u64) -> Condition {
    Condition { timelock: time, ..Condition::default() }
}

fn usage(amount: &str) -> Condition {
    Condition { usage: amount.into(), ..Condition::default() }
}

#[test]
fn each_condition_is_exactly_one_kind() {
    check(&[timelock(5), usage("100"), signatures(1, &[1, 2])]).expect("three kinds");
    assert!(check(&[Condition::default()]).is_err());
    assert!(check(&[Condition { timelock: 5, ..usage("100") }]).is_err());
    assert!(check(&vec![timelock(5); 9]).is_err());
}

#[test]
fn signatures_need_signers_and_a_threshold_that_they_can_reach() {
    for bad in [signatures(0, &[1]), signatures(3, &[1, 2]), signatures(1, &[]), signatures(1, &[1, 1])] {
        assert!(check(&[bad]).is_err());
    }
    let mut forged = signatures(1, &[1]);
    forged.signatures.as_mut().expect("given").approvals = vec![person(1)];
    assert!(check(&[forged]).is_err());
    assert!(check(&[usage("-1")]).is_err());
}

#[test]
fn all_conditions_must_hold() {
    let mut given = vec![timelock(100), usage("50"), signatures(2, &[1, 2, 3])];
    let fifty = Dec::from_parts(50, 0).expect("fits");
    assert!(unmet(&given, 99, fifty).is_some());
    assert!(unmet(&given, 100, Dec::from_parts(499, 1).expect("fits")).is_some());
    assert_eq!(unmet(&given, 100, fifty), Some("2 more approvals".into()));
    assert!(approve(&mut given, &person(2)));
    assert!(!approve(&mut given, &person(2)), "once");
    assert!(!approve(&mut given, &person(9)), "a stranger");
    assert_eq!(unmet(&given, 100, fifty), Some("1 more approvals".into()));
    assert!(approve(&mut given, &person(3)));
    assert_eq!(unmet(&given, 100, fifty), None);
}
