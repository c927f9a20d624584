//! Files that only their owner may read, written so that a crash leaves the old content or the new.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::KeyStoreError;

/// Longest private file in bytes.
const MAX_BYTES: u64 = 1 << 20;

fn io(path: &Path) -> impl Fn(std::io::Error) -> KeyStoreError + '_ {
    move |cause| KeyStoreError::Io { path: path.to_owned(), cause }
}

/// Creates a folder with mode 700; refuses one that others can enter.
pub fn private_dir(path: &Path) -> Result<(), KeyStoreError> {
    if !path.exists() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io(path))?;
    }
    owner_only(path)
}

fn owner_only(path: &Path) -> Result<(), KeyStoreError> {
    let mode = fs::metadata(path).map_err(io(path))?.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyStoreError::Permissions { path: path.to_owned(), mode });
    }
    Ok(())
}

/// Reads a file; refuses one that others can read.
pub fn read_private(path: &Path) -> Result<Vec<u8>, KeyStoreError> {
    owner_only(path)?;
    if fs::metadata(path).map_err(io(path))?.len() > MAX_BYTES {
        return Err(KeyStoreError::Malformed { path: path.to_owned(), cause: "longer than 1 MiB".into() });
    }
    fs::read(path).map_err(io(path))
}

/// Writes a file that must not exist yet.
pub fn write_new_private(path: &Path, content: &[u8]) -> Result<(), KeyStoreError> {
    let temporary = write_beside(path, content)?;
    // Unlike a rename, a link never replaces what another process wrote meanwhile.
    let linked = fs::hard_link(&temporary, path).map_err(io(path));
    let _ = fs::remove_file(&temporary);
    linked?;
    sync_parent(path)
}

/// Writes a file, replacing an older one.
pub fn replace_private(path: &Path, content: &[u8]) -> Result<(), KeyStoreError> {
    let temporary = write_beside(path, content)?;
    fs::rename(&temporary, path).map_err(io(path))?;
    sync_parent(path)
}

fn write_beside(path: &Path, content: &[u8]) -> Result<std::path::PathBuf, KeyStoreError> {
    let temporary = path.with_extension(format!("{}.new", std::process::id()));
    let _ = fs::remove_file(&temporary);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary).map_err(io(path))?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(io(path))?;
    Ok(temporary)
}

fn sync_parent(path: &Path) -> Result<(), KeyStoreError> {
    match path.parent() {
        Some(parent) => File::open(parent).and_then(|dir| dir.sync_all()).map_err(io(parent)),
        None => Ok(()),
    }
}
