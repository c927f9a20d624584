//! The one envelope for data that only its recipients may read (identity spec section 7).
//!
//! A random data key encrypts the payload with XChaCha20-Poly1305; HPKE (RFC 9180) wraps that key for each recipient.
//! The payload is bound to the object that it belongs to, so nobody moves it elsewhere; a commitment to the data key
//! makes all recipients read the same plaintext; a signature names the sender. Nothing here reads the clock or the
//! operating system's randomness: the caller gives it, so daemons, tests and a browser share this code.

mod check;
mod key;
mod open;
mod seal;

use sha2::{Digest, Sha256};
use ve_proto::ve::encryption::v1::{Envelope, Suite};

use crate::errors::Coded;
use crate::preimage::preimage;

pub use check::{Limits, check, verify_sender};
pub use key::{EncryptionKey, PublicEncryptionKey, key_id};
pub use open::{open, open_detached, rewrap};
pub use seal::{Content, Recipients, Sealed, seal, seal_detached};

/// The one version of the form.
pub const VERSION: u32 = 1;
/// Longest media type of a payload in bytes.
pub const MAX_CONTENT_TYPE: usize = 100;
/// Classes of data are C0 to C4 (identity spec section 11).
pub const MAX_DATA_CLASS: u32 = 4;

const NONCE_LEN: usize = 24;
const DEK_LEN: usize = 32;
const TAG_LEN: usize = 16;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("encryption suite {0} is not supported; use 1 (X25519) or 3 (X-Wing)")]
    UnsupportedSuite(i32),
    #[error("key {0} is no recipient of this envelope")]
    RecipientUnknown(String),
    #[error("recipient {0} is named twice")]
    DuplicateRecipient(String),
    #[error("the signature of the envelope or key does not match: {0}")]
    SignatureInvalid(String),
    #[error("this field takes an envelope, not plaintext: {0}; seal it to its recipients first")]
    PlaintextForbidden(String),
    #[error("the public key is a point of low order or off the curve; generate another key")]
    LowOrderPoint,
    #[error("envelope refused: {0}")]
    Malformed(String),
    #[error("the envelope does not open: it was changed, belongs to another object, or was sealed to another key")]
    CannotOpen,
}

impl Coded for Error {
    fn codespace(&self) -> &'static str {
        "encryption"
    }

    fn code(&self) -> u32 {
        match self {
            Self::UnsupportedSuite(_) => 2,
            Self::RecipientUnknown(_) => 4,
            Self::DuplicateRecipient(_) => 5,
            Self::SignatureInvalid(_) => 6,
            Self::PlaintextForbidden(_) => 7,
            Self::LowOrderPoint => 8,
            Self::Malformed(_) => 9,
            Self::CannotOpen => 10,
        }
    }
}

/// What an envelope belongs to. The same ciphertext under another subject does not open.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    pub chain_id: &'a str,
    /// Name of the module that stores it, for example `market`.
    pub module: &'a str,
    /// The object within the module.
    pub object_id: &'a str,
    /// Address of the object's owner.
    pub owner: &'a str,
}

impl Subject<'_> {
    /// What the payload is bound to: `P("env", module, object_id, owner, content_type, suite, recipients_hash)`.
    fn binding(&self, content_type: &str, suite: Suite, recipients_hash: &[u8]) -> [u8; 32] {
        let suite = u64::from(suite as u32).to_be_bytes();
        let fields = [
            self.module.as_bytes(),
            self.object_id.as_bytes(),
            self.owner.as_bytes(),
            content_type.as_bytes(),
            &suite,
            recipients_hash,
        ];
        preimage("env", self.chain_id, &fields)
    }

    /// What the sender signs: all of the envelope but its recipients' entries, which a rewrap may replace.
    fn signed(&self, envelope: &Envelope) -> [u8; 32] {
        let binding = self.binding(&envelope.content_type, envelope.suite(), &envelope.recipients_hash);
        let ciphertext = Sha256::digest(&envelope.ciphertext);
        let fields = [
            &binding[..],
            &u64::from(envelope.version).to_be_bytes(),
            &u64::from(envelope.mode() as u32).to_be_bytes(),
            &envelope.epoch.to_be_bytes(),
            &envelope.nonce,
            &ciphertext,
            envelope.cid.as_bytes(),
            &envelope.dek_commit,
            envelope.sender_key_id.as_bytes(),
            &u64::from(envelope.data_class).to_be_bytes(),
            &envelope.retention_seconds.to_be_bytes(),
        ];
        preimage("env-sig", self.chain_id, &fields)
    }
}

/// SHA-256 over the sorted key ids, each with its length before it.
fn recipients_hash<'a>(key_ids: impl Iterator<Item = &'a str>) -> [u8; 32] {
    let mut hash = Sha256::new();
    for id in key_ids {
        hash.update((id.len() as u64).to_be_bytes());
        hash.update(id.as_bytes());
    }
    hash.finalize().into()
}

/// Whether a text can stand as the media type of a payload.
fn is_content_type(text: &str) -> bool {
    let printable = text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    (1..=MAX_CONTENT_TYPE).contains(&text.len()) && printable
}

/// What a wrapped data key is bound to: the payload's binding and the recipient's key.
fn wrap_binding(binding: &[u8; 32], key_id: &str) -> Vec<u8> {
    [&binding[..], key_id.as_bytes()].concat()
}

/// CIDv1 of raw bytes under SHA-256 in base 32, the form that content-addressed stores use.
pub fn cid(ciphertext: &[u8]) -> String {
    let bytes = [&[0x01, 0x55, 0x12, 0x20][..], &Sha256::digest(ciphertext)].concat();
    let mut text = String::from("b");
    text.push_str(&data_encoding::BASE32_NOPAD.encode(&bytes).to_ascii_lowercase());
    text
}

#[cfg(test)]
#[path = "envelope_tests.rs"]
mod tests;
