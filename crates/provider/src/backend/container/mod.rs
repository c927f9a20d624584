//! The embedded container backend: OCI images as isolated containers on this
//! machine, nothing to install.
//!
//! A replica runs in its own pid, mount, ipc, uts, network, cgroup and user
//! namespaces, with a read-only root, no capabilities, `no_new_privs`, a system
//! call allow-list and hard CPU, memory and process limits. Its network has a
//! loopback and nothing else: published ports are carried in by the daemon, and
//! there is no way out (`Capabilities::egress` is false), so an image that needs
//! to call other hosts does not belong here.
//!
//! Writable space is `/tmp`, `/var/tmp`, `/run` and the image's volumes, in memory,
//! of together the storage size that was bought; what is written counts against
//! the memory limit as well.

mod bundle;
mod cgroup;
mod config;
mod ended;
mod exec;
pub mod image;
mod lifecycle;
mod logs;
mod netns;
mod observe;
mod preflight;
mod proxy;
mod seccomp;
mod shim;
mod state;
mod validate;

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg};
use sha2::{Digest, Sha256};

pub use config::ContainerConfig;
pub use ended::KeepLogs;
pub use preflight::CannotIsolate;
pub use shim::{SHIM_COMMAND, shim_main};

use self::image::ImageStore;
use self::preflight::Machine;
use self::proxy::{Proxy, Traffic};
use self::state::WorkloadRecord;
use crate::backend::{Backend, BackendError, Capabilities, Exec, Expose, Logs, Resources, Result, WorkloadId};

/// How often workloads are compared with what they should be doing.
const HEAL_EVERY: Duration = Duration::from_secs(5);

/// Why the backend cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Tenants would not be isolated; nothing is ever run in that case.
    #[error(transparent)]
    CannotIsolate(#[from] CannotIsolate),
    /// The data directory cannot be used.
    #[error("{0}")]
    Data(String),
}

/// The backend. Cheap to clone; the last clone's end leaves the workloads running.
#[derive(Clone)]
pub struct ContainerBackend {
    inner: Arc<Inner>,
}

struct Inner {
    config: ContainerConfig,
    capabilities: Capabilities,
    machine: Machine,
    total: Resources,
    /// Tells the groups of several data directories on one machine apart.
    group: String,
    images: ImageStore,
    proxy: Proxy,
    locks: Mutex<HashMap<WorkloadId, Arc<tokio::sync::Mutex<()>>>>,
    traffic: Mutex<HashMap<WorkloadId, Arc<Traffic>>>,
    /// Held from the capacity check until the reservation is on disk.
    admission: tokio::sync::Mutex<()>,
    _only_one: Flock<fs::File>,
}

impl ContainerBackend {
    /// Checks the machine, takes the data directory and re-adopts what runs.
    ///
    /// # Errors
    /// [`OpenError::CannotIsolate`] with reason and remedy; [`OpenError::Data`]
    /// when the directory is unusable or another daemon has it.
    pub async fn open(mut config: ContainerConfig) -> Result<Self, OpenError> {
        let data =
            |what: &str, e: &dyn std::fmt::Display| OpenError::Data(format!("container data directory: {what}: {e}"));
        fs::create_dir_all(&config.root).map_err(|e| data("create", &e))?;
        config.root = fs::canonicalize(&config.root).map_err(|e| data("open", &e))?;
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        fs::set_permissions(&config.root, mode).map_err(|e| data("protect", &e))?;
        let machine = preflight::check(&config).await?;
        let lock = fs::File::create(config.root.join("lock")).map_err(|e| data("lock", &e))?;
        let lock = Flock::lock(lock, FlockArg::LockExclusiveNonblock)
            .map_err(|_| data("in use", &"another daemon has it; stop that one or use another directory"))?;
        for part in ["workloads", "ended"] {
            fs::create_dir_all(config.root.join(part)).map_err(|e| data(part, &e))?;
        }
        let images = ImageStore::open(
            config.root.join("images"),
            config.image_layouts.clone(),
            (config.registries.clone(), config.plain_http_registries.clone()),
            config.owner_ids(),
            config.image_limits,
        )
        .map_err(|e| data("images", &e))?;
        let proxy = Proxy::new(config.publish_address, config.root.join("ports.json"));
        let digest = Sha256::digest(config.root.as_os_str().as_encoded_bytes());
        let inner = Inner {
            capabilities: Capabilities {
                egress: false,
                service_links: false,
                persistent_storage: false,
                gpu: false,
                udp: false,
                leased_ip: false,
                host_names: false,
                max_endpoints: validate::MAX_PORTS,
                max_replicas: config.max_replicas,
                least: Resources { cpu_mcore: validate::MIN_CPU, memory_bytes: validate::MIN_MEMORY, storage_bytes: 0 },
                architecture: image::layout::architecture(),
            },
            machine,
            total: (config.capacity).unwrap_or_else(|| preflight::machine_capacity(&config.root)),
            group: format!("/virtengine/{}", hex::encode(&digest[..6])),
            images,
            proxy,
            locks: Mutex::default(),
            traffic: Mutex::default(),
            admission: tokio::sync::Mutex::default(),
            config,
            _only_one: lock,
        };
        let this = Self { inner: Arc::new(inner) };
        this.inner.adopt().await.map_err(|e| data("adopt", &e))?;
        let weak = Arc::downgrade(&this.inner);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(HEAL_EVERY).await;
                let Some(inner) = weak.upgrade() else { return };
                inner.heal().await;
            }
        });
        Ok(this)
    }
}

impl Backend for ContainerBackend {
    fn name(&self) -> &'static str {
        "container"
    }

    fn logs(&self) -> Option<&dyn Logs> {
        Some(self)
    }

    fn exec(&self) -> Option<&dyn Exec> {
        Some(self)
    }

    fn expose(&self) -> Option<&dyn Expose> {
        Some(self)
    }
}

impl Inner {
    fn dir(&self, id: &WorkloadId) -> PathBuf {
        self.config.root.join("workloads").join(id.as_str())
    }

    /// Where logs of ended workloads are kept.
    fn ended(&self) -> PathBuf {
        self.config.root.join("ended")
    }

    fn replica_dir(&self, id: &WorkloadId, index: u32) -> PathBuf {
        self.dir(id).join(format!("r{index}"))
    }

    fn cgroup(&self, id: &WorkloadId, index: u32) -> cgroup::Cgroup {
        let path = format!("{}/{id}-{index}", self.group);
        self.machine.hierarchy.group(&path)
    }

    /// One call at a time per workload.
    fn lock_of(&self, id: &WorkloadId) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody waits on a lock that only this map holds.
        locks.retain(|_, lock| Arc::strong_count(lock) > 1);
        locks.entry(id.clone()).or_default().clone()
    }

    fn traffic_of(&self, record: &WorkloadRecord) -> Arc<Traffic> {
        let mut traffic = self.traffic.lock().unwrap_or_else(PoisonError::into_inner);
        let known = traffic
            .entry(record.id.clone())
            .or_insert_with(|| Arc::new(Traffic { bytes_in: record.net.0.into(), bytes_out: record.net.1.into() }));
        known.clone()
    }

    fn record(&self, id: &WorkloadId) -> Result<Option<WorkloadRecord>> {
        state::read_json(&self.dir(id).join("workload.json"))
            .map_err(|e| BackendError::io(format!("read workload {id}"), e))
    }

    fn require(&self, id: &WorkloadId) -> Result<WorkloadRecord> {
        let record = self.record(id)?;
        record.ok_or_else(|| BackendError::not_found(format!("no workload {id} here; list what is here")))
    }

    fn save(&self, record: &WorkloadRecord) -> Result<()> {
        state::write_json(&self.dir(&record.id).join("workload.json"), record)
            .map_err(|e| BackendError::io(format!("write workload {}", record.id), e))
    }

    fn all_records(&self) -> Result<Vec<WorkloadRecord>> {
        let io = |e| BackendError::io("list workloads", e);
        let mut records = Vec::new();
        for entry in fs::read_dir(self.config.root.join("workloads")).map_err(io)? {
            let name = entry.map_err(io)?.file_name();
            let Ok(id) = WorkloadId::try_from(name.to_string_lossy().into_owned()) else {
                continue;
            };
            records.extend(self.record(&id)?);
        }
        records.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(records)
    }
}
