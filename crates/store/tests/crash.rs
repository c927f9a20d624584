//! A process killed at any point, or a journal cut off anywhere, leaves the last durable version intact.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ve_store::{ChangeSet, Options, Pruning, Read, Store, Version};

const HOME: &str = "VE_STORE_CRASH_HOME";
const SEED: &str = "VE_STORE_CRASH_SEED";

/// A small generator, so that a failure is repeated by its seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

/// The block that every run commits as `version`.
fn block(seed: u64, version: Version) -> ChangeSet {
    let mut random = Random(seed ^ version.wrapping_mul(0x5851_F42D_4C95_7F2D));
    (0..random.below(400))
        .map(|_| {
            let key = format!("account/{}", random.below(600)).into_bytes();
            let value = (random.below(4) > 0).then(|| random.next().to_be_bytes().repeat(8));
            (key, value)
        })
        .collect()
}

fn options(seed: u64) -> Options {
    let pruning = match seed % 3 {
        0 => Pruning::Everything,
        1 => Pruning::Nothing,
        _ => Pruning::Custom { keep: 5 },
    };
    Options { pruning, prune_interval: 1 + seed % 2, cache_bytes: 1 << 20, recent_bytes: 1 << 12, hash_threads: 2 }
}

/// State and root of each version, computed by a store that never crashes.
struct Reference {
    _home: tempfile::TempDir,
    store: Store,
    model: BTreeMap<Vec<u8>, Vec<u8>>,
    version: Version,
    seed: u64,
}

impl Reference {
    fn new(seed: u64) -> Self {
        let home = tempfile::tempdir().expect("temporary directory");
        let options = Options { pruning: Pruning::Nothing, hash_threads: 1, ..Options::default() };
        let store = Store::open(home.path(), options).expect("opens");
        Self { _home: home, store, model: BTreeMap::new(), version: 0, seed }
    }

    fn advance_to(&mut self, version: Version) {
        while self.version < version {
            self.version += 1;
            let changes = block(self.seed, self.version);
            self.store.commit(self.version, changes.clone()).expect("commits");
            for (key, value) in changes {
                match value {
                    Some(value) => self.model.insert(key, value),
                    None => self.model.remove(&key),
                };
            }
        }
    }

    /// The store at `home` opens, holds exactly its last version, and goes on from there to the same roots.
    fn check(&mut self, home: &Path, at_least: Version) -> Version {
        let store = Store::open(home, options(self.seed)).expect("a crashed store opens again");
        let latest = store.latest().expect("reads").unwrap_or(0);
        assert!(latest >= at_least, "version {at_least} was durable, found {latest}");
        if latest == 0 {
            return 0;
        }
        self.advance_to(latest);
        let snapshot = store.snapshot(None).expect("opens");
        let found: Vec<_> = snapshot.range(b"", None, false).collect::<Result<_, _>>().expect("scans");
        assert_eq!(found, self.model.clone().into_iter().collect::<Vec<_>>());
        let expected = self.store.snapshot(Some(latest)).expect("kept").root().expect("root");
        assert_eq!(snapshot.root().expect("root"), expected);
        let oldest = store.oldest_version().expect("reads");
        // The youngest suffice: a crash can only touch what was being written.
        for version in oldest.max(latest.saturating_sub(30))..=latest {
            let past = store.snapshot(Some(version)).expect("kept versions open");
            let model = self.store.snapshot(Some(version)).expect("kept");
            assert_eq!(past.root(), model.root());
            assert!(past.range(b"", None, true).eq(model.range(b"", None, true)), "version {version} of {latest}");
            past.prove(b"absent").expect("kept versions prove");
        }
        let mut copy = self.version;
        for version in latest + 1..latest + 3 {
            let prepared = store.prepare(version, block(self.seed, version)).expect("prepares");
            if version > copy {
                self.advance_to(version);
                copy = version;
            }
            let expected = self.store.snapshot(Some(version)).expect("kept").root().expect("root");
            assert_eq!(store.apply(prepared).expect("applies"), expected);
        }
        latest + 2
    }
}

/// Not a test of its own: the child process that the other test kills. Commits until then, naming each durable version.
#[test]
fn child_that_commits_until_it_is_killed() {
    let (Ok(home), Ok(seed)) = (std::env::var(HOME), std::env::var(SEED)) else { return };
    let seed = seed.parse().expect("a number");
    let store = Store::open(home, options(seed)).expect("opens");
    let mut version = store.latest().expect("reads").unwrap_or(0);
    loop {
        version += 1;
        store.commit(version, block(seed, version)).expect("commits");
        println!("durable {version}");
    }
}

fn spawn_child(home: &Path, seed: u64) -> Child {
    Command::new(std::env::current_exe().expect("test binary"))
        .args(["--exact", "child_that_commits_until_it_is_killed", "--nocapture", "--test-threads=1"])
        .env(HOME, home)
        .env(SEED, seed.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts")
}

#[test]
fn a_killed_process_loses_nothing_durable_and_its_store_reopens() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        now.as_millis() as u64
    });
    println!("repeat with SEED={seed}");
    let mut random = Random(seed);
    for _ in 0..3 {
        let seed = random.next();
        let home = tempfile::tempdir().expect("temporary directory");
        let mut reference = Reference::new(seed);
        let mut reached = 0;
        for _ in 0..6 {
            let mut child = spawn_child(home.path(), seed);
            std::thread::sleep(Duration::from_millis(20 + random.below(250)));
            child.kill().expect("kills");
            let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
            let durable = lines
                .map_while(Result::ok)
                .filter_map(|line| line.split_once("durable ")?.1.parse::<Version>().ok())
                .max()
                .unwrap_or(reached);
            child.wait().expect("ends");
            reached = reference.check(home.path(), durable.max(reached));
        }
        assert!(reached > 2, "no child lived long enough to commit");
    }
}

fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("creates");
    for entry in std::fs::read_dir(from).expect("lists") {
        let entry = entry.expect("lists");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("type").is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copies");
        }
    }
}

fn journals(home: &Path) -> Vec<std::path::PathBuf> {
    let mut found: Vec<_> = std::fs::read_dir(home)
        .expect("lists")
        .map(|entry| entry.expect("lists").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jnl"))
        .collect();
    found.sort();
    found
}

/// Loss of power may keep any part of what was written after the last fsync: the end of the journal.
#[test]
fn a_journal_cut_off_anywhere_opens_at_a_whole_version() {
    let seed = 4;
    let home = tempfile::tempdir().expect("temporary directory");
    let mut ends = vec![];
    {
        let store = Store::open(home.path(), options(seed)).expect("opens");
        for version in 1..=12 {
            store.commit(version, block(seed, version)).expect("commits");
            let copy = home.path().join(format!("copy-{version}"));
            for journal in journals(home.path()) {
                std::fs::create_dir_all(&copy).expect("creates");
                std::fs::copy(&journal, copy.join(journal.file_name().expect("named"))).expect("copies");
            }
            let (bytes, _) = used(&journals(&copy));
            std::fs::remove_dir_all(&copy).expect("removes");
            ends.push(bytes);
        }
    }
    let mut random = Random(99);
    let (end, journal) = used(&journals(home.path()));
    for _ in 0..25 {
        let cut = ends[3] + random.below(end - ends[3]);
        let copy = tempfile::tempdir().expect("temporary directory");
        copy_dir(home.path(), copy.path());
        let file = copy.path().join(journal.file_name().expect("named"));
        let mut bytes = std::fs::read(&file).expect("reads");
        bytes.truncate(cut as usize);
        // Nothing, zeros, or what lay on the disk before.
        match random.below(3) {
            0 => {}
            1 => bytes.resize(bytes.len() + 5000, 0),
            _ => bytes.extend((0..600).flat_map(|_| random.next().to_be_bytes())),
        }
        std::fs::write(&file, bytes).expect("writes");
        let durable = ends.iter().filter(|end| **end <= cut).count() as Version;
        Reference::new(seed).check(copy.path(), durable);
    }
}

/// Length of the journal without the zeros that it is allocated with, and its path.
fn used(journals: &[std::path::PathBuf]) -> (u64, std::path::PathBuf) {
    let path = journals.last().expect("a journal exists").clone();
    let bytes = std::fs::read(&path).expect("reads");
    let length = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    (length as u64, path)
}
