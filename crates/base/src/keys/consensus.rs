//! The ed25519 key with which a validator signs votes.

use sha2::{Digest as _, Sha256};

use super::PublicKey;

/// Address of a consensus key.
pub fn consensus_address(key: &[u8; 32]) -> [u8; 20] {
    let digest: [u8; 32] = Sha256::digest(key).into();
    let mut address = [0; 20];
    address.copy_from_slice(&digest[..20]);
    address
}

/// A secret consensus key. Not `Debug`, so that it cannot be logged by accident.
#[derive(Clone)]
pub struct ConsensusSecret(ed25519_zebra::SigningKey);

impl ConsensusSecret {
    /// RFC 8032: any 32 bytes are a seed.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(ed25519_zebra::SigningKey::from(seed))
    }

    /// The seed, for other uses of the same identity such as the network layer.
    pub fn seed(&self) -> [u8; 32] {
        self.0.into()
    }

    pub fn public(&self) -> [u8; 32] {
        ed25519_zebra::VerificationKeyBytes::from(&self.0).into()
    }

    pub fn public_key(&self) -> PublicKey {
        PublicKey::Ed25519(self.public())
    }

    pub fn address(&self) -> [u8; 20] {
        consensus_address(&self.public())
    }

    /// 64 bytes over the message itself.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).into()
    }
}
