//! End of block: what ends because its time has come. Bounded per block; what is left comes first in the next one.

use ve_base::CodedError;
use ve_proto::ve::market::v1::{BidState, LeaseState, OrderState, Reason, ResourceState};
use ve_sdk::{Context, Event};

use super::flow::{self, CHAIN, Cause};
use super::ids::{BidId, OrderId};
use super::keys::{BID_EXPIRY, LEASE_DEADLINES, OPERATION_DEADLINES, ORDER_EXPIRY, ORDERS, RESOURCE_FORCE};
use super::lifecycle::{BidEvent, GroupEvent, ResourceEvent};
use super::{params, resource};

pub fn run(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let limit = usize::try_from(params::load(ctx)?.max_timers_per_block).unwrap_or(usize::MAX);
    let now = ctx.time().unix();
    let mut bids = Vec::new();
    for entry in BID_EXPIRY.scan().through(&now).keys(ctx).take(limit) {
        bids.push(entry?.1);
    }
    let mut orders = Vec::new();
    for entry in ORDER_EXPIRY.scan().through(&now).keys(ctx).take(limit.saturating_sub(bids.len())) {
        orders.push(entry?.1);
    }
    let mut leases = Vec::new();
    for entry in LEASE_DEADLINES.scan().through(&now).keys(ctx).take(limit) {
        leases.push(entry?.1);
    }
    let mut resources = Vec::new();
    for entry in RESOURCE_FORCE.scan().through(&now).keys(ctx).take(limit) {
        resources.push(entry?.1);
    }
    let mut operations = Vec::new();
    for entry in OPERATION_DEADLINES.scan().through(&now).keys(ctx).take(limit) {
        operations.push(entry?.1);
    }
    for id in bids {
        attempt(ctx, &id, expire_bid);
    }
    for id in orders {
        attempt(ctx, &id, expire_order);
    }
    for id in leases {
        attempt(ctx, &id, end_overdue_lease);
    }
    for id in operations {
        attempt(ctx, &id, |ctx, id: &BidId| resource::apply(ctx, id, ResourceEvent::Overdue));
    }
    for id in resources {
        attempt(ctx, &id, |ctx, id: &BidId| resource::apply(ctx, id, ResourceEvent::Force));
    }
    Ok(())
}

/// One object that cannot be ended must not stop the chain: it stays, is tried again, and is visible.
fn attempt<T: std::fmt::Display>(
    ctx: &mut Context<'_>,
    id: &T,
    body: impl FnOnce(&mut Context<'_>, &T) -> Result<(), CodedError>,
) {
    if let Err(error) = ctx.atomic(|ctx| body(ctx, id)) {
        let cause = format!("{}/{}", error.codespace, error.code);
        ctx.emit(Event::new("market_timer_failed").with("id", id).with("cause", cause));
    }
}

fn expire_bid(ctx: &mut Context<'_>, id: &BidId) -> Result<(), CodedError> {
    if flow::bid(ctx, id)?.state() != BidState::Open {
        return Ok(());
    }
    flow::end_bid(ctx, id, BidEvent::Close, &Cause::new(Reason::Expired, CHAIN))
}

/// An order with open bids gets its time once more.
fn expire_order(ctx: &mut Context<'_>, id: &OrderId) -> Result<(), CodedError> {
    let mut order = flow::order(ctx, id)?;
    if order.state() != OrderState::Open {
        return Ok(());
    }
    if order.open_bids > 0 && !order.extended {
        order.extended = true;
        order.expires_at = ctx.time().unix().saturating_add(params::load(ctx)?.order_seconds);
        order.updated_height = ctx.height();
        ORDERS.set(ctx, id, &order)?;
        super::event::order(ctx, "updated", id, order.max_price.as_ref(), None);
        return Ok(());
    }
    let cause = Cause::new(Reason::Expired, CHAIN);
    flow::close_order(ctx, id, &cause)?;
    flow::move_group(ctx, &id.group, GroupEvent::Pause, &cause)
}

fn end_overdue_lease(ctx: &mut Context<'_>, id: &BidId) -> Result<(), CodedError> {
    let lease = flow::lease(ctx, id)?;
    let now = ctx.time().unix();
    if lease.state() == LeaseState::Closed {
        return Ok(());
    }
    if lease.reclaim_at > 0 && lease.reclaim_at <= now {
        return flow::close_lease(ctx, id, &Cause::new(Reason::Reclaimed, CHAIN));
    }
    if lease.provision_deadline > 0 && lease.provision_deadline <= now {
        // Not begun: no manifest came. Begun and not finished: the provider failed.
        let begun = resource::load(ctx, id)?.state() == ResourceState::Provisioning;
        let reason = if begun { Reason::Unstable } else { Reason::ManifestTimeout };
        return flow::close_lease(ctx, id, &Cause::new(reason, CHAIN));
    }
    Ok(())
}
