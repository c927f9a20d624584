//! Models as the chain knows them: the files of a bundle, their hash, and the manifest that says what they are. Source:
//! identity-ml.md section 9, identity.md section 4.4.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

#[cfg(test)]
#[path = "manifest_tests.rs"]
mod tests;
#[path = "manifest_text.rs"]
mod text;

/// Most files of a bundle.
pub const MAX_FILES: usize = 64;
/// Longest path in a bundle, in bytes.
pub const MAX_PATH: usize = 128;
/// Longest text of a manifest.
pub const MAX_TEXT: usize = 64 << 10;

macro_rules! types {
    ($($variant:ident $name:literal,)*) => {
        /// What a model does.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[allow(missing_docs)]
        pub enum ModelType { $($variant,)* }

        impl ModelType {
            /// Every type.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name in manifests and on chain.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

types! {
    TrustScore "trust_score",
    FaceDetection "face_detection",
    FaceEmbedding "face_embedding",
    FaceSegmentation "face_segmentation",
    TextDetection "text_detection",
    FieldSegmentation "field_segmentation",
    Ocr "ocr",
    MrzOcr "mrz_ocr",
    LivenessPad "liveness_pad",
    GanDetection "gan_detection",
    Anomaly "anomaly",
    Behaviour "behaviour",
    Cluster "cluster",
}

impl ModelType {
    /// The type of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}

/// Why a bundle or its manifest is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// A path that is empty, too long, absolute, leaves the bundle, or is not plain ASCII.
    #[error("a bundle has no file of this path: {0:?}")]
    Path(String),
    /// No file, or too many.
    #[error("a bundle has 1 to {MAX_FILES} files, not {0}")]
    Files(usize),
    /// The text is not a manifest; the line, counted from 1.
    #[error("line {0} is not what a manifest has there")]
    Text(usize),
    /// A file is missing, surplus, or differs from what the manifest says.
    #[error("{0} does not match the manifest; fetch the bundle again")]
    HashMismatch(String),
}

/// Files of a model by path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bundle(BTreeMap<String, Vec<u8>>);

impl Bundle {
    /// Takes files; a second one of the same path, and a path that could lead out of the bundle, are refused.
    pub fn new(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Result<Self, ManifestError> {
        let mut bundle = BTreeMap::new();
        for (path, bytes) in files {
            if !is_path(&path) || bundle.contains_key(&path) {
                return Err(ManifestError::Path(path));
            }
            bundle.insert(path, bytes);
            if bundle.len() > MAX_FILES {
                return Err(ManifestError::Files(bundle.len()));
            }
        }
        if bundle.is_empty() { Err(ManifestError::Files(0)) } else { Ok(Self(bundle)) }
    }

    /// Bytes of a file.
    pub fn file(&self, path: &str) -> Option<&[u8]> {
        self.0.get(path).map(Vec::as_slice)
    }

    /// SHA-256 over all files in the order of their paths: `len(path) u32 BE || path || len u64 BE || bytes` each.
    pub fn hash(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for (path, bytes) in &self.0 {
            // Paths are at most MAX_PATH long.
            hash.update((path.len() as u32).to_be_bytes());
            hash.update(path);
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        }
        hash.finalize().into()
    }
}

fn is_path(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
    (1..=MAX_PATH).contains(&path.len())
        && path.bytes().all(plain)
        && path.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
}

/// What a manifest says of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEntry {
    /// Path in the bundle.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of the bytes.
    pub sha256: [u8; 32],
}

/// What a model is: everything that is registered on chain, and its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// 1 to 64 characters `[a-z0-9-]`.
    pub name: String,
    /// `major.minor.patch`.
    pub version: String,
    /// What it does.
    pub kind: ModelType,
    /// SPDX expression.
    pub licence: String,
    /// [`Bundle::hash`] of the files.
    pub bundle_hash: [u8; 32],
    /// Root of the manifest of the data that it was trained on.
    pub training_dataset_hash: [u8; 32],
    /// SHA-256 of the code that trained it.
    pub training_code_hash: [u8; 32],
    /// SHA-256 of the evaluation report.
    pub eval_report_hash: [u8; 32],
    /// SHA-256 of the model card.
    pub model_card_hash: [u8; 32],
    /// The files, in the order of their paths.
    pub files: Vec<FileEntry>,
}

impl Manifest {
    /// `SHA-256(name || 0 || version || 0 || bundle_hash)`, the first 16 bytes.
    pub fn model_id(&self) -> [u8; 16] {
        let hash = Sha256::new().chain_update(&self.name).chain_update([0]).chain_update(&self.version);
        let digest: [u8; 32] = hash.chain_update([0]).chain_update(self.bundle_hash).finalize().into();
        let mut id = [0; 16];
        id.iter_mut().zip(digest).for_each(|(slot, byte)| *slot = byte);
        id
    }

    /// SHA-256 of the manifest's text.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.to_text()).into()
    }

    /// Whether a bundle is exactly what this manifest describes: nothing missing, surplus or altered.
    pub fn verify(&self, bundle: &Bundle) -> Result<(), ManifestError> {
        let mismatch = |path: &str| ManifestError::HashMismatch(path.to_owned());
        for entry in &self.files {
            let bytes = bundle.file(&entry.path).ok_or_else(|| mismatch(&entry.path))?;
            let digest: [u8; 32] = Sha256::digest(bytes).into();
            if bytes.len() as u64 != entry.size || digest != entry.sha256 {
                return Err(mismatch(&entry.path));
            }
        }
        let listed = |path: &String| self.files.iter().any(|entry| entry.path == *path);
        match bundle.0.keys().find(|path| !listed(path)) {
            Some(surplus) => Err(mismatch(surplus)),
            None if bundle.hash() != self.bundle_hash => Err(mismatch("the bundle")),
            None => Ok(()),
        }
    }
}

/// Hash of a pipeline's models: SHA-256 over their ids in order, each once.
pub fn pipeline_hash(models: &[[u8; 16]]) -> [u8; 32] {
    let sorted: std::collections::BTreeSet<&[u8; 16]> = models.iter().collect();
    sorted.iter().fold(Sha256::new(), |hash, id| hash.chain_update(id)).finalize().into()
}

/// Hash of the models in force: SHA-256 over `name of the type || 0 || SHA-256 of the weights`, sorted.
pub fn model_set_hash(models: &[(ModelType, [u8; 32])]) -> [u8; 32] {
    let sorted: std::collections::BTreeSet<(&str, &[u8; 32])> =
        models.iter().map(|(kind, sha256)| (kind.name(), sha256)).collect();
    let add = |hash: Sha256, (kind, sha256): &(&str, &[u8; 32])| {
        hash.chain_update(kind).chain_update([0]).chain_update(sha256)
    };
    sorted.iter().fold(Sha256::new(), add).finalize().into()
}
