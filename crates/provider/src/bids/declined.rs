//! Open orders that get no bid, each with its reason: logged once, counted, and shown without naming the customer.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::fit::Decline;
use crate::model::OrderId;

#[derive(Default)]
pub struct Declined(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    open: BTreeMap<OrderId, Decline>,
    totals: BTreeMap<&'static str, u64>,
}

impl Declined {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers why there is no bid; says so unless the same was said before.
    pub fn note(&self, id: OrderId, decline: Decline) {
        let mut inner = self.lock();
        if inner.open.get(&id).is_some_and(|known| known.reason == decline.reason) {
            return;
        }
        tracing::info!(order = %id, reason = decline.reason.name(), detail = decline.text, "no bid");
        *inner.totals.entry(decline.reason.name()).or_default() += 1;
        inner.open.insert(id, decline);
    }

    /// Whether looking at the order again cannot change the answer.
    pub fn for_good(&self, id: &OrderId) -> bool {
        self.lock().open.get(id).is_some_and(|decline| !decline.reason.may_pass())
    }

    pub fn clear(&self, id: &OrderId) {
        self.lock().open.remove(id);
    }

    /// Forgets orders that are over.
    pub fn keep(&self, open: impl Fn(&OrderId) -> bool) {
        self.lock().open.retain(|id, _| open(id));
    }

    /// Every order is looked at anew: the rules have changed.
    pub fn forget(&self) {
        self.lock().open.clear();
    }

    /// Open orders without a bid, by reason.
    pub fn open(&self) -> BTreeMap<&'static str, u64> {
        let mut counts = BTreeMap::new();
        for decline in self.lock().open.values() {
            *counts.entry(decline.reason.name()).or_default() += 1;
        }
        counts
    }

    /// Orders declined since the start, by reason.
    pub fn totals(&self) -> BTreeMap<&'static str, u64> {
        self.lock().totals.clone()
    }
}
