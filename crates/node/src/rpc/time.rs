//! Times as CometBFT and the Cosmos SDK print them.

use prost_types::Timestamp;

/// RFC 3339 in UTC, fraction without trailing zeros. `None` is Go's zero time, as absent votes carry it.
pub fn rfc3339(time: Option<&Timestamp>) -> String {
    let Some(time) = time else { return "0001-01-01T00:00:00Z".to_string() };
    let whole = whole_seconds(time.seconds);
    if time.nanos <= 0 {
        return whole;
    }
    let fraction = format!("{:09}", time.nanos);
    format!("{}.{}Z", whole.trim_end_matches('Z'), fraction.trim_end_matches('0'))
}

/// Without the fraction, as `TxResponse.timestamp`.
pub fn whole_seconds(seconds: i64) -> String {
    Timestamp { seconds, nanos: 0 }.to_string()
}
