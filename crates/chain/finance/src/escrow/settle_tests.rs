use proptest::prelude::*;
use ve_base::{Amount, Dec};

use super::settle::{rate_per_second, repay, seconds_left, settle, sum};

fn dec(text: &str) -> Dec {
    text.parse().expect("a decimal")
}

fn decs(texts: &[&str]) -> Vec<Dec> {
    texts.iter().map(|text| dec(text)).collect()
}

#[test]
fn a_shortage_is_split_by_rate() {
    let result = settle(dec("1010"), &decs(&["30", "10"]), 30).expect("fits");
    assert_eq!(result.paid, decs(&["757.5", "252.5"]));
    assert_eq!(result.owed, decs(&["142.5", "47.5"]));
    assert_eq!(result.funds, Dec::zero());
    assert!(result.overdrawn);
}

#[test]
fn a_thousand_seconds_at_twelve_and_a_half_are_twelve_and_a_half_thousand() {
    let result = settle(dec("20000"), &decs(&["12.5"]), 1000).expect("fits");
    assert_eq!(result.paid, decs(&["12500"]));
    assert_eq!(result.funds, dec("7500"));
    assert!(!result.overdrawn);
}

#[test]
fn settling_twice_at_one_time_changes_nothing() {
    let result = settle(dec("7500"), &decs(&["12.5"]), 0).expect("fits");
    assert_eq!(result.funds, dec("7500"));
    assert_eq!(result.paid, decs(&["0"]));
}

#[test]
fn funds_that_last_exactly_are_not_overdrawn() {
    let result = settle(dec("100"), &decs(&["10"]), 10).expect("fits");
    assert_eq!(result.funds, Dec::zero());
    assert!(!result.overdrawn);
}

#[test]
fn a_price_per_block_is_a_fifth_per_second() {
    assert_eq!(rate_per_second(dec("16.144")), Ok(dec("3.2288")));
    assert_eq!(rate_per_second(dec("0.00000000000000001")), Ok(dec("0.000000000000000002")));
    assert_eq!(rate_per_second(dec("0.000000000000000004")), Ok(Dec::zero()));
}

#[test]
fn runway_is_whole_seconds() {
    assert_eq!(seconds_left(dec("1010"), dec("40")), 25);
    assert_eq!(seconds_left(dec("1"), Dec::zero()), u64::MAX);
    assert_eq!(seconds_left(dec("340282366920938463463374607431768211456"), dec("0.000000000000000001")), u64::MAX);
}

#[test]
fn rates_at_the_edge_of_the_type_are_refused_not_wrapped() {
    let huge = Dec::from_mantissa(&Amount::MAX.to_string()).expect("the largest mantissa");
    assert!(settle(dec("1"), &[huge, huge], 1).is_err());
    assert!(settle(huge, &[huge], 3).is_err(), "two times the largest is owed");
    let one = settle(huge, &[huge], 1).expect("exactly all of it");
    assert_eq!(one.paid, vec![huge]);
    let big = Dec::from_amount(Amount::from(u128::MAX)).expect("128 bits fit");
    let result = settle(big, &[dec("1")], u64::MAX).expect("fits");
    assert_eq!(result.paid, vec![Dec::from_amount(Amount::from(u64::MAX)).expect("fits")]);
}

#[test]
fn the_smallest_rates_never_get_more_than_they_earned() {
    let unit = "0.000000000000000001";
    let rates = decs(&[unit, "0.000000000000000009"]);
    let result = settle(dec("0.000000000000000005"), &rates, 1).expect("fits");
    assert_eq!(sum(&result.paid), Ok(dec("0.000000000000000005")));
    assert!(result.owed.iter().all(|owed| !owed.is_negative()));
}

#[test]
fn debts_are_repaid_in_order() {
    assert_eq!(repay(dec("5"), &decs(&["3", "3", "1"])), Ok(decs(&["3", "2", "0"])));
}

proptest! {
    #[test]
    fn what_goes_in_is_paid_or_left(
        funds in 0u64..1 << 50,
        rates in prop::collection::vec(0u64..1 << 40, 1..8),
        digits in 0u32..18,
        elapsed in 0u64..1_000_000,
    ) {
        let funds = Dec::from_parts(funds, digits).expect("fits");
        let rates: Vec<Dec> = rates.iter().map(|rate| Dec::from_parts(*rate, digits).expect("fits")).collect();
        let result = settle(funds, &rates, elapsed).expect("fits");
        let paid = sum(&result.paid).expect("fits");
        prop_assert_eq!(paid.checked_add(result.funds).expect("fits"), funds);
        let earned = sum(&rates).expect("fits").mul_int(Amount::from(elapsed)).expect("fits");
        let claimed = paid.checked_add(sum(&result.owed).expect("fits")).expect("fits");
        prop_assert_eq!(claimed, earned);
        prop_assert!(result.owed.iter().all(|owed| !owed.is_negative()));
        prop_assert_eq!(result.overdrawn, result.owed.iter().any(|owed| !owed.is_zero()));
    }

    #[test]
    fn the_number_of_settlements_does_not_matter(funds in 1u64..1 << 40, rate in 1u64..1000, steps in prop::collection::vec(0u64..1000, 1..20)) {
        let rates = [Dec::from_parts(rate, 9).expect("fits")];
        let funds = Dec::from_parts(funds, 3).expect("fits");
        let total: u64 = steps.iter().sum();
        let once = settle(funds, &rates, total).expect("fits");
        let (mut left, mut paid) = (funds, Dec::zero());
        for step in steps {
            let result = settle(left, &rates, step).expect("fits");
            left = result.funds;
            paid = paid.checked_add(result.paid[0]).expect("fits");
        }
        prop_assert_eq!(left, once.funds);
        prop_assert_eq!(paid, once.paid[0]);
    }
}
