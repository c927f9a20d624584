//! `2025-06-19T10:56:11Z` as seconds since 1970.

use super::Refused;

pub fn parse(text: &str) -> Result<u64, Refused> {
    let malformed = || Refused::Statement("a time is malformed");
    let bytes = text.as_bytes();
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'Z')];
    if bytes.len() != 20 || marks.iter().any(|(at, mark)| bytes.get(*at) != Some(mark)) {
        return Err(malformed());
    }
    let number = |from: usize, to: usize| text.get(from..to).and_then(|part| part.parse::<u64>().ok());
    let read = |from, to, least: u64, most: u64| {
        number(from, to).filter(|value| (least..=most).contains(value)).ok_or_else(malformed)
    };
    let (year, month, day) = (read(0, 4, 1970, 9999)?, read(5, 7, 1, 12)?, read(8, 10, 1, 31)?);
    let (hour, minute, second) = (read(11, 13, 0, 23)?, read(14, 16, 0, 59)?, read(17, 19, 0, 59)?);
    // Days since 1970 with years that begin in March, so that the leap day is the last of its year.
    let shifted = if month <= 2 { year.saturating_sub(1) } else { year };
    let since_march = (month.saturating_add(9)) % 12;
    let day_of_year = (since_march.saturating_mul(153).saturating_add(2) / 5).saturating_add(day).saturating_sub(1);
    let leaps = (shifted / 4).saturating_sub(shifted / 100).saturating_add(shifted / 400);
    let days = shifted.saturating_mul(365).saturating_add(leaps).saturating_add(day_of_year).saturating_sub(719_468);
    let seconds = hour.saturating_mul(3600).saturating_add(minute.saturating_mul(60)).saturating_add(second);
    Ok(days.saturating_mul(86_400).saturating_add(seconds))
}
