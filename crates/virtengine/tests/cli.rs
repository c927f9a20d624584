//! The binary as scripts use it: output, exit codes, files.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const WORDS: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";
/// Nobody listens on the discard port.
const NOBODY: &str = "http://127.0.0.1:9";

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("passphrase"), "correct horse\n").unwrap();
        Self(dir)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_virtengine"));
        command.args(arguments).env_clear().args(["--node", NOBODY]);
        command.arg("--home").arg(self.0.path().join("home"));
        command.arg("--passphrase-file").arg(self.0.path().join("passphrase"));
        command.stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn recover(&self, name: &str) -> Output {
        let mut command = self.command(&["keys", "recover", name, "--output", "json"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(WORDS.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }
}

fn json(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)))
}

fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn vector(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/sdl").join(path);
    path.to_str().unwrap().to_owned()
}

#[test]
fn keys_are_made_listed_shown_and_deleted() {
    let home = Home::new();
    let made = json(&home.run(&["keys", "add", "new", "--output", "json"]));
    assert_eq!(made["mnemonic"].as_str().unwrap().split(' ').count(), 24);
    let recovered = home.recover("alice");
    assert_eq!(json(&recovered)["address"], "ve19rl4cm2hmr8afy4kldpxz3fka4jguq0aqakfsa");
    assert_eq!(json(&home.run(&["keys", "list", "--output", "json"])).as_array().unwrap().len(), 2);
    let shown = home.run(&["keys", "show", "alice", "--address"]);
    assert_eq!(String::from_utf8_lossy(&shown.stdout).trim(), "ve19rl4cm2hmr8afy4kldpxz3fka4jguq0aqakfsa");
    let file = home.0.path().join("home/keys/alice.key");
    assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    let exported = home.run(&["keys", "export", "alice"]);
    assert!(String::from_utf8_lossy(&exported.stdout).contains("argon2id"));
    assert_eq!(home.run(&["keys", "delete", "alice"]).status.code(), Some(2), "nobody confirmed");
    assert!(home.run(&["keys", "delete", "alice", "--yes"]).status.success());
    assert_eq!(home.run(&["keys", "show", "alice"]).status.code(), Some(1));
}

#[test]
fn a_wrong_passphrase_opens_nothing() {
    let home = Home::new();
    assert!(home.recover("alice").status.success());
    std::fs::write(home.0.path().join("passphrase"), "wrong horse\n").unwrap();
    let refused = home.run(&["keys", "export", "alice", "--unsealed"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(refused.stdout.is_empty());
    assert!(error(&refused).contains("wrong passphrase"), "{}", error(&refused));
}

#[test]
fn a_message_is_generated_without_node_and_passphrase() {
    let home = Home::new();
    assert!(home.recover("alice").status.success());
    let made = json(&home.run(&[
        "tx",
        "bank",
        "send",
        "--to-address",
        "ve1am058pdux3hyulcmfgj4m3hhrlfn8nzmm68nqg",
        "--amount",
        "1000000uve",
        "--generate-only",
        "--output",
        "json",
    ]));
    assert_eq!(made["type"], "/cosmos.bank.v1beta1.MsgSend");
    assert_eq!(made["message"]["from_address"], "ve19rl4cm2hmr8afy4kldpxz3fka4jguq0aqakfsa");
    assert_eq!(made["message"]["amount"][0]["amount"], "1000000");
}

#[test]
fn wrong_usage_ends_with_2_and_a_missing_node_with_1() {
    let home = Home::new();
    assert_eq!(home.run(&["tx", "bank", "nonsense"]).status.code(), Some(2));
    assert_eq!(home.run(&["tx", "bank", "send", "--amount", "1.5uve"]).status.code(), Some(2));
    let unreachable = home.run(&["query", "bank", "total-supply", "--output", "json"]);
    assert_eq!(unreachable.status.code(), Some(1));
    let report: Value = serde_json::from_str(&error(&unreachable)).unwrap();
    assert_eq!(report["error"]["kind"], "error");
    assert!(report["error"]["message"].as_str().unwrap().contains(NOBODY));
}

#[test]
fn deployment_files_are_checked_and_converted_without_a_chain() {
    let home = Home::new();
    let good = json(&home.run(&["sdl", "check", &vector("valid/nginx.yaml"), "--output", "json"]));
    assert_eq!(good["manifest_hash"], "d56cb34bd0d51fb11797386cfe01c66d705c9ebd68b98c197cc225cb6058c9e7");
    let bad = home.run(&["sdl", "check", &vector("invalid/akash-denom.yaml")]);
    assert_eq!(bad.status.code(), Some(1));
    assert!(error(&bad).contains("line 23, column 18") && error(&bad).contains("sdl convert"), "{}", error(&bad));
    let converted = home.run(&["sdl", "convert", &vector("invalid/akash-denom.yaml")]);
    let expected = std::fs::read_to_string(vector("valid/nginx.yaml")).unwrap();
    assert_eq!(String::from_utf8_lossy(&converted.stdout), expected);
}

#[test]
fn the_doctor_names_what_is_wrong_and_fails() {
    let home = Home::new();
    let output = home.run(&["doctor", "--output", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let report = json(&output);
    assert_eq!(report["ok"], false);
    let node = report["checks"].as_array().unwrap().iter().find(|check| check["check"] == "node").unwrap();
    assert_eq!(node["result"], "failed");
    assert!(node["remedy"].as_str().unwrap().contains("--node"));
}
