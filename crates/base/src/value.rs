//! How a value is written into state: canonical protobuf, or a type's own single encoding.
//!
//! The trait sits here, below the store, because only the crate that owns a type may say that the type is not a
//! protobuf message, and `base` owns `Address`, `Amount` and their like.

/// Why stored bytes are not a value. The text names the type and never quotes a decoder, because it must read the same
/// on every build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ValueError(pub &'static str);

/// A type with exactly one encoding in state. Every prost message is one, and so are the scalars that prost treats as
/// wrapper messages (`u32`, `u64`, `i64`, `bool`, `String`, `Vec<u8>`, `()`).
///
/// The encoding is never empty: ICS-23 cannot prove a key with an empty value.
pub trait Value: Sized {
    fn to_state(&self) -> Vec<u8>;

    /// Refuses bytes that [`Value::to_state`] does not produce, so that a value has one encoding only.
    fn from_state(bytes: &[u8]) -> Result<Self, ValueError>;
}

/// Stands for a message whose fields all have their default. Field number 0 is invalid, so no message encodes to it.
const EMPTY_MESSAGE: &[u8] = &[0];

impl<M: prost::Message + Default> Value for M {
    fn to_state(&self) -> Vec<u8> {
        let bytes = self.encode_to_vec();
        if bytes.is_empty() { EMPTY_MESSAGE.to_vec() } else { bytes }
    }

    fn from_state(bytes: &[u8]) -> Result<Self, ValueError> {
        if bytes.is_empty() {
            return Err(ValueError("an empty value is never stored"));
        }
        if bytes == EMPTY_MESSAGE {
            return Ok(Self::default());
        }
        let message = Self::decode(bytes).map_err(|_| ValueError("not the expected protobuf message"))?;
        if message.encoded_len() != bytes.len() {
            return Err(ValueError("protobuf message with unknown or redundant fields"));
        }
        Ok(message)
    }
}

#[cfg(test)]
#[path = "value_tests.rs"]
mod tests;
