//! Unpacks image layers into a root directory without trusting them.
//!
//! Every name is resolved inside the root as a chroot would resolve it
//! (`openat2` with `RESOLVE_IN_ROOT` through `pathrs`), and the last component is
//! only ever created or removed, never followed. Whiteouts follow the OCI image
//! specification, layer section "Whiteouts".

use std::collections::HashSet;
use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use pathrs::Root;
use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Timespec, Timestamps, Uid};
use serde::{Deserialize, Serialize};
use tar::{EntryType, Header};

use super::ImageError;
use super::extension::{Overrides, read_extension};

/// Longest path, in bytes, and deepest nesting of an entry.
const MAX_PATH: usize = 4096;
const MAX_DEPTH: usize = 128;
/// Names below this directory are not unpacked: the runtime mounts its own.
const DEV: &[u8] = b"dev";

/// How ids of the image map to ids of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdShift {
    /// Host id of the image's id 0.
    pub base: u32,
    /// Ids that exist: 0..count.
    pub count: u32,
}

impl IdShift {
    fn host(self, id: u64) -> Result<u32, ImageError> {
        match u32::try_from(id) {
            Ok(id) if id < self.count => Ok(self.base + id),
            _ => Err(ImageError::Refused(format!(
                "a file belongs to id {id}, but only ids below {} exist in a workload",
                self.count
            ))),
        }
    }
}

/// Bounds over all layers of one image.
#[derive(Debug, Clone, Copy)]
pub struct UnpackLimits {
    /// Files, directories and links.
    pub entries: u64,
    /// Bytes of file content.
    pub bytes: u64,
}

/// Unpacks the layers of one image in order.
pub struct Unpacker {
    root: Root,
    ids: IdShift,
    limits: UnpackLimits,
    entries: u64,
    bytes: u64,
}

/// One entry, names still unchecked.
struct Item {
    path: Vec<u8>,
    link: Option<Vec<u8>>,
    kind: EntryType,
    mode: u32,
    uid: u32,
    gid: u32,
    mtime: u64,
    size: u64,
}

impl Unpacker {
    /// Starts in an existing, empty directory that nothing else writes to.
    pub fn new(root: &Path, ids: IdShift, limits: UnpackLimits) -> Result<Self, ImageError> {
        Ok(Self { root: Root::open(root).map_err(path_error)?, ids, limits, entries: 0, bytes: 0 })
    }

    /// Applies one uncompressed layer over the layers before it.
    ///
    /// # Errors
    /// [`ImageError::Refused`] for a name that leaves the root, a device, a limit;
    /// the directory is then unusable and must be removed.
    pub fn layer(&mut self, tar: impl Read) -> Result<(), ImageError> {
        let mut archive = tar::Archive::new(tar);
        // Raw: the library would otherwise read extension headers of any size
        // into memory before this code sees them.
        let entries = archive.entries().map_err(read_error)?.raw(true);
        let mut next = Overrides::default();
        let mut fresh = HashSet::new();
        for entry in entries {
            let mut entry = entry.map_err(read_error)?;
            self.entries += 1;
            if self.entries > self.limits.entries {
                return refuse(format!("more than {} files", self.limits.entries));
            }
            let kind = entry.header().entry_type();
            if read_extension(kind, &mut entry, &mut next)? {
                continue;
            }
            let item = self.item(entry.header(), std::mem::take(&mut next))?;
            self.place(item, &mut entry, &mut fresh)?;
        }
        Ok(())
    }

    /// Makes sure that what the runtime mounts over exists: mounting must not have
    /// to create anything in the shared, read-only root.
    pub fn finish(self, volumes: &[String]) -> Result<(), ImageError> {
        let fixed = ["proc", "sys", "dev", "etc", "run", "tmp", "var/tmp"];
        let volumes = volumes.iter().map(|v| clean(v.as_bytes()));
        let mut directories: Vec<PathBuf> = fixed.iter().map(PathBuf::from).collect();
        for volume in volumes {
            directories.push(volume?);
        }
        for path in &directories {
            self.parent(path)?;
            let flags = OFlags::DIRECTORY | OFlags::PATH | OFlags::CLOEXEC;
            let there = self.root.resolve(path).map_err(path_error)?;
            let there = OwnedFd::from(there);
            if rustix::fs::openat(&there, ".", flags, Mode::empty()).is_err() {
                return refuse(format!("/{} is not a directory", path.display()));
            }
        }
        let etc = self.root.resolve("etc").map_err(path_error)?;
        let etc = OwnedFd::from(etc);
        for name in ["hosts", "hostname"] {
            let create = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
            match rustix::fs::openat(&etc, name, create, Mode::from_raw_mode(0o644)) {
                Ok(_) | Err(rustix::io::Errno::EXIST) => {}
                Err(e) => return Err(ImageError::Io("create /etc files".into(), e.into())),
            }
        }
        Ok(())
    }

    fn item(&self, header: &Header, over: Overrides) -> Result<Item, ImageError> {
        let size = header.entry_size().map_err(read_error)?;
        if over.size.is_some_and(|s| s != size) {
            return refuse("a file size differs between its two headers".to_owned());
        }
        let uid = over.uid.map_or_else(|| header.uid(), Ok);
        let gid = over.gid.map_or_else(|| header.gid(), Ok);
        Ok(Item {
            path: over.path.unwrap_or_else(|| header.path_bytes().into()),
            link: over.link.or_else(|| header.link_name_bytes().map(Into::into)),
            kind: header.entry_type(),
            // Set-id bits have no effect under no_new_privs; they are dropped so that
            // the unpacked tree is harmless on the host too.
            mode: header.mode().map_err(read_error)? & 0o1777,
            uid: self.ids.host(uid.map_err(read_error)?)?,
            gid: self.ids.host(gid.map_err(read_error)?)?,
            mtime: over.mtime.map_or_else(|| header.mtime(), Ok).map_err(read_error)?,
            size,
        })
    }

    fn place(&mut self, item: Item, content: &mut impl Read, fresh: &mut HashSet<PathBuf>) -> Result<(), ImageError> {
        let path = clean(&item.path)?;
        let Some(name) = path.file_name().map(OsStr::to_owned) else {
            return Ok(());
        };
        let parent_path = path.parent().unwrap_or(Path::new("")).to_owned();
        if path.components().next().map(|c| c.as_os_str().as_bytes()) == Some(DEV) {
            return Ok(());
        }
        if let Some(hidden) = name.as_bytes().strip_prefix(b".wh.") {
            return self.whiteout(&parent_path, hidden, fresh);
        }
        let parent = self.parent(&parent_path)?;
        self.make_room(&parent, &path, &name, item.kind)?;
        match item.kind {
            EntryType::Directory => self.directory(&parent, &name, &item)?,
            EntryType::Regular | EntryType::Continuous => {
                self.regular(&parent, &name, &item, content)?;
            }
            EntryType::Symlink => symlink(&parent, &name, &item)?,
            EntryType::Link => self.hardlink(&parent, &name, &item)?,
            EntryType::Char | EntryType::Block => {
                return refuse(format!("device node at /{}", path.display()));
            }
            other => {
                return refuse(format!("entry of unsupported type {:?} at /{}", other, path.display()));
            }
        }
        // Ancestors count as fresh too: an opaque marker after them in the same
        // layer must not remove them.
        for ancestor in path.ancestors() {
            if !fresh.insert(ancestor.to_owned()) {
                break;
            }
        }
        Ok(())
    }

    fn parent(&self, path: &Path) -> Result<OwnedFd, ImageError> {
        if path.as_os_str().is_empty() {
            return Ok(OwnedFd::from(self.root.resolve(".").map_err(path_error)?));
        }
        match self.root.resolve(path) {
            Ok(handle) => Ok(handle.into()),
            Err(_) => self.make_directories(path),
        }
    }

    /// Creates a directory and those above it that no layer names; they belong to
    /// the image's user 0.
    fn make_directories(&self, path: &Path) -> Result<OwnedFd, ImageError> {
        let made = self.root.mkdir_all(path, &permissions(0o755));
        let made = OwnedFd::from(made.map_err(path_error)?);
        let owner = (Uid::from_raw(self.ids.base), Gid::from_raw(self.ids.base));
        for ancestor in path.ancestors().filter(|a| !a.as_os_str().is_empty()) {
            let dir = self.root.resolve(ancestor).map_err(path_error)?;
            let dir = OwnedFd::from(dir);
            // Only what was just made still belongs to the unpacking process.
            if rustix::fs::fstat(&dir).map_err(errno)?.st_uid == 0 {
                let flags = AtFlags::EMPTY_PATH;
                rustix::fs::chownat(&dir, "", Some(owner.0), Some(owner.1), flags).map_err(errno)?;
            }
        }
        Ok(made)
    }

    /// Removes what a lower layer had under this name, unless both are directories.
    fn make_room(&self, parent: &OwnedFd, path: &Path, name: &OsStr, kind: EntryType) -> Result<(), ImageError> {
        let stat = match rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(rustix::io::Errno::NOENT) => return Ok(()),
            Err(e) => return Err(ImageError::Io("look at a file".into(), e.into())),
        };
        let is_dir = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
        if is_dir && kind == EntryType::Directory {
            return Ok(());
        }
        self.root.remove_all(path).map_err(path_error)
    }

    fn directory(&self, parent: &OwnedFd, name: &OsStr, item: &Item) -> Result<(), ImageError> {
        match rustix::fs::mkdirat(parent, name, Mode::from_raw_mode(0o700)) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => {}
            Err(e) => return Err(ImageError::Io("create a directory".into(), e.into())),
        }
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::RDONLY | OFlags::CLOEXEC;
        let dir = rustix::fs::openat(parent, name, flags, Mode::empty()).map_err(errno)?;
        own_and_mode(&dir, item)
    }

    fn regular(
        &mut self,
        parent: &OwnedFd,
        name: &OsStr,
        item: &Item,
        content: &mut impl Read,
    ) -> Result<(), ImageError> {
        let left = self.limits.bytes.saturating_sub(self.bytes);
        if item.size > left {
            return refuse(format!("more than {} bytes unpacked", self.limits.bytes));
        }
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(parent, name, flags, Mode::from_raw_mode(0o600)).map_err(errno)?;
        let mut file = std::fs::File::from(fd);
        let copied = io::copy(&mut content.take(item.size), &mut file).map_err(read_error)?;
        if copied != item.size {
            return refuse("a layer ends in the middle of a file".to_owned());
        }
        file.flush().map_err(read_error)?;
        self.bytes += copied;
        own_and_mode(&file, item)?;
        let time = Timespec { tv_sec: i64::try_from(item.mtime).unwrap_or(0), tv_nsec: 0 };
        let times = Timestamps { last_access: time, last_modification: time };
        rustix::fs::futimens(&file, &times).map_err(errno)
    }

    fn hardlink(&self, parent: &OwnedFd, name: &OsStr, item: &Item) -> Result<(), ImageError> {
        let target = clean(item.link.as_deref().unwrap_or_default())?;
        let Some(target_name) = target.file_name() else {
            return refuse("a hard link without a target".to_owned());
        };
        let from = match target.parent() {
            Some(p) if !p.as_os_str().is_empty() => self.root.resolve(p),
            _ => self.root.resolve("."),
        };
        let from = OwnedFd::from(from.map_err(path_error)?);
        let stat = rustix::fs::statat(&from, target_name, AtFlags::SYMLINK_NOFOLLOW).map_err(errno)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return refuse(format!("hard link to /{}, which is not a regular file", target.display()));
        }
        // Without SYMLINK_FOLLOW the target itself is linked, whatever it is.
        rustix::fs::linkat(&from, target_name, parent, name, AtFlags::empty()).map_err(errno)
    }

    fn whiteout(&self, parent: &Path, hidden: &[u8], fresh: &HashSet<PathBuf>) -> Result<(), ImageError> {
        if hidden == b".wh..opq" {
            return self.clear(parent, fresh);
        }
        if hidden.is_empty() || hidden == b"." || hidden == b".." || hidden.starts_with(b".wh.") {
            return refuse("a malformed whiteout".to_owned());
        }
        let path = parent.join(OsStr::from_bytes(hidden));
        match self.root.remove_all(&path) {
            Ok(()) => Ok(()),
            // Nothing below had it.
            Err(_) if self.root.resolve_nofollow(&path).is_err() => Ok(()),
            Err(e) => Err(path_error(e)),
        }
    }

    /// Opaque whiteout: removes what lower layers put into a directory.
    fn clear(&self, parent: &Path, fresh: &HashSet<PathBuf>) -> Result<(), ImageError> {
        let dir = self.parent(parent)?;
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::RDONLY | OFlags::CLOEXEC;
        let dir = rustix::fs::openat(&dir, ".", flags, Mode::empty()).map_err(errno)?;
        for child in rustix::fs::Dir::read_from(&dir).map_err(errno)? {
            let child = child.map_err(errno)?;
            let name = child.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            let path = parent.join(OsStr::from_bytes(name));
            if !fresh.contains(&path) {
                self.root.remove_all(&path).map_err(path_error)?;
            }
        }
        Ok(())
    }
}

fn symlink(parent: &OwnedFd, name: &OsStr, item: &Item) -> Result<(), ImageError> {
    let target = item.link.as_deref().unwrap_or_default();
    if target.is_empty() || target.len() > MAX_PATH || target.contains(&0) {
        return refuse("a symbolic link without a usable target".to_owned());
    }
    // Any text is allowed: nothing on the host ever follows it, and inside the
    // workload it resolves in the workload's own root.
    rustix::fs::symlinkat(OsStr::from_bytes(target), parent, name).map_err(errno)?;
    let (uid, gid) = (Uid::from_raw(item.uid), Gid::from_raw(item.gid));
    rustix::fs::chownat(parent, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW).map_err(errno)
}

fn own_and_mode(fd: &impl AsFd, item: &Item) -> Result<(), ImageError> {
    let (uid, gid) = (Uid::from_raw(item.uid), Gid::from_raw(item.gid));
    rustix::fs::fchown(fd, Some(uid), Some(gid)).map_err(errno)?;
    // After the owner: changing the owner may clear mode bits.
    rustix::fs::fchmod(fd, Mode::from_raw_mode(item.mode)).map_err(errno)
}

/// The path of an entry relative to the root, or a refusal.
fn clean(bytes: &[u8]) -> Result<PathBuf, ImageError> {
    if bytes.len() > MAX_PATH || bytes.contains(&0) {
        return refuse("a path that is too long or has a zero byte".to_owned());
    }
    let mut path = PathBuf::new();
    let mut depth = 0;
    for part in bytes.split(|b| *b == b'/') {
        match part {
            b"" | b"." => continue,
            b".." => {
                return refuse(format!("path {:?} leaves the image", String::from_utf8_lossy(bytes)));
            }
            part => path.push(OsStr::from_bytes(part)),
        }
        depth += 1;
        if depth > MAX_DEPTH {
            return refuse(format!("paths nested deeper than {MAX_DEPTH}"));
        }
    }
    Ok(path)
}

fn permissions(mode: u32) -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(mode)
}

pub(super) fn refuse<T>(why: String) -> Result<T, ImageError> {
    Err(ImageError::Refused(why))
}

fn errno(e: rustix::io::Errno) -> ImageError {
    ImageError::Io("unpack a layer".into(), e.into())
}

fn path_error(e: pathrs::error::Error) -> ImageError {
    ImageError::Refused(format!("a path cannot be resolved inside the image: {e}"))
}

pub(super) fn read_error(e: io::Error) -> ImageError {
    // Limits and digests of the readers below arrive as `InvalidData`.
    if e.kind() == io::ErrorKind::InvalidData {
        ImageError::Refused(e.to_string())
    } else {
        ImageError::Io("read a layer".into(), e)
    }
}
