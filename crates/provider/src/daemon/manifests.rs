//! Manifests: taken once they agree with the chain, waited for only so long.

use ve_proto::ve::market::v1::Reason;

use super::{Daemon, DaemonError, now};
use crate::lease::{self, Desired};
use crate::model::LeaseId;
use crate::queue::{Action, Queue};

impl Daemon {
    /// Queues a delivered manifest; the caller has checked it against the chain.
    pub fn accept_manifest(&self, lease: &LeaseId, json: &[u8], hash: [u8; 32]) -> Result<(), DaemonError> {
        let sealed = self.seal.close(json).ok_or(DaemonError::Seal)?;
        let accepted = lease::update(&self.db, lease, |record| {
            if record.desired == Desired::Gone
                || record.manifest_hash == Some(hash) && record.desired != Desired::AwaitingManifest
            {
                return None;
            }
            let first = record.manifest.is_none();
            record.manifest = Some(sealed);
            record.manifest_hash = Some(hash);
            record.generation += 1;
            // What is stopped or suspended stays so, and comes up with this manifest.
            let paused = matches!(record.desired, Desired::Stopped | Desired::Suspended);
            if !paused {
                record.desired = Desired::Running;
            }
            Some((first, paused, record.generation))
        })?;
        let Some(Some((first, paused, generation))) = accepted else { return Ok(()) };
        if paused {
            self.tell(lease, "manifest", "received; it is used when the workload runs again");
            return Ok(());
        }
        let action = if first { Action::Provision } else { Action::Update };
        Queue::new(&self.db).push(lease, action, generation.into(), now())?;
        self.tell(lease, "manifest", "received");
        self.wake_queue();
        Ok(())
    }

    /// Replaces every workload of a lease by a fresh one; `false` when it is not to run now.
    pub fn restart_workload(&self, lease: &LeaseId) -> Result<bool, DaemonError> {
        let generation = lease::update(&self.db, lease, |record| {
            let running = record.desired == Desired::Running;
            record.generation += u32::from(running);
            running.then_some(record.generation)
        })?;
        let Some(Some(generation)) = generation else { return Ok(false) };
        Queue::new(&self.db).push(lease, Action::Update, generation.into(), now())?;
        self.tell(lease, "restart", "asked for by the customer");
        self.wake_queue();
        Ok(true)
    }

    /// Leases whose customer never delivered a manifest are given back.
    pub(super) async fn expire_manifests(&self) -> Result<(), DaemonError> {
        for record in lease::all(&self.db)? {
            let deadline = record.created_at.saturating_add(self.config.manifest_seconds);
            if record.desired == Desired::AwaitingManifest && deadline < now() {
                self.tell(&record.id, "manifest", "no manifest came in time: closing the lease");
                match self.chain.close_lease(&record.id, Reason::ManifestTimeout).await {
                    Ok(()) => {}
                    Err(error) if error.chain_code().is_some() => tracing::warn!(%error, "lease not closed"),
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }
}
