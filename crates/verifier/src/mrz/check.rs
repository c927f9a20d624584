//! Check digits of ICAO Doc 9303 part 3.

/// Digit of a text of `A-Z`, `0-9` and `<`: values 10 to 35, 0 to 9 and 0, weights 7, 3, 1 in turn, sum modulo 10. `None`
/// for other characters.
pub fn check_digit(text: &str) -> Option<u32> {
    let mut sum = 0u32;
    for (letter, weight) in text.chars().zip([7, 3, 1].into_iter().cycle()) {
        let value = match letter {
            '<' => 0,
            '0'..='9' | 'A'..='Z' => letter.to_digit(36)?,
            _ => return None,
        };
        // Lines have at most 44 characters.
        sum += value * weight;
    }
    Some(sum % 10)
}
