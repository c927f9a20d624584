//! Key files of a node, in CometBFT's JSON shape, readable by the owner only.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use ve_base::keys::ConsensusSecret;

#[derive(Serialize, Deserialize)]
struct TypedKey {
    #[serde(rename = "type")]
    kind: String,
    value: String,
}

#[derive(Serialize, Deserialize)]
struct KeyFile {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub_key: Option<TypedKey>,
    priv_key: TypedKey,
}

const PRIVATE: &str = "tendermint/PrivKeyEd25519";
const PUBLIC: &str = "tendermint/PubKeyEd25519";

/// Creates a directory that only its owner can enter.
pub fn create_private(directory: &Path) -> Result<()> {
    fs::create_dir_all(directory).with_context(|| format!("cannot create {}", directory.display()))?;
    fs::set_permissions(directory, fs::Permissions::from_mode(0o700))
        .with_context(|| format!("cannot protect {}", directory.display()))
}

/// Reads the key in `path`, or creates one and writes it there.
pub fn load_or_create(path: &Path) -> Result<ConsensusSecret> {
    match fs::read(path) {
        Ok(bytes) => {
            let mode = fs::metadata(path)?.permissions().mode();
            if mode & 0o077 != 0 {
                bail!("{} can be read by others; run `chmod 600 {}`", path.display(), path.display());
            }
            parse(&bytes).with_context(|| format!("{} is not a CometBFT ed25519 key file", path.display()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let mut seed = [0; 32];
            ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut seed)
                .ok()
                .context("the operating system gives no random numbers")?;
            let key = ConsensusSecret::from_seed(seed);
            write(path, &key)?;
            Ok(key)
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn parse(bytes: &[u8]) -> Result<ConsensusSecret> {
    let file: KeyFile = serde_json::from_slice(bytes)?;
    if file.priv_key.kind != PRIVATE {
        bail!("its type is {}", file.priv_key.kind);
    }
    // 64 bytes: the seed, then the public key.
    let decoded = STANDARD.decode(&file.priv_key.value)?;
    let seed: [u8; 32] = decoded.get(..32).context("the key is too short")?.try_into()?;
    let key = ConsensusSecret::from_seed(seed);
    if decoded.get(32..) != Some(key.public().as_slice()) {
        bail!("the public part does not belong to the secret part");
    }
    Ok(key)
}

fn write(path: &Path, key: &ConsensusSecret) -> Result<()> {
    let secret = [key.seed(), key.public()].concat();
    let file = KeyFile {
        address: Some(hex::encode_upper(key.address())),
        pub_key: Some(TypedKey { kind: PUBLIC.into(), value: STANDARD.encode(key.public()) }),
        priv_key: TypedKey { kind: PRIVATE.into(), value: STANDARD.encode(secret) },
    };
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let mut out = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot create {}", path.display()))?;
    out.write_all(&serde_json::to_vec_pretty(&file)?)?;
    out.sync_all()?;
    Ok(())
}
