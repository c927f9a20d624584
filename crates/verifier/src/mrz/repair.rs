//! Letters that were read where only digits stand, and the reverse.

use super::layout::{Layout, Span};

/// Most replacements in a line; a line with more is not what it seems.
const MAX_REPAIRS: usize = 3;
const PAIRS: [(char, char); 6] = [('O', '0'), ('I', '1'), ('B', '8'), ('S', '5'), ('Z', '2'), ('G', '6')];

/// The lines with what stands in the wrong kind of place replaced; `None` if that takes too many replacements.
pub fn repair(layout: &Layout, lines: &[String]) -> Option<Vec<String>> {
    let digits = [layout.birth, layout.birth.after(), layout.expiry, layout.expiry.after(), layout.composite_digit];
    // Where a long number goes on, what stands behind the first nine is no digit but `<`, which no repair changes.
    let digits = digits.into_iter().chain([layout.number.after()]).chain(layout.personal.map(Span::after));
    let letters = [layout.issuer, layout.nationality, layout.names, layout.sex];
    let mut repaired: Vec<Vec<char>> = lines.iter().map(|line| line.chars().collect()).collect();
    let places = digits.map(|span| (span, true)).chain(letters.into_iter().map(|span| (span, false)));
    for (span, wants_digit) in places {
        for place in repaired.get_mut(span.line)?.get_mut(span.from..span.to)? {
            let like = PAIRS.iter().find_map(|(letter, digit)| match (*place, wants_digit) {
                (found, true) if found == *letter => Some(*digit),
                (found, false) if found == *digit => Some(*letter),
                _ => None,
            });
            *place = like.unwrap_or(*place);
        }
    }
    let result: Vec<String> = repaired.into_iter().map(|line| line.into_iter().collect()).collect();
    let few =
        |(old, new): (&String, &String)| old.chars().zip(new.chars()).filter(|(a, b)| a != b).count() <= MAX_REPAIRS;
    lines.iter().zip(&result).all(few).then_some(result)
}
