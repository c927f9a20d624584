use ve_proto::cosmos::base::v1beta1::DecCoin;
use ve_proto::ve::market::v1::{Gpu, GroupSpec, ResourceOffer, ResourceUnit, Resources, Volume};
use ve_proto::ve::provider::v1::Attribute;

use super::{check_group, check_offer, check_window};
use ve_base::Dec;

fn price(text: &str) -> Option<DecCoin> {
    let amount = text.parse::<Dec>().expect("a decimal").to_mantissa();
    Some(DecCoin { denom: "uve".into(), amount })
}

fn gpu(units: u64, keys: &[&str]) -> Option<Gpu> {
    let attributes = keys.iter().map(|key| Attribute { key: (*key).into(), value: "true".into() }).collect();
    Some(Gpu { units, attributes })
}

fn group() -> GroupSpec {
    let unit = |id, count, limit| ResourceUnit {
        resources: Some(Resources {
            id,
            cpu: 1000,
            memory: 1 << 30,
            storage: vec![Volume { name: "data".into(), size: 1 << 30, attributes: Vec::new() }],
            ..Resources::default()
        }),
        count,
        price: price(limit),
    };
    GroupSpec { name: "web".into(), resources: vec![unit(1, 2, "8.072"), unit(2, 1, "3")], ..GroupSpec::default() }
}

fn offers(spec: &GroupSpec) -> Vec<ResourceOffer> {
    spec.resources.iter().map(|unit| ResourceOffer { resources: unit.resources.clone(), count: unit.count }).collect()
}

#[test]
fn the_most_a_group_costs_is_the_sum_over_its_replicas() {
    let (denom, max) = check_group(&group()).expect("valid");
    assert_eq!((denom.as_str(), max), ("uve", "19.144".parse().expect("a decimal")));
}

#[test]
fn limits_of_a_group_hold() {
    let changes: [fn(&mut GroupSpec); 10] = [
        |spec| spec.name.clear(),
        |spec| spec.resources.clear(),
        |spec| spec.resources[0].count = 0,
        |spec| spec.resources[0].resources.as_mut().expect("given").cpu = 384_001,
        |spec| spec.resources[0].resources.as_mut().expect("given").memory = (2 << 40) + 1,
        |spec| spec.resources[0].resources.as_mut().expect("given").gpu = gpu(25, &[]),
        |spec| spec.resources[0].resources.as_mut().expect("given").storage[0].size = 0,
        |spec| spec.resources[1].resources.as_mut().expect("given").id = 1,
        |spec| spec.reclamation_min_window = 3599,
        |spec| spec.resources[1].price.as_mut().expect("given").denom = "uvcc".into(),
    ];
    for change in changes {
        let mut spec = group();
        change(&mut spec);
        assert!(check_group(&spec).is_err());
    }
}

#[test]
fn prices_at_the_edge_of_the_type_are_errors_not_wraps() {
    let mut spec = group();
    spec.resources[0].price = Some(DecCoin { denom: "uve".into(), amount: ve_base::Amount::MAX.to_string() });
    assert!(check_group(&spec).is_err());
    spec.resources[0].price = Some(DecCoin { denom: "uve".into(), amount: u128::MAX.to_string() });
    assert!(check_group(&spec).is_ok());
    spec.resources[0].price = Some(DecCoin { denom: "uve".into(), amount: "-1".into() });
    assert!(check_group(&spec).is_err());
}

#[test]
fn an_offer_is_exactly_the_order() {
    let spec = group();
    check_offer(&spec, &offers(&spec)).expect("equal");
    let mut fewer = offers(&spec);
    fewer.pop();
    assert!(check_offer(&spec, &fewer).is_err());
    let mut smaller = offers(&spec);
    smaller[0].resources.as_mut().expect("given").memory -= 1;
    assert!(check_offer(&spec, &smaller).is_err());
}

#[test]
fn an_offer_names_a_gpu_model_that_was_asked_for() {
    let mut spec = group();
    spec.resources[0].resources.as_mut().expect("given").gpu = gpu(1, &["vendor/nvidia/model/*"]);
    let with = |keys: &[&str]| {
        let mut offers = offers(&spec);
        offers[0].resources.as_mut().expect("given").gpu = gpu(1, keys);
        check_offer(&spec, &offers)
    };
    with(&["vendor/nvidia/model/a100"]).expect("concrete");
    assert!(with(&["vendor/nvidia/model/*"]).is_err());
    assert!(with(&["vendor/amd/model/mi300x"]).is_err());
    assert!(with(&[]).is_err());
}

#[test]
fn windows_are_at_least_what_was_asked() {
    assert!(check_window(0, 0).is_ok());
    assert!(check_window(7200, 0).is_ok());
    assert!(check_window(7200, 7200).is_ok());
    assert!(check_window(7200, 3600).is_err());
    assert!(check_window(0, 60).is_err());
    assert!(check_window(0, 30 * 86_400 + 1).is_err());
}
