//! A key file as text that survives mail and copying: base64 between two marks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

const BEGIN: &str = "-----BEGIN VIRTENGINE SEALED KEY-----";
const END: &str = "-----END VIRTENGINE SEALED KEY-----";
const COLUMNS: usize = 64;

pub(super) fn armour(content: &[u8]) -> String {
    let mut text = format!("{BEGIN}\n");
    let encoded = BASE64.encode(content);
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(COLUMNS.min(rest.len()));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text.push_str(END);
    text
}

/// What stands around the marks is left out. The error says what is wrong.
pub(super) fn unarmour(text: &str) -> Result<Vec<u8>, &'static str> {
    let (_, after) = text.split_once(BEGIN).ok_or("its first mark is missing")?;
    let (inside, _) = after.split_once(END).ok_or("its last mark is missing")?;
    let packed: String = inside.split_whitespace().collect();
    BASE64.decode(packed).map_err(|_| "its text was changed")
}
