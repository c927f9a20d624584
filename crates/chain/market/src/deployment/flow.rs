//! What happens to objects, with all that follows for others. Messages, timers and hooks call these functions; each
//! reads what it changes afresh, because money moving in between may call back.

use ve_base::{CodedError, Coin};
use ve_chain_finance::escrow::{self, AccountId};
use ve_proto::ve::market::v1::*;
use ve_sdk::Context;
use ve_store::Read;

use super::error::{Error, state_name};
use super::ids::{BidId, DeploymentId, GroupId, OrderId};
use super::keys::{BIDS, DEPLOYMENTS, GROUPS, LEASES, LIVE_LEASES, OPEN_BIDS, OPEN_ORDERS, ORDERS};
use super::lifecycle::{self, BidEvent, GroupEvent, LeaseEvent, OrderEvent, ResourceEvent};
use super::{activity, event, exposure, params, resource, spec};

/// Actor of what timers and escrow close.
pub const CHAIN: &str = "chain";

/// Who closes, and why.
#[derive(Clone, Debug)]
pub struct Cause {
    pub reason: Reason,
    pub actor: String,
}

impl Cause {
    pub fn new(reason: Reason, actor: impl ToString) -> Self {
        Self { reason, actor: actor.to_string() }
    }

    fn at(&self, ctx: &Context<'_>) -> Option<Closure> {
        Some(Closure {
            reason: self.reason.into(),
            actor: self.actor.clone(),
            time: ctx.time().unix(),
            height: ctx.height(),
        })
    }
}

pub fn missing(id: impl std::fmt::Display) -> Error {
    Error::NotFound(id.to_string())
}

pub fn wrong_state(object: impl std::fmt::Display, state: &str, needed: &'static str) -> Error {
    Error::State { object: object.to_string(), state: state_name(state), needed }
}

pub fn deployment<R: Read>(state: &R, id: &DeploymentId) -> Result<Deployment, CodedError> {
    DEPLOYMENTS.get(state, id)?.ok_or_else(|| missing(id).into())
}

pub fn group<R: Read>(state: &R, id: &GroupId) -> Result<Group, CodedError> {
    GROUPS.get(state, id)?.ok_or_else(|| missing(id).into())
}

pub fn order<R: Read>(state: &R, id: &OrderId) -> Result<Order, CodedError> {
    ORDERS.get(state, id)?.ok_or_else(|| missing(id).into())
}

pub fn bid<R: Read>(state: &R, id: &BidId) -> Result<Bid, CodedError> {
    BIDS.get(state, id)?.ok_or_else(|| missing(id).into())
}

pub fn lease<R: Read>(state: &R, id: &BidId) -> Result<Lease, CodedError> {
    LEASES.get(state, id)?.ok_or_else(|| missing(id).into())
}

/// Opens the next order of an open group.
pub fn open_order(ctx: &mut Context<'_>, id: &GroupId) -> Result<OrderId, CodedError> {
    let params = params::load(ctx)?;
    let owner = &id.deployment.owner;
    let limit = usize::try_from(params.max_open_orders).unwrap_or(usize::MAX);
    if OPEN_ORDERS.keys(ctx, owner).take(limit).count() >= limit {
        return Err(Error::TooManyOrders(owner.to_string(), params.max_open_orders).into());
    }
    let mut group = group(ctx, id)?;
    group.last_oseq = group.last_oseq.saturating_add(1);
    group.updated_height = ctx.height();
    GROUPS.set(ctx, id, &group)?;
    let order_id = OrderId { group: id.clone(), oseq: group.last_oseq };
    let given = group.spec.unwrap_or_default();
    let (denom, max_price) = spec::check_group(&given)?;
    let now = ctx.time().unix();
    let order = Order {
        id: Some(order_id.to_proto()),
        state: OrderState::Open.into(),
        spec: Some(given),
        max_price: Some(spec::dec_coin(&denom, max_price)),
        created_at: now,
        expires_at: now.saturating_add(params.order_seconds),
        extended: false,
        open_bids: 0,
        updated_height: ctx.height(),
        closure: None,
    };
    ORDERS.set(ctx, &order_id, &order)?;
    event::order(ctx, "created", &order_id, order.max_price.as_ref(), None);
    Ok(order_id)
}

/// Ends an open bid, as lost or closed, and returns its deposit.
pub fn end_bid(ctx: &mut Context<'_>, id: &BidId, what: BidEvent, cause: &Cause) -> Result<(), CodedError> {
    let mut bid = bid(ctx, id)?;
    let was_open = bid.state() == BidState::Open;
    let next = lifecycle::bid(bid.state(), what);
    bid.set_state(next.ok_or_else(|| wrong_state(format!("bid {id}"), bid.state().as_str_name(), "open"))?);
    bid.closure = cause.at(ctx);
    bid.updated_height = ctx.height();
    BIDS.set(ctx, id, &bid)?;
    if was_open {
        count_bids(ctx, &id.order, |open| open.saturating_sub(1))?;
    }
    let name = if what == BidEvent::Lose { "lost" } else { "closed" };
    event::bid(ctx, "bid", name, id, bid.price.as_ref(), bid.closure.as_ref());
    escrow::close(ctx, &AccountId::bid(id))
}

pub fn count_bids(ctx: &mut Context<'_>, id: &OrderId, change: impl FnOnce(u32) -> u32) -> Result<(), CodedError> {
    let mut order = order(ctx, id)?;
    order.open_bids = change(order.open_bids);
    order.updated_height = ctx.height();
    Ok(ORDERS.set(ctx, id, &order)?)
}

fn open_bids(ctx: &Context<'_>, id: &OrderId) -> Result<Vec<BidId>, CodedError> {
    Ok(OPEN_BIDS.keys(ctx, id).collect::<Result<_, _>>()?)
}

/// All open bids of an order, except `winner`, lose or close.
pub fn end_bids(
    ctx: &mut Context<'_>,
    id: &OrderId,
    winner: Option<&BidId>,
    what: BidEvent,
    cause: &Cause,
) -> Result<(), CodedError> {
    for bid in open_bids(ctx, id)? {
        if Some(&bid) != winner {
            end_bid(ctx, &bid, what, cause)?;
        }
    }
    Ok(())
}

/// Closes an order that is not closed, with its bids and its lease.
pub fn close_order(ctx: &mut Context<'_>, id: &OrderId, cause: &Cause) -> Result<(), CodedError> {
    let closing = order(ctx, id)?;
    if closing.state() == OrderState::Closed {
        return Ok(());
    }
    if closing.state() == OrderState::Open && cause.reason == Reason::Owner {
        activity::cancel(ctx, id.owner(), ActivityKind::Order, closing.created_at)?;
    }
    let parent =
        Cause::new(if cause.reason == Reason::Expired { Reason::Expired } else { Reason::Parent }, &cause.actor);
    end_bids(ctx, id, None, BidEvent::Close, &parent)?;
    for lease in live_leases(ctx, &id.group.deployment)? {
        if lease.order == *id {
            end_lease(ctx, &lease, cause)?;
        }
    }
    seal_order(ctx, id, cause)
}

fn seal_order(ctx: &mut Context<'_>, id: &OrderId, cause: &Cause) -> Result<(), CodedError> {
    let mut order = order(ctx, id)?;
    let Some(next) = lifecycle::order(order.state(), OrderEvent::Close) else { return Ok(()) };
    order.set_state(next);
    order.closure = cause.at(ctx);
    order.updated_height = ctx.height();
    ORDERS.set(ctx, id, &order)?;
    event::order(ctx, "closed", id, order.max_price.as_ref(), order.closure.as_ref());
    Ok(())
}

pub fn live_leases<R: Read>(state: &R, id: &DeploymentId) -> Result<Vec<BidId>, CodedError> {
    Ok(LIVE_LEASES.keys(state, id).collect::<Result<_, _>>()?)
}

/// Ends a lease with its payment, bid, order and resource. What becomes of the group is the caller's matter.
fn end_lease(ctx: &mut Context<'_>, id: &BidId, cause: &Cause) -> Result<(), CodedError> {
    let mut lease = lease(ctx, id)?;
    let next = lifecycle::lease(lease.state(), LeaseEvent::Close);
    lease.set_state(next.ok_or_else(|| wrong_state(format!("lease {id}"), lease.state().as_str_name(), "live"))?);
    lease.closure = cause.at(ctx);
    lease.updated_height = ctx.height();
    LEASES.set(ctx, id, &lease)?;
    event::bid(ctx, "lease", "closed", id, lease.price.as_ref(), lease.closure.as_ref());
    escrow::close_payment(ctx, &AccountId::deployment(id.order.deployment()), &id.to_string())?;
    exposure::remove(ctx, id)?;
    end_bid(ctx, id, BidEvent::Close, cause)?;
    seal_order(ctx, &id.order, cause)?;
    resource::apply(ctx, id, ResourceEvent::Terminate)
}

/// Ends a lease alone: the group gets a new order if the deployment asks for it, else it pauses.
pub fn close_lease(ctx: &mut Context<'_>, id: &BidId, cause: &Cause) -> Result<(), CodedError> {
    end_lease(ctx, id, cause)?;
    let deployment = deployment(ctx, id.order.deployment())?;
    let reorder = deployment.auto_reorder && cause.reason != Reason::Owner;
    // An order that cannot be opened, for a quota, leaves the group paused.
    if reorder && ctx.atomic(|ctx| open_order(ctx, &id.order.group)).is_ok() {
        return Ok(());
    }
    move_group(ctx, &id.order.group, GroupEvent::Pause, cause)
}

/// Moves a group along its table and tells of it.
pub fn move_group(ctx: &mut Context<'_>, id: &GroupId, what: GroupEvent, cause: &Cause) -> Result<(), CodedError> {
    let mut group = group(ctx, id)?;
    let needed = if what == GroupEvent::Start { "paused" } else { "open" };
    let next = lifecycle::group(group.state(), what);
    group.set_state(next.ok_or_else(|| wrong_state(format!("group {id}"), group.state().as_str_name(), needed))?);
    group.closure = if what == GroupEvent::Start { None } else { cause.at(ctx) };
    group.updated_height = ctx.height();
    GROUPS.set(ctx, id, &group)?;
    let name = match what {
        GroupEvent::Pause => "paused",
        GroupEvent::Start => "started",
        GroupEvent::Exhaust | GroupEvent::Close => "closed",
    };
    event::group(ctx, name, id, group.closure.as_ref());
    Ok(())
}

/// Stops a group's business: its order, bids and lease end.
pub fn stop_group(ctx: &mut Context<'_>, id: &GroupId, what: GroupEvent, cause: &Cause) -> Result<(), CodedError> {
    let oseq = group(ctx, id)?.last_oseq;
    move_group(ctx, id, what, cause)?;
    close_order(ctx, &OrderId { group: id.clone(), oseq }, cause)
}

/// Ends a deployment: all its groups and leases end, providers are paid, the rest is refunded.
pub fn close_deployment(ctx: &mut Context<'_>, id: &DeploymentId, cause: &Cause) -> Result<(), CodedError> {
    let mut ending = deployment(ctx, id)?;
    if ending.state() != DeploymentState::Active {
        return Err(wrong_state(format!("deployment {id}"), ending.state().as_str_name(), "active").into());
    }
    ending.set_state(DeploymentState::Closed);
    ending.closure = cause.at(ctx);
    ending.updated_height = ctx.height();
    DEPLOYMENTS.set(ctx, id, &ending)?;
    let mut groups = Vec::new();
    for entry in GROUPS.scan().prefix(id).entries(ctx) {
        let (group_id, group) = entry?;
        if matches!(group.state(), GroupState::Open | GroupState::Paused) {
            groups.push(group_id);
        }
    }
    let exhausted = cause.reason == Reason::InsufficientFunds;
    let what = if exhausted { GroupEvent::Exhaust } else { GroupEvent::Close };
    for group in groups {
        stop_group(ctx, &group, what, cause)?;
    }
    escrow::close(ctx, &AccountId::deployment(id))?;
    event::deployment(ctx, "closed", id, ending.closure.as_ref());
    Ok(())
}

/// `coin` covers what a bid must deposit.
pub fn check_bid_deposit(coin: &Coin, least: &Coin) -> Result<(), Error> {
    if coin.denom == least.denom && coin.amount >= least.amount {
        return Ok(());
    }
    Err(Error::Deposit { got: coin.to_string(), least: least.to_string() })
}
