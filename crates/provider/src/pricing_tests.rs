use ve_proto::ve::market::v1::{ResourceUnit, Resources, Volume};

use super::*;

fn group(count: u32) -> GroupSpec {
    let resources = Resources {
        id: 1,
        cpu: 500,
        memory: 512 * MIB,
        storage: vec![Volume { name: "default".into(), size: 1024 * MIB, attributes: Vec::new() }],
        ..Resources::default()
    };
    let unit = ResourceUnit { resources: Some(resources), count, price: None };
    GroupSpec { name: "dc".into(), resources: vec![unit], ..GroupSpec::default() }
}

fn price(pricing: &Pricing) -> Quote {
    quote(pricing, "ve1customer", &group(2)).expect("small numbers")
}

#[test]
fn two_replicas_cost_what_the_specification_says() {
    assert_eq!(price(&Pricing::default()), Quote::Price("16.144".parse().expect("a decimal")));
}

#[test]
fn markup_floor_and_cap_apply_in_this_order() {
    let marked = Pricing { markup_percent: 50, ..Pricing::default() };
    assert_eq!(price(&marked), Quote::Price("24.216".parse().expect("a decimal")));
    let floored = Pricing { floor: "100".into(), ..Pricing::default() };
    assert_eq!(price(&floored), Quote::Price("100".parse().expect("a decimal")));
    let capped = Pricing { cap: Some("16".into()), ..Pricing::default() };
    assert!(matches!(price(&capped), Quote::Declined(decline) if decline.text.contains("cap")));
}

#[test]
fn customers_can_be_refused_or_chosen() {
    let denied = Pricing { deny: vec!["ve1customer".into()], ..Pricing::default() };
    assert!(matches!(price(&denied), Quote::Declined(_)));
    let others = Pricing { allow: vec!["ve1other".into()], ..Pricing::default() };
    assert!(matches!(price(&others), Quote::Declined(_)));
    let chosen = Pricing { allow: vec!["ve1customer".into()], ..Pricing::default() };
    assert!(matches!(price(&chosen), Quote::Price(_)));
}

#[test]
fn a_price_of_zero_is_never_bid() {
    let free = Pricing {
        per_cpu: "0".into(),
        per_memory_mib: "0".into(),
        per_storage_mib: "0".into(),
        floor: "0".into(),
        ..Pricing::default()
    };
    assert!(matches!(price(&free), Quote::Declined(_)));
}
