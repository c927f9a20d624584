//! Days of the Gregorian calendar as documents have them.

#[cfg(test)]
#[path = "date_tests.rs"]
mod tests;

/// A day that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    year: u32,
    month: u32,
    day: u32,
}

impl Date {
    /// `None` for a day that does not exist or a year before 1900 or after 2199.
    pub fn new(year: u32, month: u32, day: u32) -> Option<Self> {
        let exists = (1900..2200).contains(&year) && (1..=days(year, month)).contains(&day);
        exists.then_some(Self { year, month, day })
    }

    /// The day of a time in UTC; the last one that exists for times beyond.
    pub fn of_seconds(seconds: u64) -> Self {
        let mut left = seconds / 86_400;
        for year in 1970..2200 {
            for month in 1..=12 {
                let length = u64::from(days(year, month));
                if left < length {
                    // Less than a month.
                    return Self { year, month, day: left as u32 + 1 };
                }
                left -= length;
            }
        }
        Self { year: 2199, month: 12, day: 31 }
    }

    /// Six digits `YYMMDD`; the century is the latest one in which the year does not lie more than `ahead` years after
    /// `today`.
    pub fn of_short(text: &str, today: Self, ahead: u32) -> Option<Self> {
        let [year, month, day] = digits(text, [2, 2, 2])?;
        let limit = today.year.checked_add(ahead)?;
        let year = [2000, 1900].into_iter().map(|century| century + year).find(|year| *year <= limit)?;
        Self::new(year, month, day)
    }

    /// Eight digits, the year first (`YYYYMMDD`) or last (`MMDDYYYY`).
    pub fn of_long(text: &str, year_first: bool) -> Option<Self> {
        if year_first {
            let [year, month, day] = digits(text, [4, 2, 2])?;
            Self::new(year, month, day)
        } else {
            let [month, day, year] = digits(text, [2, 2, 4])?;
            Self::new(year, month, day)
        }
    }
}

impl std::fmt::Display for Date {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// Days of a month, 0 if there is no such month.
fn days(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(leap),
        1..=12 => 31,
        _ => 0,
    }
}

/// Numbers of fixed widths that are all of the text.
fn digits(text: &str, widths: [usize; 3]) -> Option<[u32; 3]> {
    if text.len() != widths.iter().sum::<usize>() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut rest = text;
    let mut numbers = [0; 3];
    for (number, width) in numbers.iter_mut().zip(widths) {
        let (head, tail) = rest.split_at_checked(width)?;
        (*number, rest) = (head.parse().ok()?, tail);
    }
    Some(numbers)
}
