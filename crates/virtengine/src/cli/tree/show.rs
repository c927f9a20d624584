//! Messages as JSON in the manner of Cosmos: snake-case names, 64-bit numbers as text, decimals with their point, bytes
//! in base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, ReflectMessage as _, Value as Reflected};
use serde_json::{Map, Value, json};
use ve_base::{BlockTime, Dec};

use super::fields::scalar;

pub fn value(message: &DynamicMessage) -> Value {
    let descriptor = message.descriptor();
    match descriptor.full_name() {
        "google.protobuf.Any" => return any(message),
        "google.protobuf.Timestamp" => {
            let number = |name: &str| message.get_field_by_name(name).map(|value| value.into_owned());
            let seconds = number("seconds").and_then(|value| value.as_i64()).unwrap_or(0);
            let nanos = number("nanos").and_then(|value| value.as_i32()).and_then(|nanos| u32::try_from(nanos).ok());
            return BlockTime { seconds, nanos: nanos.unwrap_or(0) }.to_string().into();
        }
        _ => {}
    }
    let mut object = Map::new();
    for field in descriptor.fields() {
        if field.supports_presence() && !message.has_field(&field) {
            object.insert(field.name().to_owned(), Value::Null);
            continue;
        }
        object.insert(field.name().to_owned(), reflected(&field, &message.get_field(&field)));
    }
    object.into()
}

fn any(message: &DynamicMessage) -> Value {
    let url = message.get_field_by_name("type_url").and_then(|url| url.as_str().map(str::to_owned)).unwrap_or_default();
    let bytes = message.get_field_by_name("value").and_then(|value| value.as_bytes().cloned()).unwrap_or_default();
    packed(&url, &bytes)
}

/// The message in an `Any`, its type in `@type`.
pub fn any_value(message: &ve_proto::Any) -> Value {
    packed(&message.type_url, &message.value)
}

fn packed(url: &str, bytes: &[u8]) -> Value {
    let inner = ve_proto::descriptors()
        .get_message_by_name(url.rsplit('/').next().unwrap_or_default())
        .and_then(|descriptor| DynamicMessage::decode(descriptor, bytes).ok());
    match inner.map(|inner| value(&inner)) {
        Some(Value::Object(mut fields)) => {
            fields.insert("@type".into(), url.into());
            fields.into()
        }
        _ => json!({"@type": url, "value": BASE64.encode(bytes)}),
    }
}

fn reflected(field: &FieldDescriptor, item: &Reflected) -> Value {
    match item {
        Reflected::Bool(truth) => json!(truth),
        Reflected::I32(number) => json!(number),
        Reflected::U32(number) => json!(number),
        Reflected::I64(number) => number.to_string().into(),
        Reflected::U64(number) => number.to_string().into(),
        Reflected::F32(number) => json!(number),
        Reflected::F64(number) => json!(number),
        Reflected::String(text) => decimal(field, text).into(),
        Reflected::Bytes(bytes) => BASE64.encode(bytes).into(),
        Reflected::EnumNumber(number) => match field.kind() {
            Kind::Enum(kind) => kind.get_value(*number).map_or(json!(number), |value| value.name().into()),
            _ => json!(number),
        },
        Reflected::Message(inner) => value(inner),
        Reflected::List(items) => items.iter().map(|item| reflected(field, item)).collect(),
        Reflected::Map(entries) => {
            let inner = match field.kind() {
                Kind::Message(entry) => entry.get_field_by_name("value"),
                _ => None,
            };
            let key = |key: &prost_reflect::MapKey| match key {
                prost_reflect::MapKey::String(text) => text.clone(),
                other => format!("{other:?}"),
            };
            let field = inner.as_ref().unwrap_or(field);
            Value::Object(entries.iter().map(|(name, item)| (key(name), reflected(field, item))).collect())
        }
    }
}

fn decimal(field: &FieldDescriptor, text: &str) -> String {
    match scalar(field).as_deref() {
        Some("cosmos.Dec") => Dec::from_mantissa(text).map_or_else(|_| text.to_owned(), |dec| dec.to_string()),
        _ => text.to_owned(),
    }
}
