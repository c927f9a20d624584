//! Nodes that start from a snapshot.

use serde_json::json;

use super::app::SNAPSHOT_INTERVAL;
use super::net::{Net, Role};

/// Entries of the state: together many chunks.
const ENTRIES: usize = 12;

fn value(number: usize) -> String {
    format!("{number}-").repeat(150)
}

/// Lets `node` start from a snapshot after height 2, whose header node 0 has.
fn trust(net: &Net, node: usize, change: impl Fn(&mut String)) {
    let commit = net.rpc(0, "commit", json!({"height": "2"})).expect("a commit");
    let mut hash = commit["signed_header"]["commit"]["block_id"]["hash"].as_str().expect("text").to_owned();
    change(&mut hash);
    net.configure(node, |config| {
        config.state_sync.enabled = true;
        config.state_sync.trust_height = 2;
        config.state_sync.trust_hash.clone_from(&hash);
    });
}

#[test]
fn a_late_node_takes_a_snapshot_past_a_lying_peer_and_a_kill_and_goes_on_like_the_others() {
    let roles = [Role::Validator, Role::Validator, Role::Corrupt, Role::Slow];
    let mut net = Net::new("snapshot", &roles, 0);
    (0..3).for_each(|node| net.start(node));
    net.reach(0, 3);
    for number in 0..ENTRIES {
        assert_eq!(net.send(0, &format!("key{number}={}", value(number)))["code"], 0);
    }
    net.until("the entries are committed", || net.value(0, "key11").is_some());
    // A snapshot after them, and the block that proves it.
    let proven = (net.height(0) / SNAPSHOT_INTERVAL + 1) * SNAPSHOT_INTERVAL + 1;
    (0..3).for_each(|node| net.reach(node, proven));

    trust(&net, 3, |_| {});
    net.start(3);
    net.until("some chunks are here", || net.chunks_on_disk(3) >= 4);
    net.kill(3);
    let kept = net.chunks_on_disk(3);
    assert_eq!(net.height(3), 0, "the state is not whole yet");
    net.start(3);
    let target = net.height(0) + 3;
    net.reach(3, target);

    let log = net.log(3);
    assert!(log.contains("a false chunk"), "the liar is cut off: {log}");
    let resumed = log.lines().rfind(|line| line.contains("restoring a snapshot")).expect("restored");
    let on_disk = resumed.split("on_disk=").nth(1).and_then(|rest| rest.split(' ').next()).expect("told");
    let on_disk: usize = on_disk.parse().expect("a number");
    assert!(on_disk >= 1 && on_disk <= kept, "goes on where it was: {resumed}");
    assert_eq!(net.chunks_on_disk(3), 0, "nothing is left lying about");
    for number in 0..ENTRIES {
        assert_eq!(net.value(3, &format!("key{number}")), Some(value(number)));
    }
    assert_eq!(net.block(3, target)["block_id"], net.block(0, target)["block_id"]);
    let status = net.rpc(3, "status", json!({})).expect("answered");
    let earliest: u64 = status["sync_info"]["earliest_block_height"].as_str().expect("text").parse().expect("a number");
    assert!(earliest > SNAPSHOT_INTERVAL, "it has no older blocks: {status}");
    // What it was not there for it does not need: it restarts from its own disk.
    net.kill(3);
    net.start(3);
    let target = net.height(0) + 2;
    net.reach(3, target);
}

#[test]
fn a_header_that_the_operator_does_not_trust_is_refused_at_once() {
    let mut net = Net::new("untrusted", &[Role::Validator, Role::Full, Role::Full], 0);
    (0..2).for_each(|node| net.start(node));
    net.reach(0, 3);
    trust(&net, 2, |hash| {
        let first = if hash.starts_with('0') { "1" } else { "0" };
        hash.replace_range(..1, first);
    });
    net.start(2);
    assert_eq!(net.ended(2), Some(1));
    let log = net.log(2);
    assert!(log.contains("not the trusted") && log.contains("state_sync.trust_hash"), "{log}");
}
