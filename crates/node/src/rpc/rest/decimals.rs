//! Decimals in JSON requests. Answers write a `cosmos.Dec` with its point; the messages hold the count of 10^-18, so what
//! a client sends back is turned again before it is read.

use base64::{Engine, engine::general_purpose::STANDARD};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::Value as Json;
use ve_proto::{any::name_of, descriptors};

use super::encode::{DEC_DIGITS, is_decimal};

/// Depth of nested messages; what is deeper stays as it came.
const MAX_DEPTH: usize = 64;

/// Turns all decimals of a message's JSON form, those in packed messages too.
pub fn restore(json: &mut Json, desc: &MessageDescriptor) {
    message(json, desc, 0);
}

fn message(json: &mut Json, desc: &MessageDescriptor, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    if desc.full_name() == "google.protobuf.Any" {
        let url = json.get("@type").and_then(Json::as_str).unwrap_or_default();
        if let Some(inner) = descriptors().get_message_by_name(name_of(url)) {
            message(json, &inner, depth + 1);
        }
        return;
    }
    let Json::Object(fields) = json else { return };
    for (name, value) in fields {
        let field = desc.get_field_by_name(name).or_else(|| desc.get_field_by_json_name(name));
        if let Some(field) = field.filter(|field| !field.is_map()) {
            match value {
                Json::Array(items) => items.iter_mut().for_each(|item| one(item, &field, depth)),
                single => one(single, &field, depth),
            }
        }
    }
}

fn one(value: &mut Json, field: &FieldDescriptor, depth: usize) {
    match field.kind() {
        Kind::Message(inner) => message(value, &inner, depth + 1),
        Kind::String if is_decimal(field) => {
            if let Some(digits) = value.as_str().and_then(mantissa) {
                *value = digits.into();
            }
        }
        // Slashing and mint declare decimals as bytes: the digits.
        Kind::Bytes if is_decimal(field) => {
            if let Some(digits) = value.as_str().and_then(mantissa) {
                *value = STANDARD.encode(digits).into();
            }
        }
        _ => {}
    }
}

/// The count of 10^-18 in a text with a point; `None` for every other text, whose fault is told later.
fn mantissa(text: &str) -> Option<String> {
    let (sign, unsigned) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (whole, fraction) = unsigned.split_once('.')?;
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || fraction.len() > DEC_DIGITS || !digits(whole) || !digits(fraction) {
        return None;
    }
    let all = format!("{whole}{fraction:0<DEC_DIGITS$}");
    let trimmed = all.trim_start_matches('0');
    Some(if trimmed.is_empty() { "0".to_owned() } else { format!("{sign}{trimmed}") })
}

#[cfg(test)]
#[path = "decimals_tests.rs"]
mod tests;
