//! Opening, and handing the data key on to another recipient.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::{X25519HkdfSha256, XWing};
use hpke::{Deserializable, Kem, OpModeR};
use ve_proto::ve::encryption::v1::{Envelope, EnvelopeRecipient, Suite};
use zeroize::Zeroizing;

use super::seal::{INFO, commitment, wrap};
use super::{DEK_LEN, EncryptionKey, Error, NONCE_LEN, PublicEncryptionKey, Subject, cid, wrap_binding};

/// The plaintext of an envelope that carries its ciphertext. The caller has checked the sender
/// ([`super::verify_sender`]) where it matters who wrote it.
pub fn open(
    envelope: &Envelope,
    subject: &Subject<'_>,
    key_id: &str,
    key: &EncryptionKey,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    decrypt(envelope, subject, key_id, key, &envelope.ciphertext)
}

/// The plaintext of a ciphertext that is kept apart; refused when it is not the envelope's.
pub fn open_detached(
    envelope: &Envelope,
    ciphertext: &[u8],
    subject: &Subject<'_>,
    key_id: &str,
    key: &EncryptionKey,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    if envelope.cid != cid(ciphertext) {
        return Err(Error::CannotOpen);
    }
    decrypt(envelope, subject, key_id, key, ciphertext)
}

/// An entry for `new_key` in the place of the entry of `old_id`, by a holder of that entry's key. Payload and commitment
/// stay as they are; an entry that was taken out must be followed by sealing anew, because its holder knows the data key.
pub fn rewrap(
    envelope: &Envelope,
    subject: &Subject<'_>,
    old: (&str, &EncryptionKey),
    new: (&str, &PublicEncryptionKey),
    entropy: &mut dyn FnMut(&mut [u8]),
) -> Result<EnvelopeRecipient, Error> {
    if new.1.suite() != envelope.suite() {
        return Err(Error::Malformed("the new key is of another suite than the envelope; seal anew".into()));
    }
    let dek = data_key(envelope, subject, old.0, old.1)?;
    let binding = subject.binding(&envelope.content_type, envelope.suite(), &envelope.recipients_hash);
    wrap(new.1, new.0, &binding, &dek, entropy)
}

fn decrypt(
    envelope: &Envelope,
    subject: &Subject<'_>,
    key_id: &str,
    key: &EncryptionKey,
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let dek = data_key(envelope, subject, key_id, key)?;
    let nonce: [u8; NONCE_LEN] = envelope.nonce.as_slice().try_into().map_err(|_| Error::CannotOpen)?;
    let binding = subject.binding(&envelope.content_type, envelope.suite(), &envelope.recipients_hash);
    XChaCha20Poly1305::new(&(*dek).into())
        .decrypt(&XNonce::from(nonce), Payload { msg: ciphertext, aad: &binding })
        .map(Zeroizing::new)
        .map_err(|_| Error::CannotOpen)
}

fn data_key(
    envelope: &Envelope,
    subject: &Subject<'_>,
    key_id: &str,
    key: &EncryptionKey,
) -> Result<Zeroizing<[u8; DEK_LEN]>, Error> {
    let entry = envelope.recipients.iter().find(|entry| entry.key_id == key_id);
    let entry = entry.ok_or_else(|| Error::RecipientUnknown(key_id.chars().take(64).collect()))?;
    if key.suite() != envelope.suite() {
        return Err(Error::CannotOpen);
    }
    let binding = subject.binding(&envelope.content_type, envelope.suite(), &envelope.recipients_hash);
    let aad = wrap_binding(&binding, key_id);
    let unwrapped = match key.suite() {
        Suite::XWing => decapsulate::<XWing>(key, entry, &aad)?,
        _ => decapsulate::<X25519HkdfSha256>(key, entry, &aad)?,
    };
    let dek: [u8; DEK_LEN] = unwrapped.as_slice().try_into().map_err(|_| Error::CannotOpen)?;
    let dek = Zeroizing::new(dek);
    // Both are public; nothing is learnt from the time that this takes.
    if commitment(&dek)?[..] == envelope.dek_commit[..] { Ok(dek) } else { Err(Error::CannotOpen) }
}

fn decapsulate<K: Kem>(
    key: &EncryptionKey,
    entry: &EnvelopeRecipient,
    aad: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let enc = K::EncappedKey::from_bytes(&entry.enc).map_err(|_| Error::CannotOpen)?;
    hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, K>(
        &OpModeR::Base,
        &key.kem::<K>()?,
        &enc,
        INFO,
        &entry.wrapped_dek,
        aad,
    )
    .map(Zeroizing::new)
    .map_err(|_| Error::CannotOpen)
}
