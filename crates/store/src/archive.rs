//! Snapshots of past versions as files, for nodes that start without history: one folder per version with numbered
//! chunks and a manifest. A folder appears whole or not at all.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use crate::kv::{KvError, Read};
use crate::snapshot::Snapshot;
use crate::store::io;
use crate::stream::{CHUNK_BYTES, MAX_CHUNKS, Manifest, write_frame};
use crate::tree::sha256;

const MANIFEST: &str = "manifest";
/// Suffix of a folder that is being written.
const PARTIAL: &str = "partial";

/// The snapshots in one directory, and the thread that makes them.
pub struct Archive {
    directory: PathBuf,
    make: Option<SyncSender<Snapshot>>,
    maker: Option<JoinHandle<()>>,
}

impl Archive {
    /// Opens or creates the directory. At most `keep` snapshots stay, the newest; at least one.
    pub fn open(directory: impl Into<PathBuf>, keep: usize) -> Result<Self, KvError> {
        let directory = directory.into();
        fs::create_dir_all(&directory).map_err(|error| failed(&directory, &error))?;
        for path in folders(&directory)? {
            if path.extension().is_some_and(|extension| extension == PARTIAL) {
                fs::remove_dir_all(&path).map_err(|error| failed(&path, &error))?;
            }
        }
        // Room for none: while one is made, the next is left out.
        let (make, ordered) = sync_channel::<Snapshot>(0);
        let place = directory.clone();
        let maker = std::thread::Builder::new()
            .name("snapshot".into())
            .spawn(move || {
                while let Ok(snapshot) = ordered.recv() {
                    // A snapshot is a service to others: without it this node goes on, and its list shows the gap.
                    let made = write(&place, &snapshot).and_then(|()| tidy(&place, keep.max(1)));
                    if made.is_err() {
                        let _ = remove_partial(&place, snapshot.version());
                    }
                }
            })
            .map_err(io)?;
        Ok(Self { directory, make: Some(make), maker: Some(maker) })
    }

    /// Starts to write a snapshot and returns at once; `false` when an earlier one is not done yet.
    pub fn take(&self, snapshot: Snapshot) -> bool {
        self.make.as_ref().is_some_and(|make| make.try_send(snapshot).is_ok())
    }

    /// Finished snapshots, newest first.
    pub fn list(&self) -> Result<Vec<Manifest>, KvError> {
        let mut found = Vec::new();
        for version in versions(&self.directory)? {
            let path = folder(&self.directory, version).join(MANIFEST);
            match fs::read(&path) {
                Ok(bytes) => found.extend(Manifest::parse(version, &bytes)),
                // Taken away meanwhile.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(failed(&path, &error)),
            }
        }
        found.sort_by_key(|manifest| std::cmp::Reverse(manifest.version));
        Ok(found)
    }

    /// The version of the oldest finished snapshot.
    pub fn oldest(&self) -> Result<Option<u64>, KvError> {
        Ok(versions(&self.directory)?.into_iter().min())
    }

    /// The bytes of one chunk; `None` when the snapshot is gone or has no such chunk.
    pub fn chunk(&self, version: u64, index: u32) -> Result<Option<Vec<u8>>, KvError> {
        let path = folder(&self.directory, version).join(chunk_name(index));
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(&path, &error)),
        }
    }
}

impl Drop for Archive {
    fn drop(&mut self) {
        self.make = None;
        if let Some(maker) = self.maker.take() {
            let _ = maker.join();
        }
    }
}

fn failed(path: &Path, error: &std::io::Error) -> KvError {
    KvError::Io(format!("snapshots: {}: {error}", path.display()))
}

fn folder(directory: &Path, version: u64) -> PathBuf {
    directory.join(version.to_string())
}

fn chunk_name(index: u32) -> String {
    format!("{index:06}")
}

fn partial(directory: &Path, version: u64) -> PathBuf {
    directory.join(format!("{version}.{PARTIAL}"))
}

fn folders(directory: &Path) -> Result<Vec<PathBuf>, KvError> {
    let entries = fs::read_dir(directory).map_err(|error| failed(directory, &error))?;
    entries.map(|entry| entry.map(|entry| entry.path()).map_err(|error| failed(directory, &error))).collect()
}

fn versions(directory: &Path) -> Result<Vec<u64>, KvError> {
    let names = folders(directory)?.into_iter();
    Ok(names.filter_map(|path| path.file_name()?.to_str()?.parse().ok()).collect())
}

fn remove_partial(directory: &Path, version: Option<u64>) -> std::io::Result<()> {
    version.map_or(Ok(()), |version| fs::remove_dir_all(partial(directory, version)))
}

fn write(directory: &Path, snapshot: &Snapshot) -> Result<(), KvError> {
    let version = snapshot.version().ok_or(KvError::UnknownVersion(0))?;
    let (place, done) = (partial(directory, version), folder(directory, version));
    if done.exists() {
        return Ok(());
    }
    fs::create_dir_all(&place).map_err(|error| failed(&place, &error))?;
    let mut manifest = Manifest { version, chunks: Vec::new() };
    let mut buffer = Vec::with_capacity(CHUNK_BYTES);
    for entry in snapshot.range(&[], None, false) {
        let (key, value) = entry?;
        write_frame(&key, &value, &mut buffer);
        while let Some(full) = buffer.get(..CHUNK_BYTES) {
            write_chunk(&place, &mut manifest, full)?;
            buffer.drain(..CHUNK_BYTES);
        }
    }
    // An empty state is one empty chunk.
    if !buffer.is_empty() || manifest.chunks.is_empty() {
        write_chunk(&place, &mut manifest, &buffer)?;
    }
    write_file(&place, MANIFEST, &manifest.metadata())?;
    sync_folder(&place)?;
    fs::rename(&place, &done).map_err(|error| failed(&done, &error))?;
    sync_folder(directory)
}

fn write_chunk(place: &Path, manifest: &mut Manifest, chunk: &[u8]) -> Result<(), KvError> {
    let index = u32::try_from(manifest.chunks.len()).unwrap_or(u32::MAX);
    if manifest.chunks.len() >= MAX_CHUNKS {
        return Err(KvError::refused(&[], "the state has more chunks than a snapshot may"));
    }
    write_file(place, &chunk_name(index), chunk)?;
    manifest.chunks.push(sha256(&[chunk]));
    Ok(())
}

fn write_file(place: &Path, name: &str, bytes: &[u8]) -> Result<(), KvError> {
    let path = place.join(name);
    let written = || -> std::io::Result<()> {
        let mut file = File::create(&path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    written().map_err(|error| failed(&path, &error))
}

fn sync_folder(path: &Path) -> Result<(), KvError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(|error| failed(path, &error))
}

fn tidy(directory: &Path, keep: usize) -> Result<(), KvError> {
    let mut found = versions(directory)?;
    found.sort_unstable_by(|a, b| b.cmp(a));
    for version in found.into_iter().skip(keep) {
        let path = folder(directory, version);
        fs::remove_dir_all(&path).map_err(|error| failed(&path, &error))?;
    }
    Ok(())
}
