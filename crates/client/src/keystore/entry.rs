//! What a key file holds: a sealed secret, or the members of a multisig.

use std::path::Path;

use serde::{Deserialize, Serialize};
use ve_base::keys::{Multisig, PublicKey};

use super::{KeyInfo, KeyStoreError, Sealed};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyFile {
    pub version: u32,
    pub address: String,
    /// Compressed secp256k1, hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<Sealed>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multisig: Option<Members>,
}

/// The order of the members decides about the address.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Members {
    pub threshold: u32,
    /// Compressed secp256k1, hex.
    pub keys: Vec<String>,
}

pub(super) fn secp256k1(text: &str) -> Option<PublicKey> {
    let bytes = hex::decode(text).ok().and_then(|bytes| <[u8; 33]>::try_from(bytes).ok())?;
    Some(PublicKey::Secp256k1(bytes)).filter(|key| key.check().is_ok())
}

impl KeyFile {
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self, KeyStoreError> {
        let malformed = |cause: String| KeyStoreError::Malformed { path: path.to_owned(), cause };
        let file: Self = serde_json::from_slice(bytes).map_err(|cause| malformed(cause.to_string()))?;
        if file.version != 1 {
            return Err(malformed(format!("version {} is newer than this program", file.version)));
        }
        Ok(file)
    }

    pub fn of_multisig(key: &Multisig) -> Option<Self> {
        let keys = key.members().iter().map(|member| match member {
            PublicKey::Secp256k1(bytes) => Some(hex::encode(bytes)),
            _ => None,
        });
        let members = Members { threshold: u32::try_from(key.threshold()).ok()?, keys: keys.collect::<Option<_>>()? };
        let address = PublicKey::Multisig(key.clone()).address().to_string();
        Some(Self { version: 1, address, public_key: None, sealed: None, multisig: Some(members) })
    }

    /// Refuses a file whose parts do not belong together.
    pub fn info(&self, name: &str, path: &Path) -> Result<KeyInfo, KeyStoreError> {
        let key = match (&self.public_key, &self.sealed, &self.multisig) {
            (Some(key), Some(_), None) => secp256k1(key),
            (None, None, Some(members)) => members
                .keys
                .iter()
                .map(|key| secp256k1(key))
                .collect::<Option<Vec<_>>>()
                .and_then(|keys| Multisig::new(members.threshold, keys).ok())
                .map(PublicKey::Multisig),
            _ => None,
        };
        match key {
            Some(public_key) if public_key.address().to_string() == self.address => {
                Ok(KeyInfo { name: name.to_owned(), address: public_key.address(), public_key })
            }
            _ => Err(KeyStoreError::Malformed {
                path: path.to_owned(),
                cause: "address and public key do not belong together".into(),
            }),
        }
    }
}
