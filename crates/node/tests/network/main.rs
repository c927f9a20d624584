//! Real nodes in processes of their own, since a process can hold one consensus engine only. The processes are this test
//! binary again, with a home directory in their environment.

mod app;
mod light;
mod net;
mod snapshots;

use std::time::Duration;

use net::{Net, Role};
use serde_json::json;

#[test]
fn a_transaction_given_to_a_late_full_node_reaches_the_validator_and_both_hold_equal_blocks() {
    let mut net = Net::new("gossip", &[Role::Validator, Role::Full], 0);
    net.start(0);
    net.reach(0, 5);
    // The full node joins late: it takes the blocks that are there from the validator.
    net.start(1);
    net.reach(1, 5);
    let sent = net.send(1, "colour=blue");
    assert_eq!(sent["code"], 0, "{sent}");
    net.until("the transaction is committed", || net.value(0, "colour").as_deref() == Some("blue"));
    net.until("the full node has it too", || net.value(1, "colour").as_deref() == Some("blue"));
    // What comes again is known on both.
    assert!(net.rpc(0, "broadcast_tx_sync", json!({"tx": net::base64("colour=blue")})).is_err());
    let height = net.height(1);
    for at in 1..=height {
        assert_eq!(net.block(0, at)["block_id"], net.block(1, at)["block_id"], "height {at}");
    }
    // What no node takes is told to whoever sent it.
    assert_ne!(net.send(1, "rubbish")["code"], 0);
}

#[test]
fn vote_extensions_reach_the_next_proposer_and_a_liar_halts_nothing() {
    let roles = [Role::Validator, Role::Validator, Role::Validator, Role::Liar];
    let mut net = Net::new("extensions", &roles, 3);
    (0..4).for_each(|node| net.start(node));
    net.reach(0, 12);
    let counts: Vec<u32> = (4..=10)
        .filter_map(|height| net.value(0, &format!("extensions/{height}")))
        .map(|count| count.parse().expect("a number"))
        .collect();
    assert!(!counts.is_empty(), "no proposer saw an extension");
    assert!(counts.iter().all(|count| (1..=3).contains(count)), "a lie was taken: {counts:?}");
    assert_eq!(net.value(0, "extensions/3"), None, "not enabled yet");
    assert_eq!(net.block(0, 11)["block_id"], net.block(3, 11)["block_id"], "the liar follows the chain");
}

#[test]
fn a_validator_that_runs_twice_is_convicted_before_every_application() {
    let roles = [Role::Validator, Role::Validator, Role::Validator, Role::Validator, Role::Twin];
    let mut net = Net::new("twin", &roles, 0);
    (0..5).for_each(|node| net.start(node));
    let mut found = None;
    let mut next = 1;
    net.until("a block carries evidence", || {
        while found.is_none() && next <= net.height(0) {
            let list = net.block(0, next)["block"]["evidence"]["evidence"].clone();
            found = list.as_array().and_then(|list| list.first().cloned()).map(|evidence| (next, evidence));
            next += 1;
        }
        found.is_some()
    });
    let (height, evidence) = found.expect("found");
    assert_eq!(evidence["type"], "tendermint/DuplicateVoteEvidence");
    let vote = &evidence["value"]["vote_a"];
    let address = vote["validator_address"].as_str().expect("text").to_lowercase();
    assert_eq!(address, net.address(3));
    let key = format!("convicted/{address}/{}", vote["height"].as_str().expect("text"));
    for node in 0..3 {
        net.reach(node, height + 3);
        assert_eq!(net.value(node, &key).as_deref(), Some("1"), "node {node}");
    }
    // Sent again by a client it is refused with its code.
    let refused = net.rpc(0, "broadcast_evidence", json!({"evidence": evidence})).expect_err("refused");
    assert!(refused["data"].as_str().is_some_and(|data| data.contains("code 9")), "{refused}");
}

#[test]
fn a_node_stops_exactly_at_its_last_height_and_tells_when_blocks_stay_away() {
    let mut net = Net::new("halt", &[Role::Validator, Role::Full], 0);
    net.configure(0, |config| config.consensus.halt_height = 4);
    net.configure(1, |config| config.consensus.unhealthy_after = Duration::from_secs(2));
    net.start(1);
    for _ in 0..2 {
        net.start(0);
        assert_eq!(net.ended(0), Some(net::HALTED), "the second time it refuses to go on");
    }
    let log = net.log(0);
    assert!(log.contains("committed height=4 ") && !log.contains("committed height=5 "), "{log}");
    assert!(log.contains("halted at height 4"));
    // The only validator is gone.
    net.until("the watchdog warns", || net.log(1).contains("no block is committed"));
    net.until("the node reports itself unhealthy", || net.health(1).is_some_and(|status| status.contains(" 503 ")));
    net.configure(0, |config| config.consensus.halt_height = 0);
    net.start(0);
    net.reach(1, 6);
    net.until("the node is healthy again", || net.health(1).is_some_and(|status| status.contains(" 200 ")));
}

/// Not a test of its own: the process of one node.
#[test]
fn child_node() {
    net::child();
}
