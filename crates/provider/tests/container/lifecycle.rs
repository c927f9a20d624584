//! From provisioning to the last trace.

use std::sync::Arc;
use std::time::Duration;

use ve_base::keys::SecretKey;
use ve_provider::backend::conformance::{self, Fixture};
use ve_provider::backend::container::KeepLogs;
use ve_provider::backend::{
    ErrorClass, Exec, ExecInput, ExecOutput, ExecRequest, Inventory, LogLine, LogQuery, Logs, Place, Protocol,
    ReplicaState, RestartPolicy, TermSize, WorkloadId, WorkloadState,
};
use ve_provider::seal::Seal;

use super::Test;
use super::world::{Site, World, check};

pub const TESTS: &[(&str, Test)] = &[
    ("the_backend_conforms", conforms),
    ("the_example_image_answers_on_its_published_port", example),
    ("logs_and_exit_codes_arrive_complete", logs),
    ("followed_logs_end_with_the_workload", follow),
    ("rotated_logs_stay_within_their_bound", rotation),
    ("a_command_gets_input_and_gives_output_and_code", exec_pipes),
    ("a_command_can_have_a_terminal_that_resizes", exec_terminal),
    ("a_command_that_does_not_exist_says_so", exec_missing),
    ("dropping_a_session_kills_its_command", exec_dropped),
    ("a_failing_process_is_restarted_with_pauses", restarts),
    ("a_finished_job_is_not_run_again_by_a_repeated_order", finished_once),
    ("a_program_that_cannot_start_leaves_nothing", hopeless),
    ("what_a_workload_wrote_is_there_after_stop_start_and_restart", kept_files),
    ("files_larger_than_what_was_bought_are_not_kept_and_the_log_says_so", kept_holes),
    ("a_restart_cut_off_by_a_crash_is_finished_and_not_repeated", cut_off_restart),
    ("replicas_share_the_published_port", replicas),
    ("an_update_keeps_the_address_and_serves_the_new_revision", update),
    ("a_bad_update_leaves_the_old_revision_serving", bad_update),
    ("terminate_leaves_nothing", nothing_left),
    ("logs_are_kept_for_their_time_after_the_end", kept_logs),
    ("what_the_backend_cannot_do_is_refused_with_a_reason", refusals),
];

fn conforms(world: &World) -> Result<(), String> {
    let site = Site::new(world);
    let fixture = Fixture {
        spec: site.server(),
        says: "READY".into(),
        exec: vec!["/probe".into(), "conformance".into()],
        patience: Duration::from_secs(30),
    };
    let run = conformance::run(&site.backend, &fixture);
    let passed = site.runtime.block_on(run)?;
    println!("conformance: {}", passed.join("; "));
    check(passed.len() == 12, format!("only {passed:?} ran"))?;
    check(site.traces().is_empty(), format!("left: {:?}", site.traces()))
}

fn example(world: &World) -> Result<(), String> {
    use ve_provider::backend::container::image::layout::{ImageBuild, LayerFile, build_oci_layout};
    let site = Site::new(world);
    let image = ImageBuild {
        files: vec![LayerFile { path: hello_web::PATH.into(), content: hello_web::SERVER.to_vec(), mode: 0o755 }],
        entrypoint: vec![format!("/{}", hello_web::PATH)],
        user: "65532".into(),
        ports: vec![hello_web::PORT],
        ..ImageBuild::default()
    };
    let layout = site.dir.path().join("layouts").join(hello_web::NAME);
    build_oci_layout(&layout, hello_web::TAG, &image).map_err(|e| e.to_string())?;
    let mut spec = site.server();
    spec.args.clear();
    spec.image = format!("localhost/{}:{}", hello_web::NAME, hello_web::TAG);
    spec.env.insert("GREETING".into(), "Hello from a test".into());
    let began = std::time::Instant::now();
    let id = site.provision("example", &spec)?;
    let body = site.get(&id)?;
    println!("example: answers {} ms after provision", began.elapsed().as_millis());
    check(body.contains("Hello from a test"), format!("the page says {body}"))
}

fn logs(world: &World) -> Result<(), String> {
    let site = Site::new(world);
    let (status, lines) = site.run(&site.spec(&["say", "2000", "3"]))?;
    let exit = status.last_exit.ok_or("no exit")?;
    check(exit.code == 3 && exit.signal.is_none() && !exit.oom_killed, format!("{exit:?}"))?;
    for (stream, word) in [("stdout", "out"), ("stderr", "err")] {
        let ours: Vec<_> = lines.iter().filter(|l| l.stream == stream).collect();
        check(ours.len() >= 2000, format!("{} lines of {stream}", ours.len()))?;
        for (i, line) in ours.iter().enumerate().take(2000) {
            let wanted = format!("{word} {i}");
            check(line.text == wanted, format!("line {i} of {stream}: {line:?}"))?;
        }
    }
    let last = lines.iter().rfind(|l| l.stream == "stdout").ok_or("no line")?;
    check(last.text == "no newline", "the unfinished last line is lost")
}

fn follow(world: &World) -> Result<(), String> {
    let site = Site::new(world);
    let id = site.provision("follow", &site.spec(&["sleep", "1"]))?;
    let lines = site.runtime.block_on(async {
        let query = LogQuery { follow: true, tail: Some(10), replica: Some(0) };
        let mut stream = site.backend.read_logs(&id, query).await.map_err(|e| e.to_string())?;
        let mut lines = Vec::new();
        let all = async {
            while let Some(line) = stream.recv().await {
                lines.push(line.text);
            }
        };
        let ended = tokio::time::timeout(Duration::from_secs(20), all).await;
        check(ended.is_ok(), "the stream does not end")?;
        Ok::<_, String>(lines)
    })?;
    check(lines == ["READY"], format!("{lines:?}"))
}

fn rotation(world: &World) -> Result<(), String> {
    let site = Site::with(world, |c| (c.log_file_bytes, c.log_files) = (64 << 10, 3));
    let spec = site.spec(&["say", "20000", "0"]);
    let id = site.provision("rotation", &spec)?;
    site.wait(&id, |r| r.last_exit.is_some())?;
    let dir = site.config.root.join("workloads").join(id.as_str()).join("r0/logs");
    let files: Vec<_> = std::fs::read_dir(dir).map_err(|e| e.to_string())?.flatten().collect();
    let size: u64 = files.iter().filter_map(|f| f.metadata().ok()).map(|m| m.len()).sum();
    // One read of the pipe may overshoot a file.
    check(files.len() <= 3 && size < 3 * (64 << 10) * 5, format!("{} files, {size} bytes", files.len()))?;
    let lines = site.logs(&id)?;
    check(lines.iter().any(|l| l.text == "no newline"), "the newest line is lost")
}

/// Output, error output and end of a session.
async fn finish(output: &mut tokio::sync::mpsc::Receiver<ExecOutput>) -> (String, Option<ExecOutput>) {
    let mut text = Vec::new();
    loop {
        match tokio::time::timeout(Duration::from_secs(20), output.recv()).await {
            Ok(Some(ExecOutput::Stdout(b) | ExecOutput::Stderr(b))) => text.extend(b),
            Ok(last) => return (String::from_utf8_lossy(&text).into_owned(), last),
            Err(_) => return (String::from_utf8_lossy(&text).into_owned(), None),
        }
    }
}

fn request(command: &[&str], tty: Option<TermSize>) -> ExecRequest {
    ExecRequest { replica: 0, command: command.iter().map(|c| (*c).to_owned()).collect(), tty }
}

fn exec_pipes(world: &World) -> Result<(), String> {
    let site = Site::new(world);
    let id = site.provision("exec", &site.spec(&["sleep", "600"]))?;
    site.runtime.block_on(async {
        let session = site.backend.run_command(&id, request(&["/probe", "cat"], None)).await;
        let mut session = session.map_err(|e| e.to_string())?;
        let sent = vec![b'x'; 300_000];
        session.input.send(ExecInput::Stdin(sent.clone())).await.map_err(|e| e.to_string())?;
        drop(session.input);
        let (text, last) = finish(&mut session.output).await;
        check(text.len() == sent.len(), format!("{} bytes came back", text.len()))?;
        check(last == Some(ExecOutput::Exit(0)), format!("{last:?}"))?;

        // A command is confined like the main process.
        let session = site.backend.run_command(&id, request(&["/probe", "inspect"], None)).await;
        let mut session = session.map_err(|e| e.to_string())?;
        let (text, last) = finish(&mut session.output).await;
        check(last == Some(ExecOutput::Exit(0)), format!("{last:?} {text}"))?;
        let wanted = ["CapEff=0000000000000000", "CapBnd=0000000000000000", "Seccomp=2", "NoNewPrivs=1"];
        for line in wanted.iter().chain(&["write /x=false", "syscall mount=-1", "interfaces=lo"]) {
            check(text.lines().any(|l| l == *line), format!("{line} is missing in {text}"))?;
        }
        Ok(())
    })
}

fn exec_terminal(world: &World) -> Result<(), String> {
    let site = Site::new(world);
    let id = site.provision("tty", &site.spec(&["sleep", "600"]))?;
    site.runtime.block_on(async {
        let size = TermSize { rows: 40, cols: 100 };
        let session = site.backend.run_command(&id, request(&["/probe", "tty"], Some(size))).await;
        let mut session = session.map_err(|e| e.to_string())?;
        let mut text = String::new();
        while !text.contains("cols=") {
            match tokio::time::timeout(Duration::from_secs(20), session.output.recv()).await {
                Ok(Some(ExecOutput::Stdout(b))) => text += &String::from_utf8_lossy(&b),
                other => return Err(format!("{other:?} after {text}")),
            }
        }
        check(text.contains("tty=1 rows=40 cols=100"), text)?;
        let size = TermSize { rows: 24, cols: 80 };
        let input = [ExecInput::Resize(size), ExecInput::Stdin(b"hello\n".to_vec())];
        for message in input {
            session.input.send(message).await.map_err(|e| e.to_string())?;
        }
        let (text, last) = finish(&mut session.output).await;
        check(text.contains("line=hello rows=24 cols=80"), text)?;
        check(last == Some(ExecOutput::Exit(0)), format!("{last:?}"))
    })
}

fn exec_missing(world: &World) -> Result<(), String> {
    let site = Site::new(world);
    let id = site.provision("missing", &site.spec(&["sleep", "600"]))?;
    site.runtime.block_on(async {
        let session = site.backend.run_command(&id, request(&["/bin/sh"], None)).await;
        let mut session = session.map_err(|e| e.to_string())?;
        let (text, last) = finish(&mut session.output).await;
        check(matches!(last, Some(ExecOutput::Failed(_))), format!("{last:?} {text}"))?;
        let replica = request(&["/probe"], None);
        let replica = ExecRequest { replica: 9, ..replica };
        let refused = site.backend.run_command(&id, replica).await.map(|_| ());
        let class = refused.map_err(|e| e.class);
        check(class == Err(ErrorClass::NotFound), format!("{class:?}"))
    })
}

fn exec_dropped(world: &World) -> Result<(), String> {
    let site = Site::new(world);
    let id = site.provision("dropped", &site.spec(&["sleep", "600"]))?;
    let group =
        super::world::group_name(&site.config.root.canonicalize().map_err(|e| e.to_string())?.to_string_lossy());
    let pids = || {
        let v1 = std::path::Path::new("/sys/fs/cgroup/pids/virtengine").join(&group);
        let v2 = std::path::Path::new("/sys/fs/cgroup/virtengine").join(&group);
        let dir = if v1.exists() { v1 } else { v2 };
        let list = std::fs::read_to_string(dir.join(format!("{id}-0/cgroup.procs")));
        list.unwrap_or_default().lines().count()
    };
    let session = site.backend.run_command(&id, request(&["/probe", "sleep", "600"], None));
    let mut session = site.runtime.block_on(session).map_err(|e| e.to_string())?;
    let first = site.runtime.block_on(session.output.recv());
    check(first == Some(ExecOutput::Stdout(b"READY\n".to_vec())), format!("{first:?}"))?;
    check(pids() == 2, format!("{} processes instead of 2", pids()))?;
    drop(session);
    for _ in 0..100 {
        if pids() == 1 {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Err(format!("{} processes are left instead of 1", pids()))
}

fn restarts(world: &World) -> Result<(), String> {
    let site = Site::new(world);
    let mut spec = site.spec(&["say", "1", "9"]);
    spec.restart = RestartPolicy::OnFailure;
    let id = site.provision("restarts", &spec)?;
    let status = site.wait(&id, |r| r.restarts >= 2)?;
    let exit = status.last_exit.ok_or("no exit")?;
    check(exit.code == 9, format!("{exit:?}"))?;
    let mut fine = site.spec(&["say", "1", "0"]);
    fine.restart = RestartPolicy::OnFailure;
    fine.service = "fine".into();
    let id = site.provision("fine", &fine)?;
    let status = site.wait(&id, |r| r.state == ReplicaState::Exited)?;
    check(status.restarts == 0, "restarted after a success")
}

fn finished_once(world: &World) -> Result<(), String> {
    let site = Site::new(world);
    let spec = site.spec(&["say", "1", "0"]);
    let id = site.provision("once", &spec)?;
    site.wait(&id, |r| r.state == ReplicaState::Exited)?;
    site.provision("once", &spec)?;
    std::thread::sleep(Duration::from_millis(500));
    let lines = site.logs(&id)?;
    let runs = lines.iter().filter(|l| l.text == "out 0").count();
    check(runs == 1, format!("ran {runs} times"))?;
    // Asked for by name, it does run again.
    let start = site.runtime.block_on(site.backend.start(&id));
    start.map_err(|e| e.to_string())?;
    let status = site.wait(&id, |r| r.state == ReplicaState::Exited && r.restarts == 1)?;
    check(status.last_exit.is_some_and(|e| e.code == 0), "failed the second time")
}

fn hopeless(world: &World) -> Result<(), String> {
    let site = Site::new(world);
    let mut spec = site.spec(&[]);
    spec.command = vec!["/nothing/here".into()];
    let refused = site.runtime.block_on(site.backend.provision("hopeless", &spec));
    let error = refused.err().ok_or("it started")?;
    check(error.class == ErrorClass::Invalid, error.to_string())?;
    check(error.message.contains("/nothing/here"), error.to_string())?;
    check(site.traces().is_empty(), format!("left: {:?}", site.traces()))
}

/// Values of `name` in the order of runs.
fn each(lines: &[LogLine], name: &str) -> Vec<String> {
    let value = |line: &LogLine| Some(line.text.strip_prefix(name)?.strip_prefix('=')?.to_owned());
    lines.iter().filter_map(value).collect()
}

fn wait_ready(site: &Site, id: &WorkloadId, runs: usize) -> Result<Vec<LogLine>, String> {
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    loop {
        let lines = site.logs(id)?;
        if lines.iter().filter(|line| line.text == "READY").count() >= runs {
            return Ok(lines);
        }
        check(std::time::Instant::now() < deadline, format!("not ready {runs} times: {lines:?}"))?;
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn kept_files(world: &World) -> Result<(), String> {
    let site = Site::new(world);
    // The second runs as a user: its files stay its own.
    for (image, service) in [("localhost/probe:1", "root"), ("localhost/probe-app:1", "app")] {
        let mut spec = site.spec(&["remember"]);
        (spec.image, spec.service) = (image.into(), service.into());
        let id = site.provision(service, &spec)?;
        wait_ready(&site, &id, 1)?;
        let text = |e: ve_provider::backend::BackendError| e.to_string();
        site.runtime.block_on(site.backend.stop(&id, Duration::ZERO)).map_err(text)?;
        site.runtime.block_on(site.backend.start(&id)).map_err(text)?;
        wait_ready(&site, &id, 2)?;
        site.runtime.block_on(site.backend.restart(&id, "once", Duration::ZERO)).map_err(text)?;
        let lines = wait_ready(&site, &id, 3)?;
        for (name, wanted) in [
            ("found", ["0", "1", "2"]),
            ("linked", ["0", "1", "2"]),
            ("pointed", ["0", "1", "2"]),
            ("outside", ["false", "true", "true"]),
            ("mode", ["0", "700", "700"]),
        ] {
            check(each(&lines, name) == wanted, format!("{service}: {name}: {:?}", each(&lines, name)))?;
        }
        let aside = site.config.root.join("workloads").join(id.as_str()).join("r0/scratch.tar");
        check(!aside.exists(), "an old state is left that a crash could bring back")?;
        site.terminate(&id)?;
    }
    check(site.traces().is_empty(), format!("left: {:?}", site.traces()))
}

fn kept_holes(world: &World) -> Result<(), String> {
    let site = Site::new(world);
    // 8 MiB were bought.
    let id = site.provision("hole", &site.spec(&["hole", "900000"]))?;
    wait_ready(&site, &id, 1)?;
    let stopped = site.runtime.block_on(site.backend.stop(&id, Duration::ZERO));
    stopped.map_err(|e| e.to_string())?;
    let dir = site.config.root.join("workloads").join(id.as_str()).join("r0");
    check(!dir.join("scratch.tar").exists() && !dir.join("scratch.tar.part").exists(), "it was kept")?;
    let lines = site.logs(&id)?;
    check(lines.iter().any(|l| l.stream == "system" && l.text.contains("is not kept")), format!("{lines:?}"))?;
    site.runtime.block_on(site.backend.start(&id)).map_err(|e| e.to_string())?;
    wait_ready(&site, &id, 2).map(|_| ())
}

fn cut_off_restart(world: &World) -> Result<(), String> {
    let site = Site::new(world);
    let id = site.provision("cut", &site.server())?;
    site.get(&id)?;
    let started = || site.describe(&id).map(|workload| workload.replicas[0].started_at_unix_ms);
    let path = site.config.root.join("workloads").join(id.as_str()).join("workload.json");
    let restart = || site.runtime.block_on(site.backend.restart(&id, "op1", Duration::ZERO)).map_err(|e| e.to_string());
    restart()?;
    let first = started()?;
    // As a daemon left it that died when everything had stopped and nothing was started again.
    let text = std::fs::read_to_string(&path).map_err(|e| e.to_string())?;
    site.runtime.block_on(site.backend.stop(&id, Duration::ZERO)).map_err(|e| e.to_string())?;
    std::fs::write(&path, text).map_err(|e| e.to_string())?;
    restart()?;
    site.get(&id)?;
    let second = started()?;
    check(second > first, "it was not started")?;
    restart()?;
    check(started()? == second, "restarted twice for one key")
}

fn replicas(world: &World) -> Result<(), String> {
    let site = Site::new(world);
    let mut spec = site.server();
    spec.replicas = 2;
    let id = site.provision("replicas", &spec)?;
    for _ in 0..4 {
        site.get(&id)?;
    }
    let workload = site.describe(&id)?;
    check(workload.state == WorkloadState::Running, format!("{workload:?}"))?;
    check(workload.replicas.len() == 2, "not two replicas")?;
    // One of them gone, the other answers.
    let pid = workload.replicas[0].pid.ok_or("no pid")?;
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL)
        .map_err(|e| e.to_string())?;
    site.get(&id).map(|_| ())
}

fn update(world: &World) -> Result<(), String> {
    let site = Site::new(world);
    let old = site.provision("v1", &site.server())?;
    check(site.get(&old)? == "1", "not revision 1")?;
    let before = site.describe(&old)?.endpoints;
    let mut spec = site.server();
    spec.env.insert("REVISION".into(), "2".into());
    let new = site.provision("v2", &spec)?;
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while site.get(&new)? != "2" {
        check(std::time::Instant::now() < deadline, "the new revision never serves")?;
    }
    site.terminate(&old)?;
    check(site.get(&new)? == "2", "not revision 2")?;
    check(site.describe(&new)?.endpoints == before, "the address changed")
}

fn bad_update(world: &World) -> Result<(), String> {
    let site = Site::new(world);
    let old = site.provision("v1", &site.server())?;
    let mut bad = site.server();
    bad.command = vec!["/nothing/here".into()];
    check(site.provision("v2", &bad).is_err(), "the bad revision started")?;
    check(site.get(&old)? == "1", "the old revision does not serve")
}

fn nothing_left(world: &World) -> Result<(), String> {
    let site = Site::new(world);
    let mut spec = site.server();
    spec.replicas = 2;
    let id = site.provision("traces", &spec)?;
    site.get(&id)?;
    check(site.traces().len() >= 4, format!("the check sees only {:?}", site.traces()))?;
    let address = site.describe(&id)?.endpoints[0].address;
    site.terminate(&id)?;
    check(site.traces().is_empty(), format!("left: {:?}", site.traces()))?;
    check(std::net::TcpStream::connect(address).is_err(), "the port is still open")?;
    site.terminate(&id)
}

fn kept_logs(world: &World) -> Result<(), String> {
    let key = SecretKey::from_bytes([7; 32]).map_err(|e| e.to_string())?;
    let keep = KeepLogs { time: Duration::from_secs(600), seal: Arc::new(Seal::for_logs(&key)) };
    let site = Site::with(world, |c| c.keep_logs = Some(keep));
    let id = site.provision("kept", &site.spec(&["say", "3", "0"]))?;
    site.wait(&id, |r| r.last_exit.is_some())?;
    site.terminate(&id)?;
    let lines = site.logs(&id)?;
    check(lines.iter().any(|l| l.text == "out 2"), format!("{lines:?}"))?;
    let mut files = Vec::new();
    each_file(&site.config.root.join("ended"), &mut files);
    check(files.len() == 1, format!("{files:?}"))?;
    let bytes = std::fs::read(&files[0]).map_err(|e| e.to_string())?;
    let clear = bytes.windows(5).any(|window| window == b"out 2");
    check(!clear, "what the tenant said is on the disk in the clear")?;
    // One workload's log is not shown as another's.
    let foreign = site.provision("other", &site.spec(&["say", "1", "0"]))?;
    site.terminate(&foreign)?;
    let other = files[0].to_string_lossy().replace(id.as_str(), foreign.as_str());
    std::fs::copy(&files[0], &other).map_err(|e| e.to_string())?;
    check(site.logs(&foreign)?.iter().all(|l| l.text != "out 2"), "a swapped file opened")
}

fn each_file(dir: &std::path::Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        match entry.path() {
            path if path.is_dir() => each_file(&path, files),
            path => files.push(path),
        }
    }
}

fn refusals(world: &World) -> Result<(), String> {
    let site = Site::new(world);
    let mut cases = Vec::new();
    let mut udp = site.server();
    udp.ports[0].protocol = Protocol::Udp;
    cases.push((udp, ErrorClass::Invalid, "UDP"));
    let mut twice = site.server();
    twice.ports.push(twice.ports[0].clone());
    cases.push((twice, ErrorClass::Invalid, "twice"));
    let mut name = site.server();
    name.service = "../x".into();
    cases.push((name, ErrorClass::Invalid, "service"));
    let mut small = site.server();
    small.resources.memory_bytes = 1;
    cases.push((small, ErrorClass::Invalid, "memory"));
    let mut huge = site.server();
    huge.resources.cpu_mcore = 10_000_000;
    cases.push((huge, ErrorClass::Quota, "larger than"));
    let mut env = site.server();
    env.env.insert("A=B".into(), "x".into());
    cases.push((env, ErrorClass::Invalid, "environment"));
    for (spec, class, word) in cases {
        let error = site.runtime.block_on(site.backend.validate(&spec));
        let error = error.err().ok_or(format!("{word}: accepted"))?;
        check(error.class == class && error.message.contains(word), error.to_string())?;
    }
    Ok(())
}
