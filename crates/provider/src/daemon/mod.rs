//! The provider's daemon. Chain events and timers only wake it; what it does follows from comparing chain, store and
//! backend, so that a lost or repeated event changes nothing (marketplace spec section 13).

mod executor;
mod follow;
mod manifests;
mod operations;
mod reconciler;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{Notify, broadcast, watch};
use tokio::task::JoinSet;
use ve_client::ClientError;

use crate::backend::{Backend, BackendError};
use crate::bids::Declined;
use crate::chain::Chain;
use crate::config::ProviderConfig;
use crate::db::{Db, DbError};
use crate::lease;
use crate::metrics::Counters;
use crate::model::LeaseId;
use crate::prices::Prices;
use crate::queue::Queue;
use crate::seal::Seal;

/// Events kept for customers who ask later.
const HISTORY: usize = 1000;
/// Commands under way at once, each for another lease: a slow image holds nobody else up.
const WORKERS: usize = 4;
/// Logs and records of ended leases are kept this long (marketplace spec section 13.5).
pub const KEEP_ENDED: Duration = Duration::from_secs(7 * 86_400);
/// Ended commands and leases are looked through for old ones this often.
const PRUNE: Duration = Duration::from_secs(3600);

#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    #[error(transparent)]
    Db(#[from] DbError),
    #[error(transparent)]
    Chain(#[from] ClientError),
    #[error("backend: {0}")]
    Backend(#[from] BackendError),
    #[error("the manifest cannot be sealed")]
    Seal,
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
    pub prices: Prices,
    pub events: broadcast::Sender<LeaseEvent>,
    pub counters: Counters,
    /// Open orders without a bid of ours, and why.
    pub declined: Declined,
    queue_changed: Notify,
    pass_wanted: Notify,
    history: Mutex<VecDeque<LeaseEvent>>,
}

/// Seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

impl Daemon {
    pub fn new(config: ProviderConfig, db: Db, chain: Chain, backend: Arc<dyn Backend>, seal: Seal) -> Self {
        let prices = Prices::fixed(config.pricing.clone());
        Self {
            config,
            db,
            chain,
            backend,
            seal,
            prices,
            events: broadcast::channel(1024).0,
            counters: Counters::default(),
            declined: Declined::default(),
            queue_changed: Notify::new(),
            pass_wanted: Notify::new(),
            history: Mutex::default(),
        }
    }

    /// Prices follow the configuration file from now on.
    pub fn watch_prices(mut self, file: PathBuf) -> Self {
        self.prices = Prices::watched(file, self.config.pricing.clone());
        self
    }

    /// Runs until `stop` becomes true. Workloads keep running when the daemon stops.
    pub async fn run(self: &Arc<Self>, mut stop: watch::Receiver<bool>) -> Result<(), DaemonError> {
        Queue::new(&self.db).recover(now())?;
        let mut tasks = JoinSet::new();
        (0..WORKERS).for_each(|_| drop(tasks.spawn(self.clone().work())));
        tasks.spawn(self.clone().timers());
        // The tasks end with the set.
        tokio::select! {
            result = self.follow_chain() => result,
            _ = stop.wait_for(|stopped| *stopped) => Ok(()),
        }
    }

    /// Asks for a pass over chain and leases now.
    pub fn wake(&self) {
        self.pass_wanted.notify_one();
    }

    /// Asks the worker to look at the queue now.
    pub fn wake_queue(&self) {
        self.queue_changed.notify_one();
    }

    /// What happened to a lease since the daemon started, oldest first.
    pub fn history(&self, lease: &LeaseId) -> Vec<LeaseEvent> {
        let history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        history.iter().filter(|event| event.lease == *lease).cloned().collect()
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
        let mut withdrawn = tokio::time::Instant::now();
        let (mut pruned, mut beaten) = (withdrawn, None);
        loop {
            let due = |at: tokio::time::Instant| at.elapsed().as_secs() >= self.config.heartbeat_seconds;
            if beaten.is_none_or(due) && self.beat().await {
                beaten = Some(tokio::time::Instant::now());
            }
            tokio::time::sleep(Duration::from_secs(self.config.reconcile_seconds.clamp(1, 60))).await;
            self.wake();
            if withdrawn.elapsed().as_secs() >= self.config.withdraw_seconds {
                withdrawn = tokio::time::Instant::now();
                self.withdraw_all().await;
            }
            if pruned.elapsed() >= PRUNE {
                pruned = tokio::time::Instant::now();
                if let Err(error) = self.forget_old() {
                    tracing::error!(%error, "what ended long ago is not forgotten");
                }
            }
        }
    }

    /// Whether the chain took the sign of life.
    pub(crate) async fn beat(&self) -> bool {
        match self.chain.heartbeat(now()).await {
            Ok(()) => {
                self.counters.heartbeats.add(1);
                true
            }
            Err(error) => {
                tracing::warn!(%error, "the chain took no sign of life; trying again");
                false
            }
        }
    }

    fn forget_old(&self) -> Result<(), DbError> {
        Queue::new(&self.db).prune(now())?;
        lease::forget_ended(&self.db, now().saturating_sub(KEEP_ENDED.as_secs()))
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
}
