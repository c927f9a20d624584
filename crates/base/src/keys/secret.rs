//! Account secret keys in memory.

use sha2::{Digest, Sha256};
use zeroize::Zeroize;

use super::PublicKey;

/// A secp256k1 secret key; erased when dropped, never shown by `Debug`.
pub struct SecretKey(secp256k1::SecretKey);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these 32 bytes are not a secp256k1 secret key")]
pub struct InvalidSecretKey;

impl SecretKey {
    pub fn from_bytes(mut bytes: [u8; 32]) -> Result<Self, InvalidSecretKey> {
        let key = secp256k1::SecretKey::from_secret_bytes(bytes).map(Self).map_err(|_| InvalidSecretKey);
        bytes.zeroize();
        key
    }

    /// The raw key, for an encrypted store; erase it after use.
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_secret_bytes()
    }

    pub fn public_key(&self) -> PublicKey {
        PublicKey::Secp256k1(self.0.public_key().serialize())
    }

    /// Deterministic (RFC 6979) low-S signature r ‖ s over SHA-256(message).
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        let digest: [u8; 32] = Sha256::digest(message).into();
        self.0.sign_ecdsa(secp256k1::Message::from_digest(digest)).serialize_compact()
    }
}

impl Drop for SecretKey {
    fn drop(&mut self) {
        self.0.non_secure_erase();
    }
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretKey(..)")
    }
}
