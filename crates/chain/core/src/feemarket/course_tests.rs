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

fn aimd() -> Params {
    Params { mode: Mode::Aimd as i32, ..params::default() }
}

fn rate(state: &State) -> String {
    format!("{:#}", Dec::from_mantissa(&state.learning_rate).expect("a decimal"))
}

#[test]
fn the_learning_rate_grows_by_additions_far_from_the_middle_and_shrinks_by_a_factor_near_it() {
    let mut state = at("1", 0);
    for expected in ["0.035", "0.06", "0.085"] {
        state = next(&aimd(), &state, 100, 100).expect("it fits");
        assert_eq!(rate(&state), expected, "full blocks");
    }
    state = State { window_bps: vec![5000; 8], ..state };
    state = next(&aimd(), &state, 50, 100).expect("it fits");
    assert_eq!(rate(&state), "0.08075", "half full blocks");
    for _ in 0..100 {
        state = next(&aimd(), &state, 100, 100).expect("it fits");
    }
    assert_eq!((rate(&state).as_str(), state.window_bps.len()), ("0.5", 8));
}

#[test]
fn a_learned_rate_moves_the_price_by_the_last_use_within_the_bounds_of_a_block() {
    let start = State { learning_rate: "500000000000000000".into(), window_bps: vec![10_000; 8], ..at("1", 0) };
    let full = next(&aimd(), &start, 100, 100).expect("it fits");
    // 1 + 0.5 × (10,000 − 6,500) ÷ 6,500
    assert_eq!(price(&full), "1.26923076923076923");
    let empty = next(&aimd(), &start, 0, 100).expect("it fits");
    assert_eq!(price(&empty), "0.8", "at most a fifth less");
    let level = next(&aimd(), &start, 65, 100).expect("it fits");
    assert_eq!(price(&level), "1", "at the target it stays");
}

#[test]
fn under_stress_the_lowest_price_is_half_as_high_again_and_is_reached_in_steps() {
    let params = params::default();
    let mut state = State { stressed: true, ..at("0.0025", 0) };
    state = next(&params, &state, 0, 100).expect("it fits");
    assert_eq!(price(&state), "0.00345", "38 percent in one block");
    state = next(&params, &state, 0, 100).expect("it fits");
    assert_eq!(price(&state), "0.00375");
    state = next(&params, &state, 0, 100).expect("it fits");
    assert_eq!(price(&state), "0.00375", "and not below while it lasts");
    for _ in 0..5 {
        state = next(&params, &State { stressed: false, ..state }, 0, 100).expect("it fits");
    }
    assert_eq!(price(&state), "0.0025");
}

#[test]
fn parameters_out_of_their_ranges_are_refused() {
    let bad: [fn(&mut Params); 6] = [
        |params| params.stress_floor_bps = 9_999,
        |params| params.stress_bps = 0,
        |params| params.mode = 2,
        |params| params.alpha = "0".into(),
        |params| params.beta = "1000000000000000000".into(),
        |params| params.gamma = "500000000000000000".into(),
    ];
    for change in bad {
        let mut changed = params::default();
        change(&mut changed);
        assert!(params::validate(&changed).is_err(), "{changed:?}");
    }
    params::validate(&aimd()).expect("the other mode is selectable");
}
