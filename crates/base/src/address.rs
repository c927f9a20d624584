//! Addresses and their bech32 text (platform spec section 1). One type holds the bytes; the prefix belongs to the role
//! in which an address is shown.

use std::fmt;

use bech32::{Bech32, Hrp};
use sha2::{Digest, Sha256};

use crate::errors::{CodedError, sdk};
use crate::value::{Value, ValueError};

pub const ACCOUNT_PREFIX: &str = "ve";
pub const OPERATOR_PREFIX: &str = "vevaloper";
pub const CONSENSUS_PREFIX: &str = "vevalcons";

/// Longest address in bytes, as in Cosmos SDK.
pub const MAX_ADDRESS_BYTES: usize = 255;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("decoding bech32 failed: {0}")]
    Bech32(String),
    #[error("invalid Bech32 prefix; expected {expected}, got {got}")]
    Prefix { expected: &'static str, got: String },
    #[error("an address has 1 to 255 bytes, got {0}")]
    Length(usize),
    #[error("write the address in lower case")]
    Case,
}

/// The bytes of an account, operator, consensus or module address. Shows as an account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(Box<[u8]>);

impl Address {
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Parses the one accepted text form: lower case, right checksum, the prefix of the role.
    pub fn from_bech32(text: &str, prefix: &'static str) -> Result<Self, AddressError> {
        if text.trim().is_empty() {
            return Err(AddressError::Bech32("empty address string is not allowed".into()));
        }
        let checked = bech32::primitives::decode::CheckedHrpstring::new::<Bech32>(text)
            .map_err(|cause| AddressError::Bech32(cause.to_string()))?;
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(AddressError::Case);
        }
        let hrp = checked.hrp();
        if hrp.as_str() != prefix {
            return Err(AddressError::Prefix { expected: prefix, got: hrp.as_str().to_owned() });
        }
        Self::try_from(checked.byte_iter().collect::<Vec<u8>>().as_slice())
    }

    /// The text form with the prefix of a role.
    pub fn to_bech32(&self, prefix: &'static str) -> String {
        // Both can only fail on a prefix that is not bech32 or a length beyond its limit, which no caller has.
        Hrp::parse(prefix)
            .ok()
            .and_then(|hrp| bech32::encode_lower::<Bech32>(hrp, &self.0).ok())
            .unwrap_or_else(|| hex::encode(&self.0))
    }
}

impl TryFrom<&[u8]> for Address {
    type Error = AddressError;

    fn try_from(bytes: &[u8]) -> Result<Self, AddressError> {
        if bytes.is_empty() || bytes.len() > MAX_ADDRESS_BYTES {
            return Err(AddressError::Length(bytes.len()));
        }
        Ok(Self(bytes.into()))
    }
}

impl From<[u8; 20]> for Address {
    fn from(bytes: [u8; 20]) -> Self {
        Self(Box::new(bytes))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_bech32(ACCOUNT_PREFIX))
    }
}

impl Value for Address {
    fn to_state(&self) -> Vec<u8> {
        self.0.to_vec()
    }

    fn from_state(bytes: &[u8]) -> Result<Self, ValueError> {
        Self::try_from(bytes).map_err(|_| ValueError("an address has 1 to 255 bytes"))
    }
}

/// Characters of a refused text that its error shows.
const SHOWN: usize = 120;

fn parse(role: &str, text: &str, prefix: &'static str) -> Result<Address, CodedError> {
    Ok(Address::from_bech32(text, prefix).map_err(|cause| {
        let shown: String = text.chars().take(SHOWN).collect();
        sdk::Error::InvalidAddress(format!("invalid {role} address {shown:?}: {cause}"))
    })?)
}

/// An account's address in a message, a query or genesis; the refusal names its `role`.
pub fn parse_account(role: &str, text: &str) -> Result<Address, CodedError> {
    parse(role, text, ACCOUNT_PREFIX)
}

/// A validator operator's address.
pub fn parse_operator(text: &str) -> Result<Address, CodedError> {
    parse("validator", text, OPERATOR_PREFIX)
}

/// Address of the account that belongs to a module: the first 20 bytes of SHA-256(name).
pub fn module_address(name: &str) -> Address {
    let digest: [u8; 32] = Sha256::digest(name.as_bytes()).into();
    let mut bytes = [0; 20];
    bytes.copy_from_slice(&digest[..20]);
    Address::from(bytes)
}
