//! Arithmetic at the edges of 64, 128 and 256 bits, and one encoding for each value (incidents C2 and C16).

use proptest::prelude::*;
use ve_base::value::Value;
use ve_base::{Amount, Coin, Coins, Dec, DecError, Denom, Rounding};

const ALL_ROUNDINGS: [Rounding; 4] = [Rounding::Truncate, Rounding::Ceil, Rounding::HalfEven, Rounding::HalfUp];
/// 2^256 − 1.
const MOST: &str = "115792089237316195423570985008687907853269984665640564039457584007913129639935";

fn power_of_two(exponent: u32) -> Amount {
    (0..exponent).fold(Amount::from(1u64), |value, _| value.checked_add(value).expect("below 2^256"))
}

/// Values around the places where a word ends.
fn edge() -> impl Strategy<Value = Amount> {
    let around = |exponent: u32| {
        (0..5u64).prop_map(move |offset| {
            let base = if exponent == 256 { Amount::MAX } else { power_of_two(exponent) };
            base.checked_sub(Amount::from(offset)).unwrap_or_default()
        })
    };
    prop_oneof![
        any::<u64>().prop_map(Amount::from),
        any::<u128>().prop_map(Amount::from),
        prop_oneof![Just(63), Just(64), Just(127), Just(128), Just(191), Just(192), Just(255), Just(256)]
            .prop_flat_map(around),
    ]
}

fn decimal() -> impl Strategy<Value = Dec> {
    (any::<bool>(), edge()).prop_map(|(negative, mantissa)| {
        let sign = if negative && !mantissa.is_zero() { "-" } else { "" };
        Dec::from_mantissa(&format!("{sign}{mantissa}")).expect("a mantissa")
    })
}

#[test]
fn sums_and_products_stop_exactly_at_two_to_the_256() {
    let one = Amount::from(1u64);
    assert_eq!(Amount::MAX.to_string(), MOST);
    assert_eq!(Amount::MAX.checked_add(one), None);
    assert_eq!(Amount::ZERO.checked_sub(one), None);
    assert_eq!(power_of_two(128).checked_mul(power_of_two(128)), None);
    let below = power_of_two(128).checked_sub(one).expect("positive");
    assert!(power_of_two(128).checked_mul(below).is_some());
    assert_eq!(power_of_two(128).to_u128(), None);
    assert_eq!(below.to_u128(), Some(u128::MAX));
    assert_eq!(one.checked_div(Amount::ZERO), None);
}

#[test]
fn a_product_beyond_256_bits_is_divided_before_it_is_cut() {
    let half = power_of_two(255);
    assert_eq!(half.mul_div(Amount::from(4u64), Amount::from(8u64)), Some(power_of_two(254)));
    assert_eq!(Amount::MAX.mul_div(Amount::MAX, Amount::MAX), Some(Amount::MAX));
    assert_eq!(Amount::MAX.mul_div(Amount::MAX, Amount::from(1u64)), None);
    assert_eq!(Amount::MAX.mul_div(Amount::from(1u64), Amount::ZERO), None);
}

#[test]
fn amounts_in_any_other_form_are_refused() {
    for text in ["", "00", "01", "+1", "-1", "1.0", "1e3", " 1", "1 ", "0x1", "١", &format!("{MOST}0")] {
        assert!(text.parse::<Amount>().is_err(), "{text:?}");
    }
    assert!(
        "115792089237316195423570985008687907853269984665640564039457584007913129639936".parse::<Amount>().is_err()
    );
}

#[test]
fn decimals_in_any_other_form_are_refused() {
    for text in ["", ".", "1.", ".5", "-", "--1", "1.0000000000000000001", "1,5", "1e3", "+1", "NaN"] {
        assert!(text.parse::<Dec>().is_err(), "{text:?}");
    }
    for text in ["-0", "01", "1.0", "", "-"] {
        assert!(Dec::from_mantissa(text).is_err(), "{text:?}");
    }
}

#[test]
fn every_rounding_follows_its_rule_on_both_sides_of_zero() {
    let two = Dec::from_amount(Amount::from(2u64)).expect("small");
    let unit = Dec::from_mantissa("1").expect("a mantissa");
    let three = Dec::from_mantissa("3").expect("a mantissa");
    let shown = |value: Dec| ALL_ROUNDINGS.map(|rounding| value.quo(two, rounding).expect("small").to_mantissa());
    assert_eq!(shown(unit), ["0", "1", "0", "1"], "a half above zero");
    assert_eq!(shown(three), ["1", "2", "2", "2"], "one and a half");
    assert_eq!(shown(unit.negated()), ["0", "0", "0", "-1"], "a half below zero");
    assert_eq!(shown(three.negated()), ["-1", "-1", "-2", "-2"]);
}

#[test]
fn dividing_by_zero_and_leaving_the_range_are_errors() {
    let most = Dec::from_mantissa(MOST).expect("a mantissa");
    assert_eq!(most.quo(Dec::zero(), Rounding::Truncate), Err(DecError::DivisionByZero));
    assert_eq!(most.quo_int(Amount::ZERO, Rounding::Truncate), Err(DecError::DivisionByZero));
    assert_eq!(most.checked_add(Dec::from_mantissa("1").expect("a mantissa")), Err(DecError::Overflow));
    assert_eq!(most.mul(most, Rounding::Truncate), Err(DecError::Overflow));
    assert_eq!(most.negated().to_amount(Rounding::Truncate), Err(DecError::Overflow));
    assert_eq!(Dec::from_amount(Amount::MAX), Err(DecError::Overflow));
    assert_eq!(most.mul(Dec::one(), Rounding::Ceil), Ok(most));
}

#[test]
fn coins_have_one_form() {
    for text in ["uve", "1", "-1uve", "01uve", "1u", "1uve,1uve", "1 uve"] {
        assert!(text.parse::<Coin>().is_err(), "{text:?}");
    }
    for denom in ["uv", "1uve", "u ve", "uvé", &"a".repeat(129)] {
        assert!(denom.parse::<Denom>().is_err(), "{denom:?}");
    }
    assert!("ibc/27394FB092D2ECCD56123C74F36E4C1F926001CEADA9CA97EA622B25F41E5EB2".parse::<Denom>().is_ok());
    let coin = |text: &str| text.parse::<Coin>().expect("a coin");
    for unsorted in [vec!["1uve", "1abc"], vec!["1uve", "2uve"], vec!["0uve"]] {
        assert!(Coins::new(unsorted.iter().map(|text| coin(text)).collect()).is_err(), "{unsorted:?}");
    }
}

proptest! {
    #[test]
    fn text_and_state_of_an_amount_lead_back_to_it(amount in edge()) {
        prop_assert_eq!(amount.to_string().parse::<Amount>(), Ok(amount));
        prop_assert_eq!(Amount::from_state(&amount.to_state()), Ok(amount));
        prop_assert!(!amount.to_state().is_empty());
    }

    #[test]
    fn bytes_that_are_read_as_a_value_are_the_ones_it_is_written_as(bytes in prop::collection::vec(any::<u8>(), 0..36)) {
        if let Ok(amount) = Amount::from_state(&bytes) {
            prop_assert_eq!(amount.to_state(), bytes.clone());
        }
        if let Ok(decimal) = Dec::from_state(&bytes) {
            prop_assert_eq!(decimal.to_state(), bytes);
        }
    }

    #[test]
    fn text_that_is_read_as_a_value_is_the_one_it_is_written_as(text in "-?[0-9]{0,80}") {
        if let Ok(amount) = text.parse::<Amount>() {
            prop_assert_eq!(amount.to_string(), text.clone());
        }
        if let Ok(decimal) = Dec::from_mantissa(&text) {
            prop_assert_eq!(decimal.to_mantissa(), text);
        }
    }

    #[test]
    fn all_forms_of_a_decimal_lead_back_to_it(decimal in decimal()) {
        prop_assert_eq!(Dec::from_mantissa(&decimal.to_mantissa()), Ok(decimal));
        prop_assert_eq!(decimal.to_string().parse::<Dec>(), Ok(decimal));
        prop_assert_eq!(format!("{decimal:#}").parse::<Dec>(), Ok(decimal));
        prop_assert_eq!(Dec::from_state(&decimal.to_state()), Ok(decimal));
    }

    #[test]
    fn adding_and_taking_away_again_changes_nothing(a in edge(), b in edge()) {
        if let Some(sum) = a.checked_add(b) {
            prop_assert!(sum >= a && sum >= b);
            prop_assert_eq!(sum.checked_sub(b), Some(a));
        } else {
            prop_assert!(Amount::MAX.checked_sub(a).expect("below the most") < b);
        }
    }

    #[test]
    fn adding_decimals_is_undone_by_taking_them_away(a in decimal(), b in decimal()) {
        if let Ok(sum) = a.checked_add(b) {
            prop_assert_eq!(sum.checked_sub(b), Ok(a));
            prop_assert_eq!(b.checked_add(a), Ok(sum));
        }
    }

    #[test]
    fn roundings_agree_with_wide_integers(a in any::<u64>(), b in any::<u64>(), c in 1u64..) {
        let (a, b, c) = (u128::from(a), u128::from(b), u128::from(c));
        let (product, twice) = (a * b, 2 * ((a * b) % c));
        let exact = product / c;
        let up = |when: bool| (exact + u128::from(when)).to_string();
        let dec = |value: u128| Dec::from_mantissa(&value.to_string()).expect("a mantissa");
        // mantissa(a) × b / c with whole b and c.
        let got = |rounding| {
            let scaled = dec(a).mul_int(Amount::from(b)).expect("below 2^256");
            scaled.quo_int(Amount::from(c), rounding).expect("below 2^256").to_mantissa()
        };
        prop_assert_eq!(got(Rounding::Truncate), up(false));
        prop_assert_eq!(got(Rounding::Ceil), up(product % c != 0));
        prop_assert_eq!(got(Rounding::HalfUp), up(twice >= c));
        prop_assert_eq!(got(Rounding::HalfEven), up(twice > c || (twice == c && exact % 2 == 1)));
        prop_assert_eq!(Amount::from(a).mul_div(Amount::from(b), Amount::from(c)), Some(Amount::from(exact)));
    }

    #[test]
    fn a_share_and_the_rest_are_the_whole(whole in edge(), part in any::<u64>(), of in 1u64..) {
        prop_assume!(part <= of);
        let share = whole.mul_div(Amount::from(part), Amount::from(of)).expect("at most the whole");
        let rest = whole.checked_sub(share).expect("the share is at most the whole");
        prop_assert_eq!(share.checked_add(rest), Some(whole));
    }

    #[test]
    fn truncated_never_exceeds_ceiled_and_they_differ_by_at_most_one(a in decimal(), b in decimal()) {
        if let (Ok(low), Ok(high)) = (a.mul(b, Rounding::Truncate), a.mul(b, Rounding::Ceil)) {
            let difference = high.checked_sub(low).expect("close together");
            prop_assert!(["0", "1"].contains(&difference.to_mantissa().as_str()));
        }
    }

    #[test]
    fn order_of_decimals_is_the_sign_of_their_difference(a in decimal(), b in decimal()) {
        if let Ok(difference) = a.checked_sub(b) {
            prop_assert_eq!(a < b, difference.is_negative());
            prop_assert_eq!(a == b, difference.is_zero());
        }
    }
}

#[test]
fn coins_are_taken_away_only_when_all_of_them_are_there() {
    let coins = |text: &[&str]| {
        Coins::new(text.iter().map(|coin| coin.parse::<Coin>().expect("a coin")).collect()).expect("sorted")
    };
    let have = coins(&["5abc", "7uve"]);
    assert_eq!(have.checked_sub(&coins(&["5abc", "3uve"])), Some(coins(&["4uve"])), "zero leaves the set");
    assert_eq!(have.checked_sub(&coins(&["6abc"])), None);
    assert_eq!(have.checked_sub(&coins(&["1zzz"])), None);
    assert_eq!(have.checked_sub(&Coins::default()), Some(have.clone()));
}
