use proptest::prelude::*;

use super::*;

/// Rows of weights, bias, mult, shift.
type Sketch = (Vec<Vec<i8>>, Vec<i32>, u32, u8);

fn file(layers: &[Sketch], knots: &[(i32, u16)]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.push(layers.len() as u8);
    for (weights, bias, mult, shift) in layers {
        bytes.extend((weights.len() as u16).to_be_bytes());
        bytes.extend((weights[0].len() as u16).to_be_bytes());
        bytes.extend(weights.iter().flatten().flat_map(|weight| weight.to_be_bytes()));
        bytes.extend(bias.iter().flat_map(|bias| bias.to_be_bytes()));
        bytes.extend(mult.to_be_bytes());
        bytes.push(*shift);
    }
    bytes.push(knots.len() as u8);
    bytes.extend(knots.iter().flat_map(|(x, y)| [x.to_be_bytes().to_vec(), y.to_be_bytes().to_vec()].concat()));
    bytes
}

const KNOTS: [(i32, u16); 5] = [(-2000, 0), (0, 1500), (1000, 5000), (3000, 8600), (6000, 9900)];

/// The worked example of identity-ml.md section 5.2.
fn worked() -> Vec<Sketch> {
    vec![
        (vec![vec![40, 30, 20, 10], vec![5, 60, 35, 0]], vec![-2000, -1500], 1_288_490_189, 38),
        (vec![vec![50, 70]], vec![-1200], 0, 0),
    ]
}

fn load(layers: &[Sketch], knots: &[(i32, u16)]) -> Result<Tsm, TsmError> {
    Tsm::load(&file(layers, knots))
}

#[test]
fn the_worked_example_gives_9020_basis_points() {
    let network = load(&worked(), &KNOTS).expect("the example is a model");
    assert_eq!(network.inputs(), 4);
    assert_eq!(network.evaluate(&[9200, 8800, 9000, 0]), 9020);
}

#[test]
fn the_stages_of_the_worked_example_are_those_of_the_specification() {
    let network = load(&worked(), &KNOTS).expect("the example is a model");
    let sums: Vec<i64> = network.layers[0].accumulate(&[117, 112, 114, 0]).collect();
    assert_eq!(sums, [8320, 9795]);
    assert_eq!(sums.iter().map(|sum| network.layers[0].requantise(*sum)).collect::<Vec<_>>(), [39, 46]);
    assert_eq!(network.layers[1].accumulate(&[39, 46]).collect::<Vec<_>>(), [3970]);
}

#[test]
fn activations_are_clamped_at_both_ends_and_so_is_the_calibration() {
    let network = load(&worked(), &KNOTS).expect("the example is a model");
    let requantised = |sum| network.layers[0].requantise(sum);
    assert_eq!((requantised(-2000), requantised(i64::from(i32::MAX))), (0, 127));
    assert_eq!(network.evaluate(&[0; 4]), 600);
    assert_eq!(network.evaluate(&[10_000; 4]), 9471);
    assert_eq!((network.calibrate(-2001), network.calibrate(-2000), network.calibrate(6001)), (0, 0, 9900));
    assert_eq!((network.calibrate(-1999), network.calibrate(999)), (0, 4996));
}

#[test]
fn missing_features_count_nothing_and_surplus_ones_are_not_seen() {
    let network = load(&worked(), &KNOTS).expect("the example is a model");
    assert_eq!(network.evaluate(&[9200, 8800, 9000]), 9020);
    assert_eq!(network.evaluate(&[9200, 8800, 9000, 0, 10_000]), 9020);
    assert_eq!(network.evaluate(&[u16::MAX; 4]), network.evaluate(&[10_000; 4]));
}

#[test]
fn a_negative_weight_is_refused() {
    let mut layers = worked();
    layers[1].0[0][1] = -1;
    assert_eq!(load(&layers, &KNOTS), Err(TsmError::Negative(1)));
}

#[test]
fn sums_that_could_leave_their_range_are_refused() {
    let mut layers = worked();
    layers[0].1[1] = i32::MAX - 100 * 127 + 1;
    assert_eq!(load(&layers, &KNOTS), Err(TsmError::Bound(0)));
    layers[0].1[1] -= 1;
    assert!(load(&layers, &KNOTS).is_ok());
    // The rounding constant alone takes half of the range.
    (layers[0].2, layers[0].3) = (u32::MAX, 62);
    assert_eq!(load(&layers, &KNOTS), Err(TsmError::Bound(0)));
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let wide = (vec![vec![1; 3]], vec![0], 0, 0);
    assert_eq!(load(&[worked()[0].clone(), wide], &KNOTS), Err(TsmError::Shape(1)));
    assert_eq!(load(&[], &KNOTS), Err(TsmError::Shape(0)));
    assert_eq!(load(&[worked()[0].clone()], &KNOTS), Err(TsmError::Shape(0)));
    for shift in [0, 63] {
        let mut layers = worked();
        layers[0].3 = shift;
        assert_eq!(load(&layers, &KNOTS), Err(TsmError::Shape(0)));
    }
    let mut scaled_end = worked();
    scaled_end[1].2 = 1;
    assert_eq!(load(&scaled_end, &KNOTS), Err(TsmError::Shape(1)));
    let giant = (vec![vec![1; 257]], vec![0], 0, 0);
    assert_eq!(load(&[giant], &KNOTS), Err(TsmError::Shape(0)));
}

#[test]
fn a_calibration_that_does_not_rise_is_refused() {
    for knots in [&KNOTS[..1], &[(0, 0), (0, 5)], &[(0, 5), (1, 4)], &[(0, 0), (1, 10_001)], &[(0, 0); 34]] {
        assert_eq!(load(&worked(), knots), Err(TsmError::Knots), "{knots:?}");
    }
}

#[test]
fn a_file_that_ends_early_or_late_or_starts_otherwise_is_refused() {
    let good = file(&worked(), &KNOTS);
    for length in 0..good.len() {
        assert!(Tsm::load(&good[..length]).is_err(), "{length} bytes");
    }
    assert_eq!(Tsm::load(&[good.as_slice(), &[0]].concat()), Err(TsmError::Format));
    assert_eq!(Tsm::load(&[b"TSM2", &good[4..]].concat()), Err(TsmError::Format));
    assert_eq!(Tsm::load(&vec![0; MAX_FILE + 1]), Err(TsmError::Format));
}

fn network() -> impl Strategy<Value = Tsm> {
    let hidden = (1usize..6).prop_flat_map(|rows| {
        let weights = proptest::collection::vec(proptest::collection::vec(0i8..=127, 5), rows);
        let bias = proptest::collection::vec(-100_000i32..100_000, rows);
        (weights, bias, 1u32..=u32::MAX, 20u8..50)
    });
    (hidden, proptest::collection::vec(0i8..=127, 6), -50_000i32..50_000, proptest::collection::vec(0u16..=2000, 5))
        .prop_map(|(hidden, last, bias, steps)| {
            let rows = hidden.0.len();
            let mut y = 0;
            let knots: Vec<(i32, u16)> = (0..5)
                .zip(steps)
                .map(|(at, step)| {
                    y += step;
                    (bias + at * 9000, y)
                })
                .collect();
            let end = (vec![last[..rows].to_vec()], vec![bias], 0, 0);
            load(&[hidden, end], &knots).expect("within the bounds")
        })
}

proptest! {
    #[test]
    fn raising_a_feature_never_lowers_what_a_network_says(
        network in network(), values in proptest::collection::vec(0u16..=10_000, 5), at in 0usize..5, by in 1u16..10_000,
    ) {
        let mut higher = values.clone();
        higher[at] = (higher[at] + by).min(10_000);
        let (before, after) = (network.evaluate(&values), network.evaluate(&higher));
        prop_assert!(before <= after && after <= 10_000, "{before} {after}");
    }

    #[test]
    fn any_bytes_are_a_network_that_works_or_are_refused(
        bytes in proptest::collection::vec(any::<u8>(), 0..400), at in 0usize..60, byte in any::<u8>(),
    ) {
        prop_assert!(Tsm::load(&bytes).is_err());
        prop_assert!(Tsm::load(&[MAGIC.as_slice(), &bytes].concat()).map_or(0, |n| n.evaluate(&[10_000; 64])) <= 10_000);
        let mut changed = file(&worked(), &KNOTS);
        let at = at % changed.len();
        changed[at] = byte;
        prop_assert!(Tsm::load(&changed).map_or(0, |network| network.evaluate(&[9000; 4])) <= 10_000);
    }
}
