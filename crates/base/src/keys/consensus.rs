//! The ed25519 key with which a validator signs votes.

use super::PublicKey;

/// A secret consensus key. Not `Debug`, so that it cannot be logged by accident.
pub struct ConsensusSecret(ed25519_zebra::SigningKey);

impl ConsensusSecret {
    /// RFC 8032: any 32 bytes are a seed.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(ed25519_zebra::SigningKey::from(seed))
    }

    pub fn public_key(&self) -> PublicKey {
        PublicKey::Ed25519(ed25519_zebra::VerificationKey::from(&self.0).into())
    }

    /// 64 bytes over the message itself.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).into()
    }
}
