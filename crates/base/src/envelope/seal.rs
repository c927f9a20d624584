//! Sealing.

use std::collections::BTreeMap;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::{X25519HkdfSha256, XWing};
use hpke::rand_core::{TryCryptoRng, TryRng};
use hpke::{Deserializable, Kem, OpModeS, Serializable};
use sha2::Sha256;
use ve_proto::ve::encryption::v1::{Envelope, EnvelopeRecipient, Mode, Suite};
use zeroize::Zeroizing;

use super::{DEK_LEN, Error, MAX_DATA_CLASS, NONCE_LEN, PublicEncryptionKey, Subject, VERSION};
use super::{cid, is_content_type, recipients_hash, wrap_binding};
use crate::ACCOUNT_PREFIX;
use crate::keys::SecretKey;

/// `info` of HPKE.
pub(super) const INFO: &[u8] = b"VE|envelope|v1";

/// What is sealed.
#[derive(Clone, Copy, Debug)]
pub struct Content<'a> {
    pub plaintext: &'a [u8],
    /// Media type, at most [`super::MAX_CONTENT_TYPE`] printable ASCII characters.
    pub content_type: &'a str,
    /// 0 public … 4 critical.
    pub data_class: u32,
    /// 0 without bound.
    pub retention_seconds: u64,
}

/// For whom. All keys are of one suite.
#[derive(Clone, Debug)]
pub struct Recipients {
    pub mode: Mode,
    /// Of the committee or validator set; 0 for named recipients.
    pub epoch: u64,
    /// By key id.
    pub keys: BTreeMap<String, PublicEncryptionKey>,
}

/// An envelope whose ciphertext is kept elsewhere under the envelope's `cid`.
#[derive(Clone, Debug)]
pub struct Sealed {
    pub envelope: Envelope,
    pub ciphertext: Vec<u8>,
}

/// Seals into an envelope that carries its ciphertext. `entropy` fills a buffer with randomness that nobody can guess;
/// the same inputs and entropy give the same bytes.
pub fn seal(
    subject: &Subject<'_>,
    recipients: &Recipients,
    content: &Content<'_>,
    sender: &SecretKey,
    entropy: &mut dyn FnMut(&mut [u8]),
) -> Result<Envelope, Error> {
    let (mut envelope, ciphertext) = unsigned(subject, recipients, content, sender, entropy)?;
    envelope.ciphertext = ciphertext;
    envelope.sender_signature = sender.sign(&subject.signed(&envelope)).to_vec();
    Ok(envelope)
}

/// As [`seal`], with the ciphertext apart.
pub fn seal_detached(
    subject: &Subject<'_>,
    recipients: &Recipients,
    content: &Content<'_>,
    sender: &SecretKey,
    entropy: &mut dyn FnMut(&mut [u8]),
) -> Result<Sealed, Error> {
    let (mut envelope, ciphertext) = unsigned(subject, recipients, content, sender, entropy)?;
    envelope.cid = cid(&ciphertext);
    envelope.sender_signature = sender.sign(&subject.signed(&envelope)).to_vec();
    Ok(Sealed { envelope, ciphertext })
}

fn unsigned(
    subject: &Subject<'_>,
    recipients: &Recipients,
    content: &Content<'_>,
    sender: &SecretKey,
    entropy: &mut dyn FnMut(&mut [u8]),
) -> Result<(Envelope, Vec<u8>), Error> {
    let suite = recipients.keys.values().next().map(PublicEncryptionKey::suite);
    let suite = suite.ok_or_else(|| Error::Malformed("name at least one recipient".into()))?;
    if recipients.keys.values().any(|key| key.suite() != suite) {
        return Err(Error::Malformed("all recipients' keys must be of one suite".into()));
    }
    if !is_content_type(content.content_type) {
        return Err(Error::Malformed("the content type is a media type such as application/json".into()));
    }
    if content.data_class > MAX_DATA_CLASS {
        return Err(Error::Malformed(format!("data classes are 0 to {MAX_DATA_CLASS}")));
    }
    let mut dek = Zeroizing::new([0; DEK_LEN]);
    let mut nonce = [0; NONCE_LEN];
    entropy(dek.as_mut_slice());
    entropy(&mut nonce);

    let recipients_hash = recipients_hash(recipients.keys.keys().map(String::as_str));
    let binding = subject.binding(content.content_type, suite, &recipients_hash);
    let payload = Payload { msg: content.plaintext, aad: &binding };
    let ciphertext = XChaCha20Poly1305::new(&(*dek).into())
        .encrypt(&XNonce::from(nonce), payload)
        .map_err(|_| Error::Malformed("the plaintext is too long".into()))?;
    let mut entries = Vec::with_capacity(recipients.keys.len());
    for (id, key) in &recipients.keys {
        entries.push(wrap(key, id, &binding, &dek, entropy)?);
    }
    let address = sender.public_key().address().to_bech32(ACCOUNT_PREFIX);
    let envelope = Envelope {
        version: VERSION,
        suite: suite.into(),
        mode: recipients.mode.into(),
        epoch: recipients.epoch,
        recipients: entries,
        recipients_hash: recipients_hash.to_vec(),
        nonce: nonce.to_vec(),
        ciphertext: Vec::new(),
        cid: String::new(),
        dek_commit: commitment(&dek)?.to_vec(),
        sender_key_id: address,
        sender_signature: Vec::new(),
        content_type: content.content_type.to_owned(),
        data_class: content.data_class,
        retention_seconds: content.retention_seconds,
    };
    Ok((envelope, ciphertext))
}

/// HMAC-SHA-256(data key, "ve-dek").
pub(super) fn commitment(dek: &[u8; DEK_LEN]) -> Result<[u8; 32], Error> {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(dek).map_err(|_| Error::CannotOpen)?;
    mac.update(b"ve-dek");
    Ok(mac.finalize().into_bytes().into())
}

/// The entry of one recipient.
pub(super) fn wrap(
    key: &PublicEncryptionKey,
    id: &str,
    binding: &[u8; 32],
    dek: &[u8; DEK_LEN],
    entropy: &mut dyn FnMut(&mut [u8]),
) -> Result<EnvelopeRecipient, Error> {
    let aad = wrap_binding(binding, id);
    let (enc, wrapped_dek) = match key.suite() {
        Suite::XWing => encapsulate::<XWing>(key, dek, &aad, entropy)?,
        _ => encapsulate::<X25519HkdfSha256>(key, dek, &aad, entropy)?,
    };
    Ok(EnvelopeRecipient { key_id: id.to_owned(), enc, wrapped_dek })
}

fn encapsulate<K: Kem>(
    key: &PublicEncryptionKey,
    dek: &[u8; DEK_LEN],
    aad: &[u8],
    entropy: &mut dyn FnMut(&mut [u8]),
) -> Result<(Vec<u8>, Vec<u8>), Error> {
    let public = K::PublicKey::from_bytes(key.bytes()).map_err(|_| Error::LowOrderPoint)?;
    let (enc, wrapped) = hpke::single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, K>(
        &OpModeS::Base,
        &public,
        INFO,
        dek,
        aad,
        &mut Entropy(entropy),
    )
    .map_err(|_| Error::LowOrderPoint)?;
    Ok((enc.to_bytes().to_vec(), wrapped))
}

/// The caller's randomness in the shape that HPKE takes.
struct Entropy<'a>(&'a mut dyn FnMut(&mut [u8]));

impl TryRng for Entropy<'_> {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let mut bytes = [0; 4];
        (self.0)(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let mut bytes = [0; 8];
        (self.0)(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        (self.0)(bytes);
        Ok(())
    }
}

impl TryCryptoRng for Entropy<'_> {}
