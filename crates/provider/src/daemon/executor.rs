//! Carries out what the queue holds. Each command is recorded before it is tried and after its result is known.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ve_client::ClientError;
use ve_proto::ve::market::v1::ResourceState;

use super::{Daemon, now};
use crate::lease::{self, Desired, LeaseRecord};
use crate::model::LeaseId;
use crate::queue::{Action, Command, Failure, Outcome, Queue};
use crate::work;

/// The queue is looked at this often even when nothing woke it: backoffs end by themselves.
const TICK: Duration = Duration::from_secs(1);

impl Daemon {
    pub(super) async fn work(self: Arc<Self>) {
        loop {
            match self.work_once().await {
                Ok(true) => {}
                Ok(false) => {
                    let _ = tokio::time::timeout(TICK, self.queue_changed.notified()).await;
                }
                Err(error) => {
                    tracing::error!(%error, "the command queue cannot be used; what was running will run again");
                    tokio::time::sleep(TICK).await;
                }
            }
        }
    }

    /// Runs the next due command; `false` when none is due.
    pub(super) async fn work_once(&self) -> Result<bool, crate::db::DbError> {
        let Some(command) = Queue::new(&self.db).take(now())? else { return Ok(false) };
        // There may be more for another worker.
        self.wake_queue();
        let outcome = self.execute(&command).await;
        match &outcome {
            Outcome::Transient(Failure { text, .. }) | Outcome::Permanent(Failure { text, .. }) => {
                self.counters.command_errors.add(1);
                self.tell(&command.lease, "failed", format!("{:?}: {text}", command.action));
            }
            Outcome::Unheard(error) => {
                tracing::warn!(lease = %command.lease, error, "the chain is told again in a moment");
            }
            Outcome::Done => {}
        }
        Queue::new(&self.db).finish(command.id, outcome, now())?;
        Ok(true)
    }

    pub(super) async fn execute(&self, command: &Command) -> Outcome {
        let record = match lease::get(&self.db, &command.lease) {
            Ok(Some(record)) => record,
            Ok(None) => return Outcome::Permanent("the lease is unknown".into()),
            Err(error) => return Outcome::Transient(error.to_string().into()),
        };
        let done = match command.action {
            Action::Provision | Action::Update => self.provision(&record, command.revision).await,
            Action::Suspend => self.suspend(&record).await,
            Action::Resume => self.resume(&record).await,
            Action::Terminate => self.terminate(&record).await,
            Action::Stop | Action::Start | Action::Restart => self.operate(command, record).await,
        };
        match done {
            Ok(()) => Outcome::Done,
            Err(outcome) => outcome,
        }
    }

    async fn provision(&self, record: &LeaseRecord, generation: u64) -> Result<(), Outcome> {
        if record.desired != Desired::Running || u64::from(record.generation) != generation {
            return Ok(());
        }
        self.tell(&record.id, "provisioning", format!("generation {generation}"));
        let started = Instant::now();
        if let Err(outcome) = work::provision(&self.backend, record, &self.seal).await {
            if let Outcome::Permanent(_) = outcome
                && generation == 1
            {
                // The customer gets everything back instead of waiting for the deadline.
                let _ = self.chain.report(&record.id, ResourceState::Failed, &[], now()).await;
            }
            return Err(outcome);
        }
        self.counters.provisions.add(1);
        self.counters.provision_ms.add(u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX));
        self.report_running(record).await
    }

    async fn report_running(&self, record: &LeaseRecord) -> Result<(), Outcome> {
        let endpoints = self.learn_endpoints(&record.id).await?;
        self.report(&record.id, ResourceState::Active, &endpoints).await?;
        self.tell(&record.id, "running", urls(&endpoints));
        Ok(())
    }

    /// Notes where the services of a lease are reached now.
    pub(super) async fn learn_endpoints(&self, lease: &LeaseId) -> Result<Endpoints, Outcome> {
        let endpoints = work::endpoints(&self.backend, lease, &self.config.public_host).await?;
        lease::update(&self.db, lease, |record| record.endpoints = endpoints.clone())
            .map_err(|error| Outcome::Transient(error.to_string().into()))?;
        Ok(endpoints)
    }

    async fn report(
        &self,
        lease: &LeaseId,
        state: ResourceState,
        endpoints: &[(String, String)],
    ) -> Result<(), Outcome> {
        self.chain.report(lease, state, endpoints, now()).await.map_err(unreported)
    }

    /// For want of funds, or because it runs though its customer had it stopped.
    async fn suspend(&self, record: &LeaseRecord) -> Result<(), Outcome> {
        let reached = match record.desired {
            Desired::Suspended => ResourceState::Suspended,
            Desired::Stopped => ResourceState::Stopped,
            Desired::AwaitingManifest | Desired::Running | Desired::Gone => return Ok(()),
        };
        work::stop(&self.backend, &record.id).await?;
        self.report(&record.id, reached, &[]).await
    }

    async fn resume(&self, record: &LeaseRecord) -> Result<(), Outcome> {
        if record.desired != Desired::Running {
            return Ok(());
        }
        work::resume(&self.backend, record, &self.seal).await?;
        self.report_running(record).await
    }

    async fn terminate(&self, record: &LeaseRecord) -> Result<(), Outcome> {
        work::terminate(&self.backend, &record.id).await?;
        self.tell(&record.id, "terminated", "nothing of the lease is left on this machine");
        match self.chain.report(&record.id, ResourceState::Terminated, &[], now()).await {
            Ok(()) => Ok(()),
            // The chain ends a resource by itself after a day; a refusal here changes nothing for the customer.
            Err(error) if error.chain_code().is_some() => Ok(()),
            Err(error) => Err(unreported(error)),
        }
    }
}

/// Service and URL of each published port.
pub(super) type Endpoints = Vec<(String, String)>;

pub(super) fn urls(endpoints: &Endpoints) -> String {
    endpoints.iter().map(|(_, url)| url.as_str()).collect::<Vec<_>>().join(" ")
}

/// The chain did not take a report: out of reach, it hears of it later; a refusal is looked at anew a few times.
pub(super) fn unreported(error: ClientError) -> Outcome {
    if error.is_transient() {
        Outcome::Unheard(error.to_string())
    } else {
        Outcome::Transient(error.to_string().into())
    }
}
