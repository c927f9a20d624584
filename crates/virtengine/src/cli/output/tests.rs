use serde_json::json;

use super::table::table;
use super::yaml::yaml;
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

#[test]
fn lists_are_tables_with_one_column_for_each_name() {
    let rows = json!([
        {"id": {"owner": "ve1a", "dseq": "7"}, "coins": [{"amount": "2000000", "denom": "uve"}], "state": "open"},
        {"id": {"owner": "ve1b", "dseq": "12"}, "tags": ["x", "y"]},
    ]);
    let expected = "COINS        ID.DSEQ  ID.OWNER  STATE  TAGS\n\
                    2.000000 VE  7        ve1a      open   -\n\
                    -            12       ve1b      -      x, y\n";
    assert_eq!(table(&rows), expected);
    // A page of a query: the list in it is what matters, the rest stands below.
    let page = json!({"bids": [{"a": "1"}], "pagination": {"next_key": "", "total": "1"}});
    assert_eq!(table(&page), "A\n1\n\npagination:\n  next_key: \n  total: 1\n");
    assert_eq!(table(&json!({"name": "a", "bids": []})), "NAME  VALUE\nbids  none\nname  a\n");
    assert_eq!(table(&json!([])), "none\n");
    assert_eq!(table(&json!("ve1a")), "ve1a\n");
}

#[test]
fn yaml_says_what_json_says() {
    let value = json!({
        "id": {"dseq": "7", "empty": {}, "none": []},
        "list": [{"a": 1, "b": [true, null]}, [1, 2], "x: y\n\u{1b}", "no"],
    });
    let expected = "id:\n  dseq: \"7\"\n  empty: {}\n  none: []\nlist:\n  - a: 1\n    b:\n      - true\n      - null\n  - - 1\n    - 2\n  - \"x: y\\n\\u001b\"\n  - \"no\"\n";
    assert_eq!(yaml(&value), expected);
    assert_eq!(yaml(&json!("a")), "\"a\"\n");
    assert_eq!(yaml(&json!([])), "[]\n");
}
