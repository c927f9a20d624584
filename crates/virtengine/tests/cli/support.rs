//! A home of its own and the binary in it.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

pub const WORDS: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";
/// Nobody listens on the discard port.
pub const NOBODY: &str = "http://127.0.0.1:9";

pub struct Home(pub tempfile::TempDir);

impl Home {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("passphrase"), "correct horse\n").unwrap();
        Self(dir)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_at(NOBODY, arguments)
    }

    pub fn command_at(&self, node: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_virtengine"));
        command.args(arguments).env_clear().args(["--node", node]);
        command.arg("--home").arg(self.0.path().join("home"));
        command.arg("--passphrase-file").arg(self.0.path().join("passphrase"));
        command.stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// With a text on standard input.
    pub fn tell(&self, text: &str, arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    pub fn recover(&self, name: &str) -> Output {
        self.tell(WORDS, &["keys", "recover", name, "--output", "json"])
    }

    /// A file of this home; its path.
    pub fn write(&self, name: &str, content: &[u8]) -> String {
        let path = self.0.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

pub fn json(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)))
}

pub fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub fn vector(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/sdl").join(path);
    path.to_str().unwrap().to_owned()
}
