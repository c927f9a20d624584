//! The validator's key and what it signs. The key is either in this process, behind the double-sign guard, or with a
//! signer: a process of its own, on this machine or another, that holds key and guard and answers only nodes that it was
//! told of. The node then never has the key.
//!
//! Signer and node find each other by libp2p identities over Noise: each knows the other's id beforehand.

mod config;
mod link;
mod payload;
mod remote;
mod service;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use ve_base::keys::ConsensusSecret;

pub use self::config::{SignerConfig, SignerHome};
pub use self::link::{link_id, link_seed};
pub use self::payload::{EXTENSION_PREFIX, Payload, Refused};
pub use self::remote::RemoteSigner;
pub use self::service::serve;
use crate::guard::{Guard, GuardError};

/// Why something was not signed. Going on would need another signature, so consensus stops.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    #[error(transparent)]
    Guard(#[from] GuardError),
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("the remote signer refuses: {0}")]
    Remote(String),
    #[error("the remote signer cannot be asked: {0}")]
    Link(String),
}

/// Whoever signs for this validator.
#[async_trait]
pub trait ValidatorSigner: Send + Sync + 'static {
    /// The 32-byte ed25519 consensus key.
    fn public(&self) -> [u8; 32];

    /// Waits for as long as the signature may still come.
    async fn sign(&self, payload: Payload) -> Result<[u8; 64], SignError>;
}

/// A key in this process, with its guard.
pub struct LocalSigner {
    chain_id: String,
    key: ConsensusSecret,
    guard: Mutex<Guard>,
}

impl LocalSigner {
    /// `guard` is the file that remembers what was signed last.
    pub fn open(chain_id: &str, key: ConsensusSecret, guard: &Path) -> Result<Self, GuardError> {
        Ok(Self { chain_id: chain_id.to_owned(), key, guard: Mutex::new(Guard::open(guard)?) })
    }

    pub fn sign_now(&self, payload: &Payload) -> Result<[u8; 64], SignError> {
        // What stands in the bytes counts, not what somebody says of them.
        match payload.place(&self.chain_id)? {
            None => Ok(self.key.sign(payload.bytes())),
            Some(place) => {
                let mut guard = self.guard.lock().unwrap_or_else(PoisonError::into_inner);
                Ok(guard.sign(place, payload.bytes(), |bytes| self.key.sign(bytes))?)
            }
        }
    }
}

#[async_trait]
impl ValidatorSigner for LocalSigner {
    fn public(&self) -> [u8; 32] {
        self.key.public()
    }

    async fn sign(&self, payload: Payload) -> Result<[u8; 64], SignError> {
        self.sign_now(&payload)
    }
}
