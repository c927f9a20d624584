use serde_json::json;

use super::canonical;

fn text(value: &serde_json::Value) -> String {
    String::from_utf8(canonical(value).expect("it is canonical")).expect("UTF-8")
}

#[test]
fn members_are_sorted_by_utf_16_as_in_the_example_of_rfc_8785() {
    // Section 3.2.3.
    let value = json!({
        "\u{20ac}": "Euro Sign", "\r": "Carriage Return", "\u{fb33}": "Hebrew Letter Dalet With Dagesh", "1": "One",
        "\u{1f600}": "Emoji: Grinning Face", "\u{80}": "Control", "\u{f6}": "Latin Small Letter O With Diaeresis"
    });
    let order = ["Carriage", "One", "Control", "Latin", "Euro", "Emoji", "Hebrew"];
    let text = text(&value);
    let places: Vec<_> = order.iter().map(|word| text.find(word).expect("every member is there")).collect();
    assert!(places.is_sorted(), "{text}");
}

#[test]
fn text_is_escaped_as_rfc_8785_says() {
    let value = json!({"string": "\u{20ac}$\u{f}\nA'B\"\\\\\"/", "literals": [null, true, false], "n": 1 });
    assert_eq!(
        text(&value),
        "{\"literals\":[null,true,false],\"n\":1,\"string\":\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"
    );
}

#[test]
fn numbers_that_readers_disagree_on_are_refused() {
    assert_eq!(text(&json!(9_007_199_254_740_992u64)), "9007199254740992");
    for refused in [json!(9_007_199_254_740_993u64), json!(-1), json!(1.5)] {
        assert!(canonical(&json!({ "deep": [refused] })).is_err());
    }
}
