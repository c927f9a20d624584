use super::*;

fn ve(amount: u64) -> Amount {
    Amount::from(amount * 1_000_000)
}

#[test]
fn five_thousand_bonded_and_twelve_thousand_unserved_cost_twelve_hundred() {
    let params = params::default();
    assert_eq!(amount(&params, ve(5000), ve(12_000), false), ve(1200));
    assert_eq!(amount(&params, ve(5000), ve(12_000), true), ve(2400));
}

#[test]
fn the_penalty_is_at_least_a_part_of_the_bond_and_at_most_the_bond() {
    let params = params::default();
    assert_eq!(amount(&params, ve(5000), ve(100), false), ve(250));
    assert_eq!(amount(&params, ve(5000), Amount::ZERO, true), ve(500));
    assert_eq!(amount(&params, ve(5000), ve(1_000_000), false), ve(5000));
    assert_eq!(amount(&params, ve(5000), Amount::MAX, true), ve(5000));
    assert_eq!(amount(&params, Amount::ZERO, ve(12_000), true), Amount::ZERO);
}

#[test]
fn more_than_five_per_cent_leaving_is_a_surge() {
    let params = params::default();
    assert!(!is_surge(&params, ve(50), ve(1000)));
    assert!(is_surge(&params, ve(51), ve(1000)));
    assert!(!is_surge(&params, Amount::ZERO, Amount::ZERO));
}
