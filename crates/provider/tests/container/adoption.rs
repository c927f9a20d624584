//! Workloads outlive their daemon, and never their keeper.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use ve_provider::backend::container::{ContainerBackend, OpenError};
use ve_provider::backend::{Meter, Observe, Place, ReplicaState, WorkloadId, WorkloadSpec};

use super::Test;
use super::world::{self, Site, World, check};

/// First argument with which this executable is a daemon to be killed.
pub const DAEMON: &str = "__daemon";

pub const TESTS: &[(&str, Test)] = &[
    ("workloads_survive_a_killed_daemon_and_are_adopted", survive),
    ("an_exit_while_no_daemon_runs_is_not_lost", exit_unwatched),
    ("the_container_dies_with_its_keeper_and_is_started_again", keeper_killed),
    ("a_termination_cut_off_by_a_crash_is_finished", finish_termination),
    ("a_second_daemon_on_the_same_directory_is_refused", second_daemon),
];

/// Opens a backend, places a workload, says its id, and waits to be killed.
pub fn daemon(args: &[String]) -> ExitCode {
    let spec: WorkloadSpec = serde_json::from_str(&args[1]).expect("a specification");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let config = world::config(Path::new(&args[0]));
        let backend = ContainerBackend::open(config).await.expect("opens");
        let id = backend.provision("adopted", &spec).await.expect("provisions");
        println!("{id}");
        std::io::stdout().flush().expect("stdout");
        std::future::pending::<()>().await;
    });
    ExitCode::SUCCESS
}

/// A site without a backend of its own: the daemon process has it.
struct Remote {
    dir: tempfile::TempDir,
    child: Child,
    id: WorkloadId,
}

fn start(world: &World, spec: impl FnOnce(&Site) -> WorkloadSpec) -> Result<Remote, String> {
    // A site writes the images; its backend ends before the daemon starts.
    let site = Site::new(world);
    let spec = serde_json::to_string(&spec(&site)).map_err(|e| e.to_string())?;
    let dir = tempfile::TempDir::new().map_err(|e| e.to_string())?;
    let from = site.dir.path().join("layouts");
    std::fs::rename(from, dir.path().join("layouts")).map_err(|e| e.to_string())?;
    drop(site);
    let exe = std::env::current_exe().map_err(|e| e.to_string())?;
    let mut child = Command::new(exe)
        .arg(DAEMON)
        .arg(dir.path())
        .arg(spec)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| e.to_string())?;
    let mut line = String::new();
    let stdout = child.stdout.take().ok_or("no stdout")?;
    BufReader::new(stdout).read_line(&mut line).map_err(|e| e.to_string())?;
    let id = WorkloadId::try_from(line.trim().to_owned()).map_err(|e| e.to_string())?;
    Ok(Remote { dir, child, id })
}

impl Remote {
    /// kill -9, then a new daemon on the same directory.
    fn crash(mut self) -> Result<(Site, WorkloadId), String> {
        self.child.kill().map_err(|e| e.to_string())?;
        self.child.wait().map_err(|e| e.to_string())?;
        let config = world::config(self.dir.path());
        let runtime = tokio::runtime::Runtime::new().map_err(|e| e.to_string())?;
        let backend = runtime.block_on(ContainerBackend::open(config.clone())).map_err(|e| e.to_string())?;
        let dir = self.dir;
        Ok((Site { runtime, backend, config, dir }, self.id))
    }
}

fn survive(world: &World) -> Result<(), String> {
    let remote = start(world, Site::server)?;
    let record = remote.dir.path().join("data/workloads").join(remote.id.as_str());
    let before = std::fs::read_to_string(record.join("r0/replica.json")).map_err(|e| e.to_string())?;
    let (site, id) = remote.crash()?;
    let workload = site.describe(&id)?;
    let replica = &workload.replicas[0];
    check(replica.state == ReplicaState::Running && replica.restarts == 0, format!("{replica:?}"))?;
    let pid = replica.pid.ok_or("no pid")?;
    check(before.contains(&format!("\"pid\":{pid}")), "another process runs now")?;
    check(site.get(&id)? == "1", "the published port is not carried again")?;
    // The same call again, as after a crash between create and record.
    let found = site.runtime.block_on(site.backend.find("lease/1")).map_err(|e| e.to_string())?;
    check(found.len() == 1 && found[0].idem == "adopted", format!("{found:?}"))?;
    let again = site.provision("adopted", &site.server())?;
    check(again == id, "provisioned a second time")?;
    site.terminate(&id)?;
    check(site.traces().is_empty(), format!("left: {:?}", site.traces()))
}

fn exit_unwatched(world: &World) -> Result<(), String> {
    let remote = start(world, |site| site.spec(&["sleep", "2"]))?;
    let mut remote = remote;
    remote.child.kill().map_err(|e| e.to_string())?;
    std::thread::sleep(Duration::from_secs(4));
    let (site, id) = remote.crash()?;
    let status = site.wait(&id, |r| r.state == ReplicaState::Exited)?;
    let exit = status.last_exit.ok_or("no exit")?;
    check(exit.code == 0, format!("{exit:?}"))?;
    let lines = site.logs(&id)?;
    check(lines.iter().any(|l| l.text == "READY"), "the line is lost")?;
    let counters = site.runtime.block_on(site.backend.counters(&id));
    let counters = counters.map_err(|e| e.to_string())?;
    check(counters.running_s >= 1, format!("{counters:?}"))
}

fn keeper_killed(world: &World) -> Result<(), String> {
    let site = Site::new(world);
    let id = site.provision("keeper", &site.server())?;
    let first = site.wait(&id, |r| r.pid.is_some())?.pid.ok_or("no pid")?;
    let record = site.config.root.join("workloads").join(id.as_str()).join("r0/replica.json");
    let record = std::fs::read_to_string(record).map_err(|e| e.to_string())?;
    let record: serde_json::Value = serde_json::from_str(&record).map_err(|e| e.to_string())?;
    let keeper = record["keeper"]["pid"].as_i64().ok_or("no keeper")?;
    kill(Pid::from_raw(keeper as i32), Signal::SIGKILL).map_err(|e| e.to_string())?;
    for _ in 0..100 {
        if !Path::new(&format!("/proc/{first}/root")).exists() {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    check(!Path::new(&format!("/proc/{first}/root")).exists(), "the container outlived its keeper")?;
    let again = site.wait(&id, |r| r.pid.is_some_and(|p| p != first))?;
    check(again.state == ReplicaState::Running, format!("{again:?}"))?;
    site.get(&id).map(|_| ())
}

fn finish_termination(world: &World) -> Result<(), String> {
    let remote = start(world, Site::server)?;
    let path = remote.dir.path().join("data/workloads").join(remote.id.as_str()).join("workload.json");
    // What a daemon had written that was killed right after the order arrived.
    let text = std::fs::read_to_string(&path).map_err(|e| e.to_string())?;
    let text = text.replace("\"desired\":\"running\"", "\"desired\":\"terminated\"");
    std::fs::write(&path, text).map_err(|e| e.to_string())?;
    let (site, id) = remote.crash()?;
    check(site.describe(&id).is_err(), "it is still there")?;
    check(site.traces().is_empty(), format!("left: {:?}", site.traces()))
}

fn second_daemon(world: &World) -> Result<(), String> {
    let site = Site::new(world);
    let second = site.runtime.block_on(ContainerBackend::open(site.config.clone()));
    match second {
        Err(OpenError::Data(why)) => check(why.contains("another daemon"), why),
        Err(other) => Err(other.to_string()),
        Ok(_) => Err("two daemons share a directory".into()),
    }
}
