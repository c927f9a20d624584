//! A node that starts from a snapshot of a real network has the state that replaying every block gives.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use ve_node::config::{Home, NodeConfig};
use ve_store::{Entry, Options, Read as _, Store};

use crate::support::{Localnet, directory, free_base, signal};

const LIMIT: Duration = Duration::from_secs(180);
/// Beyond the ports of the network's own nodes and provider; ten for each late node.
const PORTS: [u16; 2] = [930, 940];

fn virtengine(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_virtengine"));
    command.arg("--home").arg(home).stdin(Stdio::null());
    command
}

fn configure(home: &Path, change: impl FnOnce(&mut NodeConfig)) {
    let path = Home::new(home).config();
    let mut config = NodeConfig::load(&path).expect("a configuration");
    change(&mut config);
    config.save(&path).expect("a writable home");
}

fn init(network: &Localnet, home: &Path, ports: u16) {
    let mut command = virtengine(home);
    command.args(["node", "init", "--base-port", &(network.base + ports).to_string()]);
    command.arg("--genesis").arg(network.home.join("nodes/node0/config/genesis.json"));
    for node in network.descriptor()["nodes"].as_array().expect("nodes") {
        command.args(["--peer", node["p2p"].as_str().expect("an address")]);
        command.args(["--tx-peer", node["gossip"].as_str().expect("an address")]);
    }
    let output = command.output().expect("the binary starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A node that runs to its last height.
struct Running(Child);

impl Running {
    fn start(home: &Path, arguments: &[&str]) -> Self {
        let log = std::fs::File::create(home.join("log")).expect("a writable home");
        let errors = log.try_clone().expect("a file");
        let mut command = virtengine(home);
        command.args(["node", "start"]).args(arguments).stdout(log).stderr(errors);
        Self(command.spawn().expect("the binary starts"))
    }

    fn ended(&mut self, home: &Path) {
        let deadline = Instant::now() + LIMIT;
        while Instant::now() < deadline {
            if let Some(status) = self.0.try_wait().expect("a child") {
                assert!(status.success(), "{}", log(home));
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("still running: {}", log(home));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.0.try_wait().ok().flatten().is_none() {
            signal(self.0.id(), "-TERM");
            let _ = self.0.wait();
        }
    }
}

fn log(home: &Path) -> String {
    std::fs::read_to_string(home.join("log")).unwrap_or_default()
}

/// Root and every entry of a stopped node's state.
fn state(home: &Path) -> (u64, [u8; 32], Vec<Entry>) {
    let store = Store::open(home.join("data/state"), Options::default()).expect("the node has ended");
    let snapshot = store.snapshot(None).expect("opens");
    let entries = snapshot.range(&[], None, false).collect::<Result<_, _>>().expect("reads");
    (snapshot.version().expect("not empty"), snapshot.root().expect("a root"), entries)
}

#[test]
fn a_node_from_a_snapshot_equals_one_that_replayed_every_block_entry_by_entry() {
    let (home, base) = (directory(), free_base());
    let network = Localnet::start(home.path(), base, &["--validators", "4"]);
    // Its registration is state that a snapshot must have.
    network.step("provider_started");
    assert!(network.reach(0, 4, LIMIT));
    let commit = network.rpc(0, "commit", json!({"height": "3"})).expect("the commit is there");
    let hash = commit["signed_header"]["commit"]["block_id"]["hash"].as_str().expect("text").to_owned();
    // Nodes of a local network make snapshots every twenty blocks.
    let provable = (network.height(0) / 20 + 1) * 20 + 2;
    assert!(network.reach(0, provable, LIMIT));

    let homes = ["late", "replayed"].map(|name| home.path().join(name));
    let last = provable + 15;
    for (home, ports) in homes.iter().zip(PORTS) {
        init(&network, home, ports);
        configure(home, |config| config.consensus.halt_height = last);
    }
    let trust = ["--state-sync", "--trust-height", "3", "--trust-hash", &hash];
    let mut late = Running::start(&homes[0], &trust);
    let mut replayed = Running::start(&homes[1], &[]);
    late.ended(&homes[0]);
    replayed.ended(&homes[1]);

    let told = log(&homes[0]);
    assert!(told.contains("the state is synced; blocks follow"), "{told}");
    assert!(!told.contains("committed height=5 "), "it replayed nothing: {told}");
    let (found, expected) = (state(&homes[0]), state(&homes[1]));
    assert_eq!((found.0, found.1), (last, expected.1));
    assert_eq!(found.0, expected.0);
    assert!(found.2 == expected.2, "the entries of the state differ");

    // Without what an operator must say nothing starts.
    let refused = virtengine(&homes[0]).args(["node", "start", "--state-sync"]).output().expect("the binary starts");
    assert_eq!(refused.status.code(), Some(2), "{}", String::from_utf8_lossy(&refused.stderr));
    assert!(network.stop());
}
