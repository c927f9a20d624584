use ve_proto::ve::market::v1::{Activity, ActivityKind};

use super::super::params;
use super::{Error, cancelled, made};

fn orders() -> Activity {
    Activity { account: "ve1a".into(), kind: ActivityKind::Order.into(), ..Activity::default() }
}

#[test]
fn twenty_orders_fit_in_any_minute() {
    let (params, mut activity) = (params::default(), orders());
    for number in 0..20 {
        made(&mut activity, 1000 + number, &params).expect("fits");
    }
    assert_eq!(made(&mut activity, 1059, &params), Err(Error::RatePerMinute("ve1a".into(), 20)));
    made(&mut activity, 1060, &params).expect("the first one is a minute old");
    assert!(made(&mut activity, 1060, &params).is_err());
}

#[test]
fn fifty_bids_fit_in_any_minute() {
    let (params, mut activity) = (params::default(), orders());
    activity.set_kind(ActivityKind::Bid);
    for _ in 0..50 {
        made(&mut activity, 1000, &params).expect("fits");
    }
    assert!(made(&mut activity, 1001, &params).is_err());
}

#[test]
fn who_cancels_five_of_five_pauses_and_then_may_go_on() {
    let (params, mut activity) = (params::default(), orders());
    for _ in 0..5 {
        made(&mut activity, 1000, &params).expect("fits");
    }
    for _ in 0..4 {
        assert!(!cancelled(&mut activity, 1000, 1010, &params));
    }
    assert!(cancelled(&mut activity, 1000, 1010, &params));
    assert_eq!(made(&mut activity, 1020, &params), Err(Error::Paused { account: "ve1a".into(), until: 1510 }));
    made(&mut activity, 1510, &params).expect("the pause is over");
}

#[test]
fn four_of_five_are_no_reason_to_pause_and_neither_are_old_ones() {
    let (params, mut activity) = (params::default(), orders());
    for _ in 0..5 {
        made(&mut activity, 1000, &params).expect("fits");
    }
    for _ in 0..4 {
        assert!(!cancelled(&mut activity, 1000, 1010, &params), "80 % is not more than 80 %");
    }
    // A window later nothing is held against the account.
    for _ in 0..5 {
        assert!(!cancelled(&mut activity, 1000, 1501, &params));
    }
}
