//! `MsgAcceptBid`: the customer takes a bid: payment, lease and resource begin together.

use ve_base::{Amount, CodedError, Coin, Dec, Rounding, parse_account};
use ve_chain_finance::escrow::{self, AccountId};
use ve_proto::ve::market::v1::*;
use ve_sdk::Context;

use super::create_bid::check_terms;
use crate::deployment::error::Error;
use crate::deployment::flow::{self, Cause};
use crate::deployment::ids::BidId;
use crate::deployment::keys::{BIDS, LEASES, ORDERS};
use crate::deployment::lifecycle::{self, BidEvent, OrderEvent};
use crate::deployment::{event, params, resource, spec};
use crate::provider::{self, liveness};

pub fn check(msg: &MsgAcceptBid) -> Result<(), CodedError> {
    let owner = parse_account("owner", &msg.owner)?;
    let id = BidId::from_proto(msg.bid.as_ref())?;
    if *id.order.owner() != owner {
        return Err(Error::Unauthorized(msg.owner.clone(), "the order's customer").into());
    }
    spec::price(msg.price.as_ref()).map(|_| ())
}

/// The deployment's funds last long enough at the new total rate.
fn check_funds(ctx: &mut Context<'_>, account: &AccountId, rate: Dec, params: &Params) -> Result<(), CodedError> {
    let book = escrow::settle(ctx, account)?;
    let total = book.total_rate()?.checked_add(rate)?;
    let ahead = total.mul_ceil_amount(Amount::from(params.min_runway_seconds))?;
    let least = ahead.max(params::bid_deposit(params)?.amount);
    if book.account.funds >= Dec::from_amount(least)? {
        return Ok(());
    }
    let denom = book.account.denom;
    let got = Coin::new(denom.clone(), book.account.funds.to_amount(Rounding::Truncate)?);
    Err(Error::Deposit { got: got.to_string(), least: format!("{least}{denom}") }.into())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgAcceptBid) -> Result<MsgAcceptBidResponse, CodedError> {
    let id = BidId::from_proto(msg.bid.as_ref())?;
    let params = params::load(ctx)?;
    let (denom, price) = check_acceptable(ctx, &id, msg)?;
    let account = AccountId::deployment(id.order.deployment());
    let rate = escrow::rate_per_second(price)?;
    check_funds(ctx, &account, rate, &params)?;
    begin(ctx, &id, &spec::dec_coin(&denom, price), &params)?;
    escrow::open_payment(ctx, &account, &id.to_string(), &id.provider, rate)?;
    // The bond must cover this lease too.
    provider::require_active(ctx, &id.provider)?;
    liveness::serving(ctx, &id.provider)?;
    Ok(MsgAcceptBidResponse {})
}

fn check_acceptable(ctx: &Context<'_>, id: &BidId, msg: &MsgAcceptBid) -> Result<(ve_base::Denom, Dec), CodedError> {
    let (bid, order) = (flow::bid(ctx, id)?, flow::order(ctx, &id.order)?);
    let group = flow::group(ctx, &id.order.group)?;
    if order.state() != OrderState::Open {
        return Err(flow::wrong_state(format!("order {}", id.order), order.state().as_str_name(), "open").into());
    }
    if bid.state() != BidState::Open {
        return Err(flow::wrong_state(format!("bid {id}"), bid.state().as_str_name(), "open").into());
    }
    if group.state() != GroupState::Open {
        return Err(flow::wrong_state(format!("group {}", id.order.group), group.state().as_str_name(), "open").into());
    }
    if bid.expires_at <= ctx.time().unix() {
        return Err(Error::BidExpired(id.to_string()).into());
    }
    if bid.price != msg.price {
        let (is, given) = (event::price_text(bid.price.as_ref()), event::price_text(msg.price.as_ref()));
        return Err(Error::PriceChanged { is, given }.into());
    }
    let (denom, price) = spec::price(bid.price.as_ref())?;
    check_terms(ctx, id, &order, (&denom, price), bid.reclamation_window)?;
    Ok((denom, price))
}

/// Bid, order, lease and resource as they are from now on; the other bids are lost.
fn begin(
    ctx: &mut Context<'_>,
    id: &BidId,
    price: &ve_proto::cosmos::base::v1beta1::DecCoin,
    params: &Params,
) -> Result<(), CodedError> {
    flow::end_bids(ctx, &id.order, Some(id), BidEvent::Lose, &Cause::new(Reason::Lost, id.order.owner()))?;
    let (mut bid, mut order) = (flow::bid(ctx, id)?, flow::order(ctx, &id.order)?);
    let illegal = |object: String| Error::State { object, state: "closed".into(), needed: "open" };
    bid.set_state(lifecycle::bid(bid.state(), BidEvent::Accept).ok_or_else(|| illegal(format!("bid {id}")))?);
    bid.updated_height = ctx.height();
    BIDS.set(ctx, id, &bid)?;
    order.set_state(lifecycle::order(order.state(), OrderEvent::Match).ok_or_else(|| illegal(id.order.to_string()))?);
    order.open_bids = 0;
    order.updated_height = ctx.height();
    ORDERS.set(ctx, &id.order, &order)?;
    event::order(ctx, "matched", &id.order, Some(price), None);
    let now = ctx.time().unix();
    let deadline = now.saturating_add(params.provision_seconds);
    let lease = Lease {
        id: Some(id.to_proto()),
        state: LeaseState::Active.into(),
        price: Some(price.clone()),
        created_at: now,
        provision_deadline: deadline,
        reclamation_window: bid.reclamation_window,
        reclaim_at: 0,
        updated_height: ctx.height(),
        closure: None,
    };
    LEASES.set(ctx, id, &lease)?;
    event::bid(ctx, "lease", "created", id, Some(price), None);
    resource::create(ctx, id, deadline)
}
