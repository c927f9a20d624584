//! Output, exit codes and files.

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::support::{Home, NOBODY, error, json, vector};

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
fn what_people_mistype_is_named_with_the_way_out() {
    let home = Home::new();
    home.recover("alice");
    let empty = home.write("empty", b"\n");
    let cases: [(&[&str], i32, &str); 8] = [
        (&["keys", "add", "x", "--passphrase-file", &empty], 1, "empty"),
        (&["keys", "add", "../x"], 1, "no key name"),
        (&["tx", "bank", "send", "--to-address", "ve1", "--amount", "5"], 2, "like 100uve"),
        (&["tx", "bank", "send", "--fees", "5", "--generate-only"], 2, "--fees"),
        (&["query", "bank", "params", "--node", "ftp://x"], 1, "http://HOST:PORT"),
        (&["lease", "status", "xyz"], 2, "lease list"),
        (&["sdl", "check", "/nowhere.yaml"], 1, "/nowhere.yaml"),
        (&["keys", "recover", "y", "--words-file", &empty], 2, "24 English words"),
    ];
    for (arguments, code, told) in cases {
        let mut command = Command::new(env!("CARGO_BIN_EXE_virtengine"));
        command.arg("--home").arg(home.0.path().join("home")).env_clear().stdin(Stdio::null());
        if !arguments.contains(&"--passphrase-file") {
            command.arg("--passphrase-file").arg(home.0.path().join("passphrase"));
        }
        let output = command.args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", error(&output));
        assert!(error(&output).contains(told), "{arguments:?}: {}", error(&output));
    }
}

#[test]
fn a_passphrase_comes_from_a_descriptor_and_a_closed_one_is_an_error() {
    let home = Home::new();
    home.recover("alice");
    let binary = env!("CARGO_BIN_EXE_virtengine");
    let run = |redirect: &str| {
        let script = format!("exec {binary} --home \"$1\" keys export alice --unsealed --passphrase-fd 7 {redirect}");
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", &script, "sh"]).arg(home.0.path().join("home")).arg(home.0.path().join("passphrase"));
        shell.stdin(Stdio::null()).output().unwrap()
    };
    let given = run("7<\"$2\"");
    assert!(given.status.success(), "{}", error(&given));
    let closed = run("7<&-");
    assert_eq!(closed.status.code(), Some(1), "{}", error(&closed));
    assert!(error(&closed).contains("/dev/fd/7"), "{}", error(&closed));
}

#[test]
fn a_local_network_is_not_started_for_a_deployment_file_that_is_missing_or_wrong() {
    let home = Home::new();
    let wrong = home.write("wrong.yaml", b"version: \"2.0\"\nservices: 7\n");
    for (file, cause) in [("absent.yaml", "cannot read the deployment file absent.yaml"), (&*wrong, "line 2")] {
        let refused = home.run(&["localnet", "--deploy", file]);
        assert_eq!(refused.status.code(), Some(1));
        assert!(error(&refused).contains(cause), "{}", error(&refused));
        assert!(!home.0.path().join("home").exists(), "nothing was created");
    }
}
