//! Block time.

use std::fmt;

/// Time of a block: seconds and nanoseconds since the Unix epoch, UTC. Agreed by consensus, never a local clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockTime {
    pub seconds: i64,
    /// 0..1_000_000_000
    pub nanos: u32,
}

impl BlockTime {
    /// Whole seconds from `earlier` to this time; 0 when `earlier` is not earlier.
    pub fn seconds_since(&self, earlier: BlockTime) -> u64 {
        let whole = self.seconds.saturating_sub(earlier.seconds);
        let whole = if self.nanos < earlier.nanos { whole.saturating_sub(1) } else { whole };
        u64::try_from(whole).unwrap_or(0)
    }

    #[must_use]
    pub fn plus_seconds(&self, seconds: u64) -> Self {
        let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
        Self { seconds: self.seconds.saturating_add(seconds), nanos: self.nanos }
    }

    /// Seconds since the epoch, 0 before it.
    pub fn unix(&self) -> u64 {
        u64::try_from(self.seconds).unwrap_or(0)
    }

    pub fn to_proto(self) -> prost_types::Timestamp {
        prost_types::Timestamp { seconds: self.seconds, nanos: i32::try_from(self.nanos).unwrap_or(0) }
    }

    pub fn from_proto(timestamp: &prost_types::Timestamp) -> Option<Self> {
        let nanos = u32::try_from(timestamp.nanos).ok().filter(|nanos| *nanos < 1_000_000_000)?;
        Some(Self { seconds: timestamp.seconds, nanos })
    }
}

/// RFC 3339 with the shortest fraction, as Go's `RFC3339Nano`.
impl fmt::Display for BlockTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, second) = (self.seconds.div_euclid(86_400), self.seconds.rem_euclid(86_400));
        let (year, month, day) = civil(days);
        let (hour, minute, second) = (second / 3600, second % 3600 / 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if self.nanos > 0 {
            let fraction = format!("{:09}", self.nanos);
            write!(f, ".{}", fraction.trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

/// Year, month and day of the proleptic Gregorian calendar from days since 1970-01-01 (H. Hinnant's algorithm).
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days.saturating_add(719_468);
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era.saturating_add(era.saturating_mul(400)).saturating_add(i64::from(month <= 2));
    (year, month, day)
}
