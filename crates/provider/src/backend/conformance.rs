//! What every backend must do, whatever it runs on.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Backend, ErrorClass, ExecOutput, ExecRequest, LogQuery, WorkloadId, WorkloadSpec, WorkloadState};

/// What the suite needs to know about the backend under test.
#[derive(Debug, Clone)]
pub struct Fixture {
    /// A workload that runs until it is ended. Its lease tag must be unused. If it
    /// publishes a port, an HTTP `GET /` there answers.
    pub spec: WorkloadSpec,
    /// Text that it writes soon after its start.
    pub says: String,
    /// A command that prints `conformance` and ends with code 7.
    pub exec: Vec<String>,
    /// Longest wait for anything.
    pub patience: Duration,
}

/// Runs the whole suite; returns the names of the checks that passed.
///
/// # Errors
/// The first check that failed, and how.
pub async fn run(backend: &dyn Backend, fixture: &Fixture) -> Result<Vec<&'static str>, String> {
    let mut passed = Vec::new();
    let suite = Suite { backend, fixture };
    suite.before().await?;
    passed.push("refuses what can never run");
    let id = suite.double_delivery().await?;
    passed.push("the same key places one workload");
    suite.found_by_tag(&id).await?;
    passed.push("is found by its tag after a crash between create and record");
    suite.conflict().await?;
    passed.push("a key is not reused for another specification");
    suite.reserved().await?;
    passed.push("holds its capacity and refuses more than there is");
    if suite.logs(&id).await? {
        passed.push("logs arrive");
    }
    if suite.exec(&id).await? {
        passed.push("commands run and report their exit code");
    }
    if suite.ports(&id).await? {
        passed.push("published ports answer");
    }
    suite.stop_and_start(&id).await?;
    passed.push("stops and starts");
    suite.restart(&id).await?;
    passed.push("restarts once for each key");
    suite.update(&id).await?;
    passed.push("a new revision runs beside the old one");
    suite.terminate(&id).await?;
    passed.push("terminates, also twice, and frees its capacity");
    Ok(passed)
}

struct Suite<'a> {
    backend: &'a dyn Backend,
    fixture: &'a Fixture,
}

impl Suite<'_> {
    async fn before(&self) -> Result<(), String> {
        let spec = &self.fixture.spec;
        ok("validate", self.backend.validate(spec).await)?;
        let bad = WorkloadSpec { replicas: 0, ..spec.clone() };
        refused("0 replicas", ErrorClass::Invalid, self.backend.validate(&bad).await)?;
        let found = ok("find", self.backend.find(&spec.lease_tag).await)?;
        check(found.is_empty(), "the lease tag of the fixture is in use")?;
        let nobody = WorkloadId::derive("conformance", "nobody", "absent");
        ok("terminate absent", self.backend.terminate(&nobody).await)?;
        let absent = self.backend.describe(&nobody).await.map(|_| ());
        refused("describe absent", ErrorClass::NotFound, absent)
    }

    async fn double_delivery(&self) -> Result<WorkloadId, String> {
        let spec = &self.fixture.spec;
        let (first, second) =
            tokio::join!(self.backend.provision("conformance-1", spec), self.backend.provision("conformance-1", spec),);
        let (first, second) = (ok("provision", first)?, ok("provision again", second)?);
        check(first == second, "two deliveries made two workloads")?;
        self.wait(&first, WorkloadState::Running).await?;
        Ok(first)
    }

    async fn found_by_tag(&self, id: &WorkloadId) -> Result<(), String> {
        let found = ok("find", self.backend.find(&self.fixture.spec.lease_tag).await)?;
        let ours = found.iter().filter(|w| w.id == *id && w.idem == "conformance-1");
        check(found.len() == 1 && ours.count() == 1, "not found by its tag")
    }

    async fn conflict(&self) -> Result<(), String> {
        let mut other = self.fixture.spec.clone();
        other.env.insert("CHANGED".into(), "yes".into());
        let again = self.backend.provision("conformance-1", &other).await;
        refused("another spec", ErrorClass::Conflict, again.map(|_| ()))
    }

    async fn reserved(&self) -> Result<(), String> {
        let spec = &self.fixture.spec;
        let now = ok("inventory", self.backend.inventory().await)?;
        let own = spec.resources.times(spec.replicas).unwrap_or_default();
        check(own.fits(now.reserved), "the workload reserves nothing")?;
        let mut more = spec.clone();
        more.lease_tag = format!("{}-more", spec.lease_tag);
        more.resources.memory_bytes = now.total.memory_bytes;
        more.replicas = 1;
        let more = self.backend.provision("conformance-2", &more).await;
        refused("more than is free", ErrorClass::Quota, more.map(|_| ()))
    }

    async fn logs(&self, id: &WorkloadId) -> Result<bool, String> {
        let Some(logs) = self.backend.logs() else {
            return Ok(false);
        };
        let query = LogQuery { follow: true, ..LogQuery::default() };
        let mut lines = ok("logs", logs.read_logs(id, query).await)?;
        let said = async {
            while let Some(line) = lines.recv().await {
                if line.text.contains(&self.fixture.says) {
                    return true;
                }
            }
            false
        };
        let said = tokio::time::timeout(self.fixture.patience, said).await;
        check(said == Ok(true), "the expected line is not in the log")?;
        Ok(true)
    }

    async fn exec(&self, id: &WorkloadId) -> Result<bool, String> {
        let Some(exec) = self.backend.exec() else {
            return Ok(false);
        };
        let request = ExecRequest { replica: 0, command: self.fixture.exec.clone(), tty: None };
        let mut session = ok("exec", exec.run_command(id, request).await)?;
        let mut printed = Vec::new();
        loop {
            let next = tokio::time::timeout(self.fixture.patience, session.output.recv()).await;
            match next {
                Ok(Some(ExecOutput::Stdout(bytes))) => printed.extend(bytes),
                Ok(Some(ExecOutput::Stderr(_))) => {}
                Ok(Some(ExecOutput::Exit(code))) => {
                    check(code == 7, &format!("exit code {code} instead of 7"))?;
                    break;
                }
                other => return Err(format!("the command did not run: {other:?}")),
            }
        }
        let printed = String::from_utf8_lossy(&printed).into_owned();
        check(printed.contains("conformance"), "the output is missing")?;
        Ok(true)
    }

    async fn ports(&self, id: &WorkloadId) -> Result<bool, String> {
        let Some(expose) = self.backend.expose() else {
            return Ok(false);
        };
        if !self.fixture.spec.ports.iter().any(|p| p.published) {
            return Ok(false);
        }
        let endpoints = ok("endpoints", expose.endpoints(id).await)?;
        let endpoint = endpoints.first().ok_or("no endpoint")?;
        let deadline = Instant::now() + self.fixture.patience;
        loop {
            if let Ok(answer) = http_get(endpoint.address).await
                && answer.starts_with("HTTP/1.1 200")
            {
                return Ok(true);
            }
            check(Instant::now() < deadline, "the published port does not answer")?;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn stop_and_start(&self, id: &WorkloadId) -> Result<(), String> {
        let before = ok("counters", self.backend.counters(id).await)?;
        for _ in 0..2 {
            ok("stop", self.backend.stop(id, Duration::ZERO).await)?;
            self.wait(id, WorkloadState::Stopped).await?;
        }
        for _ in 0..2 {
            ok("start", self.backend.start(id).await)?;
            self.wait(id, WorkloadState::Running).await?;
        }
        let after = ok("counters", self.backend.counters(id).await)?;
        let grows = after.cpu_mcore_s >= before.cpu_mcore_s
            && after.mem_byte_s >= before.mem_byte_s
            && after.running_s >= before.running_s;
        check(grows, &format!("counters went back: {before:?} then {after:?}"))
    }

    async fn restart(&self, id: &WorkloadId) -> Result<(), String> {
        let started = async || {
            let now = ok("describe", self.backend.describe(id).await)?;
            Ok::<_, String>(now.replicas.iter().map(|replica| replica.started_at_unix_ms).collect::<Vec<_>>())
        };
        let mut before = started().await?;
        for key in ["first", "second"] {
            // A start within the same millisecond could not be told apart.
            tokio::time::sleep(Duration::from_millis(5)).await;
            ok("restart", self.backend.restart(id, key, Duration::ZERO).await)?;
            self.wait(id, WorkloadState::Running).await?;
            let after = started().await?;
            check(after.iter().zip(&before).all(|(after, before)| after > before), "it was not started again")?;
            ok("restart again", self.backend.restart(id, key, Duration::ZERO).await)?;
            check(started().await? == after, "the same key restarted it twice")?;
            before = after;
        }
        ok("stop", self.backend.stop(id, Duration::ZERO).await)?;
        ok("restart what is stopped", self.backend.restart(id, "third", Duration::ZERO).await)?;
        self.wait(id, WorkloadState::Running).await
    }

    async fn update(&self, old: &WorkloadId) -> Result<(), String> {
        let mut spec = self.fixture.spec.clone();
        spec.env.insert("REVISION".into(), "2".into());
        let new = ok("update", self.backend.provision("conformance-3", &spec).await)?;
        check(new != *old, "a new key gave the old workload")?;
        self.wait(&new, WorkloadState::Running).await?;
        self.wait(old, WorkloadState::Running).await?;
        ok("terminate", self.backend.terminate(&new).await)
    }

    async fn terminate(&self, id: &WorkloadId) -> Result<(), String> {
        for _ in 0..2 {
            ok("terminate", self.backend.terminate(id).await)?;
        }
        let gone = self.backend.describe(id).await.map(|_| ());
        refused("describe", ErrorClass::NotFound, gone)?;
        let left = ok("find", self.backend.find(&self.fixture.spec.lease_tag).await)?;
        check(left.is_empty(), "something of the lease is left")
    }

    async fn wait(&self, id: &WorkloadId, wanted: WorkloadState) -> Result<(), String> {
        let deadline = Instant::now() + self.fixture.patience;
        loop {
            let now = ok("describe", self.backend.describe(id).await)?;
            if now.state == wanted {
                return Ok(());
            }
            let text = format!("{:?} instead of {wanted:?}: {:?}", now.state, now.replicas);
            check(Instant::now() < deadline, &text)?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn http_get(address: std::net::SocketAddr) -> std::io::Result<String> {
    let mut stream = tokio::net::TcpStream::connect(address).await?;
    let request = b"GET / HTTP/1.1\r\nHost: conformance\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await?;
    let mut answer = Vec::new();
    stream.take(1 << 20).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn ok<T>(what: &str, result: super::Result<T>) -> Result<T, String> {
    result.map_err(|e| format!("{what}: {e}"))
}

fn refused(what: &str, class: ErrorClass, result: super::Result<()>) -> Result<(), String> {
    match result {
        Err(e) if e.class == class => Ok(()),
        other => Err(format!("{what}: expected {}, got {other:?}", class.code())),
    }
}

fn check(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.to_owned()) }
}
