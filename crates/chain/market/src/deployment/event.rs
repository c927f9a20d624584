//! One event per transition, with ids, price, reason and actor.

use ve_proto::cosmos::base::v1beta1::DecCoin;
use ve_proto::ve::market::v1::Closure;
use ve_sdk::{Context, Event};

use super::ids::{BidId, DeploymentId, GroupId, OrderId};

/// `<amount><denom>`, the amount without trailing zeros.
pub fn price_text(price: Option<&DecCoin>) -> String {
    let amount = |price: &DecCoin| ve_base::Dec::from_mantissa(&price.amount).unwrap_or_default();
    price.map(|price| format!("{:#}{}", amount(price), price.denom)).unwrap_or_default()
}

fn closing(event: Event, closure: Option<&Closure>) -> Event {
    match closure {
        Some(closure) => event
            .with("reason", closure.reason().as_str_name().trim_start_matches("REASON_").to_ascii_lowercase())
            .with("reason_code", closure.reason)
            .with("actor", &closure.actor),
        None => event,
    }
}

pub fn deployment(ctx: &mut Context<'_>, what: &str, id: &DeploymentId, closure: Option<&Closure>) {
    let event = Event::new(format!("deployment_{what}")).with("id", id).with("owner", &id.owner).with("dseq", id.dseq);
    ctx.emit(closing(event, closure));
}

pub fn group(ctx: &mut Context<'_>, what: &str, id: &GroupId, closure: Option<&Closure>) {
    let event = Event::new(format!("group_{what}")).with("id", id).with("owner", &id.deployment.owner);
    ctx.emit(closing(event, closure));
}

pub fn order(ctx: &mut Context<'_>, what: &str, id: &OrderId, price: Option<&DecCoin>, closure: Option<&Closure>) {
    let event =
        Event::new(format!("order_{what}")).with("id", id).with("owner", id.owner()).with("price", price_text(price));
    ctx.emit(closing(event, closure));
}

/// `object` is `bid` or `lease`.
pub fn bid(
    ctx: &mut Context<'_>,
    object: &str,
    what: &str,
    id: &BidId,
    price: Option<&DecCoin>,
    closure: Option<&Closure>,
) {
    let event = Event::new(format!("{object}_{what}"))
        .with("id", id)
        .with("owner", id.order.owner())
        .with("provider", &id.provider)
        .with("price", price_text(price));
    ctx.emit(closing(event, closure));
}
