use proptest::prelude::*;
use ve_base::Amount;

use super::{params, split};

fn amount(value: u128) -> Amount {
    Amount::from(value)
}

#[test]
fn twelve_and_a_half_thousand_leave_the_provider_eleven_and_a_half() {
    let parts = split(&params::default(), "uve", amount(12_500)).expect("fits");
    assert_eq!(parts.platform, amount(625));
    assert_eq!(parts.network, amount(125));
    assert_eq!(parts.community, amount(250));
    assert_eq!(parts.provider, amount(11_500));
}

#[test]
fn a_denomination_without_an_entry_pays_the_default_community_rate() {
    let parts = split(&params::default(), "ibc/AA", amount(10_000)).expect("fits");
    assert_eq!(parts.community, amount(2000));
    assert_eq!(parts.provider, amount(7400));
}

#[test]
fn truncated_parts_leave_the_dust_to_the_provider() {
    let parts = split(&params::default(), "uve", amount(19)).expect("fits");
    assert_eq!((parts.platform, parts.network, parts.community), (amount(0), amount(0), amount(0)));
    assert_eq!(parts.provider, amount(19));
}

#[test]
fn the_largest_amount_divides_without_overflow() {
    let parts = split(&params::default(), "uve", Amount::MAX).expect("the product has 512 bits");
    let sum = parts.platform.checked_add(parts.network).and_then(|sum| sum.checked_add(parts.community));
    assert_eq!(sum.and_then(|sum| sum.checked_add(parts.provider)), Some(Amount::MAX));
}

#[test]
fn rates_above_the_hard_bound_are_refused() {
    let mut given = params::default();
    given.platform_bps = 901;
    assert!(params::validate(&given).expect_err("901+100+2000 > 3000").log.contains("3001"));
}

#[test]
fn unsorted_denominations_are_refused() {
    let mut given = params::default();
    given.denom_take_rates.push(given.denom_take_rates[0].clone());
    assert!(params::validate(&given).is_err());
}

proptest! {
    #[test]
    fn parts_always_sum_to_the_gross_amount(gross in any::<u128>(), platform in 0u32..500, network in 0u32..500) {
        let mut given = params::default();
        (given.platform_bps, given.network_bps) = (platform, network);
        let parts = split(&given, "uve", amount(gross)).expect("fits");
        let sum = [parts.platform, parts.network, parts.community, parts.provider]
            .into_iter()
            .try_fold(Amount::ZERO, Amount::checked_add);
        prop_assert_eq!(sum, Some(amount(gross)));
    }
}
