use super::*;

fn at(price: &str, smoothed_bps: u32) -> State {
    let base_fee = price.parse::<Dec>().expect("a decimal").to_mantissa();
    State { base_fee, smoothed_bps, ..State::default() }
}

fn price(state: &State) -> String {
    format!("{:#}", Dec::from_mantissa(&state.base_fee).expect("a decimal"))
}

#[test]
fn the_worked_example_of_the_specification_comes_out_exactly() {
    let after = next(&params::default(), &at("0.0100", 8400), 9_800, 10_000).expect("it fits");
    assert_eq!((after.smoothed_bps, after.last_bps), (8575, 9800));
    assert_eq!(price(&after), "0.0120957");
}

#[test]
fn one_block_never_changes_the_price_by_more_than_38_percent_up_or_20_down() {
    let params = params::default();
    for smoothed in (0..=10_000).step_by(250) {
        for used in (0..=20_000).step_by(500) {
            let after = next(&params, &at("1", smoothed), used, 10_000).expect("it fits");
            let after = Dec::from_mantissa(&after.base_fee).expect("a decimal");
            let bounds = ["0.8", "1.38"].map(|bound| bound.parse::<Dec>().expect("a decimal"));
            assert!(bounds[0] <= after && after <= bounds[1], "{smoothed} and {used}: {after}");
        }
    }
}

#[test]
fn full_blocks_raise_the_price_to_its_cap_and_empty_ones_lower_it_to_its_floor() {
    let params = params::default();
    let mut state = at("0.0025", 0);
    for _ in 0..200 {
        state = next(&params, &state, 60_000_000, 60_000_000).expect("it fits");
    }
    assert_eq!(price(&state), "2.5", "a thousand times the lowest");
    for _ in 0..200 {
        state = next(&params, &state, 0, 60_000_000).expect("it fits");
    }
    assert_eq!(price(&state), "0.0025");
}

#[test]
fn a_chain_without_a_limit_on_gas_keeps_the_lowest_price() {
    let after = next(&params::default(), &at("0.0025", 0), u64::MAX, 0).expect("it fits");
    assert_eq!((price(&after), after.last_bps), ("0.0025".into(), 0));
}
