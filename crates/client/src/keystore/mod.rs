//! Keys on disk: one sealed file per key (marketplace spec section 13.6).

mod armour;
mod entry;
mod file;
mod seal;

use std::path::{Path, PathBuf};

use ve_base::Address;
use ve_base::keys::{Multisig, PublicKey, SecretKey};
use zeroize::Zeroize;

use entry::KeyFile;

pub use file::{private_dir, read_private, replace_private, write_new_private};
pub use seal::{Sealed, open, seal};

pub use zeroize::Zeroizing;

#[derive(Debug, thiserror::Error)]
pub enum KeyStoreError {
    #[error("`{0}` is no key name; use 1 to 64 letters, digits, `.`, `_` and `-`, not starting with `.`")]
    Name(String),
    #[error("there is no key `{0}`; see `virtengine keys list`")]
    Unknown(String),
    #[error("a key `{0}` exists already; delete it first or choose another name")]
    Exists(String),
    #[error("wrong passphrase, or the file of key `{0}` was changed")]
    Passphrase(String),
    #[error("the passphrase has fewer than 8 characters; choose a longer one")]
    ShortPassphrase,
    #[error("{path} can be read by others (mode {mode:o}); run `chmod 600` on it (700 on folders)")]
    Permissions { path: PathBuf, mode: u32 },
    #[error("{path} is not a key file: {cause}; restore it from a backup")]
    Malformed { path: PathBuf, cause: String },
    #[error("{path}: {cause}")]
    Io { path: PathBuf, cause: std::io::Error },
    #[error("the operating system gives no randomness")]
    Random,
    #[error("there is not enough memory to derive the key: 64 MiB are needed")]
    Memory,
    #[error("key `{0}` is a multisig and has no secret; its members sign with `virtengine tx sign`")]
    NoSecret(String),
    #[error("this is no exported key: {0}; give what `virtengine keys export` printed, with its first and last line")]
    Armour(String),
    #[error("the members of a multisig on disk are secp256k1 keys")]
    Members,
}

/// A key without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyInfo {
    pub name: String,
    pub address: Address,
    pub public_key: PublicKey,
}

/// A folder of sealed keys, readable by its owner only.
#[derive(Clone, Debug)]
pub struct KeyStore {
    dir: PathBuf,
}

impl KeyStore {
    /// Opens or creates the folder.
    pub fn open(dir: &Path) -> Result<Self, KeyStoreError> {
        private_dir(dir)?;
        Ok(Self { dir: dir.to_owned() })
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn path(&self, name: &str) -> Result<PathBuf, KeyStoreError> {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if name.is_empty() || name.len() > 64 || name.starts_with('.') || !name.bytes().all(word) {
            return Err(KeyStoreError::Name(name.chars().take(80).collect()));
        }
        Ok(self.dir.join(format!("{name}.key")))
    }

    /// Seals a key under a name that is free.
    pub fn add(&self, name: &str, key: &SecretKey, passphrase: &str) -> Result<KeyInfo, KeyStoreError> {
        let path = self.path(name)?;
        if path.exists() {
            return Err(KeyStoreError::Exists(name.to_owned()));
        }
        if passphrase.chars().count() < 8 {
            return Err(KeyStoreError::ShortPassphrase);
        }
        let public = key.public_key();
        let PublicKey::Secp256k1(public_bytes) = &public else {
            return Err(KeyStoreError::Malformed { path, cause: "not a secp256k1 key".into() });
        };
        let address = public.address();
        let mut secret = key.to_bytes();
        let sealed = seal(&secret, passphrase, address.to_string().as_bytes());
        secret.zeroize();
        let file = KeyFile {
            version: 1,
            address: address.to_string(),
            public_key: Some(hex::encode(public_bytes)),
            sealed: Some(sealed?),
            multisig: None,
        };
        self.write(name, &file)
    }

    /// Keeps a multisig under a name that is free: its members' public keys, no secret.
    pub fn add_multisig(&self, name: &str, key: &Multisig) -> Result<KeyInfo, KeyStoreError> {
        self.write(name, &KeyFile::of_multisig(key).ok_or(KeyStoreError::Members)?)
    }

    /// Writes a file that must not exist yet.
    fn write(&self, name: &str, file: &KeyFile) -> Result<KeyInfo, KeyStoreError> {
        let path = self.path(name)?;
        let info = file.info(name, &path)?;
        let text = serde_json::to_vec_pretty(file).expect("a key file has text keys only");
        write_new_private(&path, &text).map_err(|error| match error {
            KeyStoreError::Io { cause, .. } if cause.kind() == std::io::ErrorKind::AlreadyExists => {
                KeyStoreError::Exists(name.to_owned())
            }
            other => other,
        })?;
        Ok(info)
    }

    /// Opens a key.
    pub fn load(&self, name: &str, passphrase: &str) -> Result<SecretKey, KeyStoreError> {
        let (path, file) = self.read(name)?;
        unseal(name, &path, &file, passphrase)
    }

    pub fn show(&self, name: &str) -> Result<KeyInfo, KeyStoreError> {
        let (path, file) = self.read(name)?;
        file.info(name, &path)
    }

    /// All keys by name.
    pub fn list(&self) -> Result<Vec<KeyInfo>, KeyStoreError> {
        let io = |cause| KeyStoreError::Io { path: self.dir.clone(), cause };
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.dir).map_err(io)? {
            let name = entry.map_err(io)?.file_name();
            if let Some(name) = name.to_str().and_then(|name| name.strip_suffix(".key")) {
                names.push(name.to_owned());
            }
        }
        names.sort();
        names.iter().map(|name| self.show(name)).collect()
    }

    pub fn delete(&self, name: &str) -> Result<(), KeyStoreError> {
        let (path, _) = self.read(name)?;
        std::fs::remove_file(&path).map_err(|cause| KeyStoreError::Io { path, cause })
    }

    /// The sealed file as text, to be moved to another machine and read by [`KeyStore::import`].
    pub fn export(&self, name: &str) -> Result<String, KeyStoreError> {
        let (_, file) = self.read(name)?;
        Ok(armour::armour(&serde_json::to_vec(&file).expect("a key file has text keys only")))
    }

    /// Takes over what [`KeyStore::export`] gave, under a name that is free. The passphrase is that of the exported
    /// key, which it keeps; a multisig has none.
    pub fn import(&self, name: &str, text: &str, passphrase: &str) -> Result<KeyInfo, KeyStoreError> {
        let path = self.path(name)?;
        let file = parse_export(text)?;
        if file.sealed.is_some() {
            unseal(name, &path, &file, passphrase)?;
        }
        self.write(name, &file)
    }

    fn read(&self, name: &str) -> Result<(PathBuf, KeyFile), KeyStoreError> {
        let path = self.path(name)?;
        if !path.exists() {
            return Err(KeyStoreError::Unknown(name.to_owned()));
        }
        let file = KeyFile::parse(&read_private(&path)?, &path)?;
        Ok((path, file))
    }
}

fn parse_export(text: &str) -> Result<KeyFile, KeyStoreError> {
    let bytes = armour::unarmour(text).map_err(|cause| KeyStoreError::Armour(cause.into()))?;
    KeyFile::parse(&bytes, Path::new("")).map_err(|error| match error {
        KeyStoreError::Malformed { cause, .. } => KeyStoreError::Armour(cause),
        other => other,
    })
}

/// Whether an exported key is sealed, so that a passphrase is needed to import it.
pub fn is_sealed(text: &str) -> Result<bool, KeyStoreError> {
    Ok(parse_export(text)?.sealed.is_some())
}

/// A public key as hex of its 33 bytes.
pub fn public_key(text: &str) -> Option<PublicKey> {
    entry::secp256k1(text)
}

fn unseal(name: &str, path: &Path, file: &KeyFile, passphrase: &str) -> Result<SecretKey, KeyStoreError> {
    let sealed = file.sealed.as_ref().ok_or_else(|| KeyStoreError::NoSecret(name.to_owned()))?;
    let plain = open(sealed, passphrase, file.address.as_bytes())?;
    let plain = plain.ok_or_else(|| KeyStoreError::Passphrase(name.to_owned()))?;
    let malformed = |cause: &str| KeyStoreError::Malformed { path: path.to_owned(), cause: cause.to_owned() };
    let bytes: [u8; 32] = plain.as_slice().try_into().map_err(|_| malformed("wrong length"))?;
    let key = SecretKey::from_bytes(bytes).map_err(|_| malformed("not a key"))?;
    if key.public_key().address().to_string() != file.address {
        return Err(malformed("the address does not belong to the key"));
    }
    Ok(key)
}
