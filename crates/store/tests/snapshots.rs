//! Snapshots: what is restored from their chunks is the state that they were made of, and nothing else is taken.

use std::path::Path;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use ve_store::stream::CHUNK_BYTES;
use ve_store::{Archive, ChangeSet, Entry, KvError, Manifest, Options, Pruning, Read, Store, Taken};

fn open(path: &Path) -> Store {
    let options = Options {
        pruning: Pruning::Everything,
        prune_interval: 1,
        cache_bytes: 1 << 20,
        recent_bytes: 1 << 16,
        hash_threads: 1,
    };
    Store::open(path, options).expect("opens")
}

fn entries(store: &Store) -> Vec<Entry> {
    store.snapshot(None).expect("opens").range(b"", None, false).collect::<Result<_, _>>().expect("scans")
}

/// The snapshot of the last version, once it is written.
fn taken(archive: &Archive, store: &Store) -> Manifest {
    let snapshot = store.snapshot(None).expect("opens");
    let version = snapshot.version().expect("not empty");
    let deadline = Instant::now() + Duration::from_secs(60);
    while !archive.take(snapshot.clone()) {
        assert!(Instant::now() < deadline, "the maker takes an order");
        std::thread::sleep(Duration::from_millis(1));
    }
    loop {
        let newest = archive.list().expect("lists").into_iter().next().filter(|found| found.version == version);
        if let Some(manifest) = newest {
            return manifest;
        }
        assert!(Instant::now() < deadline, "the snapshot is written");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn chunk(archive: &Archive, manifest: &Manifest, index: usize) -> Vec<u8> {
    archive.chunk(manifest.version, index as u32).expect("reads").expect("is there")
}

fn restore_all(store: &Store, archive: &Archive, manifest: &Manifest, expected: [u8; 32]) -> Taken {
    let mut restore = store.begin_restore(manifest.clone(), expected).expect("begins");
    let mut last = Taken::More;
    for index in 0..manifest.chunks.len() {
        assert_eq!(last, Taken::More);
        last = store.restore_chunk(&mut restore, index, &chunk(archive, manifest, index)).expect("takes");
    }
    last
}

fn changes() -> impl Strategy<Value = Vec<ChangeSet>> {
    let key = prop::collection::vec(any::<u8>(), 1..6);
    let value = prop::option::weighted(0.8, prop::collection::vec(any::<u8>(), 1..40));
    prop::collection::vec(prop::collection::btree_map(key, value, 0..60), 1..6)
}

/// Values that lie across the borders of chunks: one is larger than a chunk.
fn large(store: &Store, version: u64) -> [u8; 32] {
    let value = |seed: u8, len: usize| (0..len).map(|at| seed ^ (at % 251) as u8).collect::<Vec<u8>>();
    let sizes = [CHUNK_BYTES - 40, 100, CHUNK_BYTES + 5, 3 << 20, 7];
    let changes = (0u8..).zip(sizes).map(|(seed, len)| (vec![b'k', seed], Some(value(seed, len)))).collect();
    store.commit(version, changes).expect("commits")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_restored_store_equals_the_one_that_went_through_every_block(blocks in changes(), later in changes()) {
        let home = tempfile::tempdir().expect("a directory");
        let source = open(&home.path().join("source"));
        let archive = Archive::open(home.path().join("snapshots"), 2).expect("opens");
        let mut root = [0; 32];
        for (version, changes) in (7..).zip(blocks) {
            root = source.commit(version, changes).expect("commits");
        }
        let manifest = taken(&archive, &source);
        let copy = open(&home.path().join("copy"));
        prop_assert_eq!(restore_all(&copy, &archive, &manifest, root), Taken::Whole);
        prop_assert_eq!(copy.root().expect("reads"), root);
        prop_assert_eq!(entries(&copy), entries(&source));
        // The same blocks give the same roots and proofs on both from then on.
        for (version, changes) in (manifest.version + 1..).zip(later) {
            let expected = source.commit(version, changes.clone()).expect("commits");
            prop_assert_eq!(copy.commit(version, changes).expect("commits"), expected);
        }
        prop_assert_eq!(entries(&copy), entries(&source));
        if let Some((key, _)) = entries(&source).first() {
            prop_assert!(copy.prove(copy.latest().expect("reads").expect("there"), key).is_ok());
        }
    }
}

#[test]
fn values_across_the_borders_of_chunks_arrive_whole_and_equal_states_have_equal_snapshots() {
    let home = tempfile::tempdir().expect("a directory");
    let (one, two) = (open(&home.path().join("one")), open(&home.path().join("two")));
    // The second goes another way to the same state.
    two.commit(1, [(b"gone".to_vec(), Some(vec![1]))].into()).expect("commits");
    two.commit(2, [(b"gone".to_vec(), None)].into()).expect("commits");
    let root = large(&one, 3);
    assert_eq!(large(&two, 3), root);
    let archives = ["a", "b"].map(|name| Archive::open(home.path().join(name), 2).expect("opens"));
    let manifest = taken(&archives[0], &one);
    assert_eq!(taken(&archives[1], &two), manifest);
    assert_eq!(manifest.chunks.len(), 3);
    assert!((0..3).all(|index| chunk(&archives[0], &manifest, index).len() <= 10_000_000));
    let copy = open(&home.path().join("copy"));
    assert_eq!(restore_all(&copy, &archives[0], &manifest, root), Taken::Whole);
    assert_eq!(entries(&copy), entries(&one));
}

#[test]
fn a_corrupted_chunk_is_refused_alone_and_a_false_state_as_a_whole() {
    let home = tempfile::tempdir().expect("a directory");
    let source = open(&home.path().join("source"));
    let root = large(&source, 3);
    let archive = Archive::open(home.path().join("snapshots"), 2).expect("opens");
    let manifest = taken(&archive, &source);
    let copy = open(&home.path().join("copy"));
    let mut restore = copy.begin_restore(manifest.clone(), root).expect("begins");
    let good = chunk(&archive, &manifest, 0);
    let mut bad = good.clone();
    bad[1000] ^= 1;
    for wrong in [bad, good[..good.len() - 1].to_vec(), Vec::new()] {
        assert_eq!(copy.restore_chunk(&mut restore, 0, &wrong), Ok(Taken::WrongBytes));
    }
    assert!(copy.restore_chunk(&mut restore, 1, &chunk(&archive, &manifest, 1)).is_err(), "out of order");
    assert_eq!(copy.restore_chunk(&mut restore, 0, &good), Ok(Taken::More), "the right bytes still fit");
    assert!(copy.commit(1, ChangeSet::new()).is_err(), "nothing is committed beside a restore");

    // Chunks that agree with their list, but not with the chain.
    drop(restore);
    let mut other = root;
    other[0] ^= 1;
    assert!(matches!(restore_all(&copy, &archive, &manifest, other), Taken::WrongSnapshot(_)));
    assert_eq!(copy.latest(), Ok(None));
    assert_eq!(entries(&copy), Vec::new());
    let cut = Manifest { version: 3, chunks: manifest.chunks[..2].to_vec() };
    assert!(matches!(restore_all(&copy, &archive, &cut, root), Taken::WrongSnapshot(_)), "a state without its end");
    assert_eq!(restore_all(&copy, &archive, &manifest, root), Taken::Whole, "the store can be used for the right one");
}

#[test]
fn a_restore_that_is_killed_leaves_an_empty_store_that_takes_the_chunks_again() {
    let home = tempfile::tempdir().expect("a directory");
    let source = open(&home.path().join("source"));
    let root = large(&source, 3);
    let archive = Archive::open(home.path().join("snapshots"), 2).expect("opens");
    let manifest = taken(&archive, &source);
    let place = home.path().join("copy");
    {
        let copy = open(&place);
        let mut restore = copy.begin_restore(manifest.clone(), root).expect("begins");
        for index in 0..2 {
            let taken = copy.restore_chunk(&mut restore, index, &chunk(&archive, &manifest, index));
            assert_eq!(taken, Ok(Taken::More));
        }
    }
    let copy = open(&place);
    assert_eq!((copy.latest(), entries(&copy)), (Ok(None), Vec::new()));
    assert_eq!(restore_all(&copy, &archive, &manifest, root), Taken::Whole);
    drop(copy);
    assert_eq!(open(&place).root(), Ok(root));
    assert!(matches!(
        open(&place).begin_restore(manifest, root).map(drop),
        Err(KvError::WrongVersion { latest: 3, .. })
    ));
}

#[test]
fn only_the_newest_snapshots_stay_and_half_written_ones_vanish() {
    let home = tempfile::tempdir().expect("a directory");
    let source = open(&home.path().join("source"));
    let place = home.path().join("snapshots");
    std::fs::create_dir_all(place.join("5.partial")).expect("writes");
    let archive = Archive::open(&place, 2).expect("opens");
    assert!(!place.join("5.partial").exists());
    for version in 1..=4u8 {
        source.commit(version.into(), [(vec![version], Some(vec![1]))].into()).expect("commits");
        let manifest = taken(&archive, &source);
        // It held the version while later ones came.
        assert_eq!(Manifest::parse(manifest.version, &manifest.metadata()), Some(manifest));
    }
    drop(archive);
    let archive = Archive::open(&place, 2).expect("opens");
    let kept: Vec<u64> = archive.list().expect("lists").iter().map(|manifest| manifest.version).collect();
    assert_eq!(kept, [4, 3]);
    assert_eq!(archive.oldest(), Ok(Some(3)));
    assert_eq!(archive.chunk(1, 0), Ok(None));
    assert_eq!(Manifest::parse(1, &[0; 33]), None);
    assert_eq!(Manifest::parse(1, &[]), None);
}

/// Resident memory of this process in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") << 10
}

#[test]
#[ignore = "slow: a state of 120 megabytes"]
fn memory_stays_flat_while_a_large_state_is_restored() {
    const ENTRIES: u64 = 400_000;
    let home = tempfile::tempdir().expect("a directory");
    let source = open(&home.path().join("source"));
    let entry = |number: u64| (number.to_be_bytes().to_vec(), number.to_be_bytes().repeat(36));
    let root = source.load(1, (0..ENTRIES).map(|number| Ok(entry(number)))).expect("loads");
    let archive = Archive::open(home.path().join("snapshots"), 1).expect("opens");
    let manifest = taken(&archive, &source);
    drop(source);
    let copy = open(&home.path().join("copy"));
    let (before, started) = (resident(), Instant::now());
    let mut restore = copy.begin_restore(manifest.clone(), root).expect("begins");
    let (mut most, mut bytes, mut last) = (0, 0, Taken::More);
    for index in 0..manifest.chunks.len() {
        let chunk = chunk(&archive, &manifest, index);
        bytes += chunk.len();
        last = copy.restore_chunk(&mut restore, index, &chunk).expect("takes");
        most = most.max(resident().saturating_sub(before));
    }
    assert_eq!(last, Taken::Whole);
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "restored {:.0} MB/s, {:.0} entries/s, {} MB more memory for {} MB",
        bytes as f64 / 1e6 / seconds,
        ENTRIES as f64 / seconds,
        most >> 20,
        bytes >> 20
    );
    assert!(bytes > 110_000_000 && most < bytes as u64 / 2, "{most} bytes of memory for a state of {bytes}");
}
