//! Scores ten thousand random vectors with both scorers; one hash stands for all outcomes.

use sha2::{Digest, Sha256};
use ve_inference::{
    BP, Features, Findings, Model, Rules, Scorer,
    c1::Weights,
    features::{COUNT, id},
    score,
    tsm::Tsm,
};

const VECTORS: u64 = 10_000;
const FLAGS: [usize; 12] = [0, 1, 21, 22, 23, 24, 25, 26, 28, 33, 40, 45];

/// Splitmix64, so that each vector depends on its number alone.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

fn vector(number: u64) -> (Features, Findings) {
    let mut numbers = Numbers(number);
    let mut presence = numbers.next() | numbers.next() | 1;
    let mut values = [0u16; COUNT];
    for value in &mut values {
        *value = (numbers.next() % (BP + 1)) as u16;
    }
    for flag in FLAGS {
        values[flag] = if values[flag] > 2000 { 10_000 } else { 0 };
    }
    for (flag, told) in [(id::MRZ_PRESENT, id::MRZ_CHECK_DIGITS), (id::BARCODE_PRESENT, id::BARCODE_VALID)] {
        let there = presence >> told & 1 == 1;
        values[flag] = if there { 10_000 } else { 0 };
        presence |= u64::from(there) << flag;
    }
    for (index, value) in values.iter_mut().enumerate() {
        *value *= (presence >> index & 1) as u16;
    }
    let findings = Findings::from_bits(if number.is_multiple_of(4) { (numbers.next() % 32) as u8 } else { 0 });
    (Features::new(presence, values).expect("within the schema"), findings.expect("five bits"))
}

/// The hash over all outcomes in order, with the work divided among threads.
pub fn hash(network: &[u8], threads: u64) -> [u8; 32] {
    let rules = Rules { evidence_cap: 100, ..Rules::default() };
    let network = Tsm::load(network).expect("the shipped model loads");
    let models = [Scorer::C1(Weights::default()), Scorer::Tsm(Box::new(network))]
        .map(|scorer| Model::new(scorer, rules).expect("a model for the schema"));
    let models = &models;
    let part = VECTORS / threads;
    let outcomes = |thread: u64| {
        let numbers = thread * part..if thread + 1 == threads { VECTORS } else { (thread + 1) * part };
        let of = move |number| {
            let (features, findings) = vector(number);
            models.iter().flat_map(move |model| score(&features, findings, model).hash())
        };
        numbers.flat_map(of).collect::<Vec<u8>>()
    };
    let hashes: Vec<Vec<u8>> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|thread| scope.spawn(move || outcomes(thread))).collect();
        running.into_iter().map(|thread| thread.join().expect("scoring does not panic")).collect()
    });
    Sha256::digest(hashes.concat()).into()
}
