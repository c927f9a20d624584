//! Who must sign a message: read from its bytes along the fields that `cosmos.msg.v1.signer` names in its descriptor.

use prost_reflect::{Kind, MessageDescriptor, Value};
use ve_base::{Address, CodedError, errors};

/// One way from a message to an address string: field numbers from the outside in.
#[derive(Clone, Debug, PartialEq, Eq)]
struct SignerPath {
    fields: Vec<u32>,
    prefix: &'static str,
}

/// The signer fields of one message type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignerFields(Vec<SignerPath>);

const MAX_DEPTH: usize = 4;

impl SignerFields {
    /// Fails with a text for the developer when the descriptor names no signer or one that is not an address string.
    pub fn from_descriptor(message: &MessageDescriptor) -> Result<Self, String> {
        let mut paths = Vec::new();
        collect(message, &mut Vec::new(), &mut paths)?;
        if paths.is_empty() {
            return Err(format!("{} names no signer", message.full_name()));
        }
        Ok(Self(paths))
    }

    /// Signers in the order of the descriptor, without duplicates. `bytes` is the message's encoding.
    pub fn read(&self, bytes: &[u8]) -> Result<Vec<Address>, CodedError> {
        let mut signers = Vec::new();
        for path in &self.0 {
            let mut found = Vec::new();
            walk(bytes, &path.fields, &mut found)
                .ok_or_else(|| errors::sdk::Error::TxDecode("message bytes are malformed".into()))?;
            if found.is_empty() {
                found.push(&[]);
            }
            for text in found {
                let text = std::str::from_utf8(text)
                    .map_err(|_| errors::sdk::Error::InvalidAddress("signer is not UTF-8".into()))?;
                let address = Address::from_bech32(text, path.prefix)
                    .map_err(|cause| errors::sdk::Error::InvalidAddress(format!("signer {text:?}: {cause}")))?;
                if !signers.contains(&address) {
                    signers.push(address);
                }
            }
        }
        Ok(signers)
    }
}

fn collect(message: &MessageDescriptor, trail: &mut Vec<u32>, paths: &mut Vec<SignerPath>) -> Result<(), String> {
    if trail.len() >= MAX_DEPTH {
        return Err(format!("{} nests signers too deeply", message.full_name()));
    }
    for name in signer_names(message) {
        let field = message
            .get_field_by_name(&name)
            .ok_or_else(|| format!("{} has no signer field {name}", message.full_name()))?;
        trail.push(field.number());
        match field.kind() {
            Kind::String => paths.push(SignerPath { fields: trail.clone(), prefix: prefix_of(&field) }),
            Kind::Message(inner) => collect(&inner, trail, paths)?,
            other => return Err(format!("{}.{name} is a {other:?}, not an address", message.full_name())),
        }
        trail.pop();
    }
    Ok(())
}

fn signer_names(message: &MessageDescriptor) -> Vec<String> {
    let Some(extension) = message.parent_pool().get_extension_by_name("cosmos.msg.v1.signer") else {
        return Vec::new();
    };
    match message.options().get_extension(&extension).as_ref() {
        Value::List(names) => names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    }
}

fn prefix_of(field: &prost_reflect::FieldDescriptor) -> &'static str {
    let scalar = field
        .parent_message()
        .parent_pool()
        .get_extension_by_name("cosmos_proto.scalar")
        .and_then(|extension| field.options().get_extension(&extension).as_str().map(str::to_owned));
    match scalar.as_deref() {
        Some("cosmos.ValidatorAddressString") => ve_base::OPERATOR_PREFIX,
        Some("cosmos.ConsensusAddressString") => ve_base::CONSENSUS_PREFIX,
        _ => ve_base::ACCOUNT_PREFIX,
    }
}

/// Collects the length-delimited fields at `path`; `None` when the bytes are not protobuf. A scalar given twice yields
/// both: the last one is the decoded value, and asking both to sign is the safe reading of such a message.
fn walk<'a>(mut bytes: &'a [u8], path: &[u32], found: &mut Vec<&'a [u8]>) -> Option<()> {
    let (wanted, rest) = path.split_first()?;
    while !bytes.is_empty() {
        let tag = varint(&mut bytes)?;
        let number = u32::try_from(tag >> 3).ok()?;
        match tag & 7 {
            0 => {
                varint(&mut bytes)?;
            }
            1 => bytes = bytes.get(8..)?,
            5 => bytes = bytes.get(4..)?,
            2 => {
                let len = usize::try_from(varint(&mut bytes)?).ok()?;
                let field = bytes.get(..len)?;
                bytes = bytes.get(len..)?;
                if number == *wanted {
                    if rest.is_empty() {
                        found.push(field);
                    } else {
                        walk(field, rest, found)?;
                    }
                }
            }
            _ => return None,
        }
    }
    Some(())
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7F).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
