//! Secrets at rest: manifests carry passwords and tokens, so the daemon's store holds them sealed under a key that is
//! derived from its own encrypted key file.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use ring::rand::{SecureRandom, SystemRandom};
use sha2::{Digest, Sha256};
use ve_base::keys::SecretKey;

const NONCE_BYTES: usize = 24;

pub struct Seal(XChaCha20Poly1305);

impl Seal {
    pub fn new(key: &SecretKey) -> Self {
        let digest = Sha256::new().chain_update(b"VE|manifest-seal|v1|").chain_update(key.to_bytes()).finalize();
        Self(XChaCha20Poly1305::new(&Key::from(<[u8; 32]>::from(digest))))
    }

    pub fn close(&self, plain: &[u8]) -> Option<String> {
        let mut nonce = [0; NONCE_BYTES];
        SystemRandom::new().fill(&mut nonce).ok()?;
        let sealed = self.0.encrypt(&XNonce::from(nonce), plain).ok()?;
        Some(STANDARD.encode([nonce.as_slice(), &sealed].concat()))
    }

    /// `None` when the text was changed or sealed under another key.
    pub fn open(&self, sealed: &str) -> Option<Vec<u8>> {
        let bytes = STANDARD.decode(sealed).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_BYTES>()?;
        self.0.decrypt(&XNonce::from(*nonce), sealed).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_key_opens_what_was_sealed_and_changes_are_noticed() {
        let key = |byte| SecretKey::from_bytes([byte; 32]).expect("a valid key");
        let seal = Seal::new(&key(1));
        let sealed = seal.close(b"PASSWORD=hunter2").expect("sealed");
        assert!(!sealed.contains("hunter2"));
        assert_eq!(seal.open(&sealed).expect("its own"), b"PASSWORD=hunter2");
        assert_eq!(Seal::new(&key(2)).open(&sealed), None);
        let mut changed = STANDARD.decode(&sealed).expect("base64");
        changed[30] ^= 1;
        assert_eq!(seal.open(&STANDARD.encode(changed)), None);
    }
}
