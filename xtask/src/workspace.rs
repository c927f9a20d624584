//! Where the repository is.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The folder of the root `Cargo.toml`.
pub fn root() -> Result<PathBuf> {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).context("xtask lies in the workspace root")
}
