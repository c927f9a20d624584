//! Unpacked images, one directory per manifest digest, shared read-only by every
//! workload that runs the image.

use std::fs;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use flate2::read::MultiGzDecoder;
use oci_spec::image::{Descriptor, ImageConfiguration};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::layout::{self, Layout, MAX_JSON, sha256_hex};
use super::registry::Remote;
use super::{IdShift, ImageConfig, ImageError, UnpackLimits, Unpacker};
use crate::backend::RegistryCredentials;

/// Most layers of an image.
const MAX_LAYERS: usize = 128;
/// A layer may grow by this factor when unpacked, beyond a free allowance: real
/// layers stay below 50, compression bombs are near 1,000.
const MAX_RATIO: u64 = 200;
const RATIO_FREE: u64 = 64 << 20;

/// Bounds for images from customers.
#[derive(Debug, Clone, Copy)]
pub struct ImageLimits {
    /// Sum of the compressed layers, bytes.
    pub download_bytes: u64,
    /// Unpacked.
    pub unpack: UnpackLimits,
    /// Whole pull, from first request to last byte.
    pub pull_time: Duration,
    /// Unpacked images kept when no workload uses them.
    pub kept_unused: usize,
}

impl Default for ImageLimits {
    fn default() -> Self {
        Self {
            download_bytes: 8 << 30,
            unpack: UnpackLimits { entries: 1_000_000, bytes: 20 << 30 },
            pull_time: Duration::from_secs(15 * 60),
            kept_unused: 16,
        }
    }
}

/// An image ready to run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PreparedImage {
    /// Manifest digest, `sha256:…`.
    pub digest: String,
    /// What the image wants to run.
    pub config: ImageConfig,
}

/// Pulls, checks, unpacks and keeps images.
pub struct ImageStore {
    root: PathBuf,
    layouts: Option<PathBuf>,
    registries: Vec<String>,
    plain_http: Vec<String>,
    ids: IdShift,
    limits: ImageLimits,
    // One image at a time: unpacking is bound by the disk, and two workloads that
    // start with the same image must not unpack it twice.
    busy: tokio::sync::Mutex<()>,
}

enum Source {
    Layout(Layout),
    Remote(Box<Remote>),
}

impl ImageStore {
    /// Opens the store below `root`, removing what an interrupted pull left. Of the
    /// registries, the second list is asked without TLS.
    pub fn open(
        root: PathBuf,
        layouts: Option<PathBuf>,
        (registries, plain_http): (Vec<String>, Vec<String>),
        ids: IdShift,
        limits: ImageLimits,
    ) -> Result<Self, ImageError> {
        let io = |e| ImageError::Io(format!("open the image store {}", root.display()), e);
        match fs::remove_dir_all(root.join("tmp")) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(io(e)),
            _ => {}
        }
        for part in ["tmp", "rootfs"] {
            fs::create_dir_all(root.join(part)).map_err(io)?;
        }
        Ok(Self { root, layouts, registries, plain_http, ids, limits, busy: tokio::sync::Mutex::new(()) })
    }

    /// Root directory of an unpacked image.
    pub fn rootfs(&self, digest: &str) -> Result<PathBuf, ImageError> {
        Ok(self.root.join("rootfs").join(sha256_hex(digest)?))
    }

    /// Makes the image ready, from the cache when its digest is there.
    ///
    /// # Errors
    /// See [`ImageError`]; nothing of a refused image stays.
    pub async fn prepare(
        &self,
        reference: &str,
        credentials: Option<&RegistryCredentials>,
    ) -> Result<PreparedImage, ImageError> {
        let pull = self.prepare_untimed(reference, credentials);
        match tokio::time::timeout(self.limits.pull_time, pull).await {
            Ok(done) => done,
            Err(_) => Err(ImageError::Registry(format!(
                "pulling {reference} took longer than {} s",
                self.limits.pull_time.as_secs()
            ))),
        }
    }

    async fn prepare_untimed(
        &self,
        reference: &str,
        credentials: Option<&RegistryCredentials>,
    ) -> Result<PreparedImage, ImageError> {
        let (source, bytes, digest) = match layout::local_name(reference) {
            Some(local) => {
                let (name, tag) = local?;
                let layout = Layout::open(self.layouts.as_deref(), &name)?;
                let (bytes, digest) = layout.manifest(&tag)?;
                (Source::Layout(layout), bytes, digest)
            }
            None => {
                let remote = Remote::open(reference, &self.registries, &self.plain_http, credentials)?;
                let (bytes, digest) = remote.manifest().await?;
                (Source::Remote(Box::new(remote)), bytes, digest)
            }
        };
        let _one = self.busy.lock().await;
        if let Some(ready) = self.cached(&digest)? {
            return Ok(ready);
        }
        let work = tempdir(&self.root.join("tmp"), sha256_hex(&digest)?)?;
        let made = self.fetch_and_unpack(&source, &bytes, &digest, &work).await;
        let _ = fs::remove_dir_all(&work);
        made
    }

    fn cached(&self, digest: &str) -> Result<Option<PreparedImage>, ImageError> {
        let rootfs = self.rootfs(digest)?;
        let record = rootfs.with_extension("json");
        match fs::read(&record) {
            Ok(bytes) if rootfs.is_dir() => {
                let parsed: Result<PreparedImage, _> = serde_json::from_slice(&bytes);
                Ok(parsed.ok())
            }
            _ => Ok(None),
        }
    }

    async fn fetch_and_unpack(
        &self,
        source: &Source,
        manifest: &[u8],
        digest: &str,
        work: &Path,
    ) -> Result<PreparedImage, ImageError> {
        let manifest = layout::parse_manifest(manifest)?;
        let layers = manifest.layers().clone();
        let total = layers.iter().try_fold(0u64, |sum, l| sum.checked_add(l.size()));
        if layers.len() > MAX_LAYERS || total.is_none_or(|t| t > self.limits.download_bytes) {
            return Err(ImageError::Refused(format!(
                "more than {MAX_LAYERS} layers or {} bytes to download",
                self.limits.download_bytes
            )));
        }
        if manifest.config().size() > MAX_JSON {
            return Err(ImageError::Refused("the configuration is too large".into()));
        }
        let config = self.blob(source, manifest.config(), work).await?;
        let config = fs::read(&config).map_err(|e| ImageError::Io("read config".into(), e))?;
        layout::check_digest(&config, manifest.config().digest().as_ref())?;
        let config: ImageConfiguration =
            serde_json::from_slice(&config).map_err(|e| ImageError::Refused(format!("image configuration: {e}")))?;
        check_platform(&config)?;
        if config.rootfs().diff_ids().len() != layers.len() {
            return Err(ImageError::Refused(
                "the configuration lists another number of layers than the manifest".into(),
            ));
        }
        let mut paths = Vec::with_capacity(layers.len());
        for layer in &layers {
            paths.push(self.blob(source, layer, work).await?);
        }
        let (ids, limits) = (self.ids, self.limits.unpack);
        let (tree, target) = (work.join("rootfs"), self.rootfs(digest)?);
        let digest = digest.to_owned();
        let unpacking = tokio::task::spawn_blocking(move || {
            unpack_all(&tree, &layers, &paths, &config, ids, limits)?;
            publish(&tree, &target, digest, &config)
        });
        unpacking.await.map_err(|e| ImageError::Io("unpack".into(), io::Error::other(e)))?
    }

    async fn blob(&self, source: &Source, descriptor: &Descriptor, work: &Path) -> Result<PathBuf, ImageError> {
        let digest = descriptor.digest().to_string();
        match source {
            Source::Layout(layout) => layout.blob_path(&digest),
            Source::Remote(remote) => {
                let to = work.join(sha256_hex(&digest)?);
                if !to.exists() {
                    remote.blob(&digest, descriptor.size(), &to).await?;
                }
                Ok(to)
            }
        }
    }

    /// Removes the oldest unpacked images that `in_use` does not name, beyond the
    /// number to keep.
    pub async fn prune(&self, in_use: &[String]) -> Result<(), ImageError> {
        let _one = self.busy.lock().await;
        let io = |e| ImageError::Io("prune images".into(), e);
        let mut unused: Vec<(SystemTime, PathBuf)> = Vec::new();
        for entry in fs::read_dir(self.root.join("rootfs")).map_err(io)? {
            let path = entry.map_err(io)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let used = in_use.iter().any(|d| d.ends_with(&*name));
            if path.extension().is_none() && !used {
                let record = path.with_extension("json");
                let time = fs::metadata(record).and_then(|m| m.modified());
                unused.push((time.unwrap_or(SystemTime::UNIX_EPOCH), path));
            }
        }
        unused.sort();
        let excess = unused.len().saturating_sub(self.limits.kept_unused);
        for (_, path) in unused.into_iter().take(excess) {
            let _ = fs::remove_file(path.with_extension("json"));
            fs::remove_dir_all(&path).map_err(io)?;
        }
        Ok(())
    }
}

fn check_platform(config: &ImageConfiguration) -> Result<(), ImageError> {
    let (arch, os) = (config.architecture().to_string(), config.os().to_string());
    if os != "linux" || arch != layout::architecture() {
        return Err(ImageError::Refused(format!(
            "the image is for {os}/{arch}, this provider runs linux/{}",
            layout::architecture()
        )));
    }
    Ok(())
}

fn unpack_all(
    tree: &Path,
    layers: &[Descriptor],
    paths: &[PathBuf],
    config: &ImageConfiguration,
    ids: IdShift,
    limits: UnpackLimits,
) -> Result<(), ImageError> {
    let io = |e| ImageError::Io("unpack an image".into(), e);
    fs::create_dir_all(tree).map_err(io)?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(tree, mode).map_err(io)?;
    std::os::unix::fs::chown(tree, Some(ids.base), Some(ids.base)).map_err(io)?;
    let mut unpacker = Unpacker::new(tree, ids, limits)?;
    for ((layer, path), diff_id) in layers.iter().zip(paths).zip(config.rootfs().diff_ids()) {
        let file = fs::File::open(path).map_err(io)?;
        let mut packed = Hashing::new(file, layer.size());
        let allowed = RATIO_FREE.saturating_add(layer.size().saturating_mul(MAX_RATIO));
        {
            let reader = decompress(layer, &mut packed)?;
            let mut plain = Hashing::new(reader, allowed);
            unpacker.layer(&mut plain)?;
            plain.finish(diff_id)?;
        }
        packed.finish(layer.digest().as_ref())?;
    }
    unpacker.finish(&ImageConfig::volumes(config))
}

/// Moves the finished tree into the cache; the record beside it makes it valid.
fn publish(
    tree: &Path,
    target: &Path,
    digest: String,
    config: &ImageConfiguration,
) -> Result<PreparedImage, ImageError> {
    let io = |e| ImageError::Io("keep an unpacked image".into(), e);
    let image = PreparedImage { digest, config: ImageConfig::resolve(config, tree)? };
    if target.exists() {
        fs::remove_dir_all(target).map_err(io)?;
    }
    fs::rename(tree, target).map_err(io)?;
    let record = serde_json::to_vec(&image).map_err(|e| io(e.into()))?;
    super::super::state::write_atomic(&target.with_extension("json"), &record).map_err(io)?;
    Ok(image)
}

fn decompress<'a>(layer: &Descriptor, packed: &'a mut (impl Read + 'a)) -> Result<Box<dyn Read + 'a>, ImageError> {
    let kind = layer.media_type().to_string();
    let packed = BufReader::with_capacity(128 << 10, packed);
    if kind.ends_with("tar+gzip") || kind.ends_with("tar.gzip") {
        Ok(Box::new(MultiGzDecoder::new(packed)))
    } else if kind.ends_with("tar+zstd") {
        let decoder = ruzstd::decoding::StreamingDecoder::new(packed)
            .map_err(|e| ImageError::Refused(format!("zstd layer: {e}")))?;
        Ok(Box::new(decoder))
    } else if kind.ends_with(".tar") {
        Ok(Box::new(packed))
    } else {
        Err(ImageError::Refused(format!("layer of media type {kind}; supported are tar, tar+gzip and tar+zstd")))
    }
}

/// Hashes what passes and refuses more than a number of bytes.
struct Hashing<R> {
    inner: R,
    hash: Sha256,
    left: u64,
}

impl<R: Read> Hashing<R> {
    fn new(inner: R, limit: u64) -> Self {
        Self { inner, hash: Sha256::new(), left: limit }
    }

    /// Reads to the end and compares the digest of everything.
    fn finish(mut self, digest: &str) -> Result<(), ImageError> {
        io::copy(&mut self, &mut io::sink()).map_err(|e| ImageError::Refused(e.to_string()))?;
        if hex::encode(self.hash.finalize()) != sha256_hex(digest)? {
            return Err(ImageError::Refused(format!("a layer does not have the digest {digest}")));
        }
        Ok(())
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.left = self.left.checked_sub(n as u64).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                "a layer is larger than it may be (declared size, or ratio of unpacked to packed)",
            )
        })?;
        self.hash.update(&buf[..n]);
        Ok(n)
    }
}

fn tempdir(parent: &Path, name: &str) -> Result<PathBuf, ImageError> {
    let dir = parent.join(name);
    let io = |e| ImageError::Io(format!("create {}", dir.display()), e);
    match fs::remove_dir_all(&dir) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(io(e)),
        _ => {}
    }
    fs::create_dir_all(&dir).map_err(io)?;
    Ok(dir)
}
