//! Models on disk: a manifest, and beside it the folder of the same name with the files.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use ve_verifier::inference::manifest::{Bundle, Manifest, ModelType};
use ve_verifier::inference::tsm::{MAX_FILE, Tsm};
use ve_verifier::inference::{Model, Rules, Scorer};

/// The network's file in the bundle of a trust score.
const NETWORK: &str = "model.tsm";
/// Longest file of a bundle.
const MAX_BYTES: u64 = 64 << 20;

/// The trained model of a manifest, once every file is what the manifest says.
pub fn load(path: &Path) -> Result<Model> {
    let (manifest, bundle) = read(path)?;
    if manifest.kind != ModelType::TrustScore {
        bail!("{} is of a {} model, not of a trust score", path.display(), manifest.kind.name());
    }
    let file = bundle.file(NETWORK).with_context(|| format!("the model has no {NETWORK}"))?;
    let network = Tsm::load(file).with_context(|| format!("{NETWORK} (at most {MAX_FILE} bytes)"))?;
    let model = Model::new(Scorer::Tsm(Box::new(network)), Rules::default());
    model.context("the network does not take the 64 features of this release")
}

/// What a model is, for people.
pub fn describe(path: &Path) -> Result<Value> {
    let (manifest, _) = read(path)?;
    Ok(json!({
        "name": manifest.name,
        "version": manifest.version,
        "type": manifest.kind.name(),
        "licence": manifest.licence,
        "model_id": hex::encode(manifest.model_id()),
        "bundle_hash": hex::encode(manifest.bundle_hash),
        "manifest_hash": hex::encode(manifest.hash()),
        "files": manifest.files.iter().map(|entry| entry.path.as_str()).collect::<Vec<_>>(),
    }))
}

fn read(path: &Path) -> Result<(Manifest, Bundle)> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    let manifest = Manifest::parse(&text).with_context(|| format!("read {}", path.display()))?;
    let folder = path.with_extension("");
    let entries = std::fs::read_dir(&folder).with_context(|| format!("list {}", folder.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry?;
        // Neither folders nor links: a bundle is flat files that lie here.
        let kind = entry.metadata().with_context(|| format!("look at {}", entry.path().display()))?;
        if !kind.is_file() || kind.len() > MAX_BYTES {
            bail!("{} is no file of a model", entry.path().display());
        }
        let bytes = std::fs::read(entry.path()).with_context(|| format!("read {}", entry.path().display()))?;
        files.push((entry.file_name().to_string_lossy().into_owned(), bytes));
    }
    let bundle = Bundle::new(files)?;
    manifest.verify(&bundle)?;
    Ok((manifest, bundle))
}
