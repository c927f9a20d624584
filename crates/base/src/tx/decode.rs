//! Decoding that accepts one encoding only. What a node does not understand could change what a signer meant, so
//! unknown fields are refused, down into every `Any`.

use prost::Message;
use prost_reflect::{Kind, MessageDescriptor};
use sha2::{Digest, Sha256};
use ve_proto::cosmos::tx::v1beta1::{AuthInfo, TxBody, TxRaw};

use super::Tx;
use crate::errors::sdk::Error;

/// Messages inside messages; prost itself refuses deeper than 100.
const MAX_DEPTH: usize = 32;
/// Fields with this bit are non-critical: old software may ignore them.
const NON_CRITICAL_BIT: u32 = 1 << 10;

pub fn decode_tx(bytes: &[u8]) -> Result<Tx, Error> {
    let refused = |cause: &str| Error::TxDecode(format!("tx parse error: {cause}"));
    if bytes.is_empty() {
        return Err(refused("invalid empty tx"));
    }
    let raw = TxRaw::decode(bytes).map_err(|_| refused("the bytes are not a TxRaw"))?;
    if raw.encode_to_vec() != bytes {
        return Err(refused("TxRaw is not in its one form: ascending known fields, shortest varints"));
    }
    let pool = ve_proto::descriptors();
    let descriptor = |name: &str| pool.get_message_by_name(name).ok_or_else(|| refused("the schema is incomplete"));
    known_fields(&raw.body_bytes, &descriptor("cosmos.tx.v1beta1.TxBody")?, true, 0)?;
    known_fields(&raw.auth_info_bytes, &descriptor("cosmos.tx.v1beta1.AuthInfo")?, false, 0)?;
    let body = TxBody::decode(raw.body_bytes.as_ref()).map_err(|_| refused("the body does not decode"))?;
    let auth_info =
        AuthInfo::decode(raw.auth_info_bytes.as_ref()).map_err(|_| refused("the auth info does not decode"))?;
    Ok(Tx {
        body,
        auth_info,
        signatures: raw.signatures,
        body_bytes: raw.body_bytes,
        auth_info_bytes: raw.auth_info_bytes,
        hash: Sha256::digest(bytes).into(),
    })
}

/// Walks the encoding beside the schema.
fn known_fields(bytes: &[u8], message: &MessageDescriptor, lenient: bool, depth: usize) -> Result<(), Error> {
    let refused = |cause: String| Error::TxDecode(format!("tx parse error: {}: {cause}", message.full_name()));
    if depth > MAX_DEPTH {
        return Err(refused("nested too deeply".into()));
    }
    if message.full_name() == "google.protobuf.Any" {
        return known_any(bytes, depth);
    }
    let mut rest = bytes;
    while let Some(field) = next_field(&mut rest).map_err(|()| refused("malformed bytes".into()))? {
        let Some(known) = message.get_field(field.number) else {
            if lenient && field.number & NON_CRITICAL_BIT != 0 {
                continue;
            }
            return Err(refused(format!("unknown field {}; the node may need a newer release", field.number)));
        };
        if known.is_map() {
            continue;
        }
        if let (Kind::Message(inner), Some(content)) = (known.kind(), field.content) {
            known_fields(content, &inner, false, depth.saturating_add(1))?;
        }
    }
    Ok(())
}

fn known_any(bytes: &[u8], depth: usize) -> Result<(), Error> {
    let refused = |cause: &str| Error::TxDecode(format!("tx parse error: {cause}"));
    let any = prost_types::Any::decode(bytes).map_err(|_| refused("an Any does not decode"))?;
    let name = any.type_url.strip_prefix('/').unwrap_or(&any.type_url);
    let Some(descriptor) = ve_proto::descriptors().get_message_by_name(name) else {
        return Err(refused(&format!("unable to resolve type URL {}", any.type_url)));
    };
    known_fields(&any.value, &descriptor, false, depth.saturating_add(1))
}

struct Field<'a> {
    number: u32,
    /// Of length-delimited fields.
    content: Option<&'a [u8]>,
}

fn next_field<'a>(rest: &mut &'a [u8]) -> Result<Option<Field<'a>>, ()> {
    if rest.is_empty() {
        return Ok(None);
    }
    let tag = varint(rest).ok_or(())?;
    let number = u32::try_from(tag >> 3).map_err(|_| ())?;
    let skip = match tag & 7 {
        0 => {
            varint(rest).ok_or(())?;
            return Ok(Some(Field { number, content: None }));
        }
        1 => 8,
        5 => 4,
        2 => usize::try_from(varint(rest).ok_or(())?).map_err(|_| ())?,
        _ => return Err(()),
    };
    let (content, after) = rest.split_at_checked(skip).ok_or(())?;
    *rest = after;
    Ok(Some(Field { number, content: (tag & 7 == 2).then_some(content) }))
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    prost::encoding::decode_varint(bytes).ok()
}
