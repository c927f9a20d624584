//! Versions, past reads, pruning and roots, held against a model that keeps every version whole.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use ve_store::{ChangeSet, KvError, Options, Pruning, Read, Snapshot, Store};

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

fn key() -> impl Strategy<Value = Vec<u8>> {
    // Raw keys may be prefixes of each other and hold the bytes that history escapes.
    prop::collection::vec(prop_oneof![Just(0u8), Just(1), Just(0xFF), Just(b'k')], 1..4)
}

fn blocks(most: usize) -> impl Strategy<Value = Vec<ChangeSet>> {
    let value = prop::option::weighted(0.7, prop::collection::vec(1..9u8, 1..3));
    prop::collection::vec(prop::collection::btree_map(key(), value, 0..25), 1..most)
}

fn options(pruning: Pruning) -> Options {
    Options { pruning, prune_interval: 1, cache_bytes: 1 << 20, recent_bytes: 1 << 11, hash_threads: 1 }
}

fn apply(model: &mut Model, changes: &ChangeSet) {
    for (key, value) in changes {
        match value {
            Some(value) => model.insert(key.clone(), value.clone()),
            None => model.remove(key),
        };
    }
}

fn scan(kv: &impl Read, start: &[u8], end: Option<&[u8]>, reverse: bool) -> Vec<(Vec<u8>, Vec<u8>)> {
    kv.range(start, end, reverse).collect::<Result<_, _>>().expect("scans")
}

fn assert_same(snapshot: &Snapshot, model: &Model) {
    let forward: Vec<_> = model.clone().into_iter().collect();
    assert_eq!(scan(snapshot, b"", None, false), forward);
    assert_eq!(scan(snapshot, b"", None, true), forward.into_iter().rev().collect::<Vec<_>>());
    let (start, end) = (vec![0, 0xFF], vec![b'k', 1]);
    let part: Vec<_> = model.range(start.clone()..end.clone()).map(|(k, v)| (k.clone(), v.clone())).collect();
    assert_eq!(scan(snapshot, &start, Some(&end), false), part);
    assert_eq!(scan(snapshot, &start, Some(&end), true), part.into_iter().rev().collect::<Vec<_>>());
    for (key, value) in model {
        assert_eq!(snapshot.get(key).expect("reads").as_ref(), Some(value));
    }
    assert_eq!(snapshot.get(b"absent").expect("reads"), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_version_reads_as_it_was_committed(blocks in blocks(8), first in 0..3u64) {
        let home = tempfile::tempdir().expect("temporary directory");
        let store = Store::open(home.path(), options(Pruning::Nothing)).expect("opens");
        let mut models = vec![];
        let mut model = Model::new();
        let mut held = vec![];
        for (version, changes) in (first..).zip(&blocks) {
            let root = store.commit(version, changes.clone()).expect("commits");
            apply(&mut model, changes);
            models.push((version, root, model.clone()));
            held.push(store.snapshot(None).expect("opens"));
            for (version, root, model) in &models {
                let snapshot = store.snapshot(Some(*version)).expect("version is kept");
                assert_same(&snapshot, model);
                prop_assert_eq!(&snapshot.root().expect("has a root"), root);
            }
        }
        let ever: BTreeSet<&Vec<u8>> = blocks.iter().flat_map(|changes| changes.keys()).collect();
        for (snapshot, (_, root, model)) in held.iter().zip(&models) {
            assert_same(snapshot, model);
            for key in &ever {
                let value = snapshot.get(key).expect("reads");
                prop_assert_eq!(value.as_ref(), model.get(*key));
            }
            prop_assert_eq!(&snapshot.root().expect("has a root"), root);
        }
    }

    #[test]
    fn roots_do_not_depend_on_pruning_caches_threads_or_restarts(blocks in blocks(10)) {
        let variants = [
            options(Pruning::Nothing),
            options(Pruning::Everything),
            Options { hash_threads: 2, cache_bytes: 32 << 20, ..options(Pruning::Custom { keep: 1 }) },
            Options { prune_interval: 3, hash_threads: 3, ..options(Pruning::Custom { keep: 4 }) },
        ];
        let mut all = vec![];
        for (index, variant) in variants.into_iter().enumerate() {
            let home = tempfile::tempdir().expect("temporary directory");
            let mut store = Store::open(home.path(), variant.clone()).expect("opens");
            let mut roots = vec![];
            let mut model = Model::new();
            for (version, changes) in (1u64..).zip(&blocks) {
                roots.push(store.commit(version, changes.clone()).expect("commits"));
                apply(&mut model, changes);
                if index % 2 == 1 && version % 3 == 0 {
                    drop(store);
                    store = Store::open(home.path(), variant.clone()).expect("reopens");
                }
            }
            store.finish_pruning().expect("prunes");
            assert_same(&store.snapshot(None).expect("opens"), &model);
            all.push(roots);
        }
        prop_assert!(all.windows(2).all(|pair| pair[0] == pair[1]));
    }

    #[test]
    fn pruning_removes_old_versions_and_leaves_the_kept_ones_whole(blocks in blocks(12), keep in 1..4u64) {
        let home = tempfile::tempdir().expect("temporary directory");
        let store = Store::open(home.path(), options(Pruning::Custom { keep })).expect("opens");
        let mut models = vec![];
        let mut model = Model::new();
        for (version, changes) in (1u64..).zip(&blocks) {
            let root = store.commit(version, changes.clone()).expect("commits");
            apply(&mut model, changes);
            models.push((version, root, model.clone()));
            store.finish_pruning().expect("prunes");
            let oldest = (version + 1).saturating_sub(keep).max(1);
            prop_assert_eq!(store.oldest_version().expect("reads"), oldest);
            for (version, root, model) in &models {
                if *version < oldest {
                    prop_assert_eq!(store.snapshot(Some(*version)).err(), Some(KvError::UnknownVersion(*version)));
                    continue;
                }
                let snapshot = store.snapshot(Some(*version)).expect("version is kept");
                assert_same(&snapshot, model);
                prop_assert_eq!(&snapshot.root().expect("has a root"), root);
                if !model.is_empty() {
                    for key in [&b"k"[..], b"absent", &[0, 0xFF]] {
                        snapshot.prove(key).expect("kept versions can prove");
                    }
                }
            }
        }
    }
}

#[test]
fn readers_beside_commits_see_the_values_of_their_own_version() {
    const VERSIONS: u64 = 300;
    let home = tempfile::tempdir().expect("temporary directory");
    let store = Store::open(home.path(), options(Pruning::Nothing)).expect("opens");
    store.commit(1, one(b"version", &1u64.to_be_bytes())).expect("commits");
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                loop {
                    let snapshot = store.snapshot(None).expect("opens");
                    let version = snapshot.version().expect("a version");
                    for _ in 0..3 {
                        let value = snapshot.get(b"version").expect("reads").expect("is there");
                        assert_eq!(value, version.to_be_bytes());
                    }
                    if version == VERSIONS {
                        return;
                    }
                }
            });
        }
        for version in 2..=VERSIONS {
            store.commit(version, one(b"version", &version.to_be_bytes())).expect("commits");
        }
    });
}

fn one(key: &[u8], value: &[u8]) -> ChangeSet {
    ChangeSet::from([(key.to_vec(), Some(value.to_vec()))])
}

#[test]
fn a_store_before_genesis_is_empty_and_has_no_versions() {
    let home = tempfile::tempdir().expect("temporary directory");
    let store = Store::open(home.path(), Options::default()).expect("opens");
    assert_eq!(store.latest(), Ok(None));
    let snapshot = store.snapshot(None).expect("opens");
    assert_eq!((snapshot.version(), snapshot.get(b"k")), (None, Ok(None)));
    assert_eq!(store.snapshot(Some(0)).err(), Some(KvError::UnknownVersion(0)));
}

#[test]
fn versions_out_of_order_and_outdated_preparations_are_refused() {
    let home = tempfile::tempdir().expect("temporary directory");
    let store = Store::open(home.path(), Options::default()).expect("opens");
    store.commit(5, one(b"k", b"5")).expect("the first version may have any number");
    for wrong in [0, 4, 5, 7] {
        let refused = store.commit(wrong, one(b"k", b"x"));
        assert_eq!(refused, Err(KvError::WrongVersion { latest: 5, found: wrong }));
    }
    let outdated = store.prepare(6, one(b"k", b"6")).expect("prepares");
    let rival = store.prepare(6, one(b"k", b"other")).expect("prepares");
    assert_ne!(outdated.root(), rival.root());
    store.apply(rival).expect("applies");
    assert!(matches!(store.apply(outdated), Err(KvError::WrongVersion { .. })));
    assert_eq!(store.snapshot(Some(6)).expect("opens").get(b"k"), Ok(Some(b"other".to_vec())));
    assert_eq!(store.snapshot(Some(7)).err(), Some(KvError::UnknownVersion(7)));
    assert_eq!(store.snapshot(Some(4)).err(), Some(KvError::UnknownVersion(4)));
}

#[test]
fn a_prepared_version_that_is_dropped_leaves_no_trace() {
    let home = tempfile::tempdir().expect("temporary directory");
    let store = Store::open(home.path(), Options::default()).expect("opens");
    let root = store.commit(1, one(b"k", b"1")).expect("commits");
    drop(store.prepare(2, one(b"k", b"2")).expect("prepares"));
    assert_eq!((store.latest(), store.root()), (Ok(Some(1)), Ok(root)));
}

#[test]
fn invalid_entries_are_refused_before_anything_is_stored() {
    let home = tempfile::tempdir().expect("temporary directory");
    let store = Store::open(home.path(), Options::default()).expect("opens");
    assert!(matches!(store.commit(1, one(b"", b"1")), Err(KvError::Refused { .. })));
    assert!(matches!(store.commit(1, one(b"k", b"")), Err(KvError::Refused { .. })));
    assert_eq!(store.latest(), Ok(None));
}

#[test]
fn writing_a_value_again_and_empty_blocks_keep_the_root() {
    let home = tempfile::tempdir().expect("temporary directory");
    let store = Store::open(home.path(), options(Pruning::Everything)).expect("opens");
    let root = store.commit(1, one(b"k", b"1")).expect("commits");
    assert_eq!(store.commit(2, one(b"k", b"1")), Ok(root));
    assert_eq!(store.commit(3, ChangeSet::new()), Ok(root));
    assert_eq!(store.commit(4, ChangeSet::from([(b"absent".to_vec(), None)])), Ok(root));
    store.finish_pruning().expect("prunes");
    assert_eq!(store.snapshot(Some(3)).and_then(|snapshot| snapshot.root()), Ok(root));
}

#[test]
fn a_directory_in_use_is_refused_with_the_remedy() {
    let home = tempfile::tempdir().expect("temporary directory");
    let _store = Store::open(home.path(), Options::default()).expect("opens");
    let Err(KvError::Io(message)) = Store::open(home.path(), Options::default()) else { panic!("opened twice") };
    assert!(message.contains("in use"), "{message}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn a_loaded_state_equals_a_committed_one(entries in prop::collection::btree_map(key(), prop::collection::vec(1..9u8, 1..3), 0..80), block in prop::collection::btree_map(key(), prop::option::of(Just(vec![7u8])), 0..20)) {
        let homes = [tempfile::tempdir().expect("temporary directory"), tempfile::tempdir().expect("temporary directory")];
        let [loaded, committed] = homes.each_ref().map(|home| Store::open(home.path(), Options::default()).expect("opens"));
        let root = loaded.load(3, entries.clone().into_iter().map(Ok)).expect("loads");
        let changes = entries.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect();
        prop_assert_eq!(committed.commit(3, changes), Ok(root));
        assert_same(&loaded.snapshot(Some(3)).expect("opens"), &entries);
        prop_assert_eq!(loaded.commit(4, block.clone()), committed.commit(4, block));
    }
}

#[test]
fn an_interrupted_load_leaves_an_empty_store_and_a_filled_store_refuses_one() {
    let home = tempfile::tempdir().expect("temporary directory");
    let entries = || (0..50_000u32).map(|number| Ok((number.to_be_bytes().to_vec(), vec![1])));
    let store = Store::open(home.path(), Options::default()).expect("opens");
    let broken = entries().chain([Err(KvError::Io("source ended".into()))]);
    assert_eq!(store.load(1, broken), Err(KvError::Io("source ended".into())));
    assert_eq!(store.latest(), Ok(None));
    let small = store.commit(7, one(b"k", b"1")).expect("commits");
    let fresh = tempfile::tempdir().expect("temporary directory");
    let fresh = Store::open(fresh.path(), Options::default()).expect("opens");
    assert_eq!(fresh.commit(7, one(b"k", b"1")), Ok(small));
    assert_eq!(store.snapshot(None).expect("opens").range(b"", None, false).count(), 1);
    assert!(matches!(store.load(8, entries()), Err(KvError::WrongVersion { latest: 7, found: 8 })));
}

/// A source that never ends, so that the load is cut off by a panic as by a crash.
#[test]
fn a_load_cut_off_is_discarded_when_the_store_opens_again() {
    let home = tempfile::tempdir().expect("temporary directory");
    let store = Store::open(home.path(), Options::default()).expect("opens");
    let cut = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        store.load(
            1,
            (0..90_000u32).map(|number| {
                assert!(number < 70_000, "cut off");
                if number == 60_000 {
                    assert_eq!(store.snapshot(None).expect("opens").range(b"", None, false).count(), 0);
                }
                Ok((number.to_be_bytes().to_vec(), vec![1]))
            }),
        )
    }));
    assert!(cut.is_err());
    drop(store);
    let store = Store::open(home.path(), Options::default()).expect("opens");
    assert_eq!(store.latest(), Ok(None));
    store.commit(1, one(b"k", b"1")).expect("commits");
    assert_eq!(store.snapshot(None).expect("opens").range(b"", None, false).count(), 1);
}

#[test]
fn readers_see_whole_versions_while_commits_and_pruning_go_on() {
    const KEYS: u8 = 60;
    let home = tempfile::tempdir().expect("temporary directory");
    let store = Store::open(home.path(), options(Pruning::Custom { keep: 4 })).expect("opens");
    let block = |version: u64| -> ChangeSet {
        // Every third version lacks every second key, so that keys come and go.
        let value =
            |key: u8| (!version.is_multiple_of(3) || key.is_multiple_of(2)).then(|| version.to_be_bytes().to_vec());
        (0..KEYS).map(|key| (vec![b'k', key], value(key))).collect()
    };
    store.commit(1, block(1)).expect("commits");
    let done = std::sync::atomic::AtomicBool::new(false);
    let check = |snapshot: Snapshot| {
        let version = snapshot.version().expect("after genesis");
        let found = scan(&snapshot, b"", None, version.is_multiple_of(2));
        let expected = block(version).values().flatten().count();
        assert_eq!(found.len(), expected, "version {version}");
        assert!(found.iter().all(|(_, value)| *value == version.to_be_bytes()), "version {version}");
        snapshot.prove(&[b'k', 1]).expect("proves");
    };
    std::thread::scope(|scope| {
        for back in 0..2 {
            let (store, done, check) = (&store, &done, &check);
            scope.spawn(move || {
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    let latest = store.latest().expect("reads").expect("after genesis");
                    check(store.snapshot(None).expect("opens"));
                    match store.snapshot(Some(latest.saturating_sub(back).max(1))) {
                        Ok(snapshot) => check(snapshot),
                        Err(error) => assert!(matches!(error, KvError::UnknownVersion(_)), "{error}"),
                    }
                }
            });
        }
        for version in 2..300 {
            store.commit(version, block(version)).expect("commits");
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    store.finish_pruning().expect("prunes");
    assert_eq!(store.oldest_version(), Ok(296));
}
