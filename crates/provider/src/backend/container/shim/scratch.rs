//! The writable space of a replica while the replica is stopped: a file beside its record. Nothing runs in the replica
//! while it is written or read.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufReader, BufWriter, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tar::{Archive, Builder, EntryType, Header};

/// In the directory of the replica.
pub(super) const FILE: &str = "scratch.tar";
/// Half a file must not be taken for a whole one.
const PART: &str = "scratch.tar.part";
/// The file system that it is read back into gives space in pages.
const PAGE: u64 = 4096;
/// What has no name of its own in a message.
const TOO_LARGE: &str = "its files have more bytes than were bought; holes count too";

/// Writes everything below `scratch` to [`FILE`]. Sockets, pipes and the like are left out: they mean nothing without
/// their processes. Files may have `limit` bytes together, so that files with holes cannot fill the disk.
pub(super) fn save(scratch: &Path, limit: u64) -> io::Result<()> {
    let _ = fs::remove_file(PART);
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(PART)?;
    let written = write(scratch, limit, file);
    if let Err(error) = written {
        let _ = fs::remove_file(PART);
        return Err(error);
    }
    fs::rename(PART, FILE)
}

fn write(scratch: &Path, limit: u64, file: File) -> io::Result<()> {
    let mut archive = Builder::new(BufWriter::new(file));
    archive.follow_symlinks(false);
    let mut left = limit;
    let mut linked: HashMap<u64, PathBuf> = HashMap::new();
    let mut waiting = vec![PathBuf::new()];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(scratch.join(&directory))? {
            let entry = entry?;
            let (path, name) = (entry.path(), directory.join(entry.file_name()));
            let facts = fs::symlink_metadata(&path)?;
            if facts.is_dir() {
                archive.append_dir(&name, &path)?;
                waiting.push(name);
            } else if facts.is_symlink() {
                archive.append_link(&mut header(&facts, EntryType::Symlink), &name, fs::read_link(&path)?)?;
            } else if facts.is_file() {
                if let Some(first) = linked.get(&facts.ino()) {
                    archive.append_link(&mut header(&facts, EntryType::Link), &name, first)?;
                    continue;
                }
                let size = facts.len().div_ceil(PAGE).saturating_mul(PAGE);
                left = left.checked_sub(size).ok_or_else(|| io::Error::other(TOO_LARGE))?;
                archive.append_path_with_name(&path, &name)?;
                if facts.nlink() > 1 {
                    linked.insert(facts.ino(), name);
                }
            }
        }
    }
    let mut file = archive.into_inner()?;
    file.flush()?;
    file.get_ref().sync_all()
}

fn header(facts: &fs::Metadata, kind: EntryType) -> Header {
    let mut header = Header::new_gnu();
    header.set_metadata(facts);
    header.set_entry_type(kind);
    header.set_size(0);
    header
}

/// Reads what [`save`] wrote back into `scratch`, and removes the file. Nothing is done without one.
pub(super) fn restore(scratch: &Path) -> io::Result<()> {
    let file = match File::open(FILE) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut archive = Archive::new(BufReader::new(file));
    archive.set_preserve_permissions(true);
    archive.set_preserve_ownerships(true);
    let mode = fs::metadata(scratch)?.permissions().mode();
    archive.unpack(scratch)?;
    fs::set_permissions(scratch, Permissions::from_mode(mode))?;
    // What follows is newer: after a crash an old state must not come back.
    fs::remove_file(FILE)
}
