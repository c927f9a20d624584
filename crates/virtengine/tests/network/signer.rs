//! A validator whose key is with a signer in another process.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Localnet, directory, free_base, rpc, signal};

const LIMIT: Duration = Duration::from_secs(90);

fn virtengine(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_virtengine"));
    command.arg("--home").arg(home).stdin(Stdio::null());
    command
}

struct Running(Child);

impl Running {
    fn start(home: &Path, arguments: &[&str]) -> Self {
        let log = std::fs::File::options().create(true).append(true).open(home.join("log")).expect("a writable home");
        let errors = log.try_clone().expect("a file");
        let child = virtengine(home).args(arguments).stdout(log).stderr(errors).spawn();
        Self(child.expect("the binary starts"))
    }

    fn kill(mut self) {
        self.0.kill().expect("a child");
        let _ = self.0.wait();
    }

    fn ended(&mut self) -> Option<i32> {
        let deadline = Instant::now() + LIMIT;
        while Instant::now() < deadline {
            if let Some(status) = self.0.try_wait().expect("a child") {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        None
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

fn printed(command: &mut Command, name: &str) -> String {
    let output = command.output().expect("the binary starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("no {name}: {text}"));
    line.trim().to_owned()
}

fn height(port: u16) -> u64 {
    let status = rpc(port, "status", json!({}));
    let height = status.as_ref().and_then(|status| status["sync_info"]["latest_block_height"].as_str());
    height.and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn until(what: &str, homes: &[&Path], mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !done() {
        if Instant::now() > deadline {
            let logs: Vec<String> =
                homes.iter().map(|home| std::fs::read_to_string(home.join("log")).unwrap_or_default()).collect();
            panic!("not in time: {what}\n{}", logs.join("\n---\n"));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_lone_validator_signs_through_its_signer_waits_for_it_and_a_second_node_cannot_sign_beside_it() {
    let (home, base) = (directory(), free_base());
    // A network of one: its genesis and key are those of the validator.
    let network = Localnet::start(home.path(), base, &["--validators", "1"]);
    network.step("chain_running");
    assert!(network.stop());
    let first = home.path().join("nodes/node0");
    let (one, two, signer) = (home.path().join("one"), home.path().join("two"), home.path().join("signer"));
    let link = ["one", "two"].map(|name| {
        let place = home.path().join(name);
        let port = base + if name == "one" { 0 } else { 10 };
        let mut command = virtengine(&place);
        command.args(["node", "init", "--base-port", &port.to_string(), "--signer", "/ip4/127.0.0.1/tcp/1"]);
        command.arg("--genesis").arg(first.join("config/genesis.json"));
        printed(&mut command, "signer link id")
    });
    assert!(!one.join("config/priv_validator_key.json").exists(), "the node has no key");
    std::fs::create_dir_all(signer.join("config")).expect("a home");
    // The validator's key moves to the signer.
    std::fs::copy(first.join("config/priv_validator_key.json"), signer.join("config/priv_validator_key.json"))
        .expect("copies");
    let listen = format!("/ip4/127.0.0.1/tcp/{}", base + 40);
    let mut command = virtengine(&signer);
    command.args(["node", "signer", "init", "--chain-id", "ve-local-1", "--listen", &listen]);
    command.args(["--allow", &link[0], "--allow", &link[1]]);
    let address = printed(&mut command, "signer ");
    for node in [&one, &two] {
        let path = node.join("config/node.toml");
        let text = std::fs::read_to_string(&path).expect("a configuration");
        std::fs::write(&path, text.replace("/ip4/127.0.0.1/tcp/1\"", &format!("{address}\""))).expect("writes");
    }

    let service = Running::start(&signer, &["node", "signer", "start"]);
    let node = Running::start(&one, &["node", "start"]);
    until("blocks", &[&one, &signer], || height(base) >= 4);
    // Without its signer the validator is silent, and goes on when it is back.
    service.kill();
    std::thread::sleep(Duration::from_secs(2));
    let silent = height(base);
    std::thread::sleep(Duration::from_secs(4));
    assert!(height(base) <= silent + 1, "a signature without the key");
    let service = Running::start(&signer, &["node", "signer", "start"]);
    until("blocks after the signer is back", &[&one, &signer], || height(base) >= silent + 3);
    let second = virtengine(&signer).args(["node", "signer", "start"]).output().expect("the binary starts");
    assert!(!second.status.success(), "two signers on one home");

    // The same key in a second node, from the same genesis: it may never sign another block of a height.
    let mut twin = Running::start(&two, &["node", "start"]);
    assert_ne!(twin.ended(), Some(0), "it cannot go on");
    let told = std::fs::read_to_string(two.join("log")).expect("a log");
    assert!(told.contains("already signed"), "{told}");
    let reached = height(base);
    until("the first one goes on", &[&one, &signer], || height(base) > reached);
    drop(node);
    drop(service);
}
