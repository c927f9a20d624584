use ve_base::{Amount, Coins, Dec};

use super::DecCoins;

fn coins(text: &str) -> DecCoins {
    let coins = Coins::new(text.split(',').map(|coin| coin.parse().expect("a coin")).collect()).expect("sorted");
    DecCoins::from_coins(&coins).expect("small")
}

#[test]
fn sums_are_sorted_and_differences_leave_no_zeros() {
    let sum = coins("5uve").checked_add(&coins("3abc,2uve")).expect("small");
    assert_eq!(sum, coins("3abc,7uve"));
    assert_eq!(sum.checked_sub(&coins("3abc")).expect("enough"), coins("7uve"));
    assert!(sum.checked_sub(&coins("4abc")).is_err());
    assert!(sum.checked_sub(&coins("1zzz")).is_err());
    assert_eq!(sum.least(&coins("9abc,1uve,5zzz")), coins("3abc,1uve"));
}

#[test]
fn a_split_pays_whole_coins_and_keeps_the_rest() {
    let third = coins("10uve").quo_truncate(Amount::from(3u64)).expect("not zero");
    let (whole, rest) = third.split().expect("small");
    assert_eq!(
        (whole.to_string().as_str(), rest.amount_of("uve").to_string().as_str()),
        ("3uve", "0.333333333333333333")
    );
    assert_eq!(DecCoins::from_coins(&whole).and_then(|whole| whole.checked_add(&rest)).expect("small"), third);
    assert!(rest.mul_truncate(Dec::zero()).expect("small").is_empty());
}

#[test]
fn only_the_sorted_positive_form_is_read() {
    let good = coins("3abc,7uve");
    assert_eq!(DecCoins::from_proto(&good.to_proto()).expect("its own form"), good);
    let mut swapped = good.to_proto();
    swapped.reverse();
    assert!(DecCoins::from_proto(&swapped).is_err());
    let mut zero = good.to_proto();
    zero[0].amount = "0".into();
    assert!(DecCoins::from_proto(&zero).is_err());
    zero[0].amount = "-1".into();
    assert!(DecCoins::from_proto(&zero).is_err());
}
