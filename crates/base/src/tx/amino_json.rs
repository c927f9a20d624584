//! Legacy amino JSON, made from the schema: sorted keys, no spaces, `<`, `>` and `&` escaped, 64-bit integers as
//! strings, defaults left out unless an option keeps them. The options are those of the Cosmos SDK's `amino.proto`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost::Message;
use prost_reflect::{
    Cardinality, DescriptorPool, DynamicMessage, ExtensionDescriptor, FieldDescriptor, MessageDescriptor,
    ReflectMessage, Value as Reflected,
};
use serde_json::{Map, Value, json};

use super::SignDoc;
use crate::dec::Dec;
use crate::errors::sdk::Error;

fn refused(cause: impl Into<String>) -> Error {
    Error::Unauthorized(format!("amino JSON: {}", cause.into()))
}

pub(super) fn sign_bytes(doc: &SignDoc<'_>) -> Result<Vec<u8>, Error> {
    let (body, auth) = (&doc.tx.body, &doc.tx.auth_info);
    if body.unordered || body.timeout_timestamp.is_some() {
        return Err(refused("unordered transactions and time-outs by time need SIGN_MODE_DIRECT"));
    }
    // Extension options and the exact bytes are not part of the document: nobody may add to what was signed.
    if !body.extension_options.is_empty()
        || !body.non_critical_extension_options.is_empty()
        || body.encode_to_vec() != doc.tx.body_bytes
    {
        return Err(refused("the body holds what this mode does not sign; use SIGN_MODE_DIRECT"));
    }
    let encoder = Encoder::new(ve_proto::descriptors())?;
    let msgs = body.messages.iter().map(|message| encoder.any(message)).collect::<Result<Vec<_>, _>>()?;
    let fee = auth.fee.clone().unwrap_or_default();
    let coins: Vec<Value> = fee.amount.iter().map(|coin| json!({"amount": coin.amount, "denom": coin.denom})).collect();
    let mut std_fee = json!({"amount": coins, "gas": fee.gas_limit.to_string()});
    for (name, value) in [("payer", fee.payer), ("granter", fee.granter)] {
        if !value.is_empty() {
            std_fee[name] = value.into();
        }
    }
    let mut document = json!({
        "account_number": doc.account_number.to_string(),
        "chain_id": doc.chain_id,
        "fee": std_fee,
        "memo": body.memo,
        "msgs": msgs,
        "sequence": doc.sequence.to_string(),
    });
    if body.timeout_height != 0 {
        document["timeout_height"] = body.timeout_height.to_string().into();
    }
    Ok(canonical(&document).into_bytes())
}

/// Sorted keys and Go's HTML-safe escapes.
fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write_value(value, &mut text);
    text
}

fn write_value(value: &Value, out: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| name.as_str());
            out.push('{');
            for (index, (name, value)) in fields.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_text(name, out);
                out.push(':');
                write_value(value, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_value(item, out);
            }
            out.push(']');
        }
        Value::String(text) => write_text(text, out),
        other => out.push_str(&other.to_string()),
    }
}

/// As Go's `encoding/json` writes strings.
fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(letter)));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

struct Encoder {
    pool: &'static DescriptorPool,
    name: ExtensionDescriptor,
    message_encoding: ExtensionDescriptor,
    encoding: ExtensionDescriptor,
    field_name: ExtensionDescriptor,
    dont_omitempty: ExtensionDescriptor,
    oneof_name: ExtensionDescriptor,
    scalar: ExtensionDescriptor,
}

impl Encoder {
    fn new(pool: &'static DescriptorPool) -> Result<Self, Error> {
        let option = |name: &str| {
            pool.get_extension_by_name(name).ok_or_else(|| refused(format!("the schema lacks the option {name}")))
        };
        Ok(Self {
            pool,
            name: option("amino.name")?,
            message_encoding: option("amino.message_encoding")?,
            encoding: option("amino.encoding")?,
            field_name: option("amino.field_name")?,
            dont_omitempty: option("amino.dont_omitempty")?,
            oneof_name: option("amino.oneof_name")?,
            scalar: option("cosmos_proto.scalar")?,
        })
    }

    /// `{"type": amino name, "value": ...}`.
    fn any(&self, any: &prost_types::Any) -> Result<Value, Error> {
        let name = any.type_url.strip_prefix('/').unwrap_or(&any.type_url);
        let descriptor =
            self.pool.get_message_by_name(name).ok_or_else(|| refused(format!("unknown type {}", any.type_url)))?;
        let amino_name = text_option(&descriptor.options(), &self.name)
            .ok_or_else(|| refused(format!("{name} has no amino name and cannot be signed in this mode")))?;
        let message = DynamicMessage::decode(descriptor, any.value.as_slice())
            .map_err(|_| refused(format!("{name} does not decode")))?;
        Ok(json!({"type": amino_name, "value": self.message(&message)?}))
    }

    fn message(&self, message: &DynamicMessage) -> Result<Value, Error> {
        let descriptor = message.descriptor();
        match descriptor.full_name() {
            "google.protobuf.Any" => {
                let any = prost_types::Any::decode(message.encode_to_vec().as_slice())
                    .map_err(|_| refused("an Any does not decode"))?;
                return self.any(&any);
            }
            "google.protobuf.Timestamp" => return timestamp(message),
            "google.protobuf.Duration" => return duration(message),
            _ => {}
        }
        if text_option(&descriptor.options(), &self.message_encoding).as_deref() == Some("key_field") {
            let key = message.get_field_by_name("key").ok_or_else(|| refused("a key without key field"))?;
            return Ok(STANDARD.encode(key.as_bytes().map(AsRef::<[u8]>::as_ref).unwrap_or_default()).into());
        }
        self.fields(message, &descriptor)
    }

    fn fields(&self, message: &DynamicMessage, descriptor: &MessageDescriptor) -> Result<Value, Error> {
        let mut object = Map::new();
        for field in descriptor.fields() {
            let options = field.options();
            let kept = options.get_extension(&self.dont_omitempty).as_bool().unwrap_or(false);
            if !message.has_field(&field) && !kept {
                continue;
            }
            let name = text_option(&options, &self.field_name).unwrap_or_else(|| field.name().to_owned());
            let value = self.field(&field, &message.get_field(&field))?;
            match field.containing_oneof().filter(|oneof| !oneof.is_synthetic()) {
                None => object.insert(name, value),
                // The interface behind a oneof, by its Go name, with the name of the chosen type.
                Some(oneof) => {
                    let kind = text_option(&options, &self.oneof_name)
                        .ok_or_else(|| refused(format!("{} has no amino name", field.full_name())))?;
                    object.insert(camel_case(oneof.name()), json!({"type": kind, "value": {name: value}}))
                }
            };
        }
        Ok(Value::Object(object))
    }

    fn field(&self, field: &FieldDescriptor, value: &Reflected) -> Result<Value, Error> {
        if field.cardinality() != Cardinality::Repeated {
            return self.single(field, value);
        }
        let items = value.as_list().ok_or_else(|| refused(format!("{} is a map", field.full_name())))?;
        if items.is_empty() {
            let coins = text_option(&field.options(), &self.encoding).as_deref() == Some("legacy_coins");
            return Ok(if coins { json!([]) } else { Value::Null });
        }
        items.iter().map(|item| self.single(field, item)).collect::<Result<Vec<_>, _>>().map(Value::Array)
    }

    fn single(&self, field: &FieldDescriptor, value: &Reflected) -> Result<Value, Error> {
        Ok(match value {
            Reflected::Bool(value) => (*value).into(),
            Reflected::I32(value) => (*value).into(),
            Reflected::U32(value) => (*value).into(),
            Reflected::EnumNumber(value) => (*value).into(),
            Reflected::I64(value) => value.to_string().into(),
            Reflected::U64(value) => value.to_string().into(),
            Reflected::Bytes(value) => STANDARD.encode(value).into(),
            Reflected::String(text) => self.text(field, text)?.into(),
            Reflected::Message(inner) => self.message(inner)?,
            _ => return Err(refused(format!("{} has no amino form", field.full_name()))),
        })
    }

    fn text(&self, field: &FieldDescriptor, text: &str) -> Result<String, Error> {
        match text_option(&field.options(), &self.scalar).as_deref() {
            Some("cosmos.Dec") if text.is_empty() => Ok("0".into()),
            Some("cosmos.Dec") => {
                Dec::from_mantissa(text).map(|dec| dec.to_string()).map_err(|cause| refused(cause.to_string()))
            }
            Some("cosmos.Int") if text.is_empty() => Ok("0".into()),
            _ => Ok(text.to_owned()),
        }
    }
}

/// `some_name` as `SomeName`.
fn camel_case(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for part in name.split('_') {
        let mut letters = part.chars();
        text.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        text.extend(letters);
    }
    text
}

fn text_option(options: &DynamicMessage, extension: &ExtensionDescriptor) -> Option<String> {
    let value = options.get_extension(extension);
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn parts(message: &DynamicMessage) -> (i64, i32) {
    let seconds = message.get_field_by_name("seconds").and_then(|value| value.as_i64()).unwrap_or(0);
    let nanos = message.get_field_by_name("nanos").and_then(|value| value.as_i32()).unwrap_or(0);
    (seconds, nanos)
}

/// Nanoseconds as a string.
fn duration(message: &DynamicMessage) -> Result<Value, Error> {
    let (seconds, nanos) = parts(message);
    let total = seconds.checked_mul(1_000_000_000).and_then(|whole| whole.checked_add(i64::from(nanos)));
    Ok(total.ok_or_else(|| refused("a duration beyond 292 years"))?.to_string().into())
}

fn timestamp(message: &DynamicMessage) -> Result<Value, Error> {
    let (seconds, nanos) = parts(message);
    let nanos = u32::try_from(nanos).map_err(|_| refused("negative nanoseconds"))?;
    Ok(crate::time::BlockTime { seconds, nanos }.to_string().into())
}
