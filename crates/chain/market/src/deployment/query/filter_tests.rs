use ve_base::Dec;
use ve_proto::cosmos::base::v1beta1::DecCoin;
use ve_proto::ve::market::v1::{PriceRange, TimeRange};

use super::{prices, times};

fn mantissa(text: &str) -> String {
    text.parse::<Dec>().expect("a decimal").to_mantissa()
}

fn range(denom: &str, min: &str, max: &str) -> PriceRange {
    let bound = |text: &str| if text.is_empty() { String::new() } else { mantissa(text) };
    PriceRange { denom: denom.into(), min: bound(min), max: bound(max) }
}

#[test]
fn prices_include_both_ends_and_one_coin_only() {
    let within = prices(Some(&range("uve", "1.5", "2"))).expect("a range");
    let price = |denom: &str, amount: &str| DecCoin { denom: denom.into(), amount: mantissa(amount) };
    for (amount, expected) in [("1.5", true), ("2", true), ("1.499999999999999999", false), ("2.1", false)] {
        assert_eq!(within.accept(Some(&price("uve", amount))), expected, "{amount}");
    }
    assert!(!within.accept(Some(&price("uvcc", "1.7"))));
    assert!(!within.accept(None));
    assert!(prices(None).expect("no range").accept(None));
}

#[test]
fn ranges_that_match_nothing_or_compare_coins_are_refused() {
    assert!(prices(Some(&range("uve", "2", "1"))).is_err());
    assert!(prices(Some(&range("", "1", ""))).is_err());
    assert!(prices(Some(&PriceRange { min: "x".into(), ..range("uve", "", "") })).is_err());
    assert!(times(Some(&TimeRange { from: 5, until: 4 })).is_err());
}

#[test]
fn times_include_both_ends_and_zero_leaves_one_open() {
    let from = times(Some(&TimeRange { from: 5, until: 0 })).expect("a range");
    assert!(from.accept(5) && from.accept(u64::MAX) && !from.accept(4));
    let until = times(Some(&TimeRange { from: 0, until: 5 })).expect("a range");
    assert!(until.accept(0) && until.accept(5) && !until.accept(6));
}
