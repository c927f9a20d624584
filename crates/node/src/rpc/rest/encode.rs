//! Response messages as the Cosmos SDK's JSON: names as in the schema, 64-bit integers as strings, defaults written,
//! `@type` for Any, decimals (`cosmos.Dec`) as decimal text.

use std::sync::LazyLock;

use base64::{Engine, engine::general_purpose::STANDARD};
use prost_reflect::{
    DescriptorPool, DynamicMessage, ExtensionDescriptor, FieldDescriptor, Kind, MapKey, MessageDescriptor,
    ReflectMessage, Value,
};
use prost_types::Timestamp;
use serde_json::{Map, Value as Json};
use ve_proto::{any::name_of, descriptors};

use crate::rpc::time::rfc3339;

/// Any within Any; deeper content stays encoded.
const MAX_ANY_DEPTH: usize = 16;
/// Digits after the point of a `cosmos.Dec`.
pub(super) const DEC_DIGITS: usize = 18;

/// Writes messages of one schema.
pub struct Encoder<'a> {
    pool: &'a DescriptorPool,
}

/// Whether the field holds the count of 10^-18.
pub(super) fn is_decimal(field: &FieldDescriptor) -> bool {
    static SCALAR: LazyLock<Option<ExtensionDescriptor>> =
        LazyLock::new(|| descriptors().get_extension_by_name("cosmos_proto.scalar"));
    let Some(scalar) = SCALAR.as_ref() else { return false };
    let options = field.options();
    options.has_extension(scalar) && options.get_extension(scalar).as_str() == Some("cosmos.Dec")
}

impl<'a> Encoder<'a> {
    pub fn new(pool: &'a DescriptorPool) -> Self {
        Self { pool }
    }

    pub fn message(&self, message: &DynamicMessage) -> Json {
        self.nested(message, 0)
    }

    fn nested(&self, message: &DynamicMessage, depth: usize) -> Json {
        match message.descriptor().full_name() {
            "google.protobuf.Any" => self.any(message, depth),
            "google.protobuf.Timestamp" => {
                let (seconds, nanos) = pair(message);
                rfc3339(Some(&Timestamp { seconds, nanos })).into()
            }
            "google.protobuf.Duration" => duration(pair(message)).into(),
            _ => Json::Object(self.fields(message, depth)),
        }
    }

    fn fields(&self, message: &DynamicMessage, depth: usize) -> Map<String, Json> {
        let mut object = Map::new();
        for field in message.descriptor().fields() {
            // Of a oneof only the chosen member is written.
            if field.containing_oneof().is_some() && !message.has_field(&field) {
                continue;
            }
            let shown = if field.supports_presence() && !message.has_field(&field) {
                Json::Null
            } else {
                self.field(&field, &message.get_field(&field), depth)
            };
            object.insert(field.name().to_string(), shown);
        }
        object
    }

    fn field(&self, field: &FieldDescriptor, value: &Value, depth: usize) -> Json {
        match value {
            Value::List(items) => items.iter().map(|item| self.one(field, item, depth)).collect(),
            Value::Map(entries) => {
                let Kind::Message(entry) = field.kind() else { return Json::Null };
                let value_field = entry.map_entry_value_field();
                let mut sorted: Vec<(String, Json)> =
                    entries.iter().map(|(k, v)| (map_key(k), self.one(&value_field, v, depth))).collect();
                sorted.sort_by(|a, b| a.0.cmp(&b.0));
                Json::Object(sorted.into_iter().collect())
            }
            single => self.one(field, single, depth),
        }
    }

    fn one(&self, field: &FieldDescriptor, value: &Value, depth: usize) -> Json {
        match value {
            Value::Bool(v) => (*v).into(),
            Value::I32(v) => (*v).into(),
            Value::U32(v) => (*v).into(),
            Value::I64(v) => v.to_string().into(),
            Value::U64(v) => v.to_string().into(),
            Value::F32(v) => f64::from(*v).into(),
            Value::F64(v) => (*v).into(),
            Value::String(text) if is_decimal(field) => decimal(text).into(),
            Value::String(text) => text.clone().into(),
            // Slashing and mint declare decimals as bytes; these are the digits too.
            Value::Bytes(bytes) if is_decimal(field) => decimal(&String::from_utf8_lossy(bytes)).into(),
            Value::Bytes(bytes) => STANDARD.encode(bytes).into(),
            Value::EnumNumber(number) => match field.kind() {
                Kind::Enum(values) => values.get_value(*number).map_or_else(|| (*number).into(), |v| v.name().into()),
                _ => (*number).into(),
            },
            Value::Message(message) => self.nested(message, depth),
            Value::List(_) | Value::Map(_) => Json::Null,
        }
    }

    /// `{"@type": …, fields}`; content of an unknown type stays as its bytes.
    fn any(&self, any: &DynamicMessage, depth: usize) -> Json {
        let (url, bytes) = (
            any.get_field_by_name("type_url").and_then(|v| v.as_str().map(ToString::to_string)).unwrap_or_default(),
            any.get_field_by_name("value").and_then(|v| v.as_bytes().cloned()).unwrap_or_default(),
        );
        let desc: Option<MessageDescriptor> = self.pool.get_message_by_name(name_of(&url));
        let content =
            desc.filter(|_| depth < MAX_ANY_DEPTH).and_then(|d| DynamicMessage::decode(d, bytes.clone()).ok());
        let mut object = Map::new();
        object.insert("@type".into(), url.into());
        match content {
            Some(content) => match self.nested(&content, depth + 1) {
                Json::Object(fields) => object.extend(fields),
                special => {
                    object.insert("value".into(), special);
                }
            },
            None => {
                object.insert("value".into(), STANDARD.encode(&bytes).into());
            }
        }
        Json::Object(object)
    }
}

fn map_key(key: &MapKey) -> String {
    match key {
        MapKey::Bool(v) => v.to_string(),
        MapKey::I32(v) => v.to_string(),
        MapKey::I64(v) => v.to_string(),
        MapKey::U32(v) => v.to_string(),
        MapKey::U64(v) => v.to_string(),
        MapKey::String(v) => v.clone(),
    }
}

/// `seconds` and `nanos` of a Timestamp or Duration.
fn pair(message: &DynamicMessage) -> (i64, i32) {
    let seconds = message.get_field_by_name("seconds").and_then(|v| v.as_i64()).unwrap_or(0);
    let nanos = message.get_field_by_name("nanos").and_then(|v| v.as_i32()).unwrap_or(0);
    (seconds, nanos)
}

/// Protobuf JSON: seconds with `s`, fraction without trailing zeros.
fn duration((seconds, nanos): (i64, i32)) -> String {
    if nanos == 0 {
        return format!("{seconds}s");
    }
    let sign = if seconds < 0 || nanos < 0 { "-" } else { "" };
    let fraction = format!("{:09}", nanos.unsigned_abs());
    format!("{sign}{}.{}s", seconds.unsigned_abs(), fraction.trim_end_matches('0'))
}

/// The integer count of 10^-18 as decimal text with 18 places; anything that is no integer is shown as it is.
fn decimal(mantissa: &str) -> String {
    let (sign, digits) = match mantissa.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", mantissa),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return mantissa.to_string();
    }
    let padded = format!("{digits:0>width$}", width = DEC_DIGITS + 1);
    let (whole, fraction) = padded.split_at(padded.len() - DEC_DIGITS);
    format!("{sign}{whole}.{fraction}")
}
