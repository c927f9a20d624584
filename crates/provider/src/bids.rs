//! The bid engine: which open orders to bid on, at what price, within what is free (marketplace spec section 13.2).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use ve_base::Dec;
use ve_client::ClientError;
use ve_proto::ve::market::v1 as market;

use crate::backend::{Backend, Resources};
use crate::chain::{self, Chain};
use crate::config::Pricing;
use crate::model::OrderId;
use crate::pricing::{Quote, quote};

/// A reservation that became neither lease nor loss is given up.
const HOLD: Duration = Duration::from_secs(300);
const MAX_BIDS_PER_MINUTE: usize = 10;
const MINUTE: Duration = Duration::from_secs(60);

/// What an open bid holds back from others.
struct Held {
    resources: Resources,
    since: Instant,
}

#[derive(Default)]
pub struct BidEngine {
    held: BTreeMap<OrderId, Held>,
    recent: Vec<Instant>,
    /// Orders that were declined, with the reason, so that each is logged once.
    declined: BTreeMap<OrderId, String>,
}

impl BidEngine {
    /// One pass over the open orders. Asking the chain for own bids first makes a repeated pass harmless.
    pub async fn pass(
        &mut self,
        chain: &Chain,
        backend: &Arc<dyn Backend>,
        pricing: &Pricing,
    ) -> Result<usize, ClientError> {
        let orders = chain.open_orders().await?;
        let open: Vec<OrderId> = orders.iter().filter_map(|order| order.id.as_ref().map(chain::order_id)).collect();
        self.held.retain(|id, held| open.contains(id) && held.since.elapsed() < HOLD);
        self.declined.retain(|id, _| open.contains(id));
        let mut sent = 0;
        for order in &orders {
            let Some(id) = order.id.as_ref().map(chain::order_id) else { continue };
            if self.held.contains_key(&id) || self.declined.contains_key(&id) {
                continue;
            }
            self.recent.retain(|at| at.elapsed() < MINUTE);
            if self.recent.len() >= MAX_BIDS_PER_MINUTE {
                break;
            }
            if chain.bids(&id).await?.iter().any(live) {
                self.hold(id, needs(order).unwrap_or_default());
                continue;
            }
            match self.consider(backend, pricing, order).await {
                Ok(price) => {
                    // Held before the chain hears of the bid: two bids must not promise the same capacity.
                    self.hold(id.clone(), needs(order).unwrap_or_default());
                    let deposit = chain.bid_deposit().await?;
                    if let Err(error) = chain.bid(order, &price, deposit).await {
                        self.held.remove(&id);
                        if error.chain_code().is_none() {
                            return Err(error);
                        }
                        tracing::warn!(order = %id, %error, "bid refused by the chain");
                        self.declined.insert(id, error.to_string());
                        continue;
                    }
                    tracing::info!(order = %id, %price, "bid");
                    self.recent.push(Instant::now());
                    sent += 1;
                }
                Err(reason) => {
                    tracing::info!(order = %id, reason, "no bid");
                    self.declined.insert(id, reason);
                }
            }
        }
        Ok(sent)
    }

    fn hold(&mut self, id: OrderId, resources: Resources) {
        self.held.insert(id, Held { resources, since: Instant::now() });
    }

    /// The price, or why there is no bid.
    async fn consider(
        &self,
        backend: &Arc<dyn Backend>,
        pricing: &Pricing,
        order: &market::Order,
    ) -> Result<Dec, String> {
        let spec = order.spec.as_ref().ok_or("the order has no specification")?;
        let customer = order.id.as_ref().map(|id| id.owner.as_str()).unwrap_or_default();
        let price = match quote(pricing, customer, spec).map_err(|error| error.to_string())? {
            Quote::Price(price) => price,
            Quote::Declined(reason) => return Err(reason),
        };
        let max = order.max_price.as_ref().map(|price| price.amount.as_str()).unwrap_or("0");
        let max = Dec::from_mantissa(max).map_err(|error| error.to_string())?;
        if price > max {
            return Err(format!("our price {price:#} is above the customer's limit {max:#}"));
        }
        let needed = needs(order).ok_or("the order is larger than any machine")?;
        let free = backend.inventory().await.map_err(|error| error.to_string())?.free();
        let mut promised = needed;
        for held in self.held.values() {
            promised = promised.plus(held.resources).ok_or("too much is promised already")?;
        }
        if promised.fits(free) {
            Ok(price)
        } else {
            Err(format!("not enough is free: needed {needed:?} beside other bids, free {free:?}"))
        }
    }
}

fn live(bid: &market::Bid) -> bool {
    matches!(market::BidState::try_from(bid.state), Ok(market::BidState::Open | market::BidState::Active))
}

/// Everything that the order needs at once; `None` on overflow.
fn needs(order: &market::Order) -> Option<Resources> {
    let spec = order.spec.as_ref()?;
    spec.resources.iter().try_fold(Resources::default(), |sum, unit| {
        let resources = unit.resources.as_ref()?;
        let storage = resources.storage.iter().try_fold(0u64, |sum, volume| sum.checked_add(volume.size))?;
        let one = Resources { cpu_mcore: resources.cpu, memory_bytes: resources.memory, storage_bytes: storage };
        sum.plus(one.times(unit.count)?)
    })
}
