//! Validators whose clocks are an hour wrong: the chain's time stays right and its state the same everywhere.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use serde_json::json;

use crate::chain::{app_hash, signer, transfer};
use crate::support::{Localnet, directory, free_base};

const LIMIT: Duration = Duration::from_secs(90);
const HOUR: i64 = 3600;
/// A block may be this far ahead of the clocks of those who vote for it.
const DRIFT: Duration = Duration::from_secs(10);

/// A library that shifts the wall clock of the unchanged binary; `None` where it cannot be made.
pub fn shim(directory: &Path) -> Option<PathBuf> {
    let library = directory.join("clock_shift.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/network/clock_shift.c");
    let compiled = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source).status();
    if !compiled.is_ok_and(|status| status.success()) {
        println!("skipped: no C compiler for the library that shifts clocks");
        return None;
    }
    Some(library)
}

fn seconds(time: SystemTime) -> i64 {
    time.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs().try_into().expect("seconds")
}

/// The clock of a node less this process's, by the time of the last line that it logged.
fn shift_of(home: &Path, node: u16) -> i64 {
    let log = std::fs::read_to_string(home.join(format!("logs/node{node}.log"))).expect("a log");
    let times = log.lines().rev().filter_map(|line| line.split_whitespace().next());
    let last = times.filter_map(|word| humantime::parse_rfc3339(word).ok()).next().expect("a line with its time");
    seconds(last) - seconds(SystemTime::now())
}

fn header_time(network: &Localnet, height: u64) -> SystemTime {
    let answer = network.rpc(0, "header", json!({"height": height.to_string()})).expect("the header is there");
    humantime::parse_rfc3339(answer["header"]["time"].as_str().expect("a time")).expect("RFC 3339")
}

#[tokio::test]
async fn clocks_an_hour_apart_change_neither_state_nor_time() {
    let (home, base) = (directory(), free_base());
    let Some(library) = shim(home.path()) else { return };
    let library = library.to_str().expect("a path in UTF-8");
    let shifts = format!("node1={HOUR},node2=-{HOUR}");
    let environment = [("LD_PRELOAD", library), ("CLOCK_SHIFTS", shifts.as_str())];
    let network = Localnet::start_in(&home.path().join("net"), base, &["--validators", "4"], &environment);
    let started = SystemTime::now();
    network.step("chain_running");
    let faucet = signer(&network, "faucet").await;
    let to = signer(&network, "customer").await.address().to_string();
    for _ in 0..3 {
        faucet.send(vec![transfer(&faucet, &to, 1)]).await.expect("executed");
    }
    let target = network.height(0) + 8;
    for node in 0..4 {
        assert!(network.reach(node, target, LIMIT), "node {node} is at {}", network.height(node));
    }
    for (node, shift) in [(0, 0), (1, HOUR), (2, -HOUR), (3, 0)] {
        let found = shift_of(&network.home, node);
        assert!((found - shift).abs() <= 30, "the clock of node {node} is {found} s off");
    }
    for height in 2..=target {
        let hash = app_hash(&network, 0, height);
        assert!((1..4).all(|node| app_hash(&network, node, height) == hash), "height {height}");
    }
    let times: Vec<SystemTime> = (1..=target).map(|height| header_time(&network, height)).collect();
    assert!(times.is_sorted_by(|left, right| left < right), "time only goes on");
    assert!(times[1] + Duration::from_secs(60) > started, "the slow clock does not hold the chain's back");
    assert!(*times.last().expect("blocks") < SystemTime::now() + DRIFT, "the fast clock does not push it");
    assert!(network.stop());
}
