//! `MsgCloseBid`: the provider withdraws an open bid and gets the deposit back.

use ve_base::{CodedError, parse_account};
use ve_proto::ve::market::v1::{ActivityKind, BidState, MsgCloseBid, MsgCloseBidResponse, Reason};
use ve_sdk::Context;

use crate::deployment::activity;
use crate::deployment::flow::{self, Cause};
use crate::deployment::ids::{BidId, OrderId};
use crate::deployment::lifecycle::BidEvent;

pub fn check(msg: &MsgCloseBid) -> Result<(), CodedError> {
    parse_account("provider", &msg.provider)?;
    OrderId::from_proto(msg.order.as_ref()).map(|_| ())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgCloseBid) -> Result<MsgCloseBidResponse, CodedError> {
    let order = OrderId::from_proto(msg.order.as_ref())?;
    let id = BidId { order, provider: parse_account("provider", &msg.provider)?, bseq: msg.bseq };
    let bid = flow::bid(ctx, &id)?;
    let state = bid.state();
    if state != BidState::Open {
        return Err(
            flow::wrong_state(format!("bid {id}"), state.as_str_name(), "open; a lease ends by MsgCloseLease").into()
        );
    }
    activity::cancel(ctx, &id.provider, ActivityKind::Bid, bid.created_at)?;
    flow::end_bid(ctx, &id, BidEvent::Close, &Cause::new(Reason::Unspecified, &msg.provider))?;
    Ok(MsgCloseBidResponse {})
}
