//! A local network under test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// Longest wait for one step, generous because several networks share two cores.
pub const STEP: Duration = Duration::from_secs(120);

pub struct Localnet {
    child: Child,
    steps: Receiver<Value>,
    pub home: PathBuf,
    pub base: u16,
}

/// Ports of the plan that a network takes at its start, from its base.
const PLAN: [u16; 12] = [0, 1, 2, 3, 4, 5, 10, 20, 30, 40, 900, 901];

/// A base whose ports are free now and that no other network of this run had lately. Below the range from which the
/// system takes the ports of outgoing connections: one of those could sit where a killed daemon wants to come back.
pub fn free_base() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    for _ in 0..200 {
        let turn = NEXT.fetch_add(1, Ordering::Relaxed);
        let within = (turn / 11 + std::process::id()) % 80;
        let base = (10_000 + 2_000 * (turn % 11) + 10 * within) as u16;
        if PLAN.iter().all(|offset| TcpListener::bind(("127.0.0.1", base + offset)).is_ok()) {
            return base;
        }
    }
    panic!("no free ports below 32768")
}

impl Localnet {
    pub fn start(home: &Path, base: u16, arguments: &[&str]) -> Self {
        Self::start_in(home, base, arguments, &[])
    }

    /// A new network whose genesis differs from the usual one by what `change` does to its `app_state`.
    pub fn with_genesis(home: &Path, base: u16, arguments: &[&str], change: impl Fn(&mut Value)) -> Self {
        let first = Self::start(home, base, arguments);
        first.step("chain_running");
        assert!(first.stop(), "a network that is stopped at once ends without an error");
        for node in std::fs::read_dir(home.join("nodes")).expect("the nodes' homes").flatten() {
            let node = node.path();
            // The chain begins anew, with the same keys.
            std::fs::remove_dir_all(node.join("data")).expect("the node has ended");
            std::fs::create_dir(node.join("data")).expect("a writable home");
            let path = node.join("config/genesis.json");
            let mut genesis: Value = serde_json::from_slice(&std::fs::read(&path).expect("genesis")).expect("JSON");
            change(&mut genesis["app_state"]);
            std::fs::write(&path, genesis.to_string()).expect("a writable home");
        }
        Self::start(home, base, arguments)
    }

    /// As [`Localnet::start`], with more variables in the environment of all processes.
    pub fn start_in(home: &Path, base: u16, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_virtengine"))
            .args(["localnet", "--output", "json", "--home"])
            .arg(home)
            .args(["--base-port", &base.to_string()])
            .args(arguments)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the binary starts");
        let stdout = child.stdout.take().expect("piped");
        let (sender, steps) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Ok(step) = serde_json::from_str::<Value>(&line)
                    && sender.send(step).is_err()
                {
                    return;
                }
            }
        });
        Self { child, steps, home: home.to_owned(), base }
    }

    /// Waits for the step called `name` and returns it.
    pub fn step(&self, name: &str) -> Value {
        let deadline = Instant::now() + STEP;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.steps.recv_timeout(left) {
                Ok(step) if step["step"] == name => return step,
                Ok(_) => {}
                Err(_) => panic!("no step {name}; logs:\n{}", self.logs()),
            }
        }
    }

    fn logs(&self) -> String {
        let mut text = String::new();
        for entry in std::fs::read_dir(self.home.join("logs")).into_iter().flatten().flatten() {
            let content = std::fs::read_to_string(entry.path()).unwrap_or_default();
            let lines: Vec<&str> = content.lines().rev().take(15).collect();
            text.push_str(&format!("--- {}\n", entry.path().display()));
            lines.iter().rev().for_each(|line| text.push_str(&format!("{line}\n")));
        }
        text
    }

    pub fn descriptor(&self) -> Value {
        let bytes = std::fs::read(self.home.join("localnet.json")).expect("localnet.json");
        serde_json::from_slice(&bytes).expect("JSON")
    }

    /// As Ctrl-C, then waits for the end.
    pub fn stop(mut self) -> bool {
        signal(self.child.id(), "-TERM");
        let deadline = Instant::now() + STEP;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status.success();
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        false
    }

    pub fn rpc(&self, node: u16, method: &str, params: Value) -> Option<Value> {
        rpc(self.base + node * 10, method, params)
    }

    pub fn height(&self, node: u16) -> u64 {
        let status = self.rpc(node, "status", json!({}));
        let height = status.as_ref().and_then(|status| status["sync_info"]["latest_block_height"].as_str());
        height.and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    /// Waits until `node` has reached `height`.
    pub fn reach(&self, node: u16, height: u64, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            if self.height(node) >= height {
                return true;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        false
    }

    pub fn node_pid(&self, node: usize) -> u32 {
        self.descriptor()["nodes"][node]["pid"].as_u64().unwrap_or(0) as u32
    }

    pub fn provider_pid(&self) -> u32 {
        self.descriptor()["provider"]["pid"].as_u64().unwrap_or(0) as u32
    }
}

impl Drop for Localnet {
    fn drop(&mut self) {
        if self.child.try_wait().ok().flatten().is_none() {
            signal(self.child.id(), "-TERM");
            let deadline = Instant::now() + Duration::from_secs(30);
            while Instant::now() < deadline && self.child.try_wait().ok().flatten().is_none() {
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }
}

pub fn signal(pid: u32, signal: &str) {
    if pid > 1 {
        let _ = Command::new("kill").args([signal, &pid.to_string()]).stderr(Stdio::null()).status();
    }
}

pub fn rpc(port: u16, method: &str, params: Value) -> Option<Value> {
    rpc_at(local(port), method, params)
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

pub fn rpc_at(address: SocketAddr, method: &str, params: Value) -> Option<Value> {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
    let answer = http_at(
        address,
        &format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        ),
    )?;
    let json: Value = serde_json::from_str(&answer).ok()?;
    json.get("result").cloned()
}

/// The body of one HTTP exchange.
pub fn http(port: u16, request: &str) -> Option<String> {
    http_at(local(port), request)
}

fn http_at(address: SocketAddr, request: &str) -> Option<String> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    stream.write_all(request.as_bytes()).ok()?;
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())
}

/// The page behind a workload's URL.
pub fn get(url: &str) -> Option<String> {
    let port: u16 = url.rsplit(':').next()?.trim_end_matches('/').parse().ok()?;
    http(port, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
}

pub fn example() -> String {
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/hello-web/deploy.yaml").to_owned()
}

pub fn directory() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

/// Containers need root and namespaces; a machine without them is told in the output.
pub fn can_isolate() -> bool {
    let root = std::fs::read_to_string("/proc/self/status")
        .is_ok_and(|status| status.lines().any(|line| line.starts_with("Uid:\t0")));
    if !root {
        println!("skipped: containers need root on this machine");
    }
    root
}
