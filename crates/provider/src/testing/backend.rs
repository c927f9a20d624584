//! Workloads that run in name only.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;

use super::{MIB, capabilities};
use crate::backend::{
    Backend, BackendError, Capabilities, Capacity, Counters, Inventory, Meter, Observe, Place, ReplicaState,
    ReplicaStatus, Resources, Result, Workload, WorkloadId, WorkloadSpec, WorkloadState,
};

pub struct MemoryBackend {
    capabilities: Capabilities,
    pub total: Resources,
    workloads: Mutex<BTreeMap<WorkloadId, Workload>>,
    /// What placing answers instead of succeeding.
    pub refuses: Mutex<Option<BackendError>>,
    /// What everything answers.
    pub broken: Mutex<Option<BackendError>>,
    pub provisioned: Mutex<Vec<String>>,
    /// What starting and stopping answer instead of succeeding.
    pub stuck: Mutex<Option<BackendError>>,
    /// Keys of the restarts that were carried out.
    pub restarts: Mutex<Vec<String>>,
}

impl MemoryBackend {
    pub fn new() -> Self {
        Self {
            capabilities: capabilities(),
            total: Resources { cpu_mcore: 2000, memory_bytes: 2048 * MIB, storage_bytes: 8192 * MIB },
            workloads: Mutex::default(),
            refuses: Mutex::default(),
            broken: Mutex::default(),
            provisioned: Mutex::default(),
            stuck: Mutex::default(),
            restarts: Mutex::default(),
        }
    }

    /// Removes all workloads behind the daemon's back.
    pub fn lose_everything(&self) {
        self.workloads.lock().unwrap().clear();
    }

    pub fn is_empty(&self) -> bool {
        self.workloads.lock().unwrap().is_empty()
    }

    fn works(&self) -> Result<()> {
        self.broken.lock().unwrap().clone().map_or(Ok(()), Err)
    }

    /// The states of all workloads.
    pub fn states(&self) -> Vec<WorkloadState> {
        self.workloads.lock().unwrap().values().map(|workload| workload.state).collect()
    }

    fn set(&self, id: &WorkloadId, state: WorkloadState) -> Result<()> {
        self.stuck.lock().unwrap().clone().map_or(Ok(()), Err)?;
        let mut workloads = self.workloads.lock().unwrap();
        let workload = workloads.get_mut(id).ok_or_else(|| BackendError::not_found("no such workload"))?;
        workload.state = state;
        Ok(())
    }
}

#[async_trait]
impl Inventory for MemoryBackend {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn inventory(&self) -> Result<Capacity> {
        self.works()?;
        let workloads = self.workloads.lock().unwrap();
        let held = workloads.values().filter_map(|workload| workload.spec.resources.times(workload.spec.replicas));
        let reserved = held.fold(Resources::default(), |sum, more| sum.plus(more).expect("small numbers"));
        Ok(Capacity { total: self.total, reserved })
    }

    async fn validate(&self, _: &WorkloadSpec) -> Result<()> {
        self.works()
    }
}

#[async_trait]
impl Place for MemoryBackend {
    async fn provision(&self, idem: &str, spec: &WorkloadSpec) -> Result<WorkloadId> {
        self.works()?;
        self.refuses.lock().unwrap().clone().map_or(Ok(()), Err)?;
        let id = WorkloadId::derive(&spec.lease_tag, &spec.service, idem);
        self.provisioned.lock().unwrap().push(idem.to_owned());
        let replica = ReplicaStatus {
            index: 0,
            state: ReplicaState::Running,
            restarts: 0,
            started_at_unix_ms: Some(1),
            last_exit: None,
            pid: None,
        };
        let workload = Workload {
            id: id.clone(),
            idem: idem.to_owned(),
            spec: spec.clone(),
            image_digest: "sha256:00".into(),
            state: WorkloadState::Running,
            replicas: vec![replica],
            endpoints: Vec::new(),
            created_at_unix_ms: 1,
        };
        self.workloads.lock().unwrap().entry(id.clone()).or_insert(workload);
        Ok(id)
    }

    async fn start(&self, id: &WorkloadId) -> Result<()> {
        self.set(id, WorkloadState::Running)
    }

    async fn stop(&self, id: &WorkloadId, _: Duration) -> Result<()> {
        self.set(id, WorkloadState::Stopped)
    }

    async fn restart(&self, id: &WorkloadId, key: &str, _: Duration) -> Result<()> {
        self.set(id, WorkloadState::Running)?;
        let mut restarts = self.restarts.lock().unwrap();
        if restarts.last().is_none_or(|last| last != key) {
            restarts.push(key.to_owned());
        }
        Ok(())
    }

    async fn terminate(&self, id: &WorkloadId) -> Result<()> {
        self.works()?;
        self.workloads.lock().unwrap().remove(id);
        Ok(())
    }
}

#[async_trait]
impl Observe for MemoryBackend {
    async fn describe(&self, id: &WorkloadId) -> Result<Workload> {
        let workloads = self.workloads.lock().unwrap();
        workloads.get(id).cloned().ok_or_else(|| BackendError::not_found("no such workload"))
    }

    async fn list_owned(&self) -> Result<Vec<Workload>> {
        self.works()?;
        Ok(self.workloads.lock().unwrap().values().cloned().collect())
    }
}

#[async_trait]
impl Meter for MemoryBackend {
    async fn counters(&self, _: &WorkloadId) -> Result<Counters> {
        Ok(Counters::default())
    }
}

impl Backend for MemoryBackend {
    fn name(&self) -> &'static str {
        "memory"
    }
}
