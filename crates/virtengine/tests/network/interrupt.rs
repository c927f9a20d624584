//! Ctrl-C in the middle of things: once settles what was begun, twice leaves a home that goes on.

use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Localnet, STEP, can_isolate, directory, example, free_base, get, http, signal};

/// The states of the customer's leases, as the chain's REST interface tells them.
fn leases(network: &Localnet) -> Vec<String> {
    let descriptor = network.descriptor();
    let accounts = descriptor["accounts"].as_array().expect("accounts");
    let customer = accounts.iter().find(|account| account["name"] == "customer").expect("a customer");
    let path = format!("/ve/market/v1/leases/list?owner={}", customer["address"].as_str().expect("an address"));
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let body = http(network.base + 2, &request).expect("REST answers");
    let answer: Value = serde_json::from_str(&body).unwrap_or_else(|_| panic!("JSON: {body}"));
    let leases = answer["leases"].as_array().expect("a list");
    leases.iter().map(|lease| lease["state"].as_str().expect("a state").to_owned()).collect()
}

fn workloads(home: &Path) -> usize {
    std::fs::read_dir(home.join("provider/containers/workloads")).map_or(0, Iterator::count)
}

/// A localnet whose exit code and last steps matter.
struct Raw {
    child: Child,
    steps: Box<dyn Iterator<Item = Value>>,
}

impl Raw {
    fn start(home: &Path, base: u16) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_virtengine"))
            .args(["localnet", "--output", "json", "--base-port", &base.to_string(), "--deploy", &example(), "--home"])
            .arg(home)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
        Self { child, steps: Box::new(lines.filter_map(|line| serde_json::from_str(&line).ok())) }
    }

    fn step(&mut self, name: &str) -> Value {
        self.steps.find(|step| step["step"] == name).unwrap_or_else(|| panic!("no step {name}"))
    }

    fn interrupt(&self) {
        signal(self.child.id(), "-INT");
    }

    /// What it wrote to standard error; call it after the end.
    fn errors(&mut self) -> String {
        let mut text = String::new();
        self.child.stderr.take().expect("piped").read_to_string(&mut text).expect("text");
        text
    }

    /// Waits for the end.
    fn code(&mut self) -> Option<i32> {
        let deadline = Instant::now() + STEP;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        None
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

#[test]
fn a_network_that_is_interrupted_before_its_first_block_ends_without_an_error_and_goes_on_later() {
    let (home, base) = (directory(), free_base());
    for _ in 0..2 {
        // A new home, then one that goes on.
        let mut raw = Raw::start(home.path(), base);
        raw.step("chain_home");
        raw.interrupt();
        let interrupted = raw.step("interrupted");
        assert!(interrupted["message"].as_str().is_some_and(|text| text.contains("nothing was deployed")));
        raw.step("stopped");
        assert_eq!(raw.code(), Some(0));
        assert_eq!(raw.errors(), "", "no error is shown");
    }
    let network = Localnet::start(home.path(), base, &[]);
    assert_eq!(network.step("chain_home")["fresh"], false);
    let running = network.step("chain_running");
    assert!(running["message"].as_str().is_some_and(|text| text.starts_with("1 validator makes blocks")), "{running}");
    network.step("provider_started");
    assert!(network.stop());
}

#[test]
fn an_interrupted_deployment_is_closed_and_settled_at_whatever_step_it_was() {
    if !can_isolate() {
        return;
    }
    let home = directory();
    // The same home each time: what one run left open would be found by the next.
    for step in ["provider_started", "deployment_created", "lease_created", "manifest_delivered"] {
        let mut raw = Raw::start(home.path(), free_base());
        raw.step(step);
        raw.interrupt();
        if step != "provider_started" {
            let settled = raw.step("settled");
            assert_eq!(settled["exact"], true, "{step}: {settled}");
            assert_eq!(settled["supply_before"], settled["supply_after"], "{step}");
        }
        raw.step("stopped");
        assert_eq!(raw.code(), Some(0), "{step}: it ends without an error");
        assert_eq!(workloads(home.path()), 0, "{step}: the provider has cleared its machine");
    }
    let network = Localnet::start(home.path(), free_base(), &[]);
    network.step("ready");
    let states = leases(&network);
    assert!(states.len() >= 2 && states.iter().all(|state| state == "LEASE_STATE_CLOSED"), "{states:?}");
    assert_eq!(network.descriptor()["open"].as_array().map(Vec::len), Some(0));
    assert!(network.stop());
}

#[test]
fn a_second_interrupt_exits_at_once_and_the_home_goes_on_where_it_stopped() {
    if !can_isolate() {
        return;
    }
    let (home, base) = (directory(), free_base());
    let mut raw = Raw::start(home.path(), base);
    raw.step("lease_created");
    raw.interrupt();
    // Two signals that wait at the same time are one.
    std::thread::sleep(Duration::from_millis(300));
    let asked = Instant::now();
    raw.interrupt();
    assert_eq!(raw.code(), Some(130));
    assert!(asked.elapsed() < Duration::from_secs(2), "at once: {:?}", asked.elapsed());
    let descriptor: Value =
        serde_json::from_slice(&std::fs::read(home.path().join("localnet.json")).expect("kept")).expect("JSON");
    for pid in [&descriptor["nodes"][0]["pid"], &descriptor["provider"]["pid"]] {
        let pid = pid.as_u64().expect("a pid");
        let command = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        assert!(!command.contains(&home.path().display().to_string()), "{pid} still runs: {command}");
    }

    let network = Localnet::start(home.path(), base, &["--deploy", &example()]);
    network.step("deployment_found");
    let running = network.step("workload_running");
    network.step("ready");
    let url = running["urls"][0].as_str().expect("a URL");
    assert!(get(url).is_some_and(|page| page.contains("Hello")), "it runs after all");
    assert_eq!(leases(&network), ["LEASE_STATE_ACTIVE"], "the lease of before, and no second one");
    assert!(network.stop(), "the settlement is exact");
    assert_eq!(workloads(home.path()), 0);
}
