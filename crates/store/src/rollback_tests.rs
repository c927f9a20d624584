use proptest::prelude::*;
use tempfile::TempDir;

use crate::{ChangeSet, KvError, Options, Pruning, Store};

fn blocks(most: usize) -> impl Strategy<Value = Vec<ChangeSet>> {
    let key = prop::collection::vec(0..4u8, 1..4);
    let value = prop::option::weighted(0.6, prop::collection::vec(1..9u8, 1..3));
    prop::collection::vec(prop::collection::btree_map(key, value, 0..25), 1..most)
}

fn open(home: &TempDir, pruning: Pruning) -> Store {
    let options = Options { pruning, prune_interval: 1, cache_bytes: 1 << 20, recent_bytes: 1 << 11, hash_threads: 1 };
    Store::open(home.path(), options).expect("opens")
}

/// All that is on disk.
fn content(store: &Store) -> Vec<Vec<(Vec<u8>, Vec<u8>)>> {
    store.finish_pruning().expect("prunes");
    let disk = store.disk();
    let tables = [&disk.state, &disk.history, &disk.nodes, &disk.keys, &disk.log, &disk.meta];
    let entries = |table: &fjall::Keyspace| {
        let entry = |entry: fjall::Guard| entry.into_inner().map(|(key, value)| (key.to_vec(), value.to_vec()));
        table.iter().map(entry).collect::<Result<_, _>>().expect("reads")
    };
    tables.into_iter().map(entries).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn of_a_version_that_was_taken_back_nothing_is_left(
        kept in blocks(8), taken_back in blocks(4), later in blocks(4), prunes in any::<bool>(),
    ) {
        let pruning = if prunes { Pruning::Everything } else { Pruning::Nothing };
        let homes = [TempDir::new().expect("a directory"), TempDir::new().expect("a directory")];
        let mut store = open(&homes[0], pruning);
        let twin = open(&homes[1], pruning);
        let mut next = 1;
        for changes in &kept {
            store.commit(next, changes.clone()).expect("commits");
            twin.commit(next, changes.clone()).expect("commits");
            next += 1;
        }
        for changes in taken_back {
            store.commit(next, changes).expect("commits");
            prop_assert_eq!(store.roll_back().expect("the version before is kept"), next - 1);
            store = open(&homes[0], pruning);
            prop_assert_eq!(store.root().expect("reads"), twin.root().expect("reads"));
            prop_assert_eq!(&content(&store)[0], &content(&twin)[0]);
        }
        for changes in &later {
            let root = store.commit(next, changes.clone()).expect("commits");
            prop_assert_eq!(root, twin.commit(next, changes.clone()).expect("commits"));
            next += 1;
        }
        prop_assert_eq!(content(&store), content(&twin));
    }
}

#[test]
fn the_first_version_and_one_whose_parent_was_pruned_stay() {
    let home = TempDir::new().expect("a directory");
    let open = || open(&home, Pruning::Custom { keep: 1 });
    let change = |value: u8| ChangeSet::from([(vec![1], Some(vec![value]))]);
    assert!(matches!(open().roll_back(), Err(KvError::UnknownVersion(0))));
    let store = open();
    store.commit(7, change(1)).expect("commits");
    assert!(matches!(store.roll_back(), Err(KvError::UnknownVersion(6))));
    let store = open();
    store.commit(8, change(2)).expect("commits");
    store.finish_pruning().expect("prunes");
    assert!(matches!(store.roll_back(), Err(KvError::UnknownVersion(7))));
    assert_eq!(open().latest().expect("reads"), Some(8));
}
