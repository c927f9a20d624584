//! kill -9 of validators at random moments while transactions are sent: what was acknowledged stays, once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use ve_base::Address;
use ve_client::TxClient;

use crate::chain::{account, app_hash, balance, client, paid_by, signer, supply_adds_up, transfer};
use crate::crash::Moments;
use crate::support::{Localnet, directory, free_base, signal};

const LIMIT: Duration = Duration::from_secs(90);
/// Longest time between two kills.
const PAUSE_MS: u64 = 4_000;
const SENDERS: u8 = 3;

/// Hashes and heights of transfers.
type Acknowledged = Vec<(String, u64)>;
/// Who sent, to whom, and what was acknowledged.
type Sender = (TxClient, String, Acknowledged);

/// Sends one uve after the other to `to`; returns the hashes and heights of those that were acknowledged.
async fn send_all(sender: TxClient, to: String, stop: Arc<AtomicBool>) -> Acknowledged {
    let mut acknowledged = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        match sender.send(vec![transfer(&sender, &to, 1)]).await {
            Ok(committed) => acknowledged.push((committed.hash, committed.height)),
            // The node died with the question; whether it was executed is counted at the end.
            Err(error) if error.is_transient() => tokio::time::sleep(Duration::from_millis(100)).await,
            Err(error) => panic!("a transfer fails: {error}"),
        }
    }
    acknowledged
}

/// Kills validators in turn.
fn kill_often(network: &Localnet, validators: u64, kills: u64, moments: &mut Moments) {
    for kill in 0..kills {
        let pause = moments.below(PAUSE_MS);
        std::thread::sleep(Duration::from_millis(pause));
        let node = (kill % validators) as usize;
        println!("kill -9 of node {node} after {pause} ms, at height {}", network.height(node as u16));
        signal(network.node_pid(node), "-KILL");
    }
}

/// All nodes hold the same blocks, and the chain counts each acknowledged transfer once.
async fn nothing_was_lost(network: &Localnet, validators: u16, sent: &[Sender]) {
    let rpc = client(network);
    let target = (0..validators).map(|node| network.height(node)).max().expect("nodes") + 3;
    for node in 0..validators {
        assert!(network.reach(node, target, LIMIT), "node {node} is at {}", network.height(node));
    }
    for height in 1..=target {
        let hash = app_hash(network, 0, height);
        assert!((1..validators).all(|node| app_hash(network, node, height) == hash), "height {height}");
    }
    for (sender, to, acknowledged) in sent {
        let address = sender.address().to_string();
        for (hash, height) in acknowledged {
            let asked = json!({"hash": hash, "prove": false});
            for node in 0..validators {
                let tx = network.rpc(node, "tx", asked.clone()).unwrap_or_else(|| panic!("{hash} is gone"));
                assert_eq!(tx["height"], height.to_string());
            }
        }
        let paid = paid_by(&rpc, &address).await;
        assert_eq!(paid.len() as u64, account(&rpc, &address).await.1, "each sequence number was used once");
        let received = balance(&rpc, to).await;
        assert_eq!(received, paid.iter().filter(|(code, _)| *code == 0).count() as u128);
        assert!(received >= acknowledged.len() as u128 && !acknowledged.is_empty(), "{received}");
        println!("{} acknowledged, {received} executed", acknowledged.len());
    }
}

async fn survives(validators: u16, kills: u64, seed: u64) {
    println!("seed {seed}");
    let mut moments = Moments(seed);
    let (home, base) = (directory(), free_base());
    let network = Localnet::start(home.path(), base, &["--validators", &validators.to_string()]);
    // Its own transactions are done.
    network.step("provider_started");
    let stop = Arc::new(AtomicBool::new(false));
    let mut running = Vec::new();
    for (index, name) in (0..SENDERS).zip(["faucet", "customer", "validator"]) {
        let sender = signer(&network, name).await;
        let to = Address::try_from(&[index + 1; 20][..]).expect("an address").to_string();
        running.push((sender.clone(), to.clone(), tokio::spawn(send_all(sender, to, stop.clone()))));
    }
    tokio::task::block_in_place(|| kill_often(&network, u64::from(validators), kills, &mut moments));
    stop.store(true, Ordering::Relaxed);
    let mut sent = Vec::new();
    for (sender, to, task) in running {
        sent.push((sender, to, task.await.expect("a sender")));
    }
    nothing_was_lost(&network, validators, &sent).await;
    supply_adds_up(&client(&network)).await;
    assert!(network.stop());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lone_validator_loses_no_acknowledged_transaction_by_being_killed() {
    survives(1, 4, 20_261_121).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn four_validators_killed_in_turn_lose_nothing_and_agree() {
    survives(4, 12, 7).await;
}
