//! A node without power that joins a running network, set up with the commands that its operator would type.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;
use ve_client::{RpcClient, TxClient};

use crate::chain::{app_hash, balance, client, phrase, transfer};
use crate::support::{Localnet, directory, free_base, rpc, signal};

const LIMIT: Duration = Duration::from_secs(60);
/// Beyond the ports of the network's own nodes and provider.
const PORTS: u16 = 950;

/// Ends the process with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        signal(self.0.id(), "-TERM");
        let _ = self.0.wait();
    }
}

fn virtengine(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_virtengine"));
    command.arg("--home").arg(home).stdin(Stdio::null());
    command
}

fn init(network: &Localnet, home: &Path) {
    let mut command = virtengine(home);
    command.args(["node", "init", "--moniker", "late", "--base-port", &(network.base + PORTS).to_string()]);
    command.arg("--genesis").arg(network.home.join("nodes/node0/config/genesis.json"));
    let descriptor = network.descriptor();
    for node in descriptor["nodes"].as_array().expect("nodes") {
        command.args(["--peer", node["p2p"].as_str().expect("an address")]);
        command.args(["--tx-peer", node["gossip"].as_str().expect("an address")]);
    }
    let output = command.output().expect("the binary starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn start(home: &Path) -> Running {
    let log = std::fs::File::create(home.join("log")).expect("a writable home");
    let errors = log.try_clone().expect("a file");
    let child = virtengine(home).args(["node", "start"]).stdout(log).stderr(errors).spawn().expect("the binary starts");
    Running(child)
}

fn reach(port: u16, height: u64) -> bool {
    let deadline = std::time::Instant::now() + LIMIT;
    while std::time::Instant::now() < deadline {
        let status = rpc(port, "status", json!({}));
        let reached = status.as_ref().and_then(|status| status["sync_info"]["latest_block_height"].as_str());
        if reached.and_then(|text| text.parse::<u64>().ok()).is_some_and(|reached| reached >= height) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    false
}

#[tokio::test]
async fn a_fifth_node_syncs_from_genesis_to_the_same_state_follows_and_passes_transactions_on() {
    let (home, base) = (directory(), free_base());
    let network = Localnet::start(home.path(), base, &["--validators", "4"]);
    // The provider's registration and twenty blocks are what has to be fetched.
    network.step("provider_started");
    assert!(network.reach(0, 20, LIMIT));
    let late_home = home.path().join("late");
    init(&network, &late_home);
    let late = start(&late_home);
    let port = base + PORTS;
    assert!(reach(port, 20), "{}", std::fs::read_to_string(late_home.join("log")).unwrap_or_default());

    // It holds the whole chain, from the first block on.
    for height in [1, 2, 10, 20] {
        let own = rpc(port, "block", json!({"height": height.to_string()})).expect("the block is there");
        assert_eq!(own["block"]["header"]["app_hash"], app_hash(&network, 0, height));
        let theirs = network.rpc(0, "block", json!({"height": height.to_string()})).expect("the block is there");
        assert_eq!(own["block_id"], theirs["block_id"]);
    }
    let status = rpc(port, "status", json!({})).expect("answered");
    assert_eq!(status["validator_info"]["voting_power"], "0");
    assert_eq!(status["node_info"]["moniker"], "late");

    // It follows, and what it is given reaches the validators.
    let target = network.height(0) + 3;
    assert!(reach(port, target), "follows the chain");
    let key = ve_base::keys::hd::derive(&phrase(&network, "faucet"), 0, 0).expect("a phrase");
    let through = RpcClient::new(&[format!("http://127.0.0.1:{port}")]).expect("an address");
    let faucet = TxClient::connect(through, key, Some("ve-local-1")).await.expect("the node answers");
    let to = ve_base::Address::try_from(&[7u8; 20][..]).expect("an address").to_string();
    let height = faucet.send(vec![transfer(&faucet, &to, 5)]).await.expect("executed").height;
    assert!(network.reach(0, height, LIMIT));
    assert_eq!(balance(&client(&network), &to).await, 5);
    assert!(reach(port, height + 1));
    let own = rpc(port, "header", json!({"height": (height + 1).to_string()})).expect("the header is there");
    assert_eq!(own["header"]["app_hash"], app_hash(&network, 0, height + 1));
    drop(late);
    assert!(network.stop());
}
