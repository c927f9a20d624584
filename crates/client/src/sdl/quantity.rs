//! Sizes and CPU shares: exact decimals with the suffixes k M G T P E and Ki Mi Gi Ti Pi Ei; `m` for thousandths of a
//! CPU. What is smaller than the unit is cut off.

/// Bytes, or `None` when the text is no size or beyond 2^64.
pub(super) fn bytes(text: &str) -> Option<u64> {
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(split);
    let unit: u64 = match suffix {
        "" => 1,
        "k" => 1_000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "T" => 1_000_000_000_000,
        "P" => 1_000_000_000_000_000,
        "E" => 1_000_000_000_000_000_000,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        "Ti" => 1 << 40,
        "Pi" => 1 << 50,
        "Ei" => 1 << 60,
        _ => return None,
    };
    scaled(number, unit)
}

/// Thousandths of a CPU.
pub(super) fn milli_cpu(text: &str) -> Option<u64> {
    match text.strip_suffix('m') {
        Some(milli) => scaled(milli, 1),
        None => scaled(text, 1_000),
    }
}

fn scaled(number: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |part: &str| !part.is_empty() && part.len() <= 18 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let unit = u128::from(unit);
    let scale = 10u128.pow(u32::try_from(fraction.len()).ok()?);
    let cut = fraction.parse::<u128>().ok()?.checked_mul(unit)? / scale;
    whole.parse::<u128>().ok()?.checked_mul(unit)?.checked_add(cut)?.try_into().ok()
}
