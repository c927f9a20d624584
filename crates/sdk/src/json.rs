//! Protobuf JSON as Cosmos tools write it: snake_case names, 64-bit integers as strings, defaults present, `@type`.

use prost::{Message, Name};
use prost_reflect::{DeserializeOptions, DynamicMessage, SerializeOptions};
use serde_json::Value;
use ve_base::{CodedError, errors};

fn options() -> SerializeOptions {
    SerializeOptions::new()
        .use_proto_field_name(true)
        .stringify_64_bit_integers(true)
        .skip_default_fields(false)
}

/// Fails only if `M` is not in the descriptor pool or holds an `Any` of an unknown type.
pub fn to_json<M: Message + Name>(message: &M) -> Result<Value, CodedError> {
    let descriptor = descriptor::<M>()?;
    let dynamic = DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice()).map_err(invalid)?;
    dynamic.serialize_with_options(serde_json::value::Serializer, &options()).map_err(invalid)
}

/// Unknown fields are refused.
pub fn from_json<M: Message + Name + Default>(value: &Value) -> Result<M, CodedError> {
    let descriptor = descriptor::<M>()?;
    let strict = DeserializeOptions::new().deny_unknown_fields(true);
    let dynamic = DynamicMessage::deserialize_with_options(descriptor, value, &strict).map_err(invalid)?;
    M::decode(dynamic.encode_to_vec().as_slice()).map_err(invalid)
}

fn descriptor<M: Name>() -> Result<prost_reflect::MessageDescriptor, CodedError> {
    ve_proto::descriptors()
        .get_message_by_name(&M::full_name())
        .ok_or_else(|| invalid(format!("{} has no descriptor", M::full_name())))
}

fn invalid(cause: impl std::fmt::Display) -> CodedError {
    errors::sdk::Error::InvalidRequest(format!("JSON: {cause}")).into()
}
