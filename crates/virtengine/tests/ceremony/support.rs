//! Participants of a ceremony: a home each, and the binary in it.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Ports of a node from its base.
pub const P2P: u16 = 3;
pub const GOSSIP: u16 = 4;

pub struct Participant {
    pub name: String,
    home: PathBuf,
}

fn failure(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

impl Participant {
    pub fn new(directory: &Path, name: &str) -> Self {
        let new = Self { name: name.to_owned(), home: directory.join(name) };
        new.text(&["keys", "add", "operator"]);
        new
    }

    /// The same keys in a home without a past, with another genesis file.
    pub fn anew(&self, directory: &Path, genesis: &str) -> Self {
        let new = Self { name: self.name.clone(), home: directory.join(format!("{}-anew", self.name)) };
        std::fs::create_dir_all(new.home.join("config")).unwrap();
        let key = "config/priv_validator_key.json";
        std::fs::copy(self.home.join(key), new.home.join(key)).unwrap();
        std::fs::copy(genesis, new.genesis()).unwrap();
        new
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_virtengine"));
        command.args(arguments).args(["--keyring", "test", "--home"]).arg(&self.home).stdin(Stdio::null());
        command
    }

    pub fn text(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", failure(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        let text = self.text(&[arguments, &["--output", "json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{arguments:?}: {text}"))
    }

    /// The error of a command that must fail.
    pub fn refused(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert!(!output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
        failure(&output)
    }

    pub fn address(&self) -> String {
        self.text(&["keys", "show", "operator", "--address"]).trim().to_owned()
    }

    pub fn genesis(&self) -> PathBuf {
        self.home.join("config/genesis.json")
    }

    pub fn take_genesis(&self, from: &Self) {
        std::fs::create_dir_all(self.home.join("config")).unwrap();
        std::fs::copy(from.genesis(), self.genesis()).unwrap();
    }

    /// A file of this participant; its path.
    pub fn write(&self, name: &str, content: &Value) -> String {
        let path = self.home.join(name);
        std::fs::write(&path, content.to_string()).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub fn start(&self) -> Running {
        let log = std::fs::File::create(self.home.join("log")).unwrap();
        let errors = log.try_clone().unwrap();
        Running(self.command(&["node", "start"]).stdout(log).stderr(errors).spawn().unwrap())
    }
}

/// Ends the process with the test.
pub struct Running(Child);

impl Running {
    pub fn of(child: Child) -> Self {
        Self(child)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// As Ctrl-C does, to the end.
pub fn stop(mut running: Running) {
    let _ = Command::new("kill").args(["-TERM", &running.0.id().to_string()]).status();
    assert!(running.0.wait().unwrap().success(), "a node that is asked to stop ends without an error");
}

/// Bases of two nodes whose ports are free now.
pub fn free_ports() -> [u16; 2] {
    let free = |base: &u16| (0..6u16).all(|offset| TcpListener::bind(("127.0.0.1", base + offset)).is_ok());
    // Tests of this run take their ports in turn.
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = (std::process::id() % 100) as u16;
    let take = || loop {
        let base = 13_000 + 10 * ((start + NEXT.fetch_add(1, Ordering::Relaxed)) % 100);
        if free(&base) {
            return base;
        }
    };
    [take(), take()]
}

pub fn rpc(port: u16, method: &str) -> Option<Value> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(stream, "GET /{method} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let json: Value = serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()?;
    json.get("result").cloned()
}

pub fn height(port: u16) -> Option<u64> {
    rpc(port, "status")?["sync_info"]["latest_block_height"].as_str()?.parse().ok()
}

pub fn reach(port: u16, wanted: u64, limit: Duration) -> bool {
    let deadline = Instant::now() + limit;
    while Instant::now() < deadline {
        if height(port).is_some_and(|height| height >= wanted) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    false
}
