//! JSON in its canonical form (RFC 8785), for documents that are signed as JSON.
//!
//! Numbers are integers of at most 2^53: every reader of JSON agrees on them.

use serde_json::Value;

/// Largest integer that every JSON implementation keeps exactly.
const MAX_INTEGER: u64 = 1 << 53;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a signed JSON document has integers from 0 to 2^53 only, got {0}")]
pub struct NotCanonical(String);

/// The bytes that are hashed and signed.
pub fn canonical(value: &Value) -> Result<Vec<u8>, NotCanonical> {
    let mut text = String::new();
    write(value, &mut text)?;
    Ok(text.into_bytes())
}

fn write(value: &Value, out: &mut String) -> Result<(), NotCanonical> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => match number.as_u64() {
            Some(integer) if integer <= MAX_INTEGER => out.push_str(&integer.to_string()),
            _ => return Err(NotCanonical(number.to_string())),
        },
        Value::String(text) => write_text(text, out),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(item, out)?;
            }
            out.push(']');
        }
        Value::Object(members) => {
            // By UTF-16 code units, whatever order the map itself keeps.
            let mut sorted: Vec<(&String, &Value)> = members.iter().collect();
            sorted.sort_by(|left, right| left.0.encode_utf16().cmp(right.0.encode_utf16()));
            out.push('{');
            for (at, (name, member)) in sorted.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_text(name, out);
                out.push(':');
                write(member, out)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            control if control < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => out.push(other),
        }
    }
    out.push('"');
}

#[cfg(test)]
#[path = "jcs_tests.rs"]
mod tests;
