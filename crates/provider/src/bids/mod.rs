//! The bid engine: which open orders to bid on, at what price, within what is free (marketplace spec section 13.2).

mod declined;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;
use ve_base::{Amount, Dec};
use ve_proto::ve::market::v1 as market;

use crate::backend::Resources;
use crate::chain;
use crate::config::Pricing;
use crate::daemon::{Daemon, DaemonError};
use crate::fit::{self, Decline, Reason};
use crate::lease::{self, Desired};
use crate::model::OrderId;
use crate::pricing::{Quote, quote};
use crate::work;

pub use declined::Declined;

/// A reservation whose bid the chain never showed is given up: no block takes that transaction any more.
const HOLD: Duration = Duration::from_secs(300);
/// The chain has an open bid of ours on this order.
const DUPLICATE: (&str, u32) = ("market", 16);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const MAX_PER_MINUTE: usize = 10;
const MAX_PER_HOUR: usize = 100;
/// Deposits that the account must cover beyond the one that a bid locks, so that fees and reports are never stuck.
const DEPOSITS: u64 = 2;

/// What a bid holds back from others.
struct Held {
    resources: Resources,
    since: Instant,
    /// The chain has shown the bid: it counts until it is gone there.
    confirmed: bool,
}

#[derive(Default)]
pub struct BidEngine {
    held: BTreeMap<OrderId, Held>,
    recent: VecDeque<Instant>,
}

impl BidEngine {
    /// One pass over the open orders. What the chain knows of own bids comes first, so a repeated pass is harmless.
    pub async fn pass(&mut self, daemon: &Daemon) -> Result<(), DaemonError> {
        let orders = daemon.chain.open_orders().await?;
        self.learn(daemon, &orders).await?;
        let (pricing, changed) = daemon.prices.current();
        if changed {
            daemon.declined.forget();
        }
        let mut room = None;
        for order in &orders {
            let Some(id) = order.id.as_ref().map(chain::order_id) else { continue };
            // A bid whose fate is unknown is sent again: the chain takes one per provider and order.
            if self.held.get(&id).is_some_and(|held| held.confirmed) || daemon.declined.for_good(&id) {
                continue;
            }
            if !self.within_rate() {
                break;
            }
            if room.is_none() {
                room = Some(Room::of(daemon).await?);
            }
            let considered = match &room {
                Some(room) => self.consider(room, daemon, &pricing, &id, order),
                None => continue,
            };
            match considered {
                Ok(price) => self.send(daemon, id, order, &price).await?,
                Err(decline) => daemon.declined.note(id, decline),
            }
        }
        daemon.counters.held.set(self.held.len() as u64);
        Ok(())
    }

    /// Takes over what the chain knows of own bids and lets go of what ended.
    async fn learn(&mut self, daemon: &Daemon, orders: &[market::Order]) -> Result<(), DaemonError> {
        let open: BTreeMap<OrderId, &market::Order> =
            orders.iter().filter_map(|order| Some((chain::order_id(order.id.as_ref()?), order))).collect();
        let ours: BTreeSet<OrderId> = daemon.chain.open_bids().await?.into_iter().collect();
        daemon.declined.keep(|id| open.contains_key(id));
        self.held.retain(|id, held| {
            let waits = !held.confirmed && held.since.elapsed() < HOLD;
            open.contains_key(id) && (ours.contains(id) || waits)
        });
        for id in ours {
            if let Some(order) = open.get(&id) {
                let resources = order.spec.as_ref().and_then(fit::needs).unwrap_or_default();
                let held = self.held.entry(id).or_insert(Held { resources, since: Instant::now(), confirmed: true });
                held.confirmed = true;
            }
        }
        Ok(())
    }

    fn within_rate(&mut self) -> bool {
        while self.recent.front().is_some_and(|at| at.elapsed() >= HOUR) {
            self.recent.pop_front();
        }
        let minute = self.recent.iter().filter(|at| at.elapsed() < MINUTE).count();
        minute < MAX_PER_MINUTE && self.recent.len() < MAX_PER_HOUR
    }

    /// The price, or why there is no bid.
    fn consider(
        &self,
        room: &Room,
        daemon: &Daemon,
        pricing: &Pricing,
        id: &OrderId,
        order: &market::Order,
    ) -> Result<Dec, Decline> {
        let absent = || Decline::new(Reason::Size, "the order has no specification");
        let spec = order.spec.as_ref().ok_or_else(absent)?;
        fit::check(daemon.backend.capabilities(), room.total, spec)?;
        let price = price(pricing, order, spec)?;
        let needed = fit::needs(spec).ok_or_else(absent)?;
        let others = self.held.iter().filter(|(other, _)| *other != id);
        let held = others.map(|(_, held)| held).try_fold(needed, |sum, held| sum.plus(held.resources));
        let promised = held.and_then(|sum| sum.plus(room.leased));
        match promised {
            Some(promised) if promised.fits(room.free) => Ok(price),
            _ => {
                let text = format!("it needs {needed} beside what is promised already, free is {}", room.free);
                Err(Decline::new(Reason::Capacity, text))
            }
        }
    }

    async fn send(
        &mut self,
        daemon: &Daemon,
        id: OrderId,
        order: &market::Order,
        price: &Dec,
    ) -> Result<(), DaemonError> {
        let deposit = daemon.chain.bid_deposit().await?;
        let balance = daemon.chain.balance().await?;
        daemon.counters.balance.set(balance.to_u64().unwrap_or(u64::MAX));
        let least = deposit.amount.parse::<Amount>().ok().and_then(|one| one.checked_mul(Amount::from(DEPOSITS)));
        if least.is_none_or(|least| balance < least) {
            let text = format!("the account has {balance} uve; two deposits of {} are needed", deposit.amount);
            daemon.declined.note(id, Decline::new(Reason::Balance, text));
            return Ok(());
        }
        // Held before the chain hears of the bid: two bids must not promise the same capacity.
        let resources = order.spec.as_ref().and_then(fit::needs).unwrap_or_default();
        let held = Held { resources, since: Instant::now(), confirmed: false };
        let held = self.held.entry(id.clone()).insert_entry(held).into_mut();
        self.recent.push_back(Instant::now());
        match daemon.chain.bid(order, price, deposit).await {
            Ok(()) => {
                tracing::info!(order = %id, %price, "bid");
                daemon.counters.bids.add(1);
                daemon.declined.clear(&id);
                held.confirmed = true;
                Ok(())
            }
            // An earlier attempt whose answer was lost got through.
            Err(error) if error.chain_code() == Some(DUPLICATE) => {
                held.confirmed = true;
                Ok(())
            }
            Err(error) if error.chain_code().is_some() && !error.is_transient() => {
                self.held.remove(&id);
                daemon.declined.note(id, Decline::new(Reason::Refused, error.to_string()));
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// What the backend has left.
struct Room {
    total: Resources,
    free: Resources,
    /// Leased, and not yet held by a workload.
    leased: Resources,
}

impl Room {
    async fn of(daemon: &Daemon) -> Result<Self, DaemonError> {
        // In this order a lease that is being placed meanwhile counts twice rather than not at all.
        let placed: BTreeSet<String> =
            daemon.backend.list_owned().await?.into_iter().map(|workload| workload.spec.lease_tag).collect();
        let capacity = daemon.backend.inventory().await?;
        let waiting = lease::all(&daemon.db)?
            .into_iter()
            .filter(|record| record.desired != Desired::Gone && !placed.contains(&work::tag(&record.id)));
        let whole = capacity.total;
        let leased = waiting.filter_map(|record| record.needs).try_fold(Resources::default(), Resources::plus);
        Ok(Self { total: whole, free: capacity.free(), leased: leased.unwrap_or(whole) })
    }
}

fn price(pricing: &Pricing, order: &market::Order, spec: &market::GroupSpec) -> Result<Dec, Decline> {
    let refused = |text: String| Decline::new(Reason::Price, text);
    let customer = order.id.as_ref().map(|id| id.owner.as_str()).unwrap_or_default();
    let price = match quote(pricing, customer, spec).map_err(|error| refused(error.to_string()))? {
        Quote::Price(price) => price,
        Quote::Declined(decline) => return Err(decline),
    };
    let max = order.max_price.as_ref().map_or("0", |price| price.amount.as_str());
    let max = Dec::from_mantissa(max).map_err(|error| refused(error.to_string()))?;
    if price > max {
        return Err(refused(format!("our price {price:#} is above the customer's limit {max:#}")));
    }
    Ok(price)
}
