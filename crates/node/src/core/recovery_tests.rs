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
