//! The page of the book about networks, run as it stands: every command of it, in its order.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::{Running, free_ports, height, reach, stop};

const LIMIT: Duration = Duration::from_secs(90);
/// Bases of the two nodes as the page has them.
const WRITTEN: [u16; 2] = [31200, 31210];

/// The fences of shell commands, with other ports, so that several runs do not meet.
fn fences(ports: [u16; 2]) -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/book/src/network.md");
    let mut text = std::fs::read_to_string(page).unwrap();
    for (written, port) in WRITTEN.iter().zip(ports) {
        for offset in 0..10 {
            text = text.replace(&(written + offset).to_string(), &format!("@{}", port + offset));
        }
    }
    let text = text.replace('@', "");
    text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// A folder in which `virtengine` is the binary under test.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let bin = directory.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_virtengine"), bin.join("virtengine")).unwrap();
        Self(directory)
    }

    fn shell(&self, script: &str) -> Command {
        let mut command = Command::new("sh");
        let path = std::env::var("PATH").unwrap_or_default();
        let bin: PathBuf = self.0.path().join("bin");
        command.args(["-ec", script]).current_dir(self.0.path()).env("PATH", format!("{}:{path}", bin.display()));
        command.env("HOME", self.0.path()).stdin(Stdio::null());
        command
    }

    fn run(&self, script: &str) -> String {
        let output = self.shell(script).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{script}\n{said}{}", String::from_utf8_lossy(&output.stderr));
        said
    }

    fn start(&self, line: &str) -> Child {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.0.path().join("log")).unwrap();
        let errors = log.try_clone().unwrap();
        self.shell(&format!("exec {line}")).stdout(log).stderr(errors).spawn().unwrap()
    }
}

#[test]
fn every_command_of_the_page_about_networks_does_what_the_page_says() {
    let (desk, ports) = (Desk::new(), free_ports());
    let mut running: Vec<Running> = Vec::new();
    let mut starts = 0;
    let mut reached = 0;
    let mut said = Vec::new();
    for fence in fences(ports) {
        if fence.lines().all(|line| line.ends_with(" node start")) {
            running.extend(fence.lines().map(|line| Running::of(desk.start(line))));
            starts += 1;
            for port in ports {
                let log = || std::fs::read_to_string(desk.0.path().join("log")).unwrap_or_default();
                assert!(
                    reach(port, reached + 3, LIMIT),
                    "start {starts}: node at {port} is at {:?}\n{}",
                    height(port),
                    log()
                );
            }
            reached = height(ports[0]).unwrap();
            continue;
        }
        // What works on a home needs its node stopped.
        if fence.contains("tar ") || fence.contains("genesis export") {
            running.drain(..).for_each(stop);
        }
        said.push(desk.run(&fence));
    }
    assert_eq!(starts, 2, "the nodes are started and started again");
    let all = said.join("\n");
    assert!(all.contains("BOND_STATUS_BONDED") && all.contains("ve-local-3"), "{all}");
}
