//! What is there, what it used, what it said.

use std::sync::atomic::Ordering;

use async_trait::async_trait;

use super::state::{self, Desired, UsageRecord, WorkloadRecord};
use super::{ContainerBackend, Inner, ended, exec, logs};
use crate::backend::{
    BackendError, Capabilities, Capacity, Counters, Endpoint, Exec, ExecRequest, ExecSession, Expose, Inventory,
    LogQuery, LogStream, Logs, Meter, Observe, ReplicaState, ReplicaStatus, Result, Workload, WorkloadId, WorkloadSpec,
    WorkloadState,
};

#[async_trait]
impl Inventory for ContainerBackend {
    fn capabilities(&self) -> &Capabilities {
        &self.inner.capabilities
    }

    async fn inventory(&self) -> Result<Capacity> {
        Ok(Capacity { total: self.inner.total, reserved: self.inner.reserved()? })
    }

    async fn validate(&self, spec: &WorkloadSpec) -> Result<()> {
        self.inner.check_spec(spec)
    }
}

#[async_trait]
impl Observe for ContainerBackend {
    async fn describe(&self, id: &WorkloadId) -> Result<Workload> {
        let record = self.inner.require(id)?;
        self.inner.observe(record).await
    }

    async fn list_owned(&self) -> Result<Vec<Workload>> {
        let mut all = Vec::new();
        for record in self.inner.all_records()? {
            all.push(self.inner.observe(record).await?);
        }
        Ok(all)
    }
}

#[async_trait]
impl Meter for ContainerBackend {
    async fn counters(&self, id: &WorkloadId) -> Result<Counters> {
        let record = self.inner.require(id)?;
        let mut cpu_ns: u64 = 0;
        let mut memory_byte_ms: u128 = 0;
        let mut running_ms: u64 = 0;
        for index in 0..record.spec.replicas {
            let path = self.inner.replica_dir(id, index).join("usage.json");
            let usage: Option<UsageRecord> = state::read_json(&path).map_err(|e| BackendError::io("read usage", e))?;
            let usage = usage.unwrap_or_default();
            cpu_ns = cpu_ns.saturating_add(usage.cpu_ns);
            memory_byte_ms = memory_byte_ms.saturating_add(usage.memory_byte_ms);
            running_ms = running_ms.saturating_add(usage.running_ms);
        }
        let storage = u128::from(record.spec.resources.storage_bytes) * u128::from(running_ms);
        let traffic = self.inner.traffic_of(&record);
        let whole = |n: u128| u64::try_from(n / 1000).unwrap_or(u64::MAX);
        Ok(Counters {
            cpu_mcore_s: cpu_ns / 1_000_000,
            mem_byte_s: whole(memory_byte_ms),
            storage_byte_s: whole(storage),
            net_in: traffic.bytes_in.load(Ordering::Relaxed),
            net_out: traffic.bytes_out.load(Ordering::Relaxed),
            running_s: running_ms / 1000,
        })
    }
}

#[async_trait]
impl Logs for ContainerBackend {
    async fn read_logs(&self, id: &WorkloadId, query: LogQuery) -> Result<LogStream> {
        let Some(record) = self.inner.record(id)? else {
            let Some(keep) = &self.inner.config.keep_logs else {
                return Err(BackendError::not_found(format!("no logs of workload {id} are kept here")));
            };
            return ended::stream(keep.seal.clone(), &self.inner.ended(), id, query);
        };
        let mut replicas: Vec<_> =
            (0..record.spec.replicas).map(|index| (index, self.inner.replica_dir(id, index))).collect();
        if let Some(wanted) = query.replica {
            replicas.retain(|(index, _)| *index == wanted);
            if replicas.is_empty() {
                return Err(BackendError::not_found(format!("workload {id} has no replica {wanted}")));
            }
        }
        Ok(logs::stream(replicas, query))
    }
}

#[async_trait]
impl Exec for ContainerBackend {
    async fn run_command(&self, id: &WorkloadId, request: ExecRequest) -> Result<ExecSession> {
        let record = self.inner.require(id)?;
        if request.replica >= record.spec.replicas {
            return Err(BackendError::not_found(format!(
                "workload {id} has replicas 0 to {}",
                record.spec.replicas - 1
            )));
        }
        let dir = self.inner.replica_dir(id, request.replica);
        exec::start(&self.inner.config.shim, &dir, request).await
    }
}

#[async_trait]
impl Expose for ContainerBackend {
    async fn endpoints(&self, id: &WorkloadId) -> Result<Vec<Endpoint>> {
        let record = self.inner.require(id)?;
        Ok(self.inner.proxy.endpoints(&record).await)
    }
}

impl Inner {
    async fn observe(&self, record: WorkloadRecord) -> Result<Workload> {
        let mut replicas = Vec::new();
        for index in 0..record.spec.replicas {
            replicas.push(self.observe_replica(&record.id, index)?);
        }
        Ok(Workload {
            state: summary(record.desired, &replicas),
            endpoints: self.proxy.endpoints(&record).await,
            id: record.id,
            idem: record.idem,
            spec: record.spec,
            image_digest: record.image.digest,
            replicas,
            created_at_unix_ms: record.created_at_unix_ms,
        })
    }

    fn observe_replica(&self, id: &WorkloadId, index: u32) -> Result<ReplicaStatus> {
        let Some(record) = self.replica(id, index)? else {
            return Ok(ReplicaStatus {
                index,
                state: ReplicaState::Starting,
                restarts: 0,
                started_at_unix_ms: None,
                last_exit: None,
                pid: None,
            });
        };
        let kept = record.keeper.is_alive();
        let state = match record.state {
            ReplicaState::Exited => ReplicaState::Exited,
            _ if !kept => ReplicaState::Lost,
            state => state,
        };
        let running = state == ReplicaState::Running;
        Ok(ReplicaStatus {
            index,
            state,
            restarts: record.restarts,
            started_at_unix_ms: record.started_at_unix_ms,
            last_exit: record.last_exit,
            pid: record.main.filter(|_| running).map(|m| m.pid),
        })
    }
}

fn summary(desired: Desired, replicas: &[ReplicaStatus]) -> WorkloadState {
    let count = |state| replicas.iter().filter(|r| r.state == state).count();
    let running = count(ReplicaState::Running);
    if desired != Desired::Running && running == 0 {
        WorkloadState::Stopped
    } else if running == replicas.len() {
        WorkloadState::Running
    } else if running > 0 {
        WorkloadState::Degraded
    } else if count(ReplicaState::Exited) == replicas.len() {
        WorkloadState::Exited
    } else {
        WorkloadState::Starting
    }
}
