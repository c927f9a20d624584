use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockWriteGuard};
use std::time::Instant;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use ve_sdk::application::{Application, CheckKind, CheckTxResult};

use super::Limits;
use super::cache::{Cache, TxHash};
use super::queue::{Queue, Waiting};
use crate::rpc::backend::{MempoolView, SubmitError};

/// Admitted transactions that wait for the gossip task; when it is full the periodic repetition sends them.
const OUTBOX: usize = 10_000;

/// Up to so many waiting transactions are all rechecked after a block: that is cheap, and finds what else became bad.
const FEW: usize = 500;
/// Fewer waiting transactions never hurry the next block.
const CROWD: usize = 100;
/// Blocks after which all are rechecked, however many wait.
const FULL_RECHECK: u64 = 20;

#[derive(Debug)]
struct State {
    queue: Queue,
    cache: Cache,
    height: u64,
    /// A checked transaction was dropped without a block: the application still reckons with it.
    dropped: bool,
    /// Transactions that the last block took.
    taken: usize,
}

/// What waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    pub txs: usize,
    pub bytes: u64,
}

/// The waiting transactions of one node. Checks run in parallel; after a commit new ones
/// wait for those that run and for the application's step to the new state.
pub struct Mempool {
    app: Arc<dyn Application>,
    limits: Limits,
    state: Mutex<State>,
    committing: RwLock<()>,
    outbox: mpsc::Sender<Bytes>,
}

/// Holds back checks until application and pool know what the committed block took.
pub struct CommitGuard<'a> {
    pool: &'a Mempool,
    _held: RwLockWriteGuard<'a, ()>,
}

fn hash_of(tx: &[u8]) -> TxHash {
    Sha256::digest(tx).into()
}

impl Mempool {
    /// The second value yields each transaction that this node should send to its peers, in admission order.
    pub fn new(app: Arc<dyn Application>, limits: Limits) -> (Arc<Self>, mpsc::Receiver<Bytes>) {
        let (outbox, admitted) = mpsc::channel(OUTBOX);
        let state = State {
            queue: Queue::default(),
            cache: Cache::new(limits.cache.max(limits.max_txs)),
            height: 0,
            dropped: false,
            taken: 0,
        };
        let pool = Self { app, limits, state: Mutex::new(state), committing: RwLock::new(()), outbox };
        (Arc::new(pool), admitted)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change leaves the state whole, so a panic elsewhere does not spoil it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks `tx` with the application and keeps it when its code is 0. Blocks for the check: call it where blocking is
    /// allowed.
    pub fn submit(&self, tx: Bytes) -> Result<CheckTxResult, SubmitError> {
        let bytes = tx.len() as u64;
        if tx.len() > self.limits.max_tx_bytes {
            return Err(SubmitError::TooLarge { bytes, limit: self.limits.max_tx_bytes as u64 });
        }
        let hash = hash_of(&tx);
        let _checking = self.committing.read().unwrap_or_else(PoisonError::into_inner);
        if !self.state().cache.insert(hash) {
            return Err(SubmitError::AlreadyKnown);
        }
        let checked = self.app.check_tx(&tx, CheckKind::New);
        let mut state = self.state();
        if checked.result.code != 0 {
            state.cache.remove(&hash);
            return Ok(checked);
        }
        let account = if checked.sender.is_empty() { hash.to_vec() } else { checked.sender.clone() };
        if let Err(full) = self.make_room(&mut state, &account, bytes, checked.priority) {
            state.cache.remove(&hash);
            return Err(full);
        }
        let height = state.height;
        state.queue.push(Waiting {
            tx: tx.clone(),
            hash,
            account,
            sequence: checked.sequence,
            priority: checked.priority,
            height,
            since: Instant::now(),
        });
        drop(state);
        if self.outbox.try_send(tx).is_err() {
            tracing::trace!("the gossip queue is full or closed; the transaction is sent with the next repetition");
        }
        Ok(checked)
    }

    /// Room for one more: within the account's share always, in all by dropping what is worth less.
    fn make_room(&self, state: &mut State, account: &[u8], bytes: u64, priority: i64) -> Result<(), SubmitError> {
        let of_account = state.queue.of_account(account);
        if of_account >= self.limits.max_per_account {
            return Err(SubmitError::Full { transactions: of_account as u64, bytes: state.queue.bytes() });
        }
        while state.queue.len() >= self.limits.max_txs || state.queue.bytes() + bytes > self.limits.max_bytes {
            let full = SubmitError::Full { transactions: state.queue.len() as u64, bytes: state.queue.bytes() };
            let Some(least) = state.queue.least() else { return Err(full) };
            // The sender's own earlier transactions must stay: this one depends on them.
            if least.priority >= priority || least.account == account {
                return Err(full);
            }
            let hash = least.hash;
            state.queue.remove(&hash);
            state.cache.remove(&hash);
            state.dropped = true;
        }
        Ok(())
    }

    /// Transactions for a proposal, best first. `max_bytes` is the room for them in the block.
    pub fn reap(&self, max_bytes: u64) -> Vec<Bytes> {
        self.state().queue.reap(self.limits.max_txs, max_bytes)
    }

    pub fn view(&self, limit: usize) -> MempoolView {
        let state = self.state();
        MempoolView {
            total: state.queue.len() as u64,
            total_bytes: state.queue.bytes(),
            txs: state.queue.reap(limit, u64::MAX),
        }
    }

    pub fn sizes(&self) -> Sizes {
        let state = self.state();
        Sizes { txs: state.queue.len(), bytes: state.queue.bytes() }
    }

    /// Whether what waits would fill another block like the last one: then the next one need not wait for its time.
    pub fn is_crowded(&self) -> bool {
        let state = self.state();
        state.queue.len() >= state.taken.max(CROWD)
    }

    /// Waits for running checks and holds back new ones; call it after `Application::commit` and end with
    /// [`CommitGuard::update`].
    pub fn pause(&self) -> CommitGuard<'_> {
        let held = self.committing.write().unwrap_or_else(PoisonError::into_inner);
        CommitGuard { pool: self, _held: held }
    }
}

impl CommitGuard<'_> {
    /// Removes what the block at `height` took (with each transaction's result code) and what is too old, then asks the
    /// application again about waiting transactions whose answer may have changed, each account in sequence order.
    pub fn update(self, height: u64, committed: impl IntoIterator<Item = (Bytes, u32)>) {
        let app = &self.pool.app;
        app.advance_checks();
        let mut state = self.pool.state();
        state.height = height;
        // Accounts with a transaction in the block, as long as nothing else happened.
        let mut touched = app.keeps_checks().then(BTreeSet::new);
        state.taken = 0;
        for (tx, code) in committed {
            state.taken += 1;
            let hash = hash_of(&tx);
            let account = state.queue.remove(&hash).map(|waiting| waiting.account).or_else(|| app.sender(&tx));
            if code == 0 {
                // A replay is refused without asking the application.
                state.cache.insert(hash);
            } else {
                state.cache.remove(&hash);
            }
            touched = match (touched, account) {
                (Some(mut touched), Some(account)) if code == 0 => {
                    touched.insert(account);
                    Some(touched)
                }
                _ => None,
            };
        }
        let old = self.too_old(&state);
        let all = state.dropped || !old.is_empty() || state.queue.len() <= FEW || height.is_multiple_of(FULL_RECHECK);
        for hash in old {
            state.queue.remove(&hash);
            state.cache.remove(&hash);
        }
        let refused = |waiting: &&Waiting| app.check_tx(&waiting.tx, CheckKind::Recheck).result.code != 0;
        let gone: Vec<TxHash> = match touched.filter(|_| !all) {
            Some(accounts) => {
                let waiting = accounts.iter().flat_map(|account| state.queue.iter_of(account));
                waiting.filter(refused).map(|waiting| waiting.hash).collect()
            }
            None => {
                app.restart_checks();
                state.dropped = false;
                state.queue.iter().filter(refused).map(|waiting| waiting.hash).collect()
            }
        };
        for hash in gone {
            state.queue.remove(&hash);
            state.cache.remove(&hash);
        }
    }

    fn too_old(&self, state: &State) -> Vec<TxHash> {
        let limits = &self.pool.limits;
        let now = Instant::now();
        let expired = |waiting: &&Waiting| {
            let blocks = limits.ttl_blocks > 0 && state.height.saturating_sub(waiting.height) >= limits.ttl_blocks;
            let time = !limits.ttl.is_zero() && now.duration_since(waiting.since) >= limits.ttl;
            blocks || time
        };
        state.queue.iter().filter(expired).map(|waiting| waiting.hash).collect()
    }
}
