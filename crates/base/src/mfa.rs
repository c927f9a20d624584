//! What the factors, client keys and new keys of multi-factor authentication sign (identity spec sections 1 and 6).

use prost_types::Any;
use sha2::{Digest, Sha256};
use ve_proto::ve::mfa::v1::Challenge;

use crate::preimage::preimage;

/// Names one message of one account: what a single-use session is bound to.
pub fn intent(chain_id: &str, address: &str, message: &Any) -> [u8; 32] {
    preimage("mfa-intent", chain_id, &[address.as_bytes(), message.type_url.as_bytes(), &message.value])
}

/// What answers a challenge: everything that the answer is good for.
pub fn challenge(chain_id: &str, challenge: &Challenge) -> [u8; 32] {
    let key = challenge.client_key.clone().unwrap_or_default();
    preimage(
        "mfa-challenge",
        chain_id,
        &[
            &challenge.id.to_be_bytes(),
            challenge.address.as_bytes(),
            &challenge.factor_id.to_be_bytes(),
            &challenge.action.to_be_bytes(),
            &challenge.intent_hash,
            &challenge.nonce,
            key.type_url.as_bytes(),
            &key.value,
        ],
    )
}

/// The name of a challenge in an attestation that answers it.
pub fn request_id(challenge: &[u8]) -> String {
    format!("mfa:{}", hex::encode(challenge))
}

/// What the client key signs to use a session in a transaction with these messages.
pub fn session_use(chain_id: &str, session_id: u64, messages: &[Any], sequence: u64) -> [u8; 32] {
    let mut hash = Sha256::new();
    for message in messages {
        for part in [message.type_url.as_bytes(), &message.value] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
    }
    let messages: [u8; 32] = hash.finalize().into();
    preimage("mfa-session", chain_id, &[&session_id.to_be_bytes(), &messages, &sequence.to_be_bytes()])
}

/// What a new account key signs to show that somebody holds it.
pub fn new_key(chain_id: &str, address: &str, key: &Any) -> [u8; 32] {
    preimage("key-rotation", chain_id, &[address.as_bytes(), key.type_url.as_bytes(), &key.value])
}

/// The client data of the ceremony that makes a WebAuthn credential for an account answers this.
pub fn registration(chain_id: &str, address: &str) -> [u8; 32] {
    preimage("mfa-registration", chain_id, &[address.as_bytes()])
}
