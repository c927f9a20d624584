//! What the tests share: the probe image and backends in directories of their own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::runtime::Runtime;
use ve_provider::backend::container::image::layout::{ImageBuild, LayerFile, build_oci_layout};
use ve_provider::backend::container::{ContainerBackend, ContainerConfig, OpenError, SHIM_COMMAND};
use ve_provider::backend::{
    Backend, LogLine, LogQuery, Logs, Observe, Place, PortSpec, Protocol, ReplicaStatus, Resources, RestartPolicy,
    Workload, WorkloadId, WorkloadSpec,
};

pub const MIB: u64 = 1 << 20;

/// Built once per run of the tests.
pub struct World {
    pub probe: Vec<u8>,
    // Removed at the end of the process.
    _dir: TempDir,
}

static WORLD: OnceLock<Result<World, String>> = OnceLock::new();

/// The shared world, or why tests cannot run here.
pub fn world() -> Result<&'static World, &'static str> {
    WORLD
        .get_or_init(|| {
            let dir = TempDir::new().map_err(|e| e.to_string())?;
            let world = World { probe: compile(dir.path())?, _dir: dir };
            let site = Site::try_new(&world, |_| {});
            match site {
                Ok(_) => Ok(world),
                Err(OpenError::CannotIsolate(why)) => Err(why.to_string()),
                Err(other) => panic!("{other}"),
            }
        })
        .as_ref()
        .map_err(String::as_str)
}

fn compile(dir: &Path) -> Result<Vec<u8>, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/container/probe.rs");
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let to = dir.join("probe");
    let done = Command::new(rustc)
        .args(["--edition", "2024", "-C", "target-feature=+crt-static"])
        .args(["-C", "strip=symbols", "-o"])
        .arg(&to)
        .arg(source)
        .status()
        .map_err(|e| format!("rustc cannot be run: {e}"))?;
    if !done.success() {
        return Err("the probe cannot be linked statically (libc6-dev)".into());
    }
    std::fs::read(to).map_err(|e| e.to_string())
}

/// A backend with its own data directory and images.
pub struct Site {
    pub runtime: Runtime,
    pub backend: ContainerBackend,
    pub config: ContainerConfig,
    pub dir: TempDir,
}

impl Site {
    pub fn new(world: &World) -> Self {
        Self::with(world, |_| {})
    }

    pub fn with(world: &World, change: impl FnOnce(&mut ContainerConfig)) -> Self {
        Self::try_new(world, change).expect("the machine isolates, as checked before")
    }

    fn try_new(world: &World, change: impl FnOnce(&mut ContainerConfig)) -> Result<Self, OpenError> {
        let dir = TempDir::new().expect("a temporary directory");
        let layouts = dir.path().join("layouts");
        let image = ImageBuild {
            files: vec![
                LayerFile { path: "probe".into(), content: world.probe.clone(), mode: 0o755 },
                LayerFile {
                    path: "etc/passwd".into(),
                    content: b"root:x:0:0::/:/probe\napp:x:1000:1001::/:/probe\n".to_vec(),
                    mode: 0o644,
                },
            ],
            entrypoint: vec!["/probe".into()],
            ..ImageBuild::default()
        };
        build_oci_layout(&layouts.join("probe"), "1", &image).expect("an image");
        let app = ImageBuild { user: "app".into(), ..image };
        build_oci_layout(&layouts.join("probe-app"), "1", &app).expect("an image");
        let mut config = config(dir.path());
        change(&mut config);
        let runtime = Runtime::new().expect("a runtime");
        let backend = runtime.block_on(ContainerBackend::open(config.clone()))?;
        Ok(Self { runtime, backend, config, dir })
    }

    /// A workload of the probe with small limits that is not restarted.
    pub fn spec(&self, args: &[&str]) -> WorkloadSpec {
        WorkloadSpec {
            lease_tag: "lease/1".into(),
            service: "web".into(),
            image: "localhost/probe:1".into(),
            credentials: None,
            command: Vec::new(),
            args: args.iter().map(|a| (*a).to_owned()).collect(),
            env: BTreeMap::new(),
            resources: Resources { cpu_mcore: 500, memory_bytes: 64 * MIB, storage_bytes: 8 * MIB },
            ports: Vec::new(),
            replicas: 1,
            restart: RestartPolicy::Never,
        }
    }

    /// The probe as a web server with a published port.
    pub fn server(&self) -> WorkloadSpec {
        WorkloadSpec {
            ports: vec![PortSpec { container_port: 8080, external_port: 80, protocol: Protocol::Tcp, published: true }],
            restart: RestartPolicy::Always,
            ..self.spec(&["serve", "8080"])
        }
    }

    pub fn provision(&self, idem: &str, spec: &WorkloadSpec) -> Result<WorkloadId, String> {
        self.runtime.block_on(self.backend.provision(idem, spec)).map_err(|e| format!("provision: {e}"))
    }

    pub fn terminate(&self, id: &WorkloadId) -> Result<(), String> {
        self.runtime.block_on(self.backend.terminate(id)).map_err(|e| format!("terminate: {e}"))
    }

    pub fn describe(&self, id: &WorkloadId) -> Result<Workload, String> {
        self.runtime.block_on(self.backend.describe(id)).map_err(|e| format!("describe: {e}"))
    }

    /// Waits until the first replica satisfies `wanted`.
    pub fn wait(&self, id: &WorkloadId, wanted: impl Fn(&ReplicaStatus) -> bool) -> Result<ReplicaStatus, String> {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let workload = self.describe(id)?;
            if wanted(&workload.replicas[0]) {
                return Ok(workload.replicas[0].clone());
            }
            if Instant::now() > deadline {
                return Err(format!("waited in vain: {:?}", workload.replicas[0]));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Runs the probe to its end; its exit and its output.
    pub fn run(&self, spec: &WorkloadSpec) -> Result<(ReplicaStatus, Vec<LogLine>), String> {
        let id = self.provision(&format!("run {:?}", spec.args), spec)?;
        let status = self.wait(&id, |r| r.last_exit.is_some())?;
        let lines = self.logs(&id)?;
        self.terminate(&id)?;
        Ok((status, lines))
    }

    pub fn logs(&self, id: &WorkloadId) -> Result<Vec<LogLine>, String> {
        self.runtime.block_on(async {
            let query = LogQuery::default();
            let stream = self.backend.read_logs(id, query).await;
            let mut stream = stream.map_err(|e| format!("logs: {e}"))?;
            let mut lines = Vec::new();
            while let Some(line) = stream.recv().await {
                lines.push(line);
            }
            Ok(lines)
        })
    }

    /// GET / of the first endpoint, retried for a while; the body.
    pub fn get(&self, id: &WorkloadId) -> Result<String, String> {
        let expose = self.backend.expose().ok_or("exposes nothing")?;
        let endpoints = self.runtime.block_on(expose.endpoints(id));
        let endpoints = endpoints.map_err(|e| e.to_string())?;
        let address = endpoints.first().ok_or("no endpoint")?.address;
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(body) = get(address) {
                return Ok(body);
            }
            if Instant::now() > deadline {
                return Err(format!("{address} does not answer"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Everything on the machine that belongs to this site.
    pub fn traces(&self) -> Vec<String> {
        let mut traces = Vec::new();
        let root = self.config.root.canonicalize().expect("the data directory");
        let root = root.to_string_lossy().into_owned();
        for entry in std::fs::read_dir("/proc").expect("/proc").flatten() {
            let path = entry.path();
            let cmdline = std::fs::read(path.join("cmdline")).unwrap_or_default();
            let cmdline = String::from_utf8_lossy(&cmdline).into_owned();
            // Zombies have no command line.
            if cmdline.starts_with("ve-keeper") && cmdline.contains(&root) {
                traces.push(format!("process {cmdline:?}"));
            }
            let mounts = std::fs::read_to_string(path.join("mountinfo")).unwrap_or_default();
            if mounts.contains(&root) {
                traces.push(format!("mount in {}", path.display()));
            }
        }
        let group = group_name(&root);
        find_dirs(Path::new("/sys/fs/cgroup"), 3, &mut |dir| {
            if dir.ends_with(&group) || dir.parent().is_some_and(|p| p.ends_with(&group)) {
                traces.push(format!("control group {}", dir.display()));
            }
        });
        let workloads = std::fs::read_dir(self.config.root.join("workloads"));
        for entry in workloads.expect("workloads").flatten() {
            traces.push(format!("directory {}", entry.path().display()));
        }
        traces
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let backend = self.backend.clone();
        self.runtime.block_on(async move {
            for workload in backend.list_owned().await.unwrap_or_default() {
                let _ = backend.terminate(&workload.id).await;
            }
        });
    }
}

/// The configuration of a site whose directory is `dir`.
pub fn config(dir: &Path) -> ContainerConfig {
    let exe = std::env::current_exe().expect("own path");
    ContainerConfig {
        image_layouts: Some(dir.join("layouts")),
        sample_every: Duration::from_millis(200),
        restart_pause: (Duration::from_millis(200), Duration::from_secs(2)),
        shim: vec![exe.to_string_lossy().into_owned(), SHIM_COMMAND.to_owned()],
        ..ContainerConfig::new(dir.join("data"))
    }
}

pub fn get(address: std::net::SocketAddr) -> Option<String> {
    use std::io::{Read, Write};
    let timeout = Duration::from_secs(2);
    let mut stream = std::net::TcpStream::connect_timeout(&address, timeout).ok()?;
    stream.set_read_timeout(Some(timeout)).ok()?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.starts_with("HTTP/1.1 200").then(|| body.to_owned())
}

/// Value of `name=…` in the probe's output.
pub fn value<'a>(lines: &'a [LogLine], name: &str) -> Result<&'a str, String> {
    lines
        .iter()
        .find_map(|l| l.text.strip_prefix(name)?.strip_prefix('='))
        .ok_or_else(|| format!("the probe says nothing of {name}: {lines:?}"))
}

pub fn check(holds: bool, otherwise: impl Into<String>) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.into()) }
}

/// Last part of the control groups of a data directory.
pub fn group_name(root: &str) -> PathBuf {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(root.as_bytes());
    PathBuf::from(hex::encode(&digest[..6]))
}

fn find_dirs(dir: &Path, depth: u32, each: &mut impl FnMut(&Path)) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.is_symlink() {
            each(&path);
            if depth > 0 {
                find_dirs(&path, depth - 1, each);
            }
        }
    }
}
