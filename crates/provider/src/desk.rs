//! What customers get through the gateway: manifests in, status, logs, events and shells out.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use ve_client::manifest::{self, GroupSpec, Manifest};

use crate::backend::{ExecRequest, ExecSession, LogLine, LogQuery, Workload};
use crate::daemon::{Daemon, LeaseEvent};
use crate::gateway::{ChainCertificate, Directory, GatewayError, Service};
use crate::lease::{self, Desired, LeaseRecord};
use crate::model::{LeaseId, OrderId};
use crate::work;

/// Lines or events that may wait for a slow reader.
const STREAM_BUFFER: usize = 256;

#[async_trait]
impl Directory for Daemon {
    async fn certificate(&self, owner: &str, serial: &str) -> Result<Option<ChainCertificate>, GatewayError> {
        let found = self.chain.certificate(owner, serial).await.map_err(unavailable)?;
        Ok(found.map(|found| ChainCertificate {
            valid: found.state == ve_proto::ve::cert::v1::CertificateState::Valid as i32,
            der: found.certificate,
            not_before: found.not_before,
            not_after: found.not_after,
        }))
    }
}

fn unavailable(error: impl std::fmt::Display) -> GatewayError {
    GatewayError::Unavailable(error.to_string())
}

fn internal(error: impl std::fmt::Display) -> GatewayError {
    GatewayError::Internal(error.to_string())
}

impl Daemon {
    fn record(&self, lease: &LeaseId) -> Result<LeaseRecord, GatewayError> {
        lease::get(&self.db, lease)
            .map_err(internal)?
            .ok_or_else(|| GatewayError::NoLease(format!("{lease} is not a lease with this provider")))
    }

    async fn workloads(&self, lease: &LeaseId) -> Result<Vec<Workload>, GatewayError> {
        let generation = self.record(lease)?.generation;
        let all = self.backend.find(&work::tag(lease)).await.map_err(unavailable)?;
        // During an update the newest generation is what the customer means.
        let newest = all.iter().map(work::generation).filter(|own| *own <= generation).max();
        Ok(all.into_iter().filter(|workload| Some(work::generation(workload)) == newest).collect())
    }

    async fn workload(&self, lease: &LeaseId, service: &str) -> Result<Workload, GatewayError> {
        let found = self.workloads(lease).await?.into_iter().find(|workload| workload.spec.service == service);
        found.ok_or_else(|| GatewayError::NotFound(format!("the lease runs no service {service:?}")))
    }

    /// Live leases of one deployment with this provider.
    fn leases_of(&self, owner: &str, dseq: u64) -> Result<Vec<LeaseRecord>, GatewayError> {
        let mut records = lease::all(&self.db).map_err(internal)?;
        records.retain(|record| {
            record.id.order.owner == owner && record.id.order.dseq == dseq && record.desired != Desired::Gone
        });
        Ok(records)
    }
}

#[async_trait]
impl Service for Daemon {
    async fn status(&self) -> Value {
        let leases = lease::all(&self.db).unwrap_or_default();
        let live = leases.iter().filter(|record| record.desired != Desired::Gone).count();
        let capacity = self
            .backend
            .inventory()
            .await
            .ok()
            .map(|capacity| json!({"total": capacity.total, "free": capacity.free()}));
        json!({
            "provider": self.chain.address,
            "chain_id": self.config.chain_id,
            "version": env!("CARGO_PKG_VERSION"),
            "backend": self.backend.name(),
            "leases": live,
            "capacity": capacity,
        })
    }

    async fn find_lease(&self, owner: &str, dseq: u64, gseq: u32, oseq: u32) -> Result<LeaseId, GatewayError> {
        let order = OrderId { owner: owner.to_owned(), dseq, gseq, oseq };
        let found = self.leases_of(owner, dseq)?.into_iter().find(|record| record.id.order == order);
        found
            .map(|record| record.id)
            .ok_or_else(|| GatewayError::NoLease(format!("{order} has no active lease with this provider")))
    }

    async fn put_manifest(&self, owner: &str, dseq: u64, manifest_json: Vec<u8>) -> Result<(), GatewayError> {
        let mut records = self.leases_of(owner, dseq)?;
        if records.is_empty() {
            // The event of a fresh lease may still be on its way.
            self.reconcile().await.map_err(unavailable)?;
            records = self.leases_of(owner, dseq)?;
        }
        if records.is_empty() {
            return Err(GatewayError::NoLease(format!("{owner}/{dseq} has no active lease with this provider")));
        }
        let refused = |error: &dyn std::fmt::Display| GatewayError::InvalidManifest(error.to_string());
        let manifest = Manifest::from_json(&manifest_json).map_err(|error| refused(&error))?;
        let (deployment, groups) = self
            .chain
            .deployment(owner, dseq)
            .await
            .map_err(unavailable)?
            .ok_or_else(|| GatewayError::NoLease(format!("the chain has no deployment {owner}/{dseq}")))?;
        let hash: [u8; 32] =
            deployment.hash.as_slice().try_into().map_err(|_| internal("the chain's hash has a wrong length"))?;
        let specs = groups
            .iter()
            .filter_map(|group| group.spec.as_ref())
            .map(GroupSpec::from_proto)
            .collect::<Result<Vec<_>, _>>()
            .map_err(internal)?;
        manifest::check(&manifest, &hash, &specs).map_err(|error| refused(&error))?;
        for record in records {
            let mut candidate = record.clone();
            candidate.manifest = self.seal.close(&manifest_json);
            for spec in work::specs(&candidate, &self.seal).map_err(|error| refused(&error))? {
                self.backend.validate(&spec).await.map_err(|error| refused(&error))?;
            }
            self.accept_manifest(&record.id, &manifest_json, hash).map_err(internal)?;
        }
        Ok(())
    }

    async fn lease_status(&self, lease: &LeaseId) -> Result<Value, GatewayError> {
        let record = self.record(lease)?;
        let mut services = serde_json::Map::new();
        for workload in self.workloads(lease).await? {
            let replicas: Vec<Value> = workload
                .replicas
                .iter()
                .map(|replica| {
                    json!({
                        "index": replica.index,
                        "state": replica.state,
                        "restarts": replica.restarts,
                        "started_at_ms": replica.started_at_unix_ms,
                        "last_exit": replica.last_exit,
                    })
                })
                .collect();
            let uris: Vec<&String> = record
                .endpoints
                .iter()
                .filter(|(service, _)| *service == workload.spec.service)
                .map(|(_, url)| url)
                .collect();
            services.insert(
                workload.spec.service.clone(),
                json!({
                    "state": format!("{:?}", workload.state).to_lowercase(),
                    "image": workload.spec.image,
                    "image_digest": workload.image_digest,
                    "replicas": replicas,
                    "uris": uris,
                }),
            );
        }
        Ok(json!({
            "lease": lease.to_string(),
            "desired": record.desired,
            "generation": record.generation,
            "close_reason": record.close_reason,
            "services": services,
        }))
    }

    async fn manifest(&self, lease: &LeaseId) -> Result<String, GatewayError> {
        let record = self.record(lease)?;
        let sealed =
            record.manifest.as_deref().ok_or_else(|| GatewayError::NotFound("no manifest was delivered yet".into()))?;
        let plain = self.seal.open(sealed).ok_or_else(|| internal("the stored manifest does not open"))?;
        String::from_utf8(plain).map_err(internal)
    }

    async fn logs(
        &self,
        lease: &LeaseId,
        service: Option<String>,
        query: LogQuery,
    ) -> Result<mpsc::Receiver<(String, LogLine)>, GatewayError> {
        let mut workloads = self.workloads(lease).await?;
        if let Some(service) = &service {
            workloads.retain(|workload| workload.spec.service == *service);
            if workloads.is_empty() {
                return Err(GatewayError::NotFound(format!("the lease runs no service {service:?}")));
            }
        }
        let logs = self.backend.logs().ok_or_else(|| unavailable("this provider keeps no logs"))?;
        let (sender, receiver) = mpsc::channel(STREAM_BUFFER);
        for workload in workloads {
            let mut lines = logs.read_logs(&workload.id, query).await.map_err(unavailable)?;
            let sender = sender.clone();
            tokio::spawn(async move {
                while let Some(line) = lines.recv().await {
                    if sender.send((workload.spec.service.clone(), line)).await.is_err() {
                        return;
                    }
                }
            });
        }
        Ok(receiver)
    }

    async fn events(&self, lease: &LeaseId, follow: bool) -> Result<mpsc::Receiver<Value>, GatewayError> {
        let (sender, receiver) = mpsc::channel(STREAM_BUFFER);
        let mut live = self.events.subscribe();
        let past = self.history(lease);
        let lease = lease.clone();
        tokio::spawn(async move {
            for event in past {
                if sender.send(shown(&event)).await.is_err() {
                    return;
                }
            }
            while follow && let Ok(event) = live.recv().await {
                if event.lease == lease && sender.send(shown(&event)).await.is_err() {
                    return;
                }
            }
        });
        Ok(receiver)
    }

    async fn shell(&self, lease: &LeaseId, service: &str, request: ExecRequest) -> Result<ExecSession, GatewayError> {
        let workload = self.workload(lease, service).await?;
        let exec = self.backend.exec().ok_or_else(|| unavailable("this provider offers no shells"))?;
        exec.run_command(&workload.id, request).await.map_err(unavailable)
    }

    async fn restart(&self, lease: &LeaseId) -> Result<(), GatewayError> {
        self.restart_workload(lease).map_err(internal)
    }
}

fn shown(event: &LeaseEvent) -> Value {
    json!({"lease": event.lease.to_string(), "at": event.at, "kind": event.kind, "message": event.message})
}

/// The daemon as the gateway sees it.
pub fn parts(daemon: &Arc<Daemon>) -> (Arc<dyn Directory>, Arc<dyn Service>) {
    (daemon.clone(), daemon.clone())
}
