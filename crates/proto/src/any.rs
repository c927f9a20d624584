//! `google.protobuf.Any` as the Cosmos SDK writes it: type URL `/` + full message name, no host.

use prost::{DecodeError, Message, Name};
use prost_types::Any;

/// Why an `Any` could not be read as the wanted type.
#[derive(Debug)]
pub enum AnyError {
    /// The type URL names another message.
    WrongType {
        expected: String,
        found: String,
    },
    Malformed(DecodeError),
}

impl std::fmt::Display for AnyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::WrongType { expected, found } => write!(f, "expected type URL {expected}, got {found}"),
            Self::Malformed(cause) => write!(f, "message does not decode: {cause}"),
        }
    }
}

impl std::error::Error for AnyError {}

/// `/` + the message's full name, e.g. `/cosmos.bank.v1beta1.MsgSend`.
pub fn type_url<M: Name>() -> String {
    format!("/{}", M::full_name())
}

pub fn is<M: Name>(any: &Any) -> bool {
    name_of(&any.type_url) == M::full_name()
}

/// Full message name in a type URL: what follows the last slash.
pub fn name_of(type_url: &str) -> &str {
    type_url.rsplit_once('/').map_or(type_url, |(_, name)| name)
}

pub fn pack<M: Message + Name>(message: &M) -> Any {
    Any { type_url: type_url::<M>(), value: message.encode_to_vec() }
}

/// Decodes the content; unknown fields are skipped as prost does, so strict callers check the bytes themselves.
pub fn unpack<M: Message + Name + Default>(any: &Any) -> Result<M, AnyError> {
    if !is::<M>(any) {
        return Err(AnyError::WrongType { expected: type_url::<M>(), found: any.type_url.clone() });
    }
    M::decode(any.value.as_slice()).map_err(AnyError::Malformed)
}
