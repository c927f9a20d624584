//! A provider's daemon as its operator sees it.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Localnet, can_isolate, directory, example, free_base, http, signal};

fn page(network: &Localnet, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    http(network.base + 901, &request).expect("the provider's metrics address answers")
}

fn metric(network: &Localnet, name: &str) -> Option<f64> {
    let page = page(network, "/metrics");
    page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

const READY: &str = "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

fn parsed(body: &str) -> Value {
    serde_json::from_str(body).unwrap_or_else(|_| panic!("JSON: {body}"))
}

fn health(network: &Localnet) -> Value {
    parsed(&page(network, "/readyz"))
}

fn queue(home: &Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_virtengine"))
        .args(["provider", "queue"])
        .args(arguments)
        .args(["--output", "json", "--home"])
        .arg(home)
        .output()
        .expect("the binary starts");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn the_numbers_are_those_of_one_deployment_and_the_operator_sees_the_queue() {
    if !can_isolate() {
        return;
    }
    let home = directory();
    let network = Localnet::start(home.path(), free_base(), &["--deploy", &example()]);
    network.step("ready");
    for (name, value) in [
        ("ve_provider_started", 1.0),
        ("ve_provider_bids_total", 1.0),
        ("ve_provider_leases{state=\"running\"}", 1.0),
        ("ve_provider_commands{state=\"succeeded\"}", 1.0),
        ("ve_provider_provision_seconds_count{adapter=\"container\"}", 1.0),
        ("ve_provider_reconcile_orphans", 0.0),
        ("ve_provider_pass_errors_total", 0.0),
    ] {
        // The workload answers a moment before the daemon has noted that it does.
        let deadline = Instant::now() + Duration::from_secs(20);
        while metric(&network, name) != Some(value) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(200));
        }
        assert_eq!(metric(&network, name), Some(value), "{name}");
    }
    let query = json!({"query": "provider_heartbeat.seq EXISTS", "prove": false, "page": "1", "per_page": "10"});
    let beats = network.rpc(0, "tx_search", query).expect("the chain answers");
    assert_eq!(beats["total_count"], "1", "the daemon has shown that it is alive: {beats}");
    assert!(metric(&network, "ve_provider_height") > Some(1.0));
    assert!(metric(&network, "ve_provider_certificate_expiry_seconds") > Some(360.0 * 86_400.0));
    let health = health(&network);
    assert!(["chain", "store", "backend", "certificate"].iter().all(|part| health[part].is_null()), "{health}");

    let provider = network.home.join("provider");
    assert_eq!(queue(&provider, &["list"]), (true, "[]\n".to_owned()));
    let (_, all) = queue(&provider, &["list", "--all"]);
    let all: Value = serde_json::from_str(&all).expect("JSON");
    assert_eq!((&all[0]["action"], &all[0]["state"]), (&"provision".into(), &"succeeded".into()), "{all}");
    let (done, why) = queue(&provider, &["retry", "1"]);
    assert!(!done && why.contains("no dead letter"), "{why}");
    assert!(network.stop());
    // With the daemon gone the same question goes to the store.
    let (_, all) = queue(&provider, &["list", "--all"]);
    let all: Value = serde_json::from_str(&all).expect("JSON");
    assert_eq!(all[1]["action"], "terminate", "{all}");
}

#[test]
fn a_provider_says_what_it_waits_for_before_its_node_answers_and_stops_when_asked() {
    if !can_isolate() {
        return;
    }
    let (home, base) = (directory(), free_base());
    let network = Localnet::start(home.path(), base, &[]);
    network.step("ready");
    assert!(network.stop());
    // Its node is gone; the daemon is started by itself.
    let mut daemon = Command::new(env!("CARGO_BIN_EXE_virtengine"))
        .args(["provider", "start", "--home"])
        .arg(home.path().join("provider"))
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("the binary starts");
    let ask = |path: &str| http(base + 901, &format!("GET {path} HTTP/1.1\r\nHost: l\r\nConnection: close\r\n\r\n"));
    let deadline = Instant::now() + Duration::from_secs(30);
    let waits = || ask("/readyz").is_some_and(|body| parsed(&body)["chain"].as_str().is_some_and(names_the_node));
    while !waits() {
        assert!(Instant::now() < deadline, "the address answers and says why: {:?}", ask("/readyz"));
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(ask("/healthz").as_deref(), Some("ok\n"));
    assert!(ask("/metrics").is_some_and(|page| page.lines().any(|line| line == "ve_provider_started 0")));
    let asked = Instant::now();
    signal(daemon.id(), "-TERM");
    assert!(daemon.wait().expect("a child").success(), "it ends without an error");
    assert!(asked.elapsed() < Duration::from_secs(5), "at once: {:?}", asked.elapsed());
}

fn names_the_node(text: &str) -> bool {
    text.starts_with("waiting for a node: no node answers at http://127.0.0.1:")
}

#[test]
#[ignore = "slow: readiness waits half a minute for a silent chain"]
fn a_provider_whose_node_is_silent_says_so_and_recovers() {
    if !can_isolate() {
        return;
    }
    let home = directory();
    let network = Localnet::start(home.path(), free_base(), &[]);
    network.step("ready");
    let wait = |what: &str, wanted: fn(&Value) -> bool| {
        let deadline = Instant::now() + Duration::from_secs(90);
        let healthy = || http(network.base + 901, READY).is_some_and(|body| wanted(&parsed(&body)["chain"]));
        while !healthy() {
            assert!(Instant::now() < deadline, "{what}");
            std::thread::sleep(Duration::from_millis(500));
        }
    };
    wait("ready at first", Value::is_null);
    signal(network.node_pid(0), "-STOP");
    wait("silence is noticed", |chain| chain.as_str().is_some_and(|text| text.contains("no block was seen for")));
    signal(network.node_pid(0), "-CONT");
    wait("ready again", Value::is_null);
    assert!(network.stop());
}
