use ve_base::Dec;
use ve_proto::cosmos::slashing::v1beta1::Params;
use ve_proto::ve::slashing::v1::Reason;

use super::{MAX_JAIL, Penalty, default, validate, window_seconds};

#[test]
fn repeated_downtime_doubles_up_to_the_caps() {
    let first = Penalty::of(Reason::Downtime, &default()).expect("a reason");
    let after = |earlier| {
        let penalty = first.repeated(earlier).expect("small");
        (format!("{:#}", penalty.fraction), penalty.jail)
    };
    assert_eq!(after(0), ("0.001".into(), 600));
    assert_eq!(after(1), ("0.002".into(), 1_200));
    assert_eq!(after(9), ("0.512".into(), 307_200));
    assert_eq!(after(10), ("1".into(), 614_400));
    assert_eq!(after(200), ("1".into(), MAX_JAIL));
}

#[test]
fn a_double_signature_costs_the_same_each_time_and_ends_the_key() {
    for reason in [Reason::DoubleSign, Reason::LightClientAttack] {
        let penalty = Penalty::of(reason, &default()).and_then(|first| first.repeated(5)).expect("small");
        assert_eq!((format!("{:#}", penalty.fraction).as_str(), penalty.jail), ("0.05", 7 * 86_400));
        assert!(penalty.tombstone);
    }
    assert!(Penalty::of(Reason::Unspecified, &default()).is_err());
}

#[test]
fn parameters_outside_their_bounds_are_refused() {
    validate(&default()).expect("the defaults");
    assert_eq!(window_seconds(&default()), 50_000, "10,000 blocks of five seconds");
    let percent = |value| Dec::from_parts(value, 2).expect("small").to_mantissa().into_bytes();
    for bad in [
        Params { signed_blocks_window: 19, ..default() },
        Params { signed_blocks_window: 100_001, ..default() },
        Params { min_signed_per_window: percent(4), ..default() },
        Params { min_signed_per_window: percent(96), ..default() },
        Params { min_signed_per_window: vec![0xff], ..default() },
        Params { slash_fraction_double_sign: percent(0), ..default() },
        Params { slash_fraction_double_sign: percent(101), ..default() },
        Params { slash_fraction_downtime: percent(6), ..default() },
        Params { slash_fraction_downtime: b"-1".to_vec(), ..default() },
        Params { downtime_jail_duration: None, ..default() },
    ] {
        assert!(validate(&bad).is_err(), "{bad:?}");
    }
}
