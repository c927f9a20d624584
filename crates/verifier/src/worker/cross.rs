//! Whether the sources of a document say the same (identity-ml spec section 3.12): of each field the worst pair counts.

use std::collections::BTreeSet;

use ve_inference::features::id;

use crate::{Extraction, Field};

#[cfg(test)]
#[path = "cross_tests.rs"]
mod tests;

const WHOLE: u16 = 10_000;
/// One source agrees with nothing.
const SINGLE: u16 = 5_000;
/// One character apart.
const CLOSE: u16 = 6_000;
/// Names that are less alike are other names.
const ALIKE: u16 = 8_000;

/// The three features of the cross-check that the sources, each with its kind, allow.
pub fn check(sources: &[(&str, &Extraction)]) -> Vec<(usize, u16)> {
    let dates = [worst(sources, Field::Birth, exact), worst(sources, Field::Expiry, exact)];
    let names = [worst(sources, Field::Family, alike), worst(sources, Field::Given, alike)];
    let least = |values: [Option<u16>; 2]| values.into_iter().flatten().min();
    let found = [
        (id::XCHECK_ID, worst(sources, Field::Number, close)),
        (id::XCHECK_NAMES, least(names)),
        (id::XCHECK_DATES, least(dates)),
    ];
    found.into_iter().filter_map(|(index, value)| Some((index, value?))).collect()
}

/// Of all pairs of sources that have the field; `None` where none has it. Two of one kind, which may be one piece given
/// twice, confirm nothing; they can only contradict each other.
fn worst(sources: &[(&str, &Extraction)], field: Field, compare: fn(&str, &str) -> u16) -> Option<u16> {
    let mut values: Vec<(&str, &str)> = Vec::new();
    for (kind, source) in sources {
        values.extend(source.fields.get(&field).map(|value| (*kind, value.reveal())));
    }
    let pairs =
        values.iter().enumerate().flat_map(|(at, left)| values[at + 1..].iter().map(move |right| (left, right)));
    let judged = pairs.filter_map(|(left, right)| match compare(left.1, right.1) {
        WHOLE if left.0 == right.0 => None,
        _ if left.0 == right.0 => Some(0),
        likeness => Some(likeness),
    });
    let worst = judged.min().unwrap_or(SINGLE);
    (!values.is_empty()).then_some(worst)
}

fn exact(left: &str, right: &str) -> u16 {
    if left == right { WHOLE } else { 0 }
}

/// At most one character inserted, removed or replaced.
fn close(left: &str, right: &str) -> u16 {
    if left == right {
        return WHOLE;
    }
    let (short, long) = if left.len() <= right.len() { (left, right) } else { (right, left) };
    let (short, long) = (short.as_bytes(), long.as_bytes());
    if long.len() - short.len() > 1 {
        return 0;
    }
    let same = short.iter().zip(long).take_while(|(left, right)| left == right).count();
    let replaced = short.len() == long.len() && short[same + 1..] == long[same + 1..];
    let inserted = short.len() < long.len() && short[same..] == long[same + 1..];
    if replaced || inserted { CLOSE } else { 0 }
}

/// Share of words in common; a name that a document cut short is its beginning.
fn alike(left: &str, right: &str) -> u16 {
    if left.starts_with(right) || right.starts_with(left) {
        return WHOLE;
    }
    let words = |text: &str| -> BTreeSet<String> { text.split([' ', '-']).map(str::to_uppercase).collect() };
    let (left, right) = (words(left), words(right));
    let (common, all) = (left.intersection(&right).count(), left.union(&right).count());
    let share = (common * usize::from(WHOLE)).checked_div(all).and_then(|share| u16::try_from(share).ok());
    share.filter(|share| *share >= ALIKE).unwrap_or(0)
}
