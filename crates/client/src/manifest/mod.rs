//! What the chain and the provider get from a deployment file: groups for the order book, a manifest for the gateway,
//! and the hash that binds the two (marketplace spec section 12).

mod build;
mod canonical;
mod check;
mod group;
mod types;
mod wire;

pub use build::{group_specs, manifest};
pub use canonical::canonical_json;
pub use check::{MismatchError, check};
pub use group::*;
pub use types::*;
pub use wire::IncompleteGroup;

use sha2::{Digest, Sha256};

/// Longest manifest that a gateway accepts, in bytes.
pub const MAX_MANIFEST_BYTES: usize = 1 << 20;

#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    #[error("the manifest has {0} bytes; at most {MAX_MANIFEST_BYTES} are accepted, move data into the image")]
    TooLarge(usize),
    #[error("the manifest is not valid: {0}; build it with `virtengine deploy`")]
    Malformed(String),
}

impl Manifest {
    /// The bytes that are hashed and sent.
    pub fn to_json(&self) -> Vec<u8> {
        let value = serde_json::to_value(self).expect("manifest types have text keys and no floats");
        canonical_json(&value).into_bytes()
    }

    /// SHA-256 of [`Manifest::to_json`]: the `hash` of the deployment on chain.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.to_json()).into()
    }

    /// Accepts any field order and spacing; unknown fields are refused.
    pub fn from_json(bytes: &[u8]) -> Result<Self, ManifestError> {
        if bytes.len() > MAX_MANIFEST_BYTES {
            return Err(ManifestError::TooLarge(bytes.len()));
        }
        serde_json::from_slice(bytes).map_err(|cause| ManifestError::Malformed(cause.to_string()))
    }
}
