//! The persistent store: one durable batch per version.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use fjall::config::{CompressionPolicy, PinningPolicy};
use fjall::{Database, Keyspace, KeyspaceCreateOptions, OwnedWriteBatch, PersistMode, Readable};

use crate::kv::{KvError, Read, check_entry, check_key};
use crate::memory::MemoryState;
use crate::merge::Change as Write;
use crate::options::Options;
use crate::overlay::ChangeSet;
use crate::proof::{self, ProofOp, Root};
use crate::prune::{Log, Pruner};
use crate::recent::{self, Recent};
use crate::snapshot::Snapshot;
use crate::tree::{Hash, HashedChange, Node, Nodes, StoredNode, TopNodes, TreeUpdate, sha256, update};
use crate::{history, load};

/// Number of a committed state: the height of the block that made it.
pub type Version = u64;

pub(crate) const LATEST: &[u8] = b"latest";
pub(crate) const OLDEST: &[u8] = b"oldest";
const FORMAT: &[u8] = b"format";
/// Raised when the layout of the data directory changes.
const FORMAT_VERSION: &[u8] = &[1];

pub(crate) fn io(error: impl std::fmt::Display) -> KvError {
    KvError::Io(error.to_string())
}

/// Everything on disk. Key spaces: `state` latest values by raw key; `history` replaced values; `nodes` the Merkle
/// tree; `keys` raw keys by hash, for proofs of absence; `log` what each version made obsolete; `meta`.
pub(crate) struct Disk {
    pub db: Database,
    pub state: Keyspace,
    pub history: Keyspace,
    pub nodes: Keyspace,
    pub keys: Keyspace,
    pub log: Keyspace,
    pub meta: Keyspace,
    pub top: TopNodes,
    pub recent: Recent,
    /// Held while a version or a pruning step is written.
    pub writing: Mutex<()>,
}

impl Disk {
    fn open(path: &Path, options: &Options) -> Result<Self, KvError> {
        let db =
            Database::builder(path).cache_size(options.cache_bytes).max_journaling_size(128 << 20).open().map_err(
                |error| match error {
                    fjall::Error::Locked => {
                        KvError::Io(format!("{} is in use by another process; stop that one first", path.display()))
                    }
                    error => KvError::Io(format!("cannot open {}: {error}", path.display())),
                },
            )?;
        let compressed = |buffer: u64| KeyspaceCreateOptions::default().max_memtable_size(buffer);
        // Hashes do not compress.
        let plain = |buffer: u64| compressed(buffer).data_block_compression_policy(CompressionPolicy::disabled());
        // Read by single keys, most of them cold: neither filter nor index of a table is searched for in the cache.
        let looked_up = |buffer: u64| {
            compressed(buffer)
                .index_block_pinning_policy(PinningPolicy::all(true))
                .filter_block_pinning_policy(PinningPolicy::all(true))
        };
        let open = |name: &str, options: KeyspaceCreateOptions| db.keyspace(name, || options).map_err(io);
        let disk = Self {
            state: open("state", looked_up(16 << 20))?,
            history: open("history", compressed(16 << 20))?,
            // Whoever asks for a node knows that it is there.
            nodes: open(
                "nodes",
                plain(32 << 20).expect_point_read_hits(true).index_block_pinning_policy(PinningPolicy::all(true)),
            )?,
            keys: open("keys", plain(8 << 20))?,
            log: open("log", plain(8 << 20))?,
            meta: open("meta", plain(1 << 20))?,
            top: TopNodes::new(),
            recent: Recent::new(options.recent_bytes),
            writing: Mutex::new(()),
            db,
        };
        match disk.meta.get(FORMAT).map_err(io)? {
            Some(found) if *found == *FORMAT_VERSION => {}
            Some(_) => {
                return Err(io("the data directory has another format; use the release that wrote it, or sync anew"));
            }
            None => disk.meta.insert(FORMAT, FORMAT_VERSION).map_err(io)?,
        }
        load::discard_unfinished(&disk)?;
        Ok(disk)
    }

    pub fn lock(&self) -> MutexGuard<'_, ()> {
        // The lock guards no data, so a panic while it was held leaves nothing half-done here.
        self.writing.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub fn version(&self, view: &impl Readable, name: &[u8]) -> Result<Option<Version>, KvError> {
        let Some(bytes) = view.get(&self.meta, name).map_err(io)? else { return Ok(None) };
        let bytes = (*bytes).try_into().map_err(|_| KvError::corrupt(name, "a version number has 8 bytes"))?;
        Ok(Some(u64::from_be_bytes(bytes)))
    }
}

/// Tree nodes as one view of the disk has them, through the cache of upper levels.
pub(crate) struct StoredNodes<'a> {
    pub disk: &'a Disk,
    pub view: &'a fjall::Snapshot,
}

impl Nodes for StoredNodes<'_> {
    fn node(&self, key: &[u8]) -> Result<Node, KvError> {
        if let Some(node) = self.disk.top.get(key) {
            return Ok(node);
        }
        let bytes = self.view.get(&self.disk.nodes, key).map_err(io)?;
        Node::decode(&bytes.ok_or_else(|| KvError::corrupt(key, "a tree node is missing"))?)
    }
}

/// A versioned Merkle key-value store. Reads happen on [`Snapshot`]s, beside commits; one writer commits versions.
pub struct Store {
    disk: Arc<Disk>,
    options: Options,
    pruner: Pruner,
}

/// A version with its root, computed but not yet stored.
pub struct Prepared {
    base: Option<Version>,
    version: Version,
    tree_root: Hash,
    batch: OwnedWriteBatch,
    written: Vec<StoredNode>,
    changed: Vec<(Vec<u8>, recent::Value)>,
}

impl Prepared {
    /// The app hash that the version will have.
    pub fn root(&self) -> Root {
        proof::app_hash(&self.tree_root)
    }

    pub fn version(&self) -> Version {
        self.version
    }
}

/// A write that changes something, with what it replaces and the hashes that the tree needs.
struct Change {
    key: Vec<u8>,
    old: recent::Value,
    new: recent::Value,
    hashed: HashedChange,
}

impl Store {
    /// Opens or creates the store in directory `path`. The last version committed before a crash is intact.
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<Self, KvError> {
        let disk = Arc::new(Disk::open(path.as_ref(), &options)?);
        let pruner = Pruner::start(disk.clone())?;
        Ok(Self { disk, options, pruner })
    }

    pub(crate) fn disk(&self) -> &Disk {
        &self.disk
    }

    /// The last committed version; `None` before genesis.
    pub fn latest(&self) -> Result<Option<Version>, KvError> {
        self.disk.version(&self.disk.db.snapshot(), LATEST)
    }

    /// The oldest version that can still be read, 0 before genesis.
    pub fn oldest_version(&self) -> Result<Version, KvError> {
        Ok(self.disk.version(&self.disk.db.snapshot(), OLDEST)?.unwrap_or(0))
    }

    /// App hash of the last committed version.
    pub fn root(&self) -> Result<Root, KvError> {
        self.snapshot(None)?.root()
    }

    /// A consistent view of one version, or of the last one. Before genesis the last one is empty.
    pub fn snapshot(&self, version: Option<Version>) -> Result<Snapshot, KvError> {
        Snapshot::open(self.disk.clone(), version)
    }

    /// [`Snapshot::prove`] at a version.
    pub fn prove(&self, version: Version, key: &[u8]) -> Result<Vec<ProofOp>, KvError> {
        self.snapshot(Some(version))?.prove(key)
    }

    /// An empty state to build a genesis on.
    pub fn empty(&self) -> Arc<dyn Read + Send + Sync> {
        Arc::new(MemoryState::new())
    }

    /// Computes the next version without storing it. Versions follow each other without gaps; the first may have any
    /// number.
    pub fn prepare(&self, version: Version, changes: ChangeSet) -> Result<Prepared, KvError> {
        let view = self.disk.db.snapshot();
        let base = self.disk.version(&view, LATEST)?;
        if let Some(base) = base
            && base.checked_add(1) != Some(version)
        {
            return Err(KvError::WrongVersion { latest: base, found: version });
        }
        let changes = self.effective(&view, base, changes)?;
        let mut hashed: Vec<HashedChange> = changes.iter().map(|change| change.hashed).collect();
        hashed.sort_unstable_by_key(|change| change.key);
        let nodes = StoredNodes { disk: &self.disk, view: &view };
        let tree = update(&nodes, base, version, &hashed, self.options.hash_threads)?;
        let batch = self.batch(base, version, &changes, &tree);
        let changed = changes.into_iter().map(|change| (change.key, change.new)).collect();
        Ok(Prepared { base, version, tree_root: tree.root, batch, written: tree.written, changed })
    }

    /// Stores a prepared version durably: when this returns, the version survives loss of power.
    pub fn apply(&self, prepared: Prepared) -> Result<Root, KvError> {
        let root = prepared.root();
        {
            let _writing = self.disk.lock();
            let latest = self.latest()?;
            if latest != prepared.base || (latest.is_none() && load::is_loading(&self.disk)?) {
                return Err(KvError::WrongVersion { latest: latest.unwrap_or(0), found: prepared.version });
            }
            let batch = prepared.batch.durability(Some(PersistMode::SyncAll));
            self.disk.recent.replace(prepared.version, prepared.changed, || batch.commit().map_err(io))?;
            for (key, node) in &prepared.written {
                self.disk.top.put(key, node);
            }
        }
        if let Some(keep) = self.options.pruning.keep()
            && prepared.version.is_multiple_of(self.options.prune_interval.max(1))
        {
            self.pruner.prune_before(prepared.version.saturating_add(1).saturating_sub(keep));
        }
        Ok(root)
    }

    /// [`Store::prepare`] and [`Store::apply`] in one.
    pub fn commit(&self, version: Version, changes: ChangeSet) -> Result<Root, KvError> {
        self.apply(self.prepare(version, changes)?)
    }

    /// Waits until the pruner has done all that it was asked for.
    pub fn finish_pruning(&self) -> Result<(), KvError> {
        self.pruner.wait(&self.disk)
    }

    /// The writes that change something, in order of keys. Reading and hashing is shared among threads.
    fn effective(
        &self,
        view: &fjall::Snapshot,
        base: Option<Version>,
        changes: ChangeSet,
    ) -> Result<Vec<Change>, KvError> {
        const WORTH_A_THREAD: usize = 256;
        let threads = self.options.hash_threads.max(1);
        let mut writes: Vec<Write> = changes.into_iter().collect();
        if threads == 1 || writes.len() < WORTH_A_THREAD {
            return self.examine(view, base, writes);
        }
        let share = writes.len().div_ceil(threads);
        let parts: Vec<_> = std::thread::scope(|scope| {
            let mut running = Vec::with_capacity(threads);
            while writes.len() > share {
                let part = writes.split_off(writes.len().saturating_sub(share));
                running.push(scope.spawn(move || self.examine(view, base, part)));
            }
            let first = self.examine(view, base, writes);
            // Parts were cut from the end.
            let rest = running
                .into_iter()
                .rev()
                .map(|thread| thread.join().unwrap_or_else(|_| Err(io("a hashing thread panicked"))));
            std::iter::once(first).chain(rest).collect()
        });
        let mut effective = Vec::with_capacity(share.saturating_mul(threads));
        for part in parts {
            effective.extend(part?);
        }
        Ok(effective)
    }

    fn examine(
        &self,
        view: &fjall::Snapshot,
        base: Option<Version>,
        writes: Vec<Write>,
    ) -> Result<Vec<Change>, KvError> {
        let mut changes = Vec::with_capacity(writes.len());
        for (key, new) in writes {
            match &new {
                Some(value) => check_entry(&key, value)?,
                None => check_key(&key)?,
            }
            let old = match base.and_then(|version| self.disk.recent.get(&key, version)) {
                Some(known) => known,
                None => view.get(&self.disk.state, &key).map_err(io)?.map(|value| Arc::from(&*value)),
            };
            if old.as_deref() != new.as_deref() {
                let new: recent::Value = new.map(Arc::from);
                let hashed = HashedChange {
                    key: sha256(&[&key]),
                    new: new.as_ref().map(|value| sha256(&[value])),
                    old: old.as_ref().map(|value| sha256(&[value])),
                };
                changes.push(Change { key, old, new, hashed });
            }
        }
        Ok(changes)
    }

    fn batch(&self, base: Option<Version>, version: Version, changes: &[Change], tree: &TreeUpdate) -> OwnedWriteBatch {
        let disk = &self.disk;
        let size = changes.len().saturating_mul(3).saturating_add(tree.written.len()).saturating_add(8);
        let mut batch = OwnedWriteBatch::with_capacity(disk.db.clone(), size);
        // Nobody can ask for a state before the first version, so it leaves no history.
        let mut log = base.map(|_| Log::new(version));
        for change in changes {
            match &change.new {
                Some(value) => batch.insert(&disk.state, change.key.as_slice(), &**value),
                None => batch.remove(&disk.state, change.key.as_slice()),
            }
            if change.old.is_none() {
                batch.insert(&disk.keys, change.hashed.key, change.key.as_slice());
            }
            if let Some(log) = &mut log {
                let old = history::encode(change.old.as_deref());
                batch.insert(&disk.history, history::entry_key(&change.key, version), old);
                log.changed(&change.key, change.new.is_none());
            }
        }
        for (key, node) in &tree.written {
            batch.insert(&disk.nodes, key.as_slice(), node.encode());
        }
        if let Some(mut log) = log {
            tree.stale.iter().for_each(|key| log.stale_node(key));
            log.write(disk, &mut batch);
        } else {
            batch.insert(&disk.meta, OLDEST, version.to_be_bytes());
        }
        batch.insert(&disk.meta, LATEST, version.to_be_bytes());
        batch
    }
}
