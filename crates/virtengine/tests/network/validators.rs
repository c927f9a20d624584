//! Four validators: what they survive and what they agree on.

use std::time::Duration;

use crate::chain::app_hash;
use crate::support::{Localnet, directory, free_base, signal};

const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn blocks_go_on_when_a_validator_is_killed_and_it_comes_back_to_the_same_state() {
    let (home, base) = (directory(), free_base());
    let network = Localnet::start(home.path(), base, &["--validators", "4"]);
    network.step("chain_running");
    assert!(network.reach(0, 3, LIMIT), "four validators make blocks");
    signal(network.node_pid(2), "-KILL");
    let height = network.height(0);
    assert!(network.reach(0, height + 3, LIMIT), "three of four go on");
    let target = network.height(0) + 2;
    for node in 0..4 {
        assert!(network.reach(node, target, LIMIT), "node {node} catches up");
    }
    let hashes: Vec<String> = (0..4).map(|node| app_hash(&network, node, target)).collect();
    assert!(hashes.iter().all(|hash| *hash == hashes[0] && hash.len() == 64), "{hashes:?}");
    assert!(network.stop());
}

#[test]
fn two_of_four_make_no_block_and_all_agree_after_they_return() {
    let (home, base) = (directory(), free_base());
    let network = Localnet::start(home.path(), base, &["--validators", "4"]);
    network.step("chain_running");
    assert!(network.reach(3, 3, LIMIT), "four validators make blocks");
    // Stopped processes are alive for the supervisor and dead for their peers.
    let pids = [network.node_pid(2), network.node_pid(3)];
    pids.iter().for_each(|pid| signal(*pid, "-STOP"));
    std::thread::sleep(Duration::from_secs(3));
    let halted = network.height(0);
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(network.height(0), halted, "half of the power decides nothing");
    pids.iter().for_each(|pid| signal(*pid, "-CONT"));
    for node in 0..4 {
        assert!(network.reach(node, halted + 2, LIMIT), "node {node} goes on");
    }
    let hashes: Vec<String> = (0..4).map(|node| app_hash(&network, node, halted + 2)).collect();
    assert!(hashes.iter().all(|hash| *hash == hashes[0]), "{hashes:?}");
    assert!(network.stop());
}
