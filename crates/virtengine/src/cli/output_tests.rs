use serde_json::json;

use super::{money, text};

#[test]
fn native_amounts_have_six_decimals() {
    assert_eq!(money("1500000", "uve"), "1.500000 VE");
    assert_eq!(money("1", "uve"), "0.000001 VE");
    assert_eq!(money("0", "uve"), "0.000000 VE");
    assert_eq!(money("12", "uvcc"), "12 uvcc");
}

#[test]
fn prices_keep_every_digit() {
    assert_eq!(money("0.015000000000000000", "uve"), "0.015 uve");
}

#[test]
fn lists_and_maps_are_indented() {
    let value = json!({"id": {"dseq": "7"}, "coins": [{"amount": "2000000", "denom": "uve"}], "none": []});
    assert_eq!(text(&value), "coins:\n  - 2.000000 VE\nid:\n  dseq: 7\nnone: none\n");
}

#[test]
fn control_characters_from_the_chain_do_not_reach_the_terminal() {
    assert_eq!(text(&json!({"name": "a\u{1b}[2Jb"})), "name: a[2Jb\n");
}
