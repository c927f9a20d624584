//! Each fault is made here and must be named, with what to do about it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use prost::Message as _;
use serde_json::{Value, json};
use ve_base::Address;
use ve_client::cert::{self, Identity, Role};
use ve_proto::ve::cert::v1::{Certificate, CertificateState, QueryCertificatesResponse};

use super::support::{Home, error, json};

/// A node that tells this time of its last block, and these certificates.
#[derive(Default)]
struct FakeNode {
    seconds_ahead: i64,
    certificates: Vec<Certificate>,
}

impl FakeNode {
    /// Gives its address; it serves until the test ends.
    fn start(self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let node = Arc::new(self);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let node = node.clone();
                std::thread::spawn(move || node.serve(stream));
            }
        });
        url
    }

    fn serve(&self, mut stream: TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream.try_clone().ok()?);
        loop {
            let mut length = 0;
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).ok()? == 0 {
                    return None;
                }
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().ok()?;
                }
                if line.trim().is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).ok()?;
            let answer = self.answer(&serde_json::from_slice(&body).ok()?).to_string();
            write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{answer}", answer.len()).ok()?;
        }
    }

    fn answer(&self, request: &Value) -> Value {
        let result = match request["method"].as_str() {
            Some("status") => {
                let seconds = i64::try_from(cert::unix_now()).unwrap() + self.seconds_ahead;
                let time = ve_base::BlockTime { seconds, nanos: 0 };
                json!({
                    "node_info": {"network": "ve-local-1", "moniker": "fake", "version": "0.38.0"},
                    "sync_info": {
                        "latest_block_height": "7", "earliest_block_height": "1",
                        "latest_block_time": time.to_string(), "catching_up": false,
                    },
                })
            }
            _ => {
                let value = match request["params"]["path"].as_str() {
                    Some("/ve.cert.v1.Query/Certificates") => {
                        let certificates = self.certificates.clone();
                        QueryCertificatesResponse { certificates, ..QueryCertificatesResponse::default() }
                            .encode_to_vec()
                    }
                    _ => Vec::new(),
                };
                json!({"response": {"code": 0, "value": BASE64.encode(value), "height": "7"}})
            }
        };
        json!({"jsonrpc": "2.0", "id": request["id"], "result": result})
    }
}

/// What the doctor says of one thing; the last word when it looks several times.
fn check(home: &Home, node: &str, name: &str, more: &[&str]) -> (String, String, String) {
    let output = home.command_at(node, &[&["doctor", "--output", "json"], more].concat()).output().unwrap();
    let report = json(&output);
    let checks = report["checks"].as_array().unwrap();
    let found = checks.iter().rfind(|check| check["check"] == name);
    let found = found.unwrap_or_else(|| panic!("no check {name}: {report}"));
    let text = |key: &str| found[key].as_str().unwrap().to_owned();
    if text("result") == "failed" {
        assert_eq!(output.status.code(), Some(1), "{}", error(&output));
        assert!(!text("remedy").is_empty());
    } else if text("result") == "ok" {
        assert!(text("remedy").is_empty());
    }
    (text("result"), text("found"), text("remedy"))
}

/// The name, the verdict, a part of what is found, a part of the remedy.
fn assert_fault(found: (String, String, String), said: &str, remedy: &str) {
    assert_eq!(found.0, "failed", "{found:?}");
    assert!(found.1.contains(said), "{found:?}");
    assert!(found.2.contains(remedy), "{found:?}");
}

#[test]
fn an_unreachable_node_is_named() {
    let home = Home::new();
    assert_fault(check(&home, super::support::NOBODY, "node", &[]), super::support::NOBODY, "--node");
}

#[test]
fn a_node_in_order_fails_no_check() {
    let (home, node) = (Home::new(), FakeNode::default().start());
    home.recover("alice");
    for name in ["home", "keys", "disk", "node", "chain", "sync", "clock", "last block"] {
        let found = check(&home, &node, name, &["--chain-id", "ve-local-1", "--min-disk", "1"]);
        assert_ne!(found.0, "failed", "{name}: {found:?}");
    }
}

#[test]
fn another_chain_is_named() {
    let node = FakeNode::default().start();
    assert_fault(check(&Home::new(), &node, "chain", &["--chain-id", "ve-1"]), "ve-local-1", "--chain-id");
}

#[test]
fn clocks_that_differ_are_named() {
    let late = FakeNode { seconds_ahead: 300, ..FakeNode::default() }.start();
    assert_fault(check(&Home::new(), &late, "clock", &[]), "behind the chain", "NTP");
    let early = FakeNode { seconds_ahead: -300, ..FakeNode::default() }.start();
    assert_fault(check(&Home::new(), &early, "last block", &[]), "s old", "clock");
}

#[test]
fn a_port_that_is_taken_is_named() {
    // Ports of a plan of its own, so that networks of other tests do not matter.
    let (base, _held) = (34_400..34_900)
        .step_by(10)
        .find_map(|base| Some((base, TcpListener::bind(("127.0.0.1", base + 1)).ok()?)))
        .unwrap();
    let more = ["--base-port", &base.to_string()];
    let found = check(&Home::new(), super::support::NOBODY, "ports", &more);
    assert_fault(found, &(base + 1).to_string(), "--base-port");
}

#[test]
fn a_key_that_others_can_read_is_named() {
    let home = Home::new();
    home.recover("alice");
    let file = home.0.path().join("home/keys/alice.key");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let found = check(&home, super::support::NOBODY, "keys", &[]);
    assert_fault(found.clone(), "alice.key", "");
    assert!(found.1.contains("chmod 600"), "{found:?}");
}

#[test]
fn a_full_disk_is_named() {
    let found = check(&Home::new(), super::support::NOBODY, "disk", &["--min-disk", "999999999999"]);
    assert_fault(found, "MiB free", "--home");
}

/// A client certificate of the key `alice` in the home.
fn identity(home: &Home, validity: Duration) -> Identity {
    home.recover("alice");
    let text = "ve19rl4cm2hmr8afy4kldpxz3fka4jguq0aqakfsa";
    let owner = Address::from_bech32(text, ve_base::ACCOUNT_PREFIX).unwrap();
    let identity = Identity::generate(&owner, &Role::Client, validity).unwrap();
    let folder = home.0.path().join("home/deploy");
    ve_client::keystore::private_dir(&folder).unwrap();
    identity.save(&folder.join(format!("{text}.identity")), "correct horse").unwrap();
    identity
}

#[test]
fn an_expired_certificate_is_named() {
    let home = Home::new();
    identity(&home, Duration::from_secs(1));
    assert_fault(check(&home, super::support::NOBODY, "certificate", &[]), "expired", "virtengine deploy");
}

#[test]
fn a_certificate_that_is_not_on_the_chain_is_named() {
    let home = Home::new();
    let identity = identity(&home, cert::MAX_VALIDITY);
    let node = FakeNode::default().start();
    assert_fault(check(&home, &node, "certificate on chain", &[]), "not valid", "virtengine deploy");
    let facts = identity.facts().unwrap();
    let published = Certificate {
        owner: facts.owner,
        serial: facts.serial,
        certificate: identity.certificate.clone(),
        state: CertificateState::Valid as i32,
        ..Certificate::default()
    };
    let node = FakeNode { certificates: vec![published], ..FakeNode::default() }.start();
    assert_eq!(check(&home, &node, "certificate on chain", &[]).0, "ok");
}
