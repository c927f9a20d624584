use proptest::prelude::*;

use super::*;

const GOOD: &str = r#"{"integrity":"hardware","network":"residential","ip_country":"DE","issuer_country":"DE",
    "gps_country":"DE","sim_country":"AT","accounts_in_network":1,"gps_distance_km":40,"speed_kmh":12}"#;

fn points(text: &str) -> (u16, u16, Option<u16>) {
    let read = Device.extract(text.as_bytes(), &Circumstances::default()).expect("measurements");
    let of = |index: usize| read.features.get(&index).copied();
    (of(50).expect("always"), of(52).expect("always"), of(53))
}

#[test]
fn points_are_those_of_the_specification() {
    assert_eq!(points(GOOD), (10_000, 6666, Some(10_000)));
    for (name, expected) in [("strong", 8000), ("basic", 5000), ("unsupported", 2500), ("failed", 0)] {
        assert_eq!(points(&GOOD.replace("hardware", name)).0, expected);
    }
    for (name, expected) in [("mobile", 6666), ("hosting", 3000), ("vpn", 3000), ("tor", 0)] {
        assert_eq!(points(&GOOD.replace("residential", name)).1, expected);
    }
    assert_eq!(points(&GOOD.replace("network\":1", "network\":6")).1, 0);
    for (km, expected) in [(100, 10_000), (101, 7000), (501, 4000), (2001, 1000)] {
        assert_eq!(points(&GOOD.replace("km\":40", &format!("km\":{km}"))).2, Some(expected));
    }
    assert_eq!(points(&GOOD.replace("kmh\":12", "kmh\":901")).2, Some(0));
}

#[test]
fn what_is_not_measured_is_absent_and_an_uncompared_country_is_worth_half() {
    let bare = r#"{"integrity":"basic","network":"mobile","ip_country":"FR","accounts_in_network":5}"#;
    assert_eq!(points(bare), (5000, 5000, None));
}

#[test]
fn other_documents_are_refused() {
    let bad = [
        "",
        "{}",
        "[]",
        "null",
        &GOOD.replace("hardware", "perfect"),
        &GOOD.replace("\"DE\"", "\"Germany\""),
        &GOOD.replace("km\":40", "km\":-1"),
        &GOOD.replace("km\":40", "km\":1e99"),
        &GOOD.replace("{", "{\"trusted\":true,"),
        &GOOD.replace("{", "{\"integrity\":\"basic\","),
        &format!("{GOOD}{GOOD}"),
    ];
    for text in bad {
        assert!(Device.extract(text.as_bytes(), &Circumstances::default()).is_err(), "{text}");
    }
    let nested = "[".repeat(2048);
    assert!(Device.extract(nested.as_bytes(), &Circumstances::default()).is_err());
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0usize..300, byte in any::<u8>()) {
        let _ = Device.extract(&bytes, &Circumstances::default());
        let mut changed = GOOD.as_bytes().to_vec();
        let at = at % changed.len();
        changed[at] = byte;
        if let Ok(read) = Device.extract(&changed, &Circumstances::default()) {
            prop_assert!(read.features.values().all(|points| *points <= 10_000));
        }
    }
}
