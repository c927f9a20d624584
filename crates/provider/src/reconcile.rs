//! Three-way reconciliation: what the chain wants, what the daemon recorded, what the backend runs (marketplace spec
//! section 13.4). Pure: takes the three pictures, returns what to do. Running it twice on the same pictures gives the
//! same steps, and carrying them out makes the next result empty.

use std::collections::BTreeMap;

use crate::lease::{Desired, LeaseRecord};
use crate::model::LeaseId;
use crate::queue::{Action, Standing};

/// A workload whose lease has ended may still be shutting down by its own command.
pub const TEARDOWN_AFTER_S: u64 = 600;

/// A lease of this provider as the chain has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainLease {
    pub id: LeaseId,
    pub created_at: u64,
    pub wants: ChainWish,
    /// What the customer asked for and nobody has reported yet.
    pub asked: Option<Asked>,
}

/// An operation that the chain waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    pub op_id: u64,
    /// Stop, start or restart.
    pub action: Action,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainWish {
    Run,
    /// Overdrawn, within grace.
    Suspend,
    /// Stopped by the customer's wish, and reported so.
    Stop,
}

/// What the backend holds under one of our tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actual {
    pub tag: String,
    /// `None` when no record has this tag.
    pub lease: Option<LeaseId>,
    pub generation: u32,
    pub running: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The chain has a lease that the daemon never heard of.
    Record(LeaseId),
    /// The lease ended without the daemon noticing.
    Ended(LeaseId),
    /// It should run and does not.
    Repair(LeaseId),
    Suspend(LeaseId),
    Resume(LeaseId),
    /// The chain has it as stopped: it must not run.
    Stop(LeaseId),
    /// The customer asks for the operation of this number.
    Operate(LeaseId, u64, Action),
    /// Its lease ended long ago.
    TearDown(LeaseId),
    /// Carries our tag but belongs to no lease that we know: left alone, shown to the operator.
    Quarantine(String),
}

/// `standing` says how the queue stands to the lease: while a command waits or runs, the lease is left to the queue, and
/// what the queue gave up is left to the operator or to a new manifest instead of being tried for ever.
pub fn reconcile(
    chain: &[ChainLease],
    records: &[LeaseRecord],
    actual: &[Actual],
    standing: impl Fn(&LeaseRecord) -> Standing,
    now: u64,
) -> Vec<Step> {
    let wanted: BTreeMap<&LeaseId, &ChainLease> = chain.iter().map(|lease| (&lease.id, lease)).collect();
    let known: BTreeMap<&LeaseId, &LeaseRecord> = records.iter().map(|record| (&record.id, record)).collect();
    let mut held: BTreeMap<&LeaseId, &Actual> = BTreeMap::new();
    let mut steps = Vec::new();
    for workload in actual {
        match &workload.lease {
            Some(lease) => {
                held.insert(lease, workload);
            }
            None => steps.push(Step::Quarantine(workload.tag.clone())),
        }
    }
    for lease in chain {
        match known.get(&lease.id) {
            None => steps.push(Step::Record(lease.id.clone())),
            Some(record) => {
                let standing = standing(record);
                let step = live_step(lease, record, held.get(&lease.id).copied());
                steps.extend(step.filter(|step| match standing {
                    Standing::Idle => true,
                    Standing::Working => false,
                    Standing::GaveUp => !matches!(step, Step::Repair(_)),
                }));
            }
        }
    }
    for record in records {
        if wanted.contains_key(&record.id) {
            continue;
        }
        if record.desired != Desired::Gone {
            steps.push(Step::Ended(record.id.clone()));
        } else if held.contains_key(&record.id)
            && standing(record) != Standing::Working
            && record.closed_at.is_none_or(|at| at.saturating_add(TEARDOWN_AFTER_S) <= now)
        {
            steps.push(Step::TearDown(record.id.clone()));
        }
    }
    steps.sort();
    steps
}

fn live_step(lease: &ChainLease, record: &LeaseRecord, held: Option<&Actual>) -> Option<Step> {
    let id = || lease.id.clone();
    if let Some(Asked { op_id, action }) = lease.asked {
        // Until it is carried out or given up, nothing else is right or wrong about the workload.
        return Some(Step::Operate(id(), op_id, action));
    }
    // Without a manifest there is nothing to run; the manifest service watches its deadline.
    record.manifest.as_ref()?;
    let paused = matches!(record.desired, Desired::Suspended | Desired::Stopped);
    match (lease.wants, held) {
        (ChainWish::Run, Some(workload)) if workload.running && workload.generation == record.generation => {
            paused.then(|| Step::Resume(id()))
        }
        (ChainWish::Run, Some(_)) if paused => Some(Step::Resume(id())),
        (ChainWish::Run, _) => Some(Step::Repair(id())),
        (ChainWish::Suspend, Some(workload)) if workload.running => Some(Step::Suspend(id())),
        (ChainWish::Suspend, _) => (record.desired != Desired::Suspended).then(|| Step::Suspend(id())),
        (ChainWish::Stop, Some(workload)) if workload.running => Some(Step::Stop(id())),
        // Not there at all is as good: its start places it anew.
        (ChainWish::Stop, _) => (record.desired != Desired::Stopped).then(|| Step::Stop(id())),
    }
}

#[cfg(test)]
#[path = "reconcile_tests.rs"]
mod tests;
