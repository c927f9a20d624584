//! Settings of the container backend.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::ended::KeepLogs;
use super::image::{IdShift, ImageLimits};
use super::shim::SHIM_COMMAND;
use crate::backend::Resources;

/// How containers are run on this machine. Build it with [`ContainerConfig::new`]
/// and change what should differ.
#[derive(Debug, Clone)]
pub struct ContainerConfig {
    /// Everything the backend keeps: images, workloads, logs.
    pub root: PathBuf,
    /// Operator's own images: a directory of OCI image layouts; `NAME` in it is
    /// `localhost/NAME:TAG` for customers. `None` = no local images.
    pub image_layouts: Option<PathBuf>,
    /// Registry hosts that customers' images may come from.
    pub registries: Vec<String>,
    /// Those of `registries` that are asked without TLS: only for a registry on the
    /// provider's own network. Content is checked by digest in any case.
    pub plain_http_registries: Vec<String>,
    /// Bounds for images.
    pub image_limits: ImageLimits,
    /// What may be sold; `None` = what the machine has, less a reserve.
    pub capacity: Option<Resources>,
    /// Address on which published ports listen.
    pub publish_address: IpAddr,
    /// Most processes and threads of a replica.
    pub pids_limit: u32,
    /// Most replicas of one workload.
    pub max_replicas: u32,
    /// Run tenants in a user namespace: root inside is nobody outside.
    pub user_namespace: bool,
    /// Host ids that the user namespace maps to.
    pub ids: IdShift,
    /// How often consumption is sampled.
    pub sample_every: Duration,
    /// Size of one log file and number of files kept per replica.
    pub log_file_bytes: u64,
    /// See `log_file_bytes`.
    pub log_files: u32,
    /// First and longest pause before a restart.
    pub restart_pause: (Duration, Duration),
    /// How long logs stay, sealed, after a workload has ended; `None` = they end with it.
    pub keep_logs: Option<KeepLogs>,
    /// Program and leading arguments that reach `shim_main`; by default this
    /// executable with [`SHIM_COMMAND`].
    pub shim: Vec<String>,
}

impl ContainerConfig {
    /// Defaults for a backend that keeps its data in `root`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let registries = [
            "docker.io",
            "ghcr.io",
            "quay.io",
            "gcr.io",
            "registry.k8s.io",
            "registry.gitlab.com",
            "public.ecr.aws",
            "mcr.microsoft.com",
        ];
        Self {
            root: root.into(),
            image_layouts: None,
            registries: registries.map(str::to_owned).to_vec(),
            plain_http_registries: Vec::new(),
            image_limits: ImageLimits::default(),
            capacity: None,
            publish_address: IpAddr::from([127, 0, 0, 1]),
            pids_limit: 512,
            max_replicas: 32,
            user_namespace: true,
            ids: IdShift {
                // Above the ranges that distributions hand to users and systemd.
                base: 0x7000_0000,
                count: 65_536,
            },
            sample_every: Duration::from_secs(5),
            log_file_bytes: 10 << 20,
            log_files: 5,
            restart_pause: (Duration::from_secs(1), Duration::from_secs(300)),
            keep_logs: None,
            shim: vec!["/proc/self/exe".to_owned(), SHIM_COMMAND.to_owned()],
        }
    }
}

impl ContainerConfig {
    /// Who owns the files of unpacked images on the host.
    pub(super) fn owner_ids(&self) -> IdShift {
        IdShift { base: if self.user_namespace { self.ids.base } else { 0 }, count: self.ids.count }
    }
}
