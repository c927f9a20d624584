//! Where the repository is.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The folder of the root `Cargo.toml`.
pub fn root() -> Result<PathBuf> {
    // Cargo tells at run time, too: a binary from a shared target directory may have been built for another clone.
    let own = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    Path::new(&own).parent().map(Path::to_path_buf).context("xtask lies in the workspace root")
}
