//! Protobuf JSON as Cosmos tools write it: snake_case names, 64-bit integers as strings, defaults present, `@type`,
//! `cosmos.Dec` with its point.

use std::cell::RefCell;
use std::collections::BTreeMap;

use prost::{Message, Name};
use prost_reflect::{
    DeserializeOptions, DynamicMessage, ExtensionDescriptor, FieldDescriptor, Kind, MessageDescriptor, SerializeOptions,
};
use serde_json::Value;
use ve_base::{CodedError, Dec, errors};

/// Messages inside messages; deeper is refused.
const MAX_DEPTH: usize = 32;

fn options() -> SerializeOptions {
    SerializeOptions::new().use_proto_field_name(true).stringify_64_bit_integers(true).skip_default_fields(false)
}

/// Fails only if `M` is not in the descriptor pool or holds an `Any` of an unknown type.
pub fn to_json<M: Message + Name>(message: &M) -> Result<Value, CodedError> {
    let descriptor = descriptor::<M>()?;
    let dynamic = DynamicMessage::decode(descriptor.clone(), message.encode_to_vec().as_slice()).map_err(invalid)?;
    let mut value = dynamic.serialize_with_options(serde_json::value::Serializer, &options()).map_err(invalid)?;
    let pointed = |text: &str| Dec::from_mantissa(text).map(|dec| dec.to_string()).map_err(invalid);
    Decimals::new()?.message(&mut value, &descriptor, &pointed, 0)?;
    Ok(value)
}

/// Unknown fields are refused.
pub fn from_json<M: Message + Name + Default>(value: &Value) -> Result<M, CodedError> {
    read(value.clone(), &Decimals::new()?)
}

fn read<M: Message + Name + Default>(mut value: Value, decimals: &Decimals) -> Result<M, CodedError> {
    let descriptor = descriptor::<M>()?;
    let strict = DeserializeOptions::new().deny_unknown_fields(true);
    let mantissa = |text: &str| text.parse::<Dec>().map(Dec::to_mantissa).map_err(invalid);
    decimals.message(&mut value, &descriptor, &mantissa, 0)?;
    let dynamic = DynamicMessage::deserialize_with_options(descriptor, &value, &strict).map_err(invalid)?;
    M::decode(dynamic.encode_to_vec().as_slice()).map_err(invalid)
}

/// Entries of a long list that are converted at once.
const PART: usize = 1_000;

/// As [`from_json`] for a message whose field `list` may be very long: the first value is everything but the list, the
/// following ones hold nothing but some of its entries each, in order.
pub fn from_json_in_parts<'a, M: Message + Name + Default>(
    value: &'a Value,
    list: &'static str,
) -> Result<(M, impl Iterator<Item = Result<M, CodedError>> + 'a), CodedError> {
    let decimals = Decimals::new()?;
    let entries = match value.get(list) {
        None | Some(Value::Null) => &[][..],
        Some(Value::Array(entries)) => entries,
        Some(_) => return Err(invalid(format!("{list} is not a list"))),
    };
    let object = value.as_object().ok_or_else(|| invalid("not an object"))?;
    let rest = object.iter().filter(|(name, _)| *name != list).map(|(name, value)| (name.clone(), value.clone()));
    let head = read(Value::Object(rest.collect()), &decimals)?;
    let parts = entries.chunks(PART).map(move |part| {
        let part = [(list.to_owned(), Value::Array(part.to_vec()))];
        read(Value::Object(part.into_iter().collect()), &decimals)
    });
    Ok((head, parts))
}

/// Rewrites the decimals of a message's JSON between their two text forms.
struct Decimals {
    scalar: ExtensionDescriptor,
    /// Answers of [`Decimals::is_decimal`] by full name: reading a field's options is slow.
    known: RefCell<BTreeMap<String, bool>>,
}

type Rewrite<'a> = &'a dyn Fn(&str) -> Result<String, CodedError>;

impl Decimals {
    fn new() -> Result<Self, CodedError> {
        let scalar = ve_proto::descriptors().get_extension_by_name("cosmos_proto.scalar");
        let scalar = scalar.ok_or_else(|| invalid("the schema lacks the option cosmos_proto.scalar"))?;
        Ok(Self { scalar, known: RefCell::default() })
    }

    fn is_decimal(&self, field: &FieldDescriptor) -> bool {
        let mut known = self.known.borrow_mut();
        if let Some(known) = known.get(field.full_name()) {
            return *known;
        }
        let decimal = field.options().get_extension(&self.scalar).as_str() == Some("cosmos.Dec");
        known.insert(field.full_name().to_owned(), decimal);
        decimal
    }

    fn message(
        &self,
        value: &mut Value,
        descriptor: &MessageDescriptor,
        rewrite: Rewrite<'_>,
        depth: usize,
    ) -> Result<(), CodedError> {
        if depth > MAX_DEPTH {
            return Err(invalid(format!("nested deeper than {MAX_DEPTH}")));
        }
        let Some(object) = value.as_object_mut() else { return Ok(()) };
        let inner = match object.get("@type").and_then(Value::as_str) {
            Some(url) if descriptor.full_name() == "google.protobuf.Any" => {
                ve_proto::descriptors().get_message_by_name(url.strip_prefix('/').unwrap_or(url))
            }
            _ => None,
        };
        for field in inner.as_ref().unwrap_or(descriptor).fields().filter(|field| !field.is_map()) {
            // Both names are accepted on the way in.
            for name in [field.name(), field.json_name()] {
                match object.get_mut(name) {
                    Some(Value::Array(items)) => {
                        items.iter_mut().try_for_each(|item| self.field(item, &field, rewrite, depth))?;
                    }
                    Some(single) => self.field(single, &field, rewrite, depth)?,
                    None => continue,
                }
                break;
            }
        }
        Ok(())
    }

    fn field(
        &self,
        value: &mut Value,
        field: &FieldDescriptor,
        rewrite: Rewrite<'_>,
        depth: usize,
    ) -> Result<(), CodedError> {
        match (field.kind(), value) {
            (Kind::Message(inner), value) => self.message(value, &inner, rewrite, depth.saturating_add(1)),
            (Kind::String, Value::String(text)) if !text.is_empty() && self.is_decimal(field) => {
                *text = rewrite(text)?;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

fn descriptor<M: Name>() -> Result<prost_reflect::MessageDescriptor, CodedError> {
    ve_proto::descriptors()
        .get_message_by_name(&M::full_name())
        .ok_or_else(|| invalid(format!("{} has no descriptor", M::full_name())))
}

fn invalid(cause: impl std::fmt::Display) -> CodedError {
    errors::sdk::Error::InvalidRequest(format!("JSON: {cause}")).into()
}
