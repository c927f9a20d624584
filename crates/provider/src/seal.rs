//! Secrets at rest: manifests carry passwords and tokens, and logs what customers' programs say, so the daemon's disk
//! holds them sealed under keys that are derived from its own encrypted key file.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use ring::rand::{SecureRandom, SystemRandom};
use sha2::{Digest, Sha256};
use ve_base::keys::SecretKey;

const NONCE_BYTES: usize = 24;

pub struct Seal(XChaCha20Poly1305);

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal(..)")
    }
}

impl Seal {
    /// For manifests.
    pub fn new(key: &SecretKey) -> Self {
        Self::derived(key, b"VE|manifest-seal|v1|")
    }

    /// For logs of ended workloads.
    pub fn for_logs(key: &SecretKey) -> Self {
        Self::derived(key, b"VE|log-seal|v1|")
    }

    fn derived(key: &SecretKey, context: &[u8]) -> Self {
        let digest = Sha256::new().chain_update(context).chain_update(key.to_bytes()).finalize();
        Self(XChaCha20Poly1305::new(&Key::from(<[u8; 32]>::from(digest))))
    }

    /// Seals under a name: the bytes open under the same name only. `None` when no random numbers are to be had.
    pub fn close_bytes(&self, name: &str, plain: &[u8]) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE_BYTES];
        SystemRandom::new().fill(&mut nonce).ok()?;
        let sealed = self.0.encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: name.as_bytes() }).ok()?;
        Some([nonce.as_slice(), &sealed].concat())
    }

    /// `None` when the bytes were changed, or sealed under another key or name.
    pub fn open_bytes(&self, name: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        self.0.decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: name.as_bytes() }).ok()
    }

    pub fn close(&self, plain: &[u8]) -> Option<String> {
        Some(STANDARD.encode(self.close_bytes("", plain)?))
    }

    /// `None` when the text was changed or sealed under another key.
    pub fn open(&self, sealed: &str) -> Option<Vec<u8>> {
        self.open_bytes("", &STANDARD.decode(sealed).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> SecretKey {
        SecretKey::from_bytes([byte; 32]).expect("a valid key")
    }

    #[test]
    fn only_the_same_key_opens_what_was_sealed_and_changes_are_noticed() {
        let seal = Seal::new(&key(1));
        let sealed = seal.close(b"PASSWORD=hunter2").expect("sealed");
        assert!(!sealed.contains("hunter2"));
        assert_eq!(seal.open(&sealed).expect("its own"), b"PASSWORD=hunter2");
        assert_eq!(Seal::new(&key(2)).open(&sealed), None);
        assert_eq!(Seal::for_logs(&key(1)).open(&sealed), None, "each use has a key of its own");
        let mut changed = STANDARD.decode(&sealed).expect("base64");
        changed[30] ^= 1;
        assert_eq!(seal.open(&STANDARD.encode(changed)), None);
    }

    #[test]
    fn what_is_sealed_under_a_name_does_not_open_under_another() {
        let seal = Seal::for_logs(&key(1));
        let sealed = seal.close_bytes("a/r0/1", b"a line").expect("sealed");
        assert_eq!(seal.open_bytes("a/r0/1", &sealed).expect("its own"), b"a line");
        assert_eq!(seal.open_bytes("b/r0/1", &sealed), None);
    }
}
