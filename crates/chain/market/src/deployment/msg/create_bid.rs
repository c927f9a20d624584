//! `MsgCreateBid`: a provider offers to serve an order.

use ve_base::{CodedError, Dec, parse_account};
use ve_chain_finance::escrow::{self, AccountId};
use ve_proto::ve::market::v1::*;
use ve_sdk::Context;

use super::positive;
use crate::deployment::error::Error;
use crate::deployment::ids::{BidId, OrderId};
use crate::deployment::keys::{BIDS, OPEN_BIDS};
use crate::deployment::{activity, event, flow, params, spec};
use crate::provider::{self, attributes::missing, liveness};

pub fn check(msg: &MsgCreateBid) -> Result<(), CodedError> {
    parse_account("provider", &msg.provider)?;
    OrderId::from_proto(msg.order.as_ref())?;
    spec::price(msg.price.as_ref())?;
    positive(msg.deposit.as_ref())?;
    spec::check_window(0, msg.reclamation_window)?;
    Ok(())
}

/// What must hold of provider, order and terms; checked again when the bid is accepted.
pub fn check_terms(
    ctx: &Context<'_>,
    id: &BidId,
    order: &Order,
    price: (&ve_base::Denom, Dec),
    window: u64,
) -> Result<(), CodedError> {
    if id.provider == *id.order.owner() {
        return Err(Error::OwnOrder(id.provider.to_string()).into());
    }
    let provider = provider::require_active(ctx, &id.provider)?;
    provider::require_welcome(ctx, &id.provider, id.order.owner())?;
    let given = order.spec.clone().unwrap_or_default();
    let required = given.requirements.unwrap_or_default().attributes;
    if let Some(lost) = missing(&required, &provider.attributes) {
        let attribute = format!("{}={}", lost.key, lost.value);
        return Err(Error::Attributes { provider: provider.owner, attribute }.into());
    }
    let (denom, max) = spec::price(order.max_price.as_ref())?;
    if *price.0 != denom || price.1 > max {
        let text = format!("{:#}{}", price.1, price.0);
        return Err(Error::Price { price: text, max: event::price_text(order.max_price.as_ref()) }.into());
    }
    Ok(spec::check_window(given.reclamation_min_window, window)?)
}

fn check_order(ctx: &Context<'_>, id: &OrderId, params: &Params) -> Result<Order, CodedError> {
    let order = flow::order(ctx, id)?;
    if order.state() != OrderState::Open {
        return Err(flow::wrong_state(format!("order {id}"), order.state().as_str_name(), "open").into());
    }
    if order.expires_at <= ctx.time().unix() {
        return Err(Error::Expired(id.to_string()).into());
    }
    if order.open_bids >= params.max_open_bids {
        return Err(Error::TooManyBids(id.to_string()).into());
    }
    Ok(order)
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgCreateBid) -> Result<MsgCreateBidResponse, CodedError> {
    let provider = parse_account("provider", &msg.provider)?;
    let order_id = OrderId::from_proto(msg.order.as_ref())?;
    let params = params::load(ctx)?;
    activity::count(ctx, &provider, ActivityKind::Bid)?;
    let order = check_order(ctx, &order_id, &params)?;
    for open in OPEN_BIDS.keys(ctx, &order_id) {
        if open?.provider == provider {
            return Err(Error::DuplicateBid(msg.provider.clone()).into());
        }
    }
    let last = BIDS.scan().prefix((&order_id, &provider)).reverse().first(ctx)?;
    let bseq = last.map_or(0, |(id, _)| id.bseq).saturating_add(1);
    let id = BidId { order: order_id.clone(), provider: provider.clone(), bseq };
    let (denom, price) = spec::price(msg.price.as_ref())?;
    check_terms(ctx, &id, &order, (&denom, price), msg.reclamation_window)?;
    spec::check_offer(&order.spec.clone().unwrap_or_default(), &msg.resources_offer)?;
    let deposit = positive(msg.deposit.as_ref())?;
    flow::check_bid_deposit(&deposit, &params::bid_deposit(&params)?)?;
    escrow::create(ctx, &AccountId::bid(&id), &provider, &provider, &deposit, escrow::Terms::default())?;
    liveness::seen(ctx, &provider, None)?;
    let now = ctx.time().unix();
    let bid = Bid {
        id: Some(id.to_proto()),
        state: BidState::Open.into(),
        price: Some(spec::dec_coin(&denom, price)),
        resources_offer: msg.resources_offer.clone(),
        reclamation_window: msg.reclamation_window,
        created_at: now,
        expires_at: now.saturating_add(params.bid_seconds),
        updated_height: ctx.height(),
        closure: None,
    };
    BIDS.set(ctx, &id, &bid)?;
    flow::count_bids(ctx, &order_id, |open| open.saturating_add(1))?;
    event::bid(ctx, "bid", "created", &id, bid.price.as_ref(), None);
    Ok(MsgCreateBidResponse { bseq })
}
