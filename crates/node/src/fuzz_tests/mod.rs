//! Bytes of strangers: seeded mutations of real messages thrown at every decoder and at what stands behind it. Inputs
//! that a decoder accepts join the corpus, so that later ones get deeper. A failure prints its input.
//!
//! Each target runs a second with the other tests and half a minute in the slow tier.

mod chain;
mod mutate;
mod rpc;

use std::time::{Duration, Instant};

pub(crate) use self::mutate::Mutator;

/// Between two looks at the clock.
const STRIDE: u32 = 64;
/// Inputs that are kept beside the first ones.
const MAX_CORPUS: usize = 2_000;

pub(crate) const SHORT: Duration = Duration::from_secs(1);
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// Prints the input if the target panics.
struct Shown<'a>(&'a [u8]);

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("input: {}", hex::encode(self.0));
        }
    }
}

/// Runs `target` on mutations of `corpus` for a time; it says whether an input was accepted. Returns how many were.
pub(crate) fn fuzz(mut corpus: Vec<Vec<u8>>, time: Duration, mut target: impl FnMut(&[u8]) -> bool) -> u64 {
    let mut mutator = Mutator::new(0x5EED);
    let deadline = Instant::now() + time;
    let (first, mut accepted, mut run) = (corpus.len(), 0u64, 0u32);
    for seed in &corpus {
        assert!(target(seed), "the corpus itself is accepted: {}", hex::encode(seed));
    }
    while !run.is_multiple_of(STRIDE) || Instant::now() < deadline {
        run = run.wrapping_add(1);
        let input = mutator.mutate(&corpus);
        let shown = Shown(&input);
        let good = target(&input);
        drop(shown);
        if good {
            accepted += 1;
            if corpus.len() < first + MAX_CORPUS {
                corpus.push(input);
            } else {
                let at = first + mutator.below(MAX_CORPUS);
                corpus[at] = input;
            }
        }
    }
    accepted
}

#[test]
fn mutations_repeat_with_their_seed_and_reach_far() {
    let corpus = vec![vec![0u8; 40], b"another input".to_vec()];
    let inputs = |seed| {
        let mut mutator = Mutator::new(seed);
        (0..500).map(|_| mutator.mutate(&corpus)).collect::<Vec<_>>()
    };
    assert_eq!(inputs(1), inputs(1));
    assert_ne!(inputs(1), inputs(2));
    let lengths: std::collections::BTreeSet<usize> = inputs(3).iter().map(Vec::len).collect();
    assert!(lengths.len() > 20 && lengths.iter().any(|length| *length > 40));
}
