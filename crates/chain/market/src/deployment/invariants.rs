//! Statements of marketplace spec sections 4 and 5 over the whole state.

use std::collections::BTreeSet;

use ve_chain_finance::escrow::{self, AccountId};
use ve_proto::ve::market::v1::*;
use ve_sdk::QueryContext;

use super::keys::{BIDS, DEPLOYMENTS, GROUPS, LEASES, OPEN_BIDS, ORDERS, RESOURCES};

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn account_open(ctx: &QueryContext<'_>, id: &AccountId) -> Result<bool, String> {
    let book = escrow::load(ctx, id).map_err(text)?;
    Ok(book.is_some_and(|book| book.account.is_live()))
}

/// A live lease has its matched order, active bid, open payment and resource; a group has at most one.
pub fn check_leases(ctx: &QueryContext<'_>) -> Result<(), String> {
    let mut groups = BTreeSet::new();
    for entry in LEASES.scan().entries(ctx) {
        let (id, lease) = entry.map_err(text)?;
        let resource = RESOURCES.get(ctx, &id).map_err(text)?.ok_or_else(|| format!("lease {id} has no resource"))?;
        let live = lease.state() != LeaseState::Closed;
        let account = AccountId::deployment(id.order.deployment());
        let book = escrow::load(ctx, &account).map_err(text)?.ok_or_else(|| format!("lease {id} has no account"))?;
        let paying = book.payments.iter().any(|payment| payment.xid == id.to_string());
        if live != paying {
            return Err(format!("lease {id} is live: {live}, its payment is open: {paying}"));
        }
        let over =
            matches!(resource.state(), ResourceState::Terminating | ResourceState::Terminated | ResourceState::Failed);
        if live == over {
            return Err(format!("lease {id} is live: {live}, its resource is {}", resource.state().as_str_name()));
        }
        if !live {
            continue;
        }
        let order = ORDERS.get(ctx, &id.order).map_err(text)?.map(|order| order.state());
        let bid = BIDS.get(ctx, &id).map_err(text)?.map(|bid| bid.state());
        if order != Some(OrderState::Matched) || bid != Some(BidState::Active) {
            return Err(format!("lease {id} has order {order:?} and bid {bid:?}"));
        }
        if !groups.insert(id.order.group.clone()) {
            return Err(format!("group {} has two live leases", id.order.group));
        }
    }
    Ok(())
}

/// An order that is not open has no open bid; counts agree; a bid has its deposit exactly while it is open or active.
pub fn check_bids(ctx: &QueryContext<'_>) -> Result<(), String> {
    for entry in ORDERS.scan().entries(ctx) {
        let (id, order) = entry.map_err(text)?;
        let open = OPEN_BIDS.keys(ctx, &id).count();
        if open as u64 != u64::from(order.open_bids) || (open > 0 && order.state() != OrderState::Open) {
            return Err(format!("order {id} counts {} open bids and has {open}", order.open_bids));
        }
    }
    for entry in BIDS.scan().entries(ctx) {
        let (id, bid) = entry.map_err(text)?;
        let live = matches!(bid.state(), BidState::Open | BidState::Active);
        if live != account_open(ctx, &AccountId::bid(&id))? {
            return Err(format!("bid {id} is {} and its deposit is not in step", bid.state().as_str_name()));
        }
    }
    Ok(())
}

/// A deployment is active exactly while its account is open; a closed one has no live group; closes name actor and reason.
pub fn check_deployments(ctx: &QueryContext<'_>) -> Result<(), String> {
    for entry in DEPLOYMENTS.scan().entries(ctx) {
        let (id, deployment) = entry.map_err(text)?;
        let active = deployment.state() == DeploymentState::Active;
        if active != account_open(ctx, &AccountId::deployment(&id))? {
            return Err(format!("deployment {id} is active: {active}, and its account is not in step"));
        }
        let named = deployment.closure.as_ref().is_some_and(|closure| closure.reason != 0 && !closure.actor.is_empty());
        if active == named {
            return Err(format!("deployment {id} is closed without actor and reason, or open with them"));
        }
        for group in GROUPS.scan().prefix(&id).entries(ctx) {
            let (group_id, group) = group.map_err(text)?;
            let live = matches!(group.state(), GroupState::Open | GroupState::Paused);
            if live && !active {
                return Err(format!("group {group_id} outlives its deployment"));
            }
        }
    }
    Ok(())
}
