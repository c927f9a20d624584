//! A customer stops, starts and restarts what it leases, with the command line, while the daemon is killed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use ve_base::{Amount, Dec, Rounding};
use ve_client::RpcClient;

use crate::chain::{client, phrase};
use crate::market::{dec, escrow, workloads};
use crate::support::{Localnet, can_isolate, directory, example, free_base, get, http, signal};

const LIMIT: Duration = Duration::from_secs(60);
/// Of the price, while a workload is stopped.
const STOPPED_BPS: u64 = 3000;

/// The customer's command line.
struct Customer {
    home: PathBuf,
    node: String,
    lease: String,
}

impl Customer {
    fn new(network: &Localnet, home: &Path) -> Self {
        let lease = network.descriptor()["leases"][0]["id"].as_str().expect("a lease").to_owned();
        let customer = Self { home: home.join("customer"), node: format!("http://127.0.0.1:{}", network.base), lease };
        std::fs::create_dir(&customer.home).expect("a writable folder");
        let words = customer.home.join("words");
        std::fs::write(&words, phrase(network, "customer")).expect("a writable folder");
        let recovered = customer.command(&["keys", "recover", "customer", "--words-file"]).arg(&words).output();
        assert!(recovered.expect("the binary starts").status.success());
        customer
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_virtengine"));
        command.args(["--keyring", "test", "--output", "json", "--node", &self.node, "--home"]).arg(&self.home);
        command.args(arguments).stdin(Stdio::null());
        command
    }

    /// Runs `lease VERB` to its end: exit code, and what it printed as JSON.
    fn lease(&self, verb: &str) -> (Option<i32>, Value) {
        let output = self.command(&["lease", verb, &self.lease]).output().expect("the binary starts");
        let text = if output.status.success() { output.stdout } else { output.stderr };
        let text = String::from_utf8(text).expect("text");
        // Notes for people may come before the answer.
        let answer = text.rfind("\n{").map_or(text.as_str(), |at| &text[at..]);
        (output.status.code(), serde_json::from_str(answer).unwrap_or_else(|_| panic!("{verb}: JSON: {text}")))
    }

    fn done(&self, verb: &str) -> Value {
        let (code, answer) = self.lease(verb);
        assert_eq!(code, Some(0), "{verb}: {answer}");
        answer
    }

    /// How often the only replica was started, by what the gateway says of it.
    fn starts(&self) -> u64 {
        let status = self.done("status");
        let services = status["provider"]["services"].as_object().expect("services");
        let service = services.values().next().expect("a service");
        service["replicas"][0]["restarts"].as_u64().expect("a count")
    }
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}: not after {LIMIT:?}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn metric(network: &Localnet, name: &str) -> Option<u64> {
    let page = http(network.base + 901, "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

/// What the only lease costs per second now.
async fn rate(rpc: &RpcClient, lease: &str) -> Dec {
    let mut parts = lease.split('/');
    let (owner, dseq) = (parts.next().expect("an owner"), parts.next().expect("a number"));
    let (_, payments) = escrow(rpc, owner, dseq.parse().expect("a number")).await;
    dec(&payments[0].rate)
}

fn answers(url: &str) -> bool {
    get(url).is_some_and(|page| page.contains("Hello"))
}

#[tokio::test]
async fn a_customer_stops_starts_and_restarts_a_workload_while_the_daemon_is_killed() {
    if !can_isolate() {
        return;
    }
    let home = directory();
    let network = Localnet::start(home.path(), free_base(), &["--deploy", &example()]);
    let url = network.step("workload_running")["urls"][0].as_str().expect("a URL").to_owned();
    network.step("ready");
    let (rpc, customer) = (client(&network), Customer::new(&network, home.path()));
    let full = rate(&rpc, &customer.lease).await;
    assert!(answers(&url));

    let stopped = customer.done("stop");
    assert_eq!((&stopped["action"], &stopped["state"]), (&"stop".into(), &"stopped".into()), "{stopped}");
    assert!(get(&url).is_none(), "nothing answers");
    assert_eq!(workloads(home.path()), 1, "it keeps its place");
    let part = full.mul_int(Amount::from(STOPPED_BPS)).expect("small");
    let part = part.quo_int(Amount::from(10_000u64), Rounding::Truncate).expect("small");
    assert_eq!(rate(&rpc, &customer.lease).await, part, "it costs a part of its price");
    let status = customer.done("status");
    assert_eq!((&status["state"], &status["operation"]["state"]), (&"stopped".into(), &"succeeded".into()));
    assert_eq!(status["provider"]["desired"], "stopped", "{status}");
    let (code, refused) = customer.lease("stop");
    assert_eq!((code, &refused["error"]["codespace"]), (Some(3), &"market".into()), "it is stopped: {refused}");

    // A daemon that starts anew finds a stopped lease, not a fault.
    signal(network.provider_pid(), "-KILL");
    until("the daemon is back and compares", || {
        metric(&network, "ve_provider_passes_total").is_some_and(|passes| passes >= 2)
    });
    assert_eq!(metric(&network, "ve_provider_leases{state=\"stopped\"}"), Some(1));
    assert_eq!(metric(&network, "ve_provider_reconcile_drift_total"), Some(0));
    assert!(get(&url).is_none(), "it is still stopped");

    let started = customer.done("start");
    assert_eq!((&started["state"], &started["urls"][0]), (&"active".into(), &url.as_str().into()), "{started}");
    assert!(answers(&url), "at the same address");
    assert_eq!(rate(&rpc, &customer.lease).await, full, "and at the full price");
    let before = customer.starts();
    assert_eq!(customer.done("restart")["state"], "active");
    assert!(answers(&url));
    assert_eq!(customer.starts(), before + 1, "its process is a new one");

    // Killed while it is at it, the daemon ends what it began, once.
    let mut restarting = customer
        .command(&["lease", "restart", &customer.lease])
        .stdout(Stdio::null())
        .spawn()
        .expect("the binary starts");
    until("the daemon hears of the operation", || {
        metric(&network, "ve_provider_commands{state=\"executing\"}") == Some(1)
            || metric(&network, "ve_provider_operations_total") == Some(3)
    });
    signal(network.provider_pid(), "-KILL");
    assert!(restarting.wait().expect("a child").success(), "the customer hears of its end");
    until("it answers", || answers(&url));
    assert_eq!(customer.starts(), before + 2, "restarted once more, not twice");
    assert!(network.stop(), "the settlement is exact");
    assert_eq!(workloads(home.path()), 0, "nothing is left");
}
