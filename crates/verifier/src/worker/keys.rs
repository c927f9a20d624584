//! Keys of a member's enclaves: those that sign for them, those that evidence is sealed to, and the network's key for
//! recognising documents. A member has several of the former two while one enclave replaces another.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use ve_base::envelope::EncryptionKey;
use ve_base::keys::ConsensusSecret;
use ve_proto::ve::encryption::v1::Suite;
use zeroize::Zeroizing;

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;

/// Files of the folder begin so: keys that sign, …
pub const SIGNING: &str = "signing";
/// … keys that evidence is sealed to, …
pub const SEALING: &str = "sealing";
/// … and the key of the network for documents, which is alone.
pub const DOCUMENTS: &str = "documents.key";
/// Most keys of a kind.
pub const MAX_KEYS: usize = 32;

/// Why keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file is missing, unreadable, or not 64 hexadecimal digits.
    #[error("{0}: {1}")]
    File(PathBuf, String),
    /// Others may read a secret.
    #[error("{0} is readable by others; run `chmod 600` on it")]
    Open(PathBuf),
}

/// The keys of a member.
pub struct Keys {
    signing: Vec<ConsensusSecret>,
    sealing: Vec<(String, EncryptionKey)>,
    documents: Zeroizing<[u8; 32]>,
}

impl Keys {
    /// Keys in memory; `None` when a kind has none or more than 32, or a key is bad. The first of `sealing` also seals
    /// checkpoints.
    pub fn new(signing: Vec<ConsensusSecret>, sealing: Vec<EncryptionKey>, documents: [u8; 32]) -> Option<Self> {
        let with_fingerprint = |key: EncryptionKey| Some((key.public().ok()?.fingerprint(), key));
        let sealing: Vec<_> = sealing.into_iter().map(with_fingerprint).collect::<Option<_>>()?;
        let bounded = |count: usize| (1..=MAX_KEYS).contains(&count);
        let good = bounded(signing.len()) && bounded(sealing.len());
        good.then_some(Self { signing, sealing, documents: Zeroizing::new(documents) })
    }

    /// Reads every `signing*.key` and `sealing*.key` of a folder and its `documents.key`, each 64 hexadecimal digits.
    pub fn read(folder: &Path) -> Result<Self, KeyError> {
        let unreadable = |error: std::io::Error| KeyError::File(folder.to_owned(), error.to_string());
        let mut names = Vec::new();
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            names.push(entry.map_err(unreadable)?.path());
        }
        names.sort();
        let of = |kind: &'static str| {
            names.iter().filter(move |path| {
                let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                name.starts_with(kind) && name.ends_with(".key")
            })
        };
        let (mut signing, mut sealing) = (Vec::new(), Vec::new());
        for path in of(SIGNING) {
            signing.push(ConsensusSecret::from_seed(*secret(path)?));
        }
        for path in of(SEALING) {
            let key = EncryptionKey::from_bytes(Suite::X25519, *secret(path)?);
            sealing.push(key.map_err(|error| KeyError::File(path.clone(), error.to_string()))?);
        }
        let documents = secret(&folder.join(DOCUMENTS))?;
        let wanted = format!(
            "it needs from 1 to {MAX_KEYS} files {SIGNING}*.key and as many {SEALING}*.key; make them with \
             `virtengine verifier keygen`, remove those of enclaves that ended"
        );
        Self::new(signing, sealing, *documents).ok_or_else(|| KeyError::File(folder.to_owned(), wanted))
    }

    /// What signs for the enclave with this public key.
    pub fn signing(&self, public: &[u8]) -> Option<&ConsensusSecret> {
        self.signing.iter().find(|secret| secret.public()[..] == *public)
    }

    /// The key with this id, `fingerprint:vN`.
    pub fn sealing(&self, key_id: &str) -> Option<&EncryptionKey> {
        let fingerprint = key_id.split(':').next()?;
        self.sealing.iter().find(|(known, _)| known == fingerprint).map(|(_, key)| key)
    }

    /// What members compare their keys for documents by: equal at all of them, and tells nothing of the key.
    pub fn documents_tag(&self) -> Option<String> {
        let digest = self.document_digest(b"tag")?;
        Some(super::hex(digest.get(..8)?))
    }

    /// HMAC-SHA-256 with the network's key for documents.
    pub(crate) fn document_digest(&self, text: &[u8]) -> Option<Vec<u8>> {
        let mut mac = <Hmac<Sha256> as hmac::Mac>::new_from_slice(self.documents.as_slice()).ok()?;
        mac.update(text);
        Some(mac.finalize().into_bytes().to_vec())
    }

    /// The key that checkpoints are sealed to, and its fingerprint.
    pub(crate) fn own(&self) -> Option<(&str, &EncryptionKey)> {
        self.all().next()
    }

    /// All keys, for what was sealed before they were replaced.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &EncryptionKey)> {
        self.sealing.iter().map(|(fingerprint, key)| (fingerprint.as_str(), key))
    }
}

fn secret(path: &Path) -> Result<Zeroizing<[u8; 32]>, KeyError> {
    let wrong = |why: String| KeyError::File(path.to_owned(), why);
    let failed = |error: std::io::Error| wrong(error.to_string());
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.permissions().mode() & 0o077 != 0 {
        return Err(KeyError::Open(path.to_owned()));
    }
    let mut text = Zeroizing::new(Vec::with_capacity(128));
    file.take(128).read_to_end(&mut text).map_err(failed)?;
    let digits = text.trim_ascii();
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let mut bytes = Zeroizing::new([0; 32]);
    let pairs = digits.chunks_exact(2).zip(bytes.iter_mut());
    let read = pairs.map(|(pair, byte)| {
        *byte = value(pair[0])? << 4 | value(pair[1])?;
        Some(())
    });
    if read.collect::<Option<Vec<()>>>().is_none() || digits.len() != 64 {
        return Err(wrong("it is not 64 hexadecimal digits".into()));
    }
    Ok(bytes)
}
