use data_encoding::HEXLOWER;

use super::{Value, whole, whole_open};

fn bytes(hex: &str) -> Vec<u8> {
    HEXLOWER.decode(hex.as_bytes()).expect("hex")
}

#[test]
fn maps_and_lists_without_a_length_are_read_only_where_they_are_expected() {
    let map = Value::Map(vec![(Value::Text("a".into()), Value::List(vec![Value::Integer(1), Value::Integer(2)]))]);
    assert_eq!(whole_open(&bytes("bf61619f0102ffff")), Some(map.clone()));
    assert_eq!(whole_open(&bytes("a161618201 02".replace(' ', "").as_str())), Some(map));
    assert_eq!(whole(&bytes("bf61619f0102ffff")), None);
}

#[test]
fn what_ends_too_early_or_too_late_is_refused() {
    let long = format!("9f{}ff", "01".repeat(33));
    let longest = format!("9f{}ff", "01".repeat(32));
    for refused in ["bf6161ff", "bf61619f0102ff", "9f01ffff", "bf616101616102ff", "ff", "8201ff", "5f41aaff", &long] {
        assert_eq!(whole_open(&bytes(refused)), None, "{refused}");
    }
    assert!(whole_open(&bytes(&longest)).is_some());
}
