//! Parsing that every module here needs.

/// A text as an error shows it, cut to a length that fits a log line.
pub fn shown(text: &str) -> String {
    text.chars().take(120).collect()
}

/// `^[a-zA-Z][\w/.\-]{1,126}$`, the keys of attributes (marketplace spec section 1).
pub fn is_attribute_key(key: &str) -> bool {
    let tail = |byte: u8| byte.is_ascii_alphanumeric() || b"_/.-".contains(&byte);
    (2..=127).contains(&key.len())
        && key.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
        && key.bytes().all(tail)
}
