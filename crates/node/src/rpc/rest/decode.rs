//! Path values, query parameters and JSON bodies into request messages.

use base64::{
    Engine,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage, Value};

use super::decimals;
use crate::rpc::status::Status;

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

/// Depth of `a.b.c` parameters.
const MAX_PATH_DEPTH: usize = 8;

/// A JSON body as a message; unknown fields are refused.
pub fn body(desc: MessageDescriptor, body: &[u8]) -> Result<DynamicMessage, Status> {
    let mut json: serde_json::Value = serde_json::from_slice(body).map_err(|e| Status::invalid(e.to_string()))?;
    decimals::restore(&mut json, &desc);
    DynamicMessage::deserialize(desc, json).map_err(|e| Status::invalid(e.to_string()))
}

/// Sets the field at `path` (dots between names) from its text. Repeated fields collect values. `false` when the message
/// has no such field: unknown query parameters are ignored.
pub fn set(message: &mut DynamicMessage, path: &str, text: &str) -> Result<bool, Status> {
    let names: Vec<&str> = path.split('.').collect();
    if names.len() > MAX_PATH_DEPTH {
        return Ok(false);
    }
    set_at(message, &names, text, path)
}

fn set_at(message: &mut DynamicMessage, names: &[&str], text: &str, path: &str) -> Result<bool, Status> {
    let Some((name, rest)) = names.split_first() else { return Ok(false) };
    let desc = message.descriptor();
    let Some(field) = desc.get_field_by_name(name).or_else(|| desc.get_field_by_json_name(name)) else {
        return Ok(false);
    };
    if rest.is_empty() {
        let value = scalar(&field, text).ok_or_else(|| {
            Status::invalid(format!("parameter {path}: \"{text}\" is not a valid {}", kind_name(&field)))
        })?;
        if field.is_list() {
            if let Value::List(list) = message.get_field_mut(&field) {
                list.push(value);
            }
        } else {
            message.set_field(&field, value);
        }
        return Ok(true);
    }
    if field.is_list() || field.is_map() {
        return Ok(false);
    }
    match message.get_field_mut(&field) {
        Value::Message(inner) => set_at(inner, rest, text, path),
        _ => Ok(false),
    }
}

fn scalar(field: &FieldDescriptor, text: &str) -> Option<Value> {
    Some(match field.kind() {
        // Go's parser: a bare `?flag` is not accepted, 1 and 0 are.
        Kind::Bool => match text {
            "true" | "1" => Value::Bool(true),
            "false" | "0" => Value::Bool(false),
            _ => return None,
        },
        Kind::String => Value::String(text.to_string()),
        Kind::Bytes => Value::Bytes(any_base64(text)?.into()),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(text.parse().ok()?),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(text.parse().ok()?),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(text.parse().ok()?),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(text.parse().ok()?),
        Kind::Float => Value::F32(text.parse().ok()?),
        Kind::Double => Value::F64(text.parse().ok()?),
        Kind::Enum(values) => match text.parse::<i32>() {
            Ok(number) => Value::EnumNumber(values.get_value(number)?.number()),
            Err(_) => Value::EnumNumber(values.get_value_by_name(text)?.number()),
        },
        Kind::Message(_) => return None,
    })
}

fn kind_name(field: &FieldDescriptor) -> String {
    match field.kind() {
        Kind::Message(message) => format!("text for {}; name one of its fields", message.full_name()),
        Kind::Enum(values) => format!("value of {}", values.full_name()),
        other => format!("{other:?}").to_lowercase(),
    }
}

/// Standard or URL alphabet, padded or not: a `+` in a URL is often lost to a space.
fn any_base64(text: &str) -> Option<Vec<u8>> {
    let text = text.replace(' ', "+");
    GeneralPurpose::new(&STANDARD, LENIENT)
        .decode(&text)
        .or_else(|_| GeneralPurpose::new(&URL_SAFE, LENIENT).decode(&text))
        .ok()
}
