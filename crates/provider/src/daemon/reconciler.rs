//! Brings chain, store and backend together: draws the three pictures, compares them and queues what differs.

use std::collections::BTreeMap;

use ve_proto::ve::market::v1::{self as market, ResourceState};

use super::{Daemon, DaemonError, now};
use crate::backend::WorkloadState;
use crate::chain::{self, report};
use crate::db::DbError;
use crate::fit;
use crate::lease::{self, Desired, LeaseRecord};
use crate::model::LeaseId;
use crate::queue::{Action, Queue, Standing};
use crate::reconcile::{Actual, Asked, ChainLease, ChainWish, Step, reconcile};
use crate::work;

impl Daemon {
    /// Compares chain, store and backend and queues what differs.
    pub async fn reconcile(&self) -> Result<(), DaemonError> {
        let records = lease::all(&self.db)?;
        let chain = self.chain_leases(&records).await?;
        let records = lease::all(&self.db)?;
        let actual = self.actual(&records).await?;
        let queue = Queue::new(&self.db);
        let commands = queue.all()?;
        let standing = |record: &LeaseRecord| Standing::of(&commands, &record.id, record.generation);
        let steps = reconcile(&chain, &records, &actual, standing, now());
        let orphans = steps.iter().filter(|step| matches!(step, Step::Quarantine(_))).count();
        self.counters.orphans.set(orphans as u64);
        for step in steps {
            if matches!(step, Step::Repair(_) | Step::TearDown(_)) {
                self.counters.drift.add(1);
            }
            self.take(&queue, step, &chain).await?;
        }
        self.wake_queue();
        Ok(())
    }

    /// The live leases with what the chain wants of each.
    async fn chain_leases(&self, records: &[LeaseRecord]) -> Result<Vec<ChainLease>, DaemonError> {
        let live = self.chain.live_leases().await?;
        let mut resources = BTreeMap::new();
        // In this order one that is reported stopped in between is in the second list.
        for state in [ResourceState::Updating, ResourceState::Stopped] {
            for resource in self.chain.resources(state).await? {
                let id = resource.lease.as_ref().map(chain::lease_id);
                resources.extend(id.map(|id| (id, resource)));
            }
        }
        // One that its customer started in between may be in neither: nothing runs again by mistake.
        for record in records {
            if record.desired == Desired::Stopped
                && !resources.contains_key(&record.id)
                && let Some(resource) = self.chain.resource(&record.id).await?
            {
                resources.insert(record.id.clone(), resource);
            }
        }
        let found = |lease: &market::Lease| {
            let id = chain::lease_id(lease.id.as_ref()?);
            let resource = resources.get(&id);
            Some(chain_lease(id, lease, resource))
        };
        Ok(live.iter().filter_map(found).collect())
    }

    async fn actual(&self, records: &[LeaseRecord]) -> Result<Vec<Actual>, DaemonError> {
        let mut actual: Vec<Actual> = Vec::new();
        for workload in self.backend.list_owned().await? {
            let lease = records.iter().find(|record| work::tag(&record.id) == workload.spec.lease_tag);
            let generation = work::generation(&workload);
            // An older generation beside a newer one is about to go; it says nothing about the lease.
            if lease.is_some_and(|record| generation < record.generation)
                && actual.iter().any(|other| other.tag == workload.spec.lease_tag)
            {
                continue;
            }
            let running = !matches!(workload.state, WorkloadState::Stopped | WorkloadState::Exited);
            let entry = Actual {
                tag: workload.spec.lease_tag.clone(),
                lease: lease.map(|record| record.id.clone()),
                generation,
                running,
            };
            match actual.iter_mut().find(|other| other.tag == entry.tag) {
                Some(other) if generation > other.generation => *other = entry,
                Some(other) => other.running &= running,
                None => actual.push(entry),
            }
        }
        Ok(actual)
    }

    async fn take(&self, queue: &Queue<'_>, step: Step, chain: &[ChainLease]) -> Result<(), DaemonError> {
        let time = now();
        match step {
            Step::Record(id) => {
                let Some(lease) = chain.iter().find(|lease| lease.id == id) else { return Ok(()) };
                self.remember(lease).await?;
            }
            Step::Ended(id) => self.ended(queue, &id).await?,
            Step::TearDown(id) => {
                let toggles = lease::update(&self.db, &id, |record| {
                    record.toggles += 1;
                    record.toggles
                })?;
                queue.push(&id, Action::Terminate, toggles.unwrap_or(0), time)?;
            }
            Step::Repair(id) => {
                let generation = lease::update(&self.db, &id, |record| {
                    record.generation += 1;
                    record.desired = Desired::Running;
                    record.generation
                })?;
                queue.push(&id, Action::Provision, generation.unwrap_or(0).into(), time)?;
                self.tell(&id, "repair", "the workload is missing or stopped; starting it again");
            }
            Step::Suspend(id) => {
                self.toggle(queue, &id, Desired::Suspended, Action::Suspend)?;
                self.tell(&id, "payment", "escrow is overdrawn: suspended");
            }
            Step::Resume(id) => {
                self.toggle(queue, &id, Desired::Running, Action::Resume)?;
                self.tell(&id, "resume", "the chain wants it to run: resumed");
            }
            Step::Stop(id) => {
                self.toggle(queue, &id, Desired::Stopped, Action::Suspend)?;
                self.tell(&id, "stop", "the chain has it as stopped: stopped again");
            }
            Step::Operate(id, op_id, action) => {
                if queue.find(&id, action, op_id)?.is_none() {
                    queue.push(&id, action, op_id, time)?;
                    let word = format!("{action:?}").to_lowercase();
                    self.tell(&id, "operation", format!("the customer asks for a {word}"));
                }
            }
            Step::Quarantine(tag) => {
                tracing::error!(tag, "a workload carries our tag but belongs to no known lease; left alone");
            }
        }
        Ok(())
    }

    async fn remember(&self, lease: &ChainLease) -> Result<(), DaemonError> {
        let id = &lease.id;
        let deployment = self.chain.deployment(&id.order.owner, id.order.dseq).await?;
        let groups = deployment.map(|(_, groups)| groups).unwrap_or_default();
        let group = groups.iter().find(|group| group.id.as_ref().is_some_and(|g| g.gseq == id.order.gseq));
        let spec = group.and_then(|group| group.spec.as_ref());
        let name = spec.map(|spec| spec.name.clone()).unwrap_or_default();
        let mut record = LeaseRecord::new(id.clone(), name, lease.created_at);
        record.needs = spec.and_then(fit::needs);
        if lease::insert_new(&self.db, &record)? {
            self.tell(id, "lease", "waiting for the manifest");
        }
        Ok(())
    }

    /// A lease that was in none of the lists of live ones. Lists are read one after the other, and nodes can lag, so
    /// only the chain's word that it is closed ends it (incident M3).
    async fn ended(&self, queue: &Queue<'_>, id: &LeaseId) -> Result<(), DaemonError> {
        let Some(lease) = self.chain.lease(id).await? else {
            tracing::error!(lease = %id, "the node does not know this lease; nothing is ended on its word");
            return Ok(());
        };
        if lease.state != market::LeaseState::Closed as i32 {
            return Ok(());
        }
        let reason = lease.closure.map(|closure| market::Reason::try_from(closure.reason).unwrap_or_default());
        let reason = reason.map(|reason| reason.as_str_name().to_owned());
        let time = now();
        lease::update(&self.db, id, |record| {
            record.desired = Desired::Gone;
            record.closed_at = Some(time);
            record.close_reason = reason.clone();
        })?;
        queue.push(id, Action::Terminate, 0, time)?;
        self.tell(id, "closed", reason.unwrap_or_default());
        Ok(())
    }

    fn toggle(&self, queue: &Queue<'_>, id: &LeaseId, desired: Desired, action: Action) -> Result<(), DbError> {
        let toggles = lease::update(&self.db, id, |record| {
            record.desired = desired;
            record.toggles += 1;
            record.toggles
        })?;
        queue.push(id, action, toggles.unwrap_or(0), now())?;
        Ok(())
    }
}

/// `resource` is there for those that are stopped or being changed.
fn chain_lease(id: LeaseId, lease: &market::Lease, resource: Option<&market::Resource>) -> ChainLease {
    let wants = match resource.map(market::Resource::state) {
        Some(ResourceState::Stopped) => ChainWish::Stop,
        _ if lease.state() == market::LeaseState::Grace => ChainWish::Suspend,
        _ => ChainWish::Run,
    };
    let operation = resource.and_then(report::running);
    let asked = operation.and_then(|operation| {
        let action = match operation.action() {
            market::Action::Stop => Action::Stop,
            market::Action::Start => Action::Start,
            market::Action::Restart => Action::Restart,
            _ => return None,
        };
        Some(Asked { op_id: operation.op_id, action })
    });
    ChainLease { id, created_at: lease.created_at, wants, asked }
}
