use ve_base::{Amount, BlockTime, Dec};

use super::super::params::{self, Rates};
use super::{YEAR_SECONDS, annual, elapsed_nanos, next, provision};

const SUPPLY: u128 = 1_000_000_000_000_000;
const SECOND: u64 = 1_000_000_000;

fn rates() -> Rates {
    params::rates(&params::default()).expect("the defaults")
}

fn dec(text: &str) -> Dec {
    text.parse().expect("a decimal")
}

fn amount(value: u128) -> Amount {
    Amount::from(value)
}

/// Finance spec section 3.
#[test]
fn a_supply_of_a_billion_at_seven_percent_mints_11090830_in_five_seconds() {
    let annual = annual(dec("0.07"), amount(SUPPLY)).expect("small");
    assert_eq!(annual, dec("70000000000000"));
    assert_eq!(provision(annual, 5 * SECOND, Amount::MAX).expect("small"), amount(11_090_830));
}

/// Finance spec section 3.
#[test]
fn half_of_the_supply_bonded_adds_almost_three_point_three_points_in_a_year() {
    let day = 86_400 * SECOND;
    let mut inflation = dec("0.07");
    for _ in 0..365 {
        inflation = next(inflation, &rates(), amount(SUPPLY / 2), amount(SUPPLY), day).expect("small");
    }
    inflation = next(inflation, &rates(), amount(SUPPLY / 2), amount(SUPPLY), day / 4).expect("small");
    let added = inflation.checked_sub(dec("0.07")).expect("small");
    assert!(added > dec("0.03298507") && added < dec("0.03298508"), "{added}");
}

#[test]
fn many_short_blocks_mint_what_few_long_ones_do() {
    let annual = annual(dec("0.07"), amount(SUPPLY)).expect("small");
    let minted = |elapsed: u64, times: u128| {
        provision(annual, elapsed, Amount::MAX).expect("small").checked_mul(amount(times)).expect("small")
    };
    let (long, short) = (minted(1_000 * SECOND, 1), minted(SECOND / 4, 4_000));
    let lost = long.checked_sub(short).expect("truncation only loses");
    assert!(lost < amount(4_000), "less than one unit a block: {lost}");
}

#[test]
fn inflation_stays_between_its_bounds() {
    let year = 86_400 * SECOND;
    let low = next(dec("0.07"), &rates(), amount(SUPPLY), amount(SUPPLY), year).expect("small");
    assert_eq!(low, dec("0.07"), "too much is bonded");
    let high = next(dec("0.2"), &rates(), Amount::ZERO, amount(SUPPLY), year).expect("small");
    assert_eq!(high, dec("0.2"), "nothing is bonded");
    assert!(next(dec("0.07"), &rates(), Amount::ZERO, Amount::ZERO, year).is_ok());
}

#[test]
fn nothing_is_minted_above_the_room_or_without_time() {
    let annual = annual(dec("0.2"), amount(SUPPLY)).expect("small");
    assert_eq!(provision(annual, SECOND, amount(3)).expect("small"), amount(3));
    assert_eq!(provision(annual, 0, Amount::MAX).expect("small"), Amount::ZERO);
}

#[test]
fn elapsed_time_counts_nanoseconds_never_runs_backwards_and_stops_at_a_day() {
    let at = |seconds, nanos| BlockTime { seconds, nanos };
    assert_eq!(elapsed_nanos(at(10, 900_000_000), at(12, 100_000_000)), 1_200_000_000);
    assert_eq!(elapsed_nanos(at(12, 0), at(10, 0)), 0);
    assert_eq!(elapsed_nanos(at(0, 0), at(i64::MAX, 0)), 86_400 * SECOND);
    assert_eq!(elapsed_nanos(at(i64::MIN, 0), at(i64::MAX, 999_999_999)), 86_400 * SECOND);
    assert_eq!(YEAR_SECONDS, params::BLOCKS_PER_YEAR * 5);
}
