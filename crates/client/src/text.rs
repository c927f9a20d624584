//! Wording that people read.

/// A number with its noun, in the singular for one: `1 bid`, `2 bids`, `0 bids`. For nouns whose plural ends in -s.
pub fn counted(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular_and_every_other_number_is_plural() {
        let texts: Vec<String> = [0, 1, 2, 11, 21].into_iter().map(|number| counted(number, "bid")).collect();
        assert_eq!(texts, ["0 bids", "1 bid", "2 bids", "11 bids", "21 bids"]);
    }
}
