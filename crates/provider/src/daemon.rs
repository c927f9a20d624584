//! The provider's daemon. Chain events and timers only wake it; what it does follows from comparing chain, store and
//! backend, so that a lost or repeated event changes nothing (marketplace spec section 13).

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{Notify, broadcast, watch};
use ve_client::events::Item;
use ve_client::{ClientError, Cursor, EventStream};
use ve_proto::ve::market::v1 as market;

use crate::backend::{Backend, WorkloadState};
use crate::bids::BidEngine;
use crate::chain::{self, Chain};
use crate::config::ProviderConfig;
use crate::db::{Db, DbError, Records};
use crate::lease::{self, Desired, LeaseRecord};
use crate::model::LeaseId;
use crate::queue::{Action, Command, Outcome, Queue};
use crate::reconcile::{Actual, ChainLease, ChainWish, Step, reconcile};
use crate::seal::Seal;
use crate::work;

const CURSOR: Records<String> = Records::new("cursor");
/// The queue is looked at this often even when nothing woke it: backoffs end by themselves.
const TICK: Duration = Duration::from_secs(1);
const RETRY: Duration = Duration::from_secs(2);

#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    #[error(transparent)]
    Db(#[from] DbError),
    #[error(transparent)]
    Chain(#[from] ClientError),
    #[error("{0}")]
    Backend(String),
}

/// Something that happened to a lease, for its customer.
#[derive(Clone, Debug)]
pub struct LeaseEvent {
    pub lease: LeaseId,
    pub at: u64,
    pub kind: &'static str,
    pub message: String,
}

pub struct Daemon {
    pub config: ProviderConfig,
    pub db: Db,
    pub chain: Chain,
    pub backend: Arc<dyn Backend>,
    pub seal: Seal,
    pub events: broadcast::Sender<LeaseEvent>,
    wake_queue: Notify,
    wake_chain: Notify,
    history: Mutex<VecDeque<LeaseEvent>>,
    pub counters: Counters,
}

/// For metrics.
#[derive(Default)]
pub struct Counters {
    pub bids: AtomicU64,
    /// Comparisons of chain, store and backend.
    pub passes: AtomicU64,
    /// Last block whose events were handled, and when.
    pub height: AtomicU64,
    pub heard_at: AtomicU64,
}

/// Events kept for customers who ask later.
const HISTORY: usize = 1000;

pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

impl Daemon {
    pub fn new(config: ProviderConfig, db: Db, chain: Chain, backend: Arc<dyn Backend>, seal: Seal) -> Self {
        Self {
            config,
            db,
            chain,
            backend,
            seal,
            events: broadcast::channel(1024).0,
            wake_queue: Notify::new(),
            wake_chain: Notify::new(),
            history: Mutex::default(),
            counters: Counters::default(),
        }
    }

    /// What happened to a lease since the daemon started, oldest first.
    pub fn history(&self, lease: &LeaseId) -> Vec<LeaseEvent> {
        let history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        history.iter().filter(|event| event.lease == *lease).cloned().collect()
    }

    /// Replaces every workload of a lease by a fresh one.
    pub fn restart_workload(&self, lease: &LeaseId) -> Result<(), DaemonError> {
        let generation = lease::update(&self.db, lease, |record| {
            let running = record.desired == Desired::Running;
            record.generation += u32::from(running);
            running.then_some(record.generation)
        })?;
        if let Some(Some(generation)) = generation {
            Queue::new(&self.db).push(lease, Action::Update, generation, now())?;
            self.tell(lease, "restart", "asked for by the customer");
            self.wake_queue.notify_one();
        }
        Ok(())
    }

    /// Runs until `stop` becomes true. Workloads keep running when the daemon stops.
    pub async fn run(self: &Arc<Self>, mut stop: watch::Receiver<bool>) -> Result<(), DaemonError> {
        Queue::new(&self.db).recover(now())?;
        let worker = tokio::spawn(self.clone().work());
        let timers = tokio::spawn(self.clone().timers());
        let ended = tokio::select! {
            result = self.follow_chain() => result,
            _ = stop.wait_for(|stopped| *stopped) => Ok(()),
        };
        worker.abort();
        timers.abort();
        ended
    }

    /// Asks for a pass over chain and leases now.
    pub fn wake(&self) {
        self.wake_chain.notify_one();
    }

    fn tell(&self, lease: &LeaseId, kind: &'static str, message: impl Into<String>) {
        let event = LeaseEvent { lease: lease.clone(), at: now(), kind, message: message.into() };
        tracing::info!(lease = %event.lease, kind, message = event.message);
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        if history.len() >= HISTORY {
            history.pop_front();
        }
        history.push_back(event.clone());
        drop(history);
        let _ = self.events.send(event);
    }

    async fn timers(self: Arc<Self>) {
        let mut last_withdrawal = tokio::time::Instant::now();
        loop {
            tokio::time::sleep(Duration::from_secs(self.config.reconcile_seconds.clamp(1, 60))).await;
            self.wake();
            if last_withdrawal.elapsed().as_secs() >= self.config.withdraw_seconds {
                last_withdrawal = tokio::time::Instant::now();
                self.withdraw_all().await;
            }
        }
    }

    async fn withdraw_all(&self) {
        for record in lease::all(&self.db).unwrap_or_default() {
            if record.closed_at.is_none()
                && let Err(error) = self.chain.withdraw(&record.id).await
            {
                tracing::debug!(lease = %record.id, %error, "nothing withdrawn");
            }
        }
    }

    /// Follows the chain from the stored cursor. The cursor moves past a block only after its effects are durable.
    async fn follow_chain(&self) -> Result<(), DaemonError> {
        let mut bids = BidEngine::default();
        let cursor = match self.db.get(&CURSOR, "chain")?.and_then(|text| text.parse::<Cursor>().ok()) {
            Some(cursor) => cursor,
            None => Cursor::after(self.current_height().await),
        };
        let mut stream = EventStream::from(self.chain.rpc().clone(), &self.config.chain_id, cursor);
        self.settled_pass(&mut bids).await;
        let mut relevant = false;
        loop {
            let item = tokio::select! {
                item = stream.next() => item,
                () = self.wake_chain.notified() => {
                    self.settled_pass(&mut bids).await;
                    continue;
                }
            };
            match item {
                Ok(Item::Event(event)) => relevant |= concerns_us(&event.event.kind),
                Ok(Item::EndOfBlock { height }) => {
                    if relevant {
                        self.settled_pass(&mut bids).await;
                        relevant = false;
                    }
                    self.db.put(&CURSOR, "chain", &Cursor::after(height).to_string())?;
                    self.counters.height.store(height, Ordering::Relaxed);
                    self.counters.heard_at.store(now(), Ordering::Relaxed);
                }
                Err(ClientError::Pruned { earliest, .. }) => {
                    // What was missed is found by comparing states.
                    stream =
                        EventStream::from(self.chain.rpc().clone(), &self.config.chain_id, Cursor::before(earliest));
                    self.settled_pass(&mut bids).await;
                }
                Err(error) if error.is_transient() => {
                    tracing::warn!(%error, "the chain does not answer");
                    tokio::time::sleep(RETRY).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn current_height(&self) -> u64 {
        loop {
            match self.chain.rpc().status().await {
                Ok(status) => return status.latest_height,
                Err(error) => {
                    tracing::warn!(%error, "waiting for a node");
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }

    /// Repeats the pass until it went through: the cursor must not move past a block whose effects are missing.
    async fn settled_pass(&self, bids: &mut BidEngine) {
        while let Err(error) = self.pass(bids).await {
            tracing::warn!(%error, "pass over orders and leases failed; trying again");
            tokio::time::sleep(RETRY).await;
        }
    }

    async fn pass(&self, bids: &mut BidEngine) -> Result<(), DaemonError> {
        self.reconcile().await?;
        self.expire_manifests().await?;
        if self.may_bid().await? {
            let sent = bids.pass(&self.chain, &self.backend, &self.config.pricing).await?;
            self.counters.bids.fetch_add(sent as u64, Ordering::Relaxed);
        }
        self.counters.passes.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn may_bid(&self) -> Result<bool, DaemonError> {
        use ve_proto::ve::provider::v1::ProviderState;
        let provider = self.chain.provider().await?;
        Ok(provider.is_some_and(|provider| provider.state == ProviderState::Active as i32))
    }

    /// Compares chain, store and backend and queues what differs.
    pub async fn reconcile(&self) -> Result<(), DaemonError> {
        let live: Vec<market::Lease> = self.chain.live_leases().await?;
        let chain: Vec<ChainLease> = live
            .iter()
            .filter_map(|lease| {
                let wants =
                    if lease.state == market::LeaseState::Grace as i32 { ChainWish::Suspend } else { ChainWish::Run };
                let id = chain::lease_id(lease.id.as_ref()?);
                Some(ChainLease { id, group_name: String::new(), created_at: lease.created_at, wants })
            })
            .collect();
        let records = lease::all(&self.db)?;
        let actual = self.actual(&records).await?;
        let queue = Queue::new(&self.db);
        let busy: Vec<LeaseId> = queue
            .all()?
            .into_iter()
            .filter(|command| command.ended_at.is_none())
            .map(|command| command.lease)
            .collect();
        for step in reconcile(&chain, &records, &actual, |lease| busy.contains(lease), now()) {
            self.take(&queue, step, &chain).await?;
        }
        self.wake_queue.notify_one();
        Ok(())
    }

    async fn actual(&self, records: &[LeaseRecord]) -> Result<Vec<Actual>, DaemonError> {
        let workloads = self.backend.list_owned().await.map_err(|error| DaemonError::Backend(error.to_string()))?;
        let mut actual: Vec<Actual> = Vec::new();
        for workload in workloads {
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
                let deployment = self.chain.deployment(&id.order.owner, id.order.dseq).await?;
                let groups = deployment.map(|(_, groups)| groups).unwrap_or_default();
                let group = groups.iter().find(|group| group.id.as_ref().is_some_and(|g| g.gseq == id.order.gseq));
                let name = group.and_then(|group| group.spec.as_ref()).map(|spec| spec.name.clone());
                lease::insert_new(&self.db, &LeaseRecord::new(id.clone(), name.unwrap_or_default(), lease.created_at))?;
                self.tell(&id, "lease", "waiting for the manifest");
            }
            Step::Ended(id) => {
                let closed = self.chain.lease(&id).await?.and_then(|lease| lease.closure);
                let reason = closed.map(|closure| market::Reason::try_from(closure.reason).unwrap_or_default());
                let reason = reason.map(|reason| reason.as_str_name().to_owned());
                lease::update(&self.db, &id, |record| {
                    record.desired = Desired::Gone;
                    record.closed_at = Some(time);
                    record.close_reason = reason.clone();
                })?;
                queue.push(&id, Action::Terminate, 0, time)?;
                self.tell(&id, "closed", reason.unwrap_or_default());
            }
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
                queue.push(&id, Action::Provision, generation.unwrap_or(0), time)?;
                self.tell(&id, "repair", "the workload is missing or stopped; starting it again");
            }
            Step::Suspend(id) => self.toggle(queue, &id, Desired::Suspended, Action::Suspend)?,
            Step::Resume(id) => self.toggle(queue, &id, Desired::Running, Action::Resume)?,
            Step::Quarantine(tag) => {
                tracing::error!(tag, "a workload carries our tag but belongs to no known lease; left alone");
            }
        }
        Ok(())
    }

    fn toggle(&self, queue: &Queue<'_>, id: &LeaseId, desired: Desired, action: Action) -> Result<(), DbError> {
        let toggles = lease::update(&self.db, id, |record| {
            record.desired = desired;
            record.toggles += 1;
            record.toggles
        })?;
        queue.push(id, action, toggles.unwrap_or(0), now())?;
        self.tell(
            id,
            "payment",
            if desired == Desired::Suspended { "escrow is overdrawn: suspended" } else { "resumed" },
        );
        Ok(())
    }

    /// Leases whose customer never delivered a manifest are given back.
    async fn expire_manifests(&self) -> Result<(), DaemonError> {
        for record in lease::all(&self.db)? {
            let deadline = record.created_at.saturating_add(self.config.manifest_seconds);
            if record.desired == Desired::AwaitingManifest && deadline < now() {
                self.tell(&record.id, "manifest", "no manifest came in time: closing the lease");
                match self.chain.close_lease(&record.id, market::Reason::ManifestTimeout).await {
                    Ok(()) => {}
                    Err(error) if error.chain_code().is_some() => tracing::warn!(%error, "lease not closed"),
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }

    /// Queues a delivered manifest; the caller has checked it against the chain.
    pub fn accept_manifest(&self, lease: &LeaseId, json: &[u8], hash: [u8; 32]) -> Result<(), DaemonError> {
        let sealed =
            self.seal.close(json).ok_or_else(|| DaemonError::Backend("the manifest cannot be sealed".into()))?;
        let accepted = lease::update(&self.db, lease, |record| {
            if record.manifest_hash == Some(hash) && record.desired == Desired::Running {
                return None;
            }
            let first = record.manifest.is_none();
            record.manifest = Some(sealed);
            record.manifest_hash = Some(hash);
            record.generation += 1;
            record.desired = Desired::Running;
            Some((first, record.generation))
        })?;
        if let Some(Some((first, generation))) = accepted {
            let action = if first { Action::Provision } else { Action::Update };
            Queue::new(&self.db).push(lease, action, generation, now())?;
            self.tell(lease, "manifest", "received");
            self.wake_queue.notify_one();
        }
        Ok(())
    }

    /// Runs queued commands one after the other; each is recorded before and after.
    async fn work(self: Arc<Self>) {
        loop {
            match Queue::new(&self.db).take(now()) {
                Ok(Some(command)) => {
                    let outcome = self.execute(&command).await;
                    if let Outcome::Transient(error) | Outcome::Permanent(error) = &outcome {
                        self.tell(&command.lease, "failed", format!("{:?}: {error}", command.action));
                    }
                    if let Err(error) = Queue::new(&self.db).finish(command.id, outcome, now()) {
                        tracing::error!(%error, "the result of a command is not recorded; it will run again");
                        tokio::time::sleep(TICK).await;
                    }
                }
                Ok(None) => {
                    let _ = tokio::time::timeout(TICK, self.wake_queue.notified()).await;
                }
                Err(error) => {
                    tracing::error!(%error, "the command queue cannot be read");
                    tokio::time::sleep(TICK).await;
                }
            }
        }
    }

    async fn execute(&self, command: &Command) -> Outcome {
        let record = match lease::get(&self.db, &command.lease) {
            Ok(Some(record)) => record,
            Ok(None) => return Outcome::Permanent("the lease is unknown".into()),
            Err(error) => return Outcome::Transient(error.to_string()),
        };
        let done = match command.action {
            Action::Provision | Action::Update => self.provision(&record, command.revision).await,
            Action::Suspend => self.suspend(&record).await,
            Action::Resume => self.resume(&record).await,
            Action::Terminate => self.terminate(&record).await,
        };
        match done {
            Ok(()) => Outcome::Done,
            Err(outcome) => outcome,
        }
    }

    async fn provision(&self, record: &LeaseRecord, generation: u32) -> Result<(), Outcome> {
        if record.desired != Desired::Running || record.generation != generation {
            return Ok(());
        }
        self.tell(&record.id, "provisioning", format!("generation {generation}"));
        if let Err(outcome) = work::provision(&self.backend, record, &self.seal).await {
            if let Outcome::Permanent(_) = outcome
                && generation == 1
            {
                // The customer gets everything back instead of waiting for the deadline.
                let _ = self.chain.report(&record.id, market::ResourceState::Failed, &[], now()).await;
            }
            return Err(outcome);
        }
        self.report_running(record).await
    }

    async fn report_running(&self, record: &LeaseRecord) -> Result<(), Outcome> {
        let endpoints = work::endpoints(&self.backend, &record.id, &self.config.public_host).await?;
        lease::update(&self.db, &record.id, |record| record.endpoints = endpoints.clone())
            .map_err(|error| Outcome::Transient(error.to_string()))?;
        self.report(&record.id, market::ResourceState::Active, &endpoints).await?;
        self.tell(&record.id, "running", endpoints.iter().map(|(_, url)| url.as_str()).collect::<Vec<_>>().join(" "));
        Ok(())
    }

    async fn report(
        &self,
        lease: &LeaseId,
        state: market::ResourceState,
        endpoints: &[(String, String)],
    ) -> Result<(), Outcome> {
        match self.chain.report(lease, state, endpoints, now()).await {
            Ok(()) => Ok(()),
            Err(error) => Err(Outcome::Transient(error.to_string())),
        }
    }

    async fn suspend(&self, record: &LeaseRecord) -> Result<(), Outcome> {
        if record.desired != Desired::Suspended {
            return Ok(());
        }
        work::suspend(&self.backend, &record.id).await?;
        self.report(&record.id, market::ResourceState::Suspended, &[]).await
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
        match self.chain.report(&record.id, market::ResourceState::Terminated, &[], now()).await {
            Ok(()) => Ok(()),
            // The chain ends a resource by itself after a day; a refusal here changes nothing for the customer.
            Err(error) if error.chain_code().is_some() => Ok(()),
            Err(error) => Err(Outcome::Transient(error.to_string())),
        }
    }
}

/// Events after which orders or leases may have changed.
fn concerns_us(kind: &str) -> bool {
    ["order_", "bid_", "lease_", "deployment_", "group_", "escrow_", "provider_", "lifecycle_", "resource_"]
        .iter()
        .any(|prefix| kind.starts_with(prefix))
}
