//! What customers get through the gateway: manifests in, status, logs, events and shells out.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use ve_base::keys::PublicKey;
use ve_client::manifest::{self, GroupSpec, Manifest};

use crate::backend::{ExecRequest, ExecSession, LogLine, LogQuery, LogStream, Workload, WorkloadId};
use crate::daemon::{Daemon, LeaseEvent, now};
use crate::fit;
use crate::gateway::{ChainCertificate, Directory, GatewayError, Service};
use crate::lease::{self, Desired, LeaseRecord};
use crate::model::{LeaseId, OrderId};
use crate::queue::Queue;
use crate::revoked;
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

    async fn account_key(&self, owner: &str) -> Result<Option<PublicKey>, GatewayError> {
        self.chain.account_key(owner).await.map_err(unavailable)
    }

    async fn is_revoked(&self, owner: &str, jti: &str) -> Result<bool, GatewayError> {
        revoked::contains(&self.db, owner, jti).map_err(internal)
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

    /// The command at work on a lease, or next in turn.
    fn command(&self, lease: &LeaseId) -> Result<Option<Value>, GatewayError> {
        let commands = Queue::new(&self.db).all().map_err(internal)?;
        let live = commands.into_iter().find(|command| command.lease == *lease && command.ended_at.is_none());
        Ok(live.map(|command| {
            json!({
                "action": command.action,
                "state": command.state.name(),
                "attempts": command.attempts,
                "last_error": command.last_error,
            })
        }))
    }

    async fn workload(&self, lease: &LeaseId, service: &str) -> Result<Workload, GatewayError> {
        let found = self.workloads(lease).await?.into_iter().find(|workload| workload.spec.service == service);
        found.ok_or_else(|| GatewayError::NotFound(format!("the lease runs no service {service:?}")))
    }

    /// What is kept of the last generation of each service of an ended lease.
    async fn kept_logs(
        &self,
        record: &LeaseRecord,
        service: Option<String>,
        query: LogQuery,
    ) -> Result<mpsc::Receiver<(String, LogLine)>, GatewayError> {
        let logs = self.backend.logs().ok_or_else(|| unavailable("this provider keeps no logs"))?;
        let (sender, receiver) = mpsc::channel(STREAM_BUFFER);
        let mut found = false;
        for spec in work::specs(record, &self.seal).map_err(internal)? {
            if service.as_ref().is_some_and(|wanted| *wanted != spec.service) {
                continue;
            }
            for generation in (1..=record.generation).rev() {
                let id = WorkloadId::derive(&spec.lease_tag, &spec.service, &work::idem(generation));
                if let Ok(lines) = logs.read_logs(&id, query).await {
                    tokio::spawn(forward(lines, spec.service, sender.clone()));
                    found = true;
                    break;
                }
            }
        }
        let none = || GatewayError::NotFound("the lease is over and no logs of it are kept any more".into());
        found.then_some(receiver).ok_or_else(none)
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
            // By reason only: the order book is public, who was declined here need not be.
            "orders_declined": self.declined.open(),
        })
    }

    async fn find_lease(
        &self,
        owner: &str,
        dseq: u64,
        gseq: u32,
        oseq: u32,
        or_ended: bool,
    ) -> Result<LeaseId, GatewayError> {
        let order = OrderId { owner: owner.to_owned(), dseq, gseq, oseq };
        let records = lease::all(&self.db).map_err(internal)?;
        let mut found = records.into_iter().filter(|record| record.id.order == order);
        let found = found.find(|record| or_ended || record.desired != Desired::Gone);
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
            let group = work::group(&manifest, &record.group_name).map_err(|error| refused(&error))?;
            fit::check_manifest(self.backend.capabilities(), group).map_err(|cause| refused(&cause))?;
            for spec in work::specs_of(&record, &manifest).map_err(|error| refused(&error))? {
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
            // What the daemon is doing to it, or waits to try again.
            "command": self.command(lease)?,
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
        let record = self.record(lease)?;
        if record.desired == Desired::Gone {
            return self.kept_logs(&record, service, query).await;
        }
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
            let lines = logs.read_logs(&workload.id, query).await.map_err(unavailable)?;
            tokio::spawn(forward(lines, workload.spec.service, sender.clone()));
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

    async fn revoke_token(&self, owner: &str, jti: &str) -> Result<(), GatewayError> {
        let taken = revoked::insert(&self.db, owner, jti, now()).map_err(internal)?;
        let message = "the account has taken back too many tokens; they are forgotten after 30 days".to_owned();
        taken.then_some(()).ok_or(GatewayError::TooMany { message, retry_after: revoked::KEEP })
    }

    async fn restart(&self, lease: &LeaseId) -> Result<(), GatewayError> {
        let queued = self.restart_workload(lease).map_err(internal)?;
        let paused = || GatewayError::Conflict("the lease does not run now; start it or pay for it first".into());
        queued.then_some(()).ok_or_else(paused)
    }
}

/// Hands lines on with the name of their service.
async fn forward(mut lines: LogStream, service: String, to: mpsc::Sender<(String, LogLine)>) {
    while let Some(line) = lines.recv().await {
        if to.send((service.clone(), line)).await.is_err() {
            return;
        }
    }
}

fn shown(event: &LeaseEvent) -> Value {
    json!({"lease": event.lease.to_string(), "at": event.at, "kind": event.kind, "message": event.message})
}

/// The daemon as the gateway sees it.
pub fn parts(daemon: &Arc<Daemon>) -> (Arc<dyn Directory>, Arc<dyn Service>) {
    (daemon.clone(), daemon.clone())
}
