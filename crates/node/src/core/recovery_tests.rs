//! What a start does with an application, an index and blocks that do not stand at the same height.

use std::path::Path;
use std::sync::Arc;

use ve_sdk::application::{Application, ConsensusParams};

use super::Halt;
use super::test_app::StoreApp;
use super::test_chain::{self, Chain};

fn try_open(home: &Path, halt: u64) -> Result<(Chain, Arc<StoreApp>), Halt> {
    let app = Arc::new(StoreApp::open(&home.join("state")));
    let genesis = test_chain::genesis(1, ConsensusParams::default());
    test_chain::open(home, app.clone(), &genesis, halt).map(|chain| (chain, app))
}

fn open(home: &Path) -> (Chain, Arc<StoreApp>) {
    try_open(home, 0).expect("opens")
}

fn refusal(home: &Path) -> String {
    try_open(home, 0).err().expect("refused").to_string()
}

fn home() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

fn advance(chain: &Chain, heights: std::ops::RangeInclusive<u64>) {
    for height in heights {
        chain.advance(&[&format!("k{height}=v{height}")]);
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("creates");
    for entry in std::fs::read_dir(from).expect("lists").map(|entry| entry.expect("lists")) {
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copies");
        }
    }
}

#[test]
fn an_application_any_number_of_blocks_behind_executes_them_again() {
    let home = home();
    let (chain, app) = open(home.path());
    advance(&chain, 1..=3);
    drop((chain, app));
    let old = home.path().join("old");
    copy(&home.path().join("state"), &old);
    let (chain, app) = open(home.path());
    advance(&chain, 4..=9);
    let expected = chain.core.state();
    drop((chain, app));
    // Six blocks behind, then all of them.
    for backup in [Some(&old), None] {
        std::fs::remove_dir_all(home.path().join("state")).expect("removes");
        if let Some(backup) = backup {
            copy(backup, &home.path().join("state"));
        }
        let (chain, app) = open(home.path());
        assert_eq!(app.info().last_height, 9);
        assert_eq!(app.info().last_app_hash, expected.app_hash);
        assert_eq!(chain.core.state(), expected);
        assert_eq!(app.get("k7").as_deref(), Some("v7"));
        drop((chain, app));
    }
    let (chain, _app) = open(home.path());
    advance(&chain, 10..=11);
}

#[test]
fn a_block_store_behind_the_application_is_refused_with_the_way_out() {
    let home = home();
    let (chain, app) = open(home.path());
    advance(&chain, 1..=2);
    drop((chain, app));
    copy(&home.path().join("blocks"), &home.path().join("old"));
    let (chain, app) = open(home.path());
    advance(&chain, 3..=5);
    drop((chain, app));
    std::fs::remove_dir_all(home.path().join("blocks")).expect("removes");
    let none = refusal(home.path());
    assert!(none.contains("height 5") && none.contains("only at 0") && none.contains("data/state"), "{none}");
    std::fs::remove_dir_all(home.path().join("blocks")).expect("removes");
    copy(&home.path().join("old"), &home.path().join("blocks"));
    let old = refusal(home.path());
    assert!(old.contains("height 5") && old.contains("only at 2"), "{old}");
    // The way out that the error names.
    std::fs::remove_dir_all(home.path().join("state")).expect("removes");
    std::fs::remove_dir_all(home.path().join("index")).expect("removes");
    let (chain, app) = open(home.path());
    assert_eq!((chain.core.last_height(), app.info().last_height), (2, 2));
}

#[test]
fn a_decided_block_that_was_not_executed_is_executed_at_the_start() {
    let home = home();
    let (chain, app) = open(home.path());
    advance(&chain, 1..=2);
    let sealed = chain.propose();
    let commit = chain.commit_for(&sealed);
    chain.core.store.save_decided(&sealed.hash(), &sealed.bytes, &commit).expect("saved");
    drop((chain, app));
    let (chain, app) = open(home.path());
    assert_eq!((chain.core.last_height(), app.info().last_height), (3, 3));
    assert_eq!(chain.core.state().last_block_id, sealed.id);
    assert_eq!(chain.core.index.height().expect("reads"), 3);
}

fn take_back(home: &Path) -> Result<u64, Halt> {
    let store = crate::blockstore::BlockStore::open(&home.join("blocks"))?;
    let index = crate::index::Index::open(&home.join("index")).expect("opens");
    super::roll_back(&store, &index, |height| {
        let state = ve_store::Store::open(home.join("state"), ve_store::Options::default()).expect("opens");
        if state.latest().expect("reads") == Some(height) {
            return Ok(());
        }
        state.roll_back().map(|_| ()).map_err(|error| error.to_string())
    })
}

#[test]
fn the_last_block_is_taken_back_and_executed_again() {
    let home = home();
    let (chain, app) = open(home.path());
    advance(&chain, 1..=4);
    let before = chain.core.state();
    advance(&chain, 5..=5);
    let after = chain.core.state();
    drop((chain, app));
    assert_eq!(take_back(home.path()).expect("taken back"), 4);
    {
        let store = crate::blockstore::BlockStore::open(&home.path().join("blocks")).expect("opens");
        let index = crate::index::Index::open(&home.path().join("index")).expect("opens");
        assert_eq!(store.state().expect("reads"), Some(before));
        assert!(store.results(5).expect("reads").is_none());
        let hash = <sha2::Sha256 as sha2::Digest>::digest(b"k5=v5");
        assert_eq!((index.height().expect("reads"), index.tx(&hash).expect("reads")), (4, None));
        assert_eq!(StoreApp::open(&home.path().join("state")).get("k5"), None);
    }
    let (chain, app) = open(home.path());
    assert_eq!(chain.core.state(), after);
    assert_eq!(app.get("k5").as_deref(), Some("v5"));
    assert_eq!(chain.core.index.height().expect("reads"), 5);
    advance(&chain, 6..=7);
}

#[test]
fn a_block_taken_back_halfway_is_executed_again_or_taken_back_by_the_next_try() {
    for tried_again in [false, true] {
        let home = home();
        let (chain, app) = open(home.path());
        advance(&chain, 1..=3);
        let after = chain.core.state();
        drop((chain, app));
        let state = ve_store::Store::open(home.path().join("state"), ve_store::Options::default()).expect("opens");
        assert_eq!(state.roll_back().expect("taken back"), 2);
        if tried_again {
            assert_eq!(take_back(home.path()).expect("the rest is taken back"), 2);
        }
        let (chain, _app) = open(home.path());
        assert_eq!(chain.core.state(), after);
        advance(&chain, 4..=4);
    }
}

#[test]
fn the_first_block_is_not_taken_back() {
    let home = home();
    let (chain, app) = open(home.path());
    advance(&chain, 1..=1);
    drop((chain, app));
    let refused = take_back(home.path()).expect_err("nothing is before it").to_string();
    assert!(refused.contains("nothing to take back"), "{refused}");
    assert_eq!(open(home.path()).0.core.last_height(), 1);
}

#[test]
fn a_lost_index_is_made_again() {
    let home = home();
    let (chain, app) = open(home.path());
    advance(&chain, 1..=5);
    drop((chain, app));
    std::fs::remove_dir_all(home.path().join("index")).expect("removes");
    let (chain, _app) = open(home.path());
    assert_eq!(chain.core.index.height().expect("reads"), 5);
    let hash = <sha2::Sha256 as sha2::Digest>::digest(b"k4=v4");
    assert_eq!(chain.core.index.tx(&hash).expect("reads").map(|place| place.height), Some(4));
}

#[test]
fn an_application_with_another_state_than_the_chain_is_refused() {
    let home = home();
    let (chain, app) = open(home.path());
    advance(&chain, 1..=3);
    drop((chain, app));
    let other = self::home();
    let (chain, app) = open(other.path());
    for height in 1..=3 {
        chain.advance(&[&format!("other{height}=x")]);
    }
    drop((chain, app));
    std::fs::remove_dir_all(home.path().join("state")).expect("removes");
    copy(&other.path().join("state"), &home.path().join("state"));
    assert!(refusal(home.path()).contains("not the one that the chain agreed on"));
}

#[test]
fn the_configured_last_height_is_reached_exactly_and_not_passed() {
    let home = home();
    let (chain, app) = try_open(home.path(), 3).expect("opens");
    advance(&chain, 1..=2);
    assert!(!chain.core.must_halt());
    advance(&chain, 3..=3);
    assert!(chain.core.must_halt());
    drop((chain, app));
    assert!(matches!(try_open(home.path(), 3), Err(Halt::Planned(3))));
    assert!(matches!(try_open(home.path(), 2), Err(Halt::Planned(3))));
    let (chain, _app) = try_open(home.path(), 4).expect("a later height lets it go on");
    assert_eq!(chain.core.last_height(), 3);
}
