//! What members of a committee sign and open to each other when they verify an identity (identity-ml spec section 7), and how a run is named.
//! Enclaves and the chain compute it with this code.

use prost::Message as _;
use sha2::{Digest, Sha256};
use ve_proto::ve::encryption::v1::Envelope;
use ve_proto::ve::veid::v1::ScoreAttestation;
use zeroize::Zeroizing;

use crate::envelope::{self, Content, EncryptionKey, Error, Recipients, Subject};
use crate::keys::SecretKey;
use crate::preimage::preimage;

/// Bytes of a vector of features.
pub const FEATURES: usize = 140;
const NONCE: usize = 32;

/// hex(SHA-256("request" ‖ owner ‖ number)).
pub fn request_id(owner: &str, number: u32) -> String {
    let digest = Sha256::new().chain_update("request").chain_update(owner).chain_update(number.to_be_bytes());
    hex::encode(digest.finalize())
}

/// SHA-256(request_id ‖ epoch ‖ attempt): every draw of a committee is a run of its own.
pub fn run_id(request_id: &str, epoch: u64, attempt: u32) -> [u8; 32] {
    let digest = Sha256::new().chain_update(request_id).chain_update(epoch.to_be_bytes());
    digest.chain_update(u64::from(attempt).to_be_bytes()).finalize().into()
}

/// For a commitment to features that nobody sees yet.
pub fn commit_signed(chain_id: &str, run_id: &[u8], member: &str, commit: &[u8]) -> [u8; 32] {
    preimage("veid-commit", chain_id, &[run_id, member.as_bytes(), commit])
}

/// For features that are opened to the other members.
pub fn reveal_signed(chain_id: &str, run_id: &[u8], member: &str, envelope_hash: &[u8], e_digest: &[u8]) -> [u8; 32] {
    preimage("veid-reveal", chain_id, &[run_id, member.as_bytes(), envelope_hash, e_digest])
}

/// What a member opens to the others: the nonce of its commitment, and features.
#[derive(Clone, PartialEq, Eq)]
pub struct Opened {
    pub nonce: [u8; NONCE],
    pub features: [u8; FEATURES],
}

/// A run as sealed features belong to it.
#[derive(Clone, Copy, Debug)]
pub struct RunSubject<'a> {
    pub chain_id: &'a str,
    pub run_id: &'a [u8],
    /// Whose identity it is.
    pub owner: &'a str,
}

/// Seals features to the members of a run. All randomness of the envelope follows from the nonce, which only its
/// readers see: whoever opens one entry can seal again and sees whether the other entries are good, so that a member
/// cannot divide the others by entries that only some of them can open.
pub fn seal_opened(subject: &RunSubject<'_>, recipients: &Recipients, opened: &Opened) -> Result<Envelope, Error> {
    let object_id = format!("run/{}", hex::encode(subject.run_id));
    let of = Subject { chain_id: subject.chain_id, module: "veid", object_id: &object_id, owner: subject.owner };
    let plaintext = Zeroizing::new([&opened.nonce[..], &opened.features].concat());
    let content = Content {
        plaintext: &plaintext,
        content_type: "application/octet-stream",
        data_class: envelope::MAX_DATA_CLASS,
        retention_seconds: 0,
    };
    let mut turn = 0u64;
    let mut entropy = |buffer: &mut [u8]| {
        for chunk in buffer.chunks_mut(32) {
            turn = turn.saturating_add(1);
            let block = Sha256::new_with_prefix("veid-reveal").chain_update(subject.run_id).chain_update(opened.nonce);
            let block = block.chain_update(turn.to_be_bytes()).finalize();
            chunk.iter_mut().zip(block).for_each(|(to, from)| *to = from);
        }
    };
    // The enclave's signature covers the envelope, so nobody asks who its sender is.
    let sender = SecretKey::from_bytes([1; 32]).map_err(|_| Error::CannotOpen)?;
    envelope::seal(&of, recipients, &content, &sender, &mut entropy)
}

/// Opens what a member sealed with [`seal_opened`]; refuses an envelope that any recipient could not open alike.
pub fn open_opened(
    subject: &RunSubject<'_>,
    recipients: &Recipients,
    sealed: &Envelope,
    key_id: &str,
    key: &EncryptionKey,
) -> Result<Opened, Error> {
    let object_id = format!("run/{}", hex::encode(subject.run_id));
    let of = Subject { chain_id: subject.chain_id, module: "veid", object_id: &object_id, owner: subject.owner };
    let plaintext = envelope::open(sealed, &of, key_id, key)?;
    let parts = plaintext.split_first_chunk::<NONCE>();
    let opened = parts.and_then(|(nonce, rest)| Some(Opened { nonce: *nonce, features: rest.try_into().ok()? }));
    let opened = opened.ok_or(Error::CannotOpen)?;
    let again = seal_opened(subject, recipients, &opened)?;
    if again == *sealed { Ok(opened) } else { Err(Error::CannotOpen) }
}

/// What attestations are compared by: equal digests are equal bytes.
pub fn attestation_digest(run_id: &[u8], attestation: &ScoreAttestation) -> [u8; 32] {
    Sha256::new().chain_update(run_id).chain_update(attestation.encode_to_vec()).finalize().into()
}

/// For a score.
pub fn attestation_signed(chain_id: &str, member: &str, digest: &[u8; 32]) -> [u8; 32] {
    preimage("veid-attest", chain_id, &[member.as_bytes(), digest])
}

/// For a run that cannot be scored.
pub fn failure_signed(chain_id: &str, run_id: &[u8], member: &str, code: &str, evidence_hash: &[u8]) -> [u8; 32] {
    preimage("veid-failure", chain_id, &[run_id, member.as_bytes(), code.as_bytes(), evidence_hash])
}

#[cfg(test)]
#[path = "verification_tests.rs"]
mod tests;
