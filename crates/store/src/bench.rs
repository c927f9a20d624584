//! How fast state commits, beside the bare libraries in the same run.
//!
//! Our commit keeps past versions readable, indexes keys for proofs of absence and logs what to prune; the peer is
//! `jmt` over `fjall` storing nodes and latest values only. Both make one durable batch per version.

use std::path::Path;
use std::time::{Duration, Instant};

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use jmt::storage::{LeafNode, Node, NodeKey, TreeReader};
use jmt::{KeyHash, OwnedValue, Sha256Jmt};

use crate::kv::Read;
use crate::options::Options;
use crate::overlay::ChangeSet;
use crate::store::Store;

/// What to measure: a store of `accounts` keys, then for each size `rounds` commits of that many random ones.
#[derive(Clone, Debug)]
pub struct Plan {
    pub accounts: u64,
    pub sizes: Vec<usize>,
    pub rounds: u32,
}

impl Default for Plan {
    fn default() -> Self {
        Self { accounts: 1_000_000, sizes: vec![20, 1_000, 10_000], rounds: 10 }
    }
}

/// Mean time of one commit of `keys` keys.
#[derive(Clone, Debug)]
pub struct Commit {
    pub keys: usize,
    pub ours: Duration,
    /// Ours without the durable write: hashing and reading.
    pub ours_prepare: Duration,
    pub peer: Duration,
}

#[derive(Clone, Debug)]
pub struct Report {
    pub load: Duration,
    pub commits: Vec<Commit>,
    /// Random reads of existing keys per second, one thread.
    pub reads_per_second: f64,
    /// Resident memory of the process after the store was opened anew, in KiB; 0 where the system does not tell.
    pub idle_kib: u64,
}

type BenchError = Box<dyn std::error::Error + Send + Sync>;

fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// A key shaped like a bank balance: module, tag, 20 bytes of address, denomination.
fn key(account: u64) -> Vec<u8> {
    let mut seed = account;
    let mut key = b"\x04bank\x02\x14".to_vec();
    key.extend((0..3).flat_map(|_| random(&mut seed).to_be_bytes()).take(20));
    key.extend_from_slice(b"uve\x00\x01");
    key
}

fn changes(plan: &Plan, size: usize, seed: &mut u64) -> ChangeSet {
    let mut changes = ChangeSet::new();
    while changes.len() < size.min(usize::try_from(plan.accounts).unwrap_or(usize::MAX)) {
        changes.insert(key(random(seed) % plan.accounts), Some(random(seed).to_be_bytes().to_vec()));
    }
    changes
}

/// Runs the plan in two stores below `directory`, which must be empty.
pub fn run(directory: &Path, plan: &Plan) -> Result<Report, BenchError> {
    let home = directory.join("ours");
    let store = Store::open(&home, Options::default())?;
    let start = Instant::now();
    store.load(0, (0..plan.accounts).map(|account| Ok((key(account), b"1000000".to_vec()))))?;
    let load = start.elapsed();
    drop(store);
    let store = Store::open(&home, Options::default())?;
    let idle_kib = resident_kib();
    let reads_per_second = reads(&store, plan)?;
    let mut peer = Peer::open(&directory.join("peer"))?;
    peer.load(plan)?;
    let mut commits = Vec::new();
    for size in &plan.sizes {
        commits.push(commit(&store, &mut peer, plan, *size)?);
    }
    Ok(Report { load, commits, reads_per_second, idle_kib })
}

fn commit(store: &Store, peer: &mut Peer, plan: &Plan, size: usize) -> Result<Commit, BenchError> {
    let mut seed = size as u64;
    let (mut ours, mut ours_prepare, mut theirs) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    // The first round only warms caches.
    for round in 0..=plan.rounds {
        let changes = changes(plan, size, &mut seed);
        let version = store.latest()?.map_or(0, |latest| latest + 1);
        let own = changes.clone();
        let start = Instant::now();
        let prepared = store.prepare(version, own)?;
        let hashed = start.elapsed();
        store.apply(prepared)?;
        let done = start.elapsed();
        let start = Instant::now();
        peer.commit(changes)?;
        if round > 0 {
            ours_prepare += hashed;
            ours += done;
            theirs += start.elapsed();
        }
    }
    let rounds = plan.rounds.max(1);
    let keys = size.min(usize::try_from(plan.accounts)?);
    Ok(Commit { keys, ours: ours / rounds, ours_prepare: ours_prepare / rounds, peer: theirs / rounds })
}

fn reads(store: &Store, plan: &Plan) -> Result<f64, BenchError> {
    const READS: u32 = 200_000;
    let snapshot = store.snapshot(None)?;
    let mut seed = 7;
    let start = Instant::now();
    for _ in 0..READS {
        if snapshot.get(&key(random(&mut seed) % plan.accounts))?.is_none() {
            return Err("a loaded key is missing".into());
        }
    }
    Ok(f64::from(READS) / start.elapsed().as_secs_f64())
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

/// `jmt` over `fjall` and nothing else.
struct Peer {
    db: Database,
    state: Keyspace,
    nodes: Keyspace,
    version: u64,
}

impl Peer {
    fn open(path: &Path) -> Result<Self, BenchError> {
        let db = Database::builder(path).cache_size(64 << 20).open()?;
        let state = db.keyspace("state", KeyspaceCreateOptions::default)?;
        let nodes = db.keyspace("nodes", KeyspaceCreateOptions::default)?;
        Ok(Self { db, state, nodes, version: 0 })
    }

    /// In order of key hashes, so that each chunk stays in its own part of the tree.
    fn load(&mut self, plan: &Plan) -> Result<(), BenchError> {
        let mut keys: Vec<(KeyHash, Vec<u8>)> =
            (0..plan.accounts).map(|account| (KeyHash::with::<sha2::Sha256>(key(account)), key(account))).collect();
        keys.sort();
        for chunk in keys.chunks(50_000) {
            self.commit(chunk.iter().map(|(_, key)| (key.clone(), Some(b"1000000".to_vec()))).collect())?;
        }
        Ok(())
    }

    fn commit(&mut self, changes: ChangeSet) -> Result<(), BenchError> {
        let hashed: Vec<(KeyHash, Option<OwnedValue>)> =
            changes.iter().map(|(key, value)| (KeyHash::with::<sha2::Sha256>(key), value.clone())).collect();
        let (_, update) = Sha256Jmt::new(&*self).put_value_set(hashed, self.version)?;
        let mut batch = self.db.batch();
        for (key, value) in changes {
            match value {
                Some(value) => batch.insert(&self.state, key, value),
                None => batch.remove(&self.state, key),
            }
        }
        for (key, node) in update.node_batch.nodes() {
            batch.insert(&self.nodes, borsh::to_vec(key)?, borsh::to_vec(node)?);
        }
        batch.durability(Some(PersistMode::SyncAll)).commit()?;
        self.version += 1;
        Ok(())
    }
}

impl TreeReader for Peer {
    fn get_node_option(&self, key: &NodeKey) -> anyhow::Result<Option<Node>> {
        let bytes = self.nodes.get(borsh::to_vec(key)?)?;
        Ok(bytes.map(|bytes| borsh::from_slice(&bytes)).transpose()?)
    }

    fn get_value_option(&self, _: jmt::Version, _: KeyHash) -> anyhow::Result<Option<OwnedValue>> {
        Err(anyhow::anyhow!("the benchmark makes no proofs"))
    }

    fn get_rightmost_leaf(&self) -> anyhow::Result<Option<(NodeKey, LeafNode)>> {
        Err(anyhow::anyhow!("the benchmark restores no tree"))
    }
}

impl Report {
    /// One JSON object; times in milliseconds, `ratio` is ours to the peer's rate.
    pub fn to_json(&self, plan: &Plan) -> String {
        let millis = |time: Duration| time.as_secs_f64() * 1_000.0;
        let commit = |commit: &Commit| {
            let rate = |time: Duration| commit.keys as f64 / time.as_secs_f64();
            format!(
                r#"{{"keys":{},"ours_per_second":{:.0},"peer_per_second":{:.0},"ratio":{:.2},"ours_ms":{:.1},"ours_hashing_ms":{:.1},"peer_ms":{:.1}}}"#,
                commit.keys,
                rate(commit.ours),
                rate(commit.peer),
                commit.peer.as_secs_f64() / commit.ours.as_secs_f64(),
                millis(commit.ours),
                millis(commit.ours_prepare),
                millis(commit.peer),
            )
        };
        let commits: Vec<String> = self.commits.iter().map(commit).collect();
        format!(
            r#"{{"accounts":{},"load_seconds":{:.1},"reads_per_second":{:.0},"idle_mib":{},"commits":[{}]}}"#,
            plan.accounts,
            self.load.as_secs_f64(),
            self.reads_per_second,
            self.idle_kib >> 10,
            commits.join(","),
        )
    }
}
