//! Sealing with a passphrase: Argon2id (64 MiB, 3 passes, 4 lanes) and XChaCha20-Poly1305.

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::KeyStoreError;

const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 4;

/// A sealed secret. The parameters stand in the file for readers; others than ours are refused, so that a changed
/// file can neither weaken the derivation nor exhaust memory.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    kdf: String,
    cipher: String,
    /// Hex of 16, 24 and any number of bytes.
    salt: String,
    nonce: String,
    ciphertext: String,
}

fn kdf_name() -> String {
    format!("argon2id,m={MEMORY_KIB},t={PASSES},p={LANES}")
}

const CIPHER: &str = "xchacha20-poly1305";

/// `context` is authenticated, not stored: the same must be given to [`open`].
pub fn seal(secret: &[u8], passphrase: &str, context: &[u8]) -> Result<Sealed, KeyStoreError> {
    let mut salt = [0u8; 16];
    let mut nonce = [0u8; 24];
    let random = SystemRandom::new();
    random.fill(&mut salt).and_then(|()| random.fill(&mut nonce)).map_err(|_| KeyStoreError::Random)?;
    let cipher = cipher(passphrase, &salt)?;
    let ciphertext = cipher
        .encrypt(&XNonce::from(nonce), Payload { msg: secret, aad: context })
        .expect("secrets are far below the cipher's 256 GiB");
    Ok(Sealed {
        kdf: kdf_name(),
        cipher: CIPHER.to_owned(),
        salt: hex::encode(salt),
        nonce: hex::encode(nonce),
        ciphertext: hex::encode(ciphertext),
    })
}

/// `None` when the passphrase is wrong or the file was changed; the two cannot be told apart.
pub fn open(sealed: &Sealed, passphrase: &str, context: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, KeyStoreError> {
    if sealed.kdf != kdf_name() || sealed.cipher != CIPHER {
        return Ok(None);
    }
    let bytes = |text: &str| hex::decode(text).ok();
    let salt = bytes(&sealed.salt).and_then(|salt| <[u8; 16]>::try_from(salt).ok());
    let nonce = bytes(&sealed.nonce).and_then(|nonce| <[u8; 24]>::try_from(nonce).ok());
    let (Some(salt), Some(nonce), Some(ciphertext)) = (salt, nonce, bytes(&sealed.ciphertext)) else {
        return Ok(None);
    };
    let payload = Payload { msg: &ciphertext, aad: context };
    let plain = cipher(passphrase, &salt)?.decrypt(&XNonce::from(nonce), payload);
    Ok(plain.ok().map(Zeroizing::new))
}

fn cipher(passphrase: &str, salt: &[u8; 16]) -> Result<XChaCha20Poly1305, KeyStoreError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(32)).expect("the constants are in Argon2's range");
    let mut key = Zeroizing::new([0u8; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, key.as_mut())
        .map_err(|_| KeyStoreError::Memory)?;
    Ok(XChaCha20Poly1305::new_from_slice(key.as_ref()).expect("the key has 32 bytes"))
}
