use ve_proto::ve::provider::v1::Attribute;

use super::{missing, normalize};

fn attribute(key: &str, value: &str) -> Attribute {
    Attribute { key: key.into(), value: value.into() }
}

#[test]
fn attributes_are_sorted_and_unique() {
    let sorted = normalize(&[attribute("region", "eu"), attribute("country", "de")]).expect("valid");
    assert_eq!(sorted[0].key, "country");
    assert!(normalize(&[attribute("region", "eu"), attribute("region", "us")]).is_err());
}

#[test]
fn keys_out_of_the_alphabet_are_refused() {
    for key in ["", "a", "1region", "re gion", "reg*", &"k".repeat(128)] {
        assert!(normalize(&[attribute(key, "x")]).is_err(), "{key}");
    }
    assert!(normalize(&[attribute("region", &"v".repeat(257))]).is_err());
    let many: Vec<_> = (0..129).map(|number| attribute(&format!("key{number}"), "x")).collect();
    assert!(normalize(&many).is_err());
}

#[test]
fn a_star_at_the_end_of_a_requirement_matches_any_rest() {
    let offered = [attribute("capabilities/gpu/vendor/nvidia/model/a100/ram/80Gi", "true")];
    assert!(missing(&[attribute("capabilities/gpu/vendor/nvidia/model/a100*", "true")], &offered).is_none());
    assert!(missing(&[attribute("capabilities/gpu/vendor/nvidia/model/a100", "true")], &offered).is_some());
    assert!(missing(&[attribute("capabilities/gpu/vendor/amd*", "true")], &offered).is_some());
    assert!(missing(&[attribute("region", "eu")], &[attribute("region", "us")]).is_some());
}
