//! OCI image layouts on disk: read for images that the operator provides, written
//! for images made here. (OCI image specification, "Image Layout".)

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use oci_spec::image::{ImageIndex, ImageManifest};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::ImageError;

/// Registry name that stands for the operator's own layouts.
pub const LOCAL: &str = "localhost/";
/// Largest index, manifest or configuration.
pub const MAX_JSON: u64 = 4 << 20;
const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// A file of an image to build.
#[derive(Debug, Clone)]
pub struct LayerFile {
    /// Path inside the image, without a leading slash.
    pub path: String,
    /// Content.
    pub content: Vec<u8>,
    /// Permission bits.
    pub mode: u32,
}

/// An image to build from files.
#[derive(Debug, Clone, Default)]
pub struct ImageBuild {
    /// Files of the single layer; directories are made as needed.
    pub files: Vec<LayerFile>,
    /// Program and arguments.
    pub entrypoint: Vec<String>,
    /// `NAME=value`.
    pub env: Vec<String>,
    /// `uid` or `uid:gid`; empty = 0.
    pub user: String,
    /// TCP ports it listens on.
    pub ports: Vec<u16>,
}

/// Splits `localhost/name:tag`; `None` when the reference is not local.
pub(super) fn local_name(reference: &str) -> Option<Result<(String, String), ImageError>> {
    let rest = reference.strip_prefix(LOCAL)?;
    let (name, tag) = rest.split_once(':').unwrap_or((rest, "latest"));
    let ok = |s: &str| {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        (1..=128).contains(&s.len()) && s.bytes().all(plain) && !s.starts_with('.')
    };
    Some(if ok(name) && ok(tag) {
        Ok((name.to_owned(), tag.to_owned()))
    } else {
        Err(ImageError::Reference {
            reference: reference.to_owned(),
            why: "a local image is localhost/NAME:TAG with letters, digits, '.', '_' and '-'".to_owned(),
        })
    })
}

/// An existing layout directory.
#[derive(Debug, Clone)]
pub(super) struct Layout(PathBuf);

impl Layout {
    /// The layout called `name` in the operator's directory of layouts.
    pub(super) fn open(layouts: Option<&Path>, name: &str) -> Result<Self, ImageError> {
        let missing = || {
            ImageError::NotFound(format!(
                "localhost/{name} is not among this provider's own images; \
                 use an image from a registry"
            ))
        };
        let dir = layouts.ok_or_else(missing)?.join(name);
        match dir.join("index.json").is_file() {
            true => Ok(Self(dir)),
            false => Err(missing()),
        }
    }

    /// Manifest of a tag: its bytes and digest.
    pub(super) fn manifest(&self, tag: &str) -> Result<(Vec<u8>, String), ImageError> {
        let index = read_json_file(&self.0.join("index.json"))?;
        let index: ImageIndex = parse("image index", &index)?;
        let tagged = |name: Option<&String>| name.is_some_and(|n| n == tag || n.ends_with(&format!(":{tag}")));
        let manifests = index.manifests();
        let found = manifests
            .iter()
            .find(|d| tagged(d.annotations().as_ref().and_then(|a| a.get(REF_NAME))))
            .ok_or_else(|| ImageError::NotFound(format!("tag {tag} in the local layout")))?;
        let digest = found.digest().to_string();
        Ok((self.small_blob(&digest)?, digest))
    }

    /// Where a blob lies; it need not exist.
    pub(super) fn blob_path(&self, digest: &str) -> Result<PathBuf, ImageError> {
        Ok(self.0.join("blobs/sha256").join(sha256_hex(digest)?))
    }

    /// Reads and checks a small blob.
    pub(super) fn small_blob(&self, digest: &str) -> Result<Vec<u8>, ImageError> {
        let bytes = read_json_file(&self.blob_path(digest)?)?;
        check_digest(&bytes, digest)?;
        Ok(bytes)
    }
}

/// The hex part of a `sha256:` digest, checked, so that it can be a file name.
pub(super) fn sha256_hex(digest: &str) -> Result<&str, ImageError> {
    let hex = digest.strip_prefix("sha256:").unwrap_or_default();
    if hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        Ok(hex)
    } else {
        Err(ImageError::Refused(format!("digest {digest:?} is not sha256; rebuild the image with sha256 digests")))
    }
}

/// Compares content with its digest.
pub(super) fn check_digest(bytes: &[u8], digest: &str) -> Result<(), ImageError> {
    if hex::encode(Sha256::digest(bytes)) == sha256_hex(digest)? {
        Ok(())
    } else {
        Err(ImageError::Refused(format!("content does not have the digest {digest}")))
    }
}

/// Parses a manifest.
pub(super) fn parse_manifest(bytes: &[u8]) -> Result<ImageManifest, ImageError> {
    parse("image manifest", bytes)
}

fn parse<T: serde::de::DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T, ImageError> {
    serde_json::from_slice(bytes).map_err(|e| ImageError::Refused(format!("{what}: {e}")))
}

fn read_json_file(path: &Path) -> Result<Vec<u8>, ImageError> {
    let io = |e| ImageError::Io(format!("read {}", path.display()), e);
    let mut bytes = Vec::new();
    let mut file = fs::File::open(path).map_err(io)?.take(MAX_JSON + 1);
    file.read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > MAX_JSON {
        return Err(ImageError::Refused(format!("{} is larger than {MAX_JSON} bytes", path.display())));
    }
    Ok(bytes)
}

/// Writes an image of one layer as an OCI layout at `dir`, tagged `tag`, replacing
/// what the layout held. The same input gives the same digests.
///
/// Returns the manifest digest. A provider whose `image_layouts` is `dir`'s parent
/// serves it as `localhost/<dir name>:<tag>`.
pub fn build_oci_layout(dir: &Path, tag: &str, image: &ImageBuild) -> Result<String, ImageError> {
    let io = |doing: &str| {
        let doing = format!("{doing} {}", dir.display());
        move |e| ImageError::Io(doing.clone(), e)
    };
    let blobs = dir.join("blobs/sha256");
    fs::create_dir_all(&blobs).map_err(io("create"))?;

    let tar = layer_tar(image).map_err(io("build the layer of"))?;
    let diff_id = digest(&tar);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(&tar).map_err(io("compress the layer of"))?;
    let layer = gzip.finish().map_err(io("compress the layer of"))?;

    let ports: BTreeMap<_, _> = (image.ports.iter()).map(|p| (format!("{p}/tcp"), json!({}))).collect();
    let config = json!({
        "architecture": architecture(),
        "os": "linux",
        "config": {
            "Entrypoint": image.entrypoint,
            "Env": image.env,
            "User": image.user,
            "ExposedPorts": ports,
            "WorkingDir": "/",
        },
        "rootfs": {"type": "layers", "diff_ids": [diff_id]},
        "history": [],
    });
    let config = config.to_string().into_bytes();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": descriptor("application/vnd.oci.image.config.v1+json", &config),
        "layers": [descriptor("application/vnd.oci.image.layer.v1.tar+gzip", &layer)],
    });
    let manifest = manifest.to_string().into_bytes();
    let mut entry = descriptor("application/vnd.oci.image.manifest.v1+json", &manifest);
    entry["annotations"] = json!({REF_NAME: tag});
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [entry],
    });
    for blob in [&layer, &config, &manifest] {
        let path = blobs.join(hex::encode(Sha256::digest(blob)));
        fs::write(path, blob).map_err(io("write a blob of"))?;
    }
    let layout = br#"{"imageLayoutVersion":"1.0.0"}"#;
    fs::write(dir.join("oci-layout"), layout).map_err(io("write"))?;
    // The index last: until it names them, the blobs above are not an image.
    let temporary = dir.join(".index.json");
    fs::write(&temporary, index.to_string()).map_err(io("write"))?;
    fs::rename(&temporary, dir.join("index.json")).map_err(io("write"))?;
    Ok(digest(&manifest))
}

/// CPU architecture of this machine in OCI terms.
pub fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn layer_tar(image: &ImageBuild) -> std::io::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    for file in &image.files {
        let mut header = tar::Header::new_gnu();
        header.set_size(file.content.len() as u64);
        header.set_mode(file.mode);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        tar.append_data(&mut header, &file.path, file.content.as_slice())?;
    }
    tar.into_inner()
}

fn descriptor(media_type: &str, bytes: &[u8]) -> serde_json::Value {
    json!({"mediaType": media_type, "size": bytes.len(), "digest": digest(bytes)})
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}
