use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::GatewayError;
use super::peer::CACHE;
use crate::model::LeaseId;

/// Upper bounds of the gateway. The default is marketplace §13.5.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Requests of one account in a minute.
    pub requests_per_minute: u32,
    /// Requests of one address in a minute that are open or not yet vouched for.
    pub open_requests_per_minute: u32,
    /// Shells of one lease at once.
    pub shells_per_lease: usize,
    /// Streams (logs, events) of one account at once.
    pub streams_per_account: usize,
    /// A shell in which nothing moves for so long is closed.
    pub idle: Duration,
    /// No shell or stream lasts longer.
    pub session: Duration,
    /// An answer of the chain about a certificate is used for so long, at most 15 s;
    /// streams check their right at this interval.
    pub recheck: Duration,
    /// Largest request body, bytes.
    pub body: usize,
    /// For the TLS handshake, and for the headers of a request.
    pub handshake: Duration,
    /// For a whole request that is not a stream.
    pub request: Duration,
    /// Connections at once.
    pub connections: usize,
    /// Connections of one address at once.
    pub connections_per_address: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests_per_minute: 120,
            open_requests_per_minute: 120,
            shells_per_lease: 5,
            streams_per_account: 32,
            idle: Duration::from_secs(600),
            session: Duration::from_secs(12 * 3600),
            recheck: CACHE,
            body: 1 << 20,
            handshake: Duration::from_secs(10),
            request: Duration::from_secs(60),
            connections: 1024,
            connections_per_address: 64,
        }
    }
}

const MINUTE: Duration = Duration::from_secs(60);

/// Keys a rate or slot table remembers.
const MAX_KEYS: usize = 65_536;

/// Token buckets: `per_minute` at once, refilled evenly.
pub(super) struct Rate<K> {
    per_minute: u32,
    buckets: Mutex<HashMap<K, Bucket>>,
}

struct Bucket {
    /// Tokens × nanoseconds per token, so that refilling is exact.
    credit: Duration,
    at: Instant,
}

impl<K: Eq + Hash> Rate<K> {
    pub(super) fn new(per_minute: u32) -> Self {
        Self { per_minute: per_minute.max(1), buckets: Mutex::default() }
    }

    /// Counts one request of `key`.
    pub(super) fn take(&self, key: K, now: Instant) -> Result<(), GatewayError> {
        let price = MINUTE / self.per_minute;
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_KEYS {
            // A bucket older than a minute is full again, as a new one would be.
            buckets.retain(|_, bucket| now.saturating_duration_since(bucket.at) < MINUTE);
            if buckets.len() >= MAX_KEYS {
                return Err(self.refusal(MINUTE));
            }
        }
        let bucket = buckets.entry(key).or_insert(Bucket { credit: MINUTE, at: now });
        let earned = now.saturating_duration_since(bucket.at);
        bucket.credit = bucket.credit.saturating_add(earned).min(MINUTE);
        bucket.at = now;
        match bucket.credit.checked_sub(price) {
            Some(rest) => {
                bucket.credit = rest;
                Ok(())
            }
            None => Err(self.refusal(price.saturating_sub(bucket.credit))),
        }
    }

    fn refusal(&self, retry_after: Duration) -> GatewayError {
        GatewayError::TooMany { message: format!("more than {} requests in a minute", self.per_minute), retry_after }
    }
}

/// Counts things held at once by each key.
pub(super) struct Slots<K: Eq + Hash + Clone> {
    limit: usize,
    held: Arc<Mutex<HashMap<K, usize>>>,
}

impl<K: Eq + Hash + Clone> Slots<K> {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, held: Arc::default() }
    }

    /// A slot of `key`, given back when dropped; `None` when all are held.
    pub(super) fn take(&self, key: K) -> Option<Slot<K>> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.entry(key.clone()).or_insert(0);
        if *count >= self.limit {
            return None;
        }
        *count += 1;
        Some(Slot { key, held: self.held.clone() })
    }
}

/// One held slot.
pub(super) struct Slot<K: Eq + Hash> {
    key: K,
    held: Arc<Mutex<HashMap<K, usize>>>,
}

impl<K: Eq + Hash> Drop for Slot<K> {
    fn drop(&mut self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.key);
            }
        }
    }
}

/// All counters of one gateway.
pub(super) struct Counters {
    pub(super) accounts: Rate<String>,
    pub(super) addresses: Rate<IpAddr>,
    pub(super) shells: Slots<LeaseId>,
    pub(super) streams: Slots<String>,
    pub(super) connections: Slots<IpAddr>,
}

impl Counters {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            accounts: Rate::new(limits.requests_per_minute),
            addresses: Rate::new(limits.open_requests_per_minute),
            shells: Slots::new(limits.shells_per_lease),
            streams: Slots::new(limits.streams_per_account),
            connections: Slots::new(limits.connections_per_address),
        }
    }
}
