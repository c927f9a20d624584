//! The customer's operations: stop, start and restart, carried out once and reported with what became of them (marketplace
//! spec sections 5 and 13.4).

use ve_proto::ve::market::v1::ResourceState;

use super::executor::{unreported, urls};
use super::{Daemon, now};
use crate::lease::{self, Desired, LeaseRecord};
use crate::model::LeaseId;
use crate::queue::{Action, Command, Failure, MAX_ATTEMPTS, Outcome};
use crate::work;

/// Attempts to bring back what was before an operation that failed; after them the comparison of chain and backend goes
/// on trying.
const UNDO_ATTEMPTS: usize = 3;

impl Daemon {
    /// Carries an operation out and tells the chain how it ended. After a crash it is run again: what was reported is
    /// not repeated, and what was done is found done.
    pub(super) async fn operate(&self, command: &Command, record: LeaseRecord) -> Result<(), Outcome> {
        let (lease, op_id) = (&command.lease, command.revision);
        if !self.chain.waits_for(lease, op_id).await.map_err(unreported)? {
            return Ok(());
        }
        match self.carry_out(command, record).await {
            Ok(()) => {}
            Err(Outcome::Transient(failure)) if command.attempts < MAX_ATTEMPTS => {
                return Err(Outcome::Transient(failure));
            }
            Err(Outcome::Transient(failure) | Outcome::Permanent(failure)) => {
                return Err(self.give_up(command, failure).await);
            }
            Err(outcome) => return Err(outcome),
        }
        let (reached, word, endpoints) = match command.action {
            Action::Stop => (ResourceState::Stopped, "stopped", Vec::new()),
            _ => (ResourceState::Active, "running", self.learn_endpoints(lease).await?),
        };
        self.chain.confirm(lease, op_id, reached, &endpoints, now()).await.map_err(unreported)?;
        self.counters.operations.add(1);
        self.tell(lease, word, format!("as asked for; {}", urls(&endpoints)).trim_end_matches([' ', ';']));
        Ok(())
    }

    pub(super) async fn carry_out(&self, command: &Command, mut record: LeaseRecord) -> Result<(), Outcome> {
        // Written before it is true: a comparison after a crash must not undo what is half done.
        record.desired = match command.action {
            Action::Stop => Desired::Stopped,
            _ => Desired::Running,
        };
        self.desire(&record.id, record.desired)?;
        match command.action {
            Action::Stop => work::stop(&self.backend, &record.id).await,
            Action::Start => work::resume(&self.backend, &record, &self.seal).await,
            _ => work::restart(&self.backend, &record, &self.seal, &format!("op{}", command.revision)).await,
        }
    }

    /// Reports the failure and brings back what was before.
    async fn give_up(&self, command: &Command, failure: Failure) -> Outcome {
        let before = match command.action {
            Action::Start => Desired::Stopped,
            _ => Desired::Running,
        };
        if let Err(outcome) = self.desire(&command.lease, before) {
            return outcome;
        }
        for _ in 0..UNDO_ATTEMPTS {
            if self.undo(command).await.is_ok() {
                break;
            }
        }
        match self.chain.refuse(&command.lease, command.revision, failure.code, now()).await {
            Ok(()) => Outcome::Permanent(failure),
            Err(error) => unreported(error),
        }
    }

    async fn undo(&self, command: &Command) -> Result<(), Outcome> {
        match command.action {
            Action::Start => work::stop(&self.backend, &command.lease).await,
            Action::Stop => match lease::get(&self.db, &command.lease) {
                Ok(Some(record)) => work::resume(&self.backend, &record, &self.seal).await,
                _ => Ok(()),
            },
            // It ran before and is to run: the comparison of chain and backend repairs it.
            _ => Ok(()),
        }
    }

    fn desire(&self, lease: &LeaseId, desired: Desired) -> Result<(), Outcome> {
        let written = lease::update(&self.db, lease, |record| {
            if record.desired != Desired::Gone {
                record.desired = desired;
            }
        });
        written.map(|_| ()).map_err(|error| Outcome::Transient(error.to_string().into()))
    }
}
