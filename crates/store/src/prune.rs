//! Removal of versions that are no longer kept, off the path of commits.
//!
//! Each version logs what it made obsolete: history entries that only older versions need and tree nodes that only
//! older versions reach. When those versions go, the log says what to delete. A step is one atomic batch that first
//! raises the oldest version, so a crash leaves every readable version whole.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use fjall::{OwnedWriteBatch, Readable};

use crate::history;
use crate::kv::KvError;
use crate::store::{Disk, OLDEST, Version, io};
use crate::tree::sha256;

/// Most entries in one record, hence most deletions in one step.
const CHUNK: usize = 1024;

const CHANGED: u8 = 0;
const REMOVED: u8 = 1;
const NODE: u8 = 2;

/// What one version makes obsolete.
pub(crate) struct Log {
    version: Version,
    records: Vec<Vec<u8>>,
    in_last: usize,
}

impl Log {
    pub fn new(version: Version) -> Self {
        Self { version, records: Vec::new(), in_last: CHUNK }
    }

    pub fn changed(&mut self, key: &[u8], removed: bool) {
        self.push(if removed { REMOVED } else { CHANGED }, key);
    }

    pub fn stale_node(&mut self, key: &[u8]) {
        self.push(NODE, key);
    }

    fn push(&mut self, kind: u8, key: &[u8]) {
        if self.in_last >= CHUNK {
            self.records.push(Vec::new());
            self.in_last = 0;
        }
        self.in_last = self.in_last.saturating_add(1);
        if let Some(record) = self.records.last_mut() {
            record.push(kind);
            // Keys are at most 1,024 bytes.
            record.extend_from_slice(&u16::try_from(key.len()).unwrap_or(u16::MAX).to_be_bytes());
            record.extend_from_slice(key);
        }
    }

    pub fn write(self, disk: &Disk, batch: &mut OwnedWriteBatch) {
        for (index, record) in (0u32..).zip(self.records) {
            let key = [&self.version.to_be_bytes()[..], &index.to_be_bytes()[..]].concat();
            batch.insert(&disk.log, key, record);
        }
    }
}

/// One line of a record: its kind, and the key of a node or of an entry of the state.
pub(crate) struct Line<'a>(u8, &'a [u8]);

impl<'a> Line<'a> {
    /// The key of the state that the version changed or removed, if this line is about one.
    pub fn changed_key(&self) -> Option<&'a [u8]> {
        (self.0 != NODE).then_some(self.1)
    }
}

pub(crate) fn read_record(mut record: &[u8]) -> Result<Vec<Line<'_>>, KvError> {
    let mut entries = Vec::with_capacity(CHUNK);
    while !record.is_empty() {
        let parsed = record.split_first_chunk::<3>().and_then(|([kind, high, low], rest)| {
            let (key, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([*high, *low])))?;
            Some((*kind, key, rest))
        });
        let (kind, key, rest) = parsed.ok_or_else(|| KvError::corrupt(&[], "a pruning record does not decode"))?;
        entries.push(Line(kind, key));
        record = rest;
    }
    Ok(entries)
}

/// Does one bounded step towards `oldest` being the oldest version. Returns whether more remains.
fn step(disk: &Disk, oldest: Version) -> Result<bool, KvError> {
    let _writing = disk.lock();
    let view = disk.db.snapshot();
    let mut batch = disk.db.batch();
    let Some(current) = disk.version(&view, OLDEST)? else { return Ok(false) };
    if current < oldest {
        batch.insert(&disk.meta, OLDEST, oldest.to_be_bytes());
    }
    let oldest = current.max(oldest);
    let record = view.range(&disk.log, ..=[&oldest.to_be_bytes()[..], &[0xFF; 4]].concat()).next();
    let more = record.is_some();
    if let Some(record) = record {
        let (log_key, record) = record.into_inner().map_err(io)?;
        let version = log_key.first_chunk().map(|version| u64::from_be_bytes(*version));
        let version = version.ok_or_else(|| KvError::corrupt(&log_key, "a pruning record does not decode"))?;
        for Line(kind, key) in read_record(&record)? {
            if kind == NODE {
                batch.remove(&disk.nodes, key);
                continue;
            }
            batch.remove(&disk.history, history::entry_key(key, version));
            if kind == REMOVED && forgotten(disk, &view, key, version)? {
                batch.remove(&disk.keys, sha256(&[key]));
            }
        }
        batch.remove(&disk.log, log_key);
    }
    batch.commit().map_err(io)?;
    Ok(more)
}

/// Whether no readable version holds `key`, which `version` removed: it is not there now and never changed since.
fn forgotten(disk: &Disk, view: &fjall::Snapshot, key: &[u8], version: Version) -> Result<bool, KvError> {
    if view.contains_key(&disk.state, key).map_err(io)? {
        return Ok(false);
    }
    let later = history::entry_key(key, version.saturating_add(1))..=history::entry_key(key, Version::MAX);
    Ok(view.range(&disk.history, later).next().is_none())
}

/// The pruning thread and the way to it.
pub(crate) struct Pruner {
    wake: Option<SyncSender<()>>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    target: Mutex<Version>,
    failure: Mutex<Option<KvError>>,
    stop: std::sync::atomic::AtomicBool,
    /// Held while a run is under way.
    running: Mutex<()>,
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn run(&self, disk: &Disk) {
        let _running = locked(&self.running);
        loop {
            if self.stop.load(std::sync::atomic::Ordering::Relaxed) {
                return;
            }
            let target = *locked(&self.target);
            match step(disk, target) {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    *locked(&self.failure) = Some(error);
                    return;
                }
            }
        }
    }
}

impl Pruner {
    pub fn start(disk: Arc<Disk>) -> Result<Self, KvError> {
        let (wake, woken): (SyncSender<()>, Receiver<()>) = sync_channel(1);
        let shared = Arc::new(Shared::default());
        let own = shared.clone();
        let thread = std::thread::Builder::new()
            .name("prune".into())
            .spawn(move || {
                while woken.recv().is_ok() {
                    own.run(&disk);
                }
            })
            .map_err(io)?;
        Ok(Self { wake: Some(wake), shared, thread: Some(thread) })
    }

    /// Asks for all versions before `oldest` to go. Returns at once.
    pub fn prune_before(&self, oldest: Version) {
        {
            let mut target = locked(&self.shared.target);
            *target = oldest.max(*target);
        }
        if let Some(wake) = &self.wake {
            // A full channel means that a run is due already, which will see the new target.
            let _ = wake.try_send(());
        }
    }

    /// Runs in the caller what is left to do; fails with the error that stopped an earlier run, if any.
    pub fn wait(&self, disk: &Disk) -> Result<(), KvError> {
        self.shared.run(disk);
        locked(&self.shared.failure).take().map_or(Ok(()), Err)
    }
}

impl Drop for Pruner {
    fn drop(&mut self) {
        self.shared.stop.store(true, std::sync::atomic::Ordering::Relaxed);
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
