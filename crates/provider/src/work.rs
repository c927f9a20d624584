//! Carries out lifecycle commands on the backend. Every command can run twice: the backend finds by tag and
//! idempotency key what was already done.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ve_client::manifest::{Manifest, ManifestGroup, ManifestService};
use ve_client::operation::ResultCode;

use crate::backend::{
    Backend, BackendError, ErrorClass, PortSpec, Protocol, RegistryCredentials, Resources, RestartPolicy, Workload,
    WorkloadSpec, WorkloadState,
};
use crate::lease::LeaseRecord;
use crate::model::LeaseId;
use crate::queue::{Failure, Outcome};
use crate::seal::Seal;

/// How long a new workload may take to run before the attempt counts as failed.
const START_TIMEOUT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(100);
const STOP_GRACE: Duration = Duration::from_secs(10);

/// The backend's tag of a lease.
pub fn tag(lease: &LeaseId) -> String {
    lease.to_string()
}

/// Key of one generation; every service of the lease uses it.
pub fn idem(generation: u32) -> String {
    format!("g{generation}")
}

/// The generation that a workload was made for; 0 for a key that is not ours.
pub fn generation(workload: &Workload) -> u32 {
    workload.idem.strip_prefix('g').and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[derive(Debug, thiserror::Error)]
pub enum SpecError {
    #[error("the manifest has no group {0}")]
    NoGroup(String),
    #[error("service {service}: {cause}")]
    Service { service: String, cause: String },
    #[error("the stored manifest is damaged: {0}")]
    Damaged(String),
}

/// What the backend must run for a lease.
pub fn specs(record: &LeaseRecord, seal: &Seal) -> Result<Vec<WorkloadSpec>, SpecError> {
    specs_of(record, &manifest(record, seal)?)
}

/// What the backend would have to run for a lease with this manifest.
pub fn specs_of(record: &LeaseRecord, manifest: &Manifest) -> Result<Vec<WorkloadSpec>, SpecError> {
    let group = group(manifest, &record.group_name)?;
    group.services.iter().map(|service| spec(&record.id, service)).collect()
}

/// The manifest that the customer delivered.
pub fn manifest(record: &LeaseRecord, seal: &Seal) -> Result<Manifest, SpecError> {
    let sealed = record.manifest.as_deref().unwrap_or_default();
    let text = seal.open(sealed).ok_or_else(|| SpecError::Damaged("it does not open with this daemon's key".into()))?;
    Manifest::from_json(&text).map_err(|error| SpecError::Damaged(error.to_string()))
}

/// The part of a manifest that one lease runs.
pub fn group<'a>(manifest: &'a Manifest, name: &str) -> Result<&'a ManifestGroup, SpecError> {
    manifest.0.iter().find(|group| group.name == name).ok_or_else(|| SpecError::NoGroup(name.to_owned()))
}

fn spec(lease: &LeaseId, service: &ManifestService) -> Result<WorkloadSpec, SpecError> {
    let fail = |cause: &str| SpecError::Service { service: service.name.clone(), cause: cause.to_owned() };
    let resources = &service.resources;
    let mut storage = 0u64;
    for volume in &resources.storage {
        if volume.attributes.iter().any(|attribute| attribute.key == "persistent" && attribute.value == "true") {
            return Err(fail("persistent volumes are not offered by this provider"));
        }
        let size = volume.size.number().ok_or_else(|| fail("a volume size is not a number"))?;
        storage = storage.checked_add(size).ok_or_else(|| fail("the volumes are too large"))?;
    }
    let mut env = BTreeMap::new();
    for entry in service.env.iter().flatten() {
        let (name, value) = entry.split_once('=').unwrap_or((entry, ""));
        env.insert(name.to_owned(), value.to_owned());
    }
    let mut ports = Vec::new();
    for expose in &service.expose {
        ports.push(PortSpec {
            container_port: expose.port,
            external_port: expose.effective_port(),
            protocol: if expose.proto == "UDP" { Protocol::Udp } else { Protocol::Tcp },
            published: expose.global,
        });
    }
    Ok(WorkloadSpec {
        lease_tag: tag(lease),
        service: service.name.clone(),
        image: service.image.clone(),
        credentials: service
            .credentials
            .as_ref()
            .map(|login| RegistryCredentials { username: login.username.clone(), password: login.password.clone() }),
        command: service.command.clone().unwrap_or_default(),
        args: service.args.clone().unwrap_or_default(),
        env,
        resources: Resources {
            cpu_mcore: resources.cpu.units.number().ok_or_else(|| fail("the CPU is not a number"))?,
            memory_bytes: resources.memory.size.number().ok_or_else(|| fail("the memory is not a number"))?,
            storage_bytes: storage,
        },
        ports,
        replicas: service.count,
        restart: RestartPolicy::Always,
    })
}

/// Runs the current generation and then removes older ones: an update that cannot start leaves the old one running
/// (incident M4).
pub async fn provision(backend: &Arc<dyn Backend>, record: &LeaseRecord, seal: &Seal) -> Result<(), Outcome> {
    let specs = specs(record, seal)
        .map_err(|error| Outcome::Permanent(Failure::new(ResultCode::Invalid, error.to_string())))?;
    let idem = idem(record.generation);
    for spec in &specs {
        backend.provision(&idem, spec).await.map_err(outcome)?;
    }
    if let Err(failed) = wait_until_running(backend, record).await {
        let _ = remove(backend, &record.id, |workload| generation(workload) == record.generation).await;
        return Err(failed);
    }
    remove(backend, &record.id, |workload| generation(workload) != record.generation).await
}

async fn wait_until_running(backend: &Arc<dyn Backend>, record: &LeaseRecord) -> Result<(), Outcome> {
    let deadline = tokio::time::Instant::now() + START_TIMEOUT;
    loop {
        let workloads = backend.find(&tag(&record.id)).await.map_err(outcome)?;
        let own: Vec<&Workload> =
            workloads.iter().filter(|workload| generation(workload) == record.generation).collect();
        if own.iter().all(|workload| matches!(workload.state, WorkloadState::Running)) {
            return Ok(());
        }
        if let Some(failed) = own.iter().find(|workload| workload.state == WorkloadState::Exited) {
            let text = format!("{} ended: {}", failed.spec.service, last_words(failed));
            return Err(Outcome::Permanent(Failure::new(ResultCode::Invalid, text)));
        }
        if tokio::time::Instant::now() >= deadline {
            let text = format!("not running after {} s", START_TIMEOUT.as_secs());
            return Err(Outcome::Transient(Failure::new(ResultCode::Unavailable, text)));
        }
        tokio::time::sleep(POLL).await;
    }
}

fn last_words(workload: &Workload) -> String {
    let exit = workload.replicas.iter().find_map(|replica| replica.last_exit.as_ref());
    exit.map_or_else(
        || "no exit was recorded".to_owned(),
        |exit| if exit.error.is_empty() { format!("exit code {}", exit.code) } else { exit.error.clone() },
    )
}

async fn remove(backend: &Arc<dyn Backend>, lease: &LeaseId, which: impl Fn(&Workload) -> bool) -> Result<(), Outcome> {
    for workload in backend.find(&tag(lease)).await.map_err(outcome)? {
        if which(&workload) {
            backend.terminate(&workload.id).await.map_err(outcome)?;
        }
    }
    Ok(())
}

/// Ends everything of a lease; success when nothing is there.
pub async fn terminate(backend: &Arc<dyn Backend>, lease: &LeaseId) -> Result<(), Outcome> {
    remove(backend, lease, |_| true).await
}

/// Ends the processes of a lease and keeps everything else; success when nothing runs.
pub async fn stop(backend: &Arc<dyn Backend>, lease: &LeaseId) -> Result<(), Outcome> {
    for workload in backend.find(&tag(lease)).await.map_err(outcome)? {
        backend.stop(&workload.id, STOP_GRACE).await.map_err(outcome)?;
    }
    Ok(())
}

/// Runs what was stopped. What is not there, or was made for an older manifest, is placed anew.
pub async fn resume(backend: &Arc<dyn Backend>, record: &LeaseRecord, seal: &Seal) -> Result<(), Outcome> {
    let present = present(backend, record).await?;
    if present.is_empty() {
        return provision(backend, record, seal).await;
    }
    for workload in &present {
        backend.start(&workload.id).await.map_err(outcome)?;
    }
    wait_until_running(backend, record).await
}

/// Stops and starts every service once for this `key`, however often it is called.
pub async fn restart(backend: &Arc<dyn Backend>, record: &LeaseRecord, seal: &Seal, key: &str) -> Result<(), Outcome> {
    let present = present(backend, record).await?;
    if present.is_empty() {
        return provision(backend, record, seal).await;
    }
    for workload in &present {
        backend.restart(&workload.id, key, STOP_GRACE).await.map_err(outcome)?;
    }
    wait_until_running(backend, record).await
}

/// The workloads of the lease's present generation.
async fn present(backend: &Arc<dyn Backend>, record: &LeaseRecord) -> Result<Vec<Workload>, Outcome> {
    let mut found = backend.find(&tag(&record.id)).await.map_err(outcome)?;
    found.retain(|workload| generation(workload) == record.generation);
    Ok(found)
}

/// Service name and URL of every published port.
pub async fn endpoints(
    backend: &Arc<dyn Backend>,
    lease: &LeaseId,
    public_host: &str,
) -> Result<Vec<(String, String)>, Outcome> {
    let mut urls = Vec::new();
    for workload in backend.find(&tag(lease)).await.map_err(outcome)? {
        for endpoint in &workload.endpoints {
            let scheme = match endpoint.protocol {
                Protocol::Tcp if matches!(endpoint.external_port, 80 | 8080 | 3000 | 5000 | 8000) => "http",
                Protocol::Tcp => "tcp",
                Protocol::Udp => "udp",
            };
            let url = format!("{scheme}://{public_host}:{}", endpoint.address.port());
            urls.push((endpoint.service.clone(), url));
        }
    }
    Ok(urls)
}

/// Whether trying again can help, and what the customer is told.
pub fn outcome(error: BackendError) -> Outcome {
    let code = match error.class {
        ErrorClass::Transient => ResultCode::Unavailable,
        ErrorClass::Quota => ResultCode::Capacity,
        ErrorClass::Auth => ResultCode::Access,
        ErrorClass::Invalid => ResultCode::Invalid,
        ErrorClass::NotFound => ResultCode::Missing,
        ErrorClass::Conflict => ResultCode::Conflict,
    };
    let failure = Failure::new(code, error.to_string());
    if error.class.is_retryable() { Outcome::Transient(failure) } else { Outcome::Permanent(failure) }
}
