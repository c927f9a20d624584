//! Quotas of orders and bids by account: per block, per minute, and a pause for those who cancel most of what they make
//! (marketplace spec section 4).

use ve_base::{Address, CodedError};
use ve_proto::ve::market::v1::{Activity, ActivityKind, Params};
use ve_sdk::{Context, transient};

use super::error::Error;
use super::keys::ACTIVITIES;
use super::params;

const MINUTE: u64 = 60;

fn limits(params: &Params, kind: ActivityKind) -> (u32, u32) {
    match kind {
        ActivityKind::Bid => (params.bids_per_block, params.bids_per_minute),
        _ => (params.orders_per_block, params.orders_per_minute),
    }
}

fn key(account: &Address, kind: ActivityKind) -> (Address, u8) {
    (account.clone(), u8::try_from(i32::from(kind)).unwrap_or_default())
}

/// Forgets what lies before the minute and the window.
fn age(activity: &mut Activity, now: u64, params: &Params) {
    activity.recent.retain(|time| time.saturating_add(MINUTE) > now);
    if activity.window_start.saturating_add(params.cooldown_window_seconds) <= now {
        activity.window_start = now;
        (activity.made, activity.cancelled) = (0, 0);
    }
    if activity.paused_until <= now {
        activity.paused_until = 0;
    }
}

/// One more at `now`, or why not. Pure.
pub fn made(activity: &mut Activity, now: u64, params: &Params) -> Result<(), Error> {
    age(activity, now, params);
    let account = activity.account.clone();
    if activity.paused_until > now {
        return Err(Error::Paused { account, until: activity.paused_until });
    }
    let (_, per_minute) = limits(params, activity.kind());
    if activity.recent.len() >= usize::try_from(per_minute).unwrap_or(usize::MAX) {
        return Err(Error::RatePerMinute(account, per_minute));
    }
    activity.recent.push(now);
    activity.made = activity.made.saturating_add(1);
    Ok(())
}

/// One that was made at `created` was cancelled at `now`. Pure. Returns whether a pause begins.
pub fn cancelled(activity: &mut Activity, created: u64, now: u64, params: &Params) -> bool {
    age(activity, now, params);
    if created < activity.window_start || activity.made == 0 {
        return false;
    }
    activity.cancelled = activity.cancelled.saturating_add(1).min(activity.made);
    let most = u64::from(activity.made).saturating_mul(u64::from(params.cooldown_percent));
    let too_many = u64::from(activity.cancelled).saturating_mul(100) > most;
    if activity.made < params.cooldown_count || !too_many {
        return false;
    }
    activity.paused_until = now.saturating_add(params.cooldown_seconds);
    (activity.window_start, activity.made, activity.cancelled) = (now, 0, 0);
    true
}

fn load(ctx: &Context<'_>, account: &Address, kind: ActivityKind) -> Result<Activity, CodedError> {
    let fresh = || Activity { account: account.to_string(), kind: kind.into(), ..Activity::default() };
    Ok(ACTIVITIES.get(ctx, &key(account, kind))?.unwrap_or_else(fresh))
}

/// Counts one more order or bid of `account`, or refuses it.
pub fn count(ctx: &mut Context<'_>, account: &Address, kind: ActivityKind) -> Result<(), CodedError> {
    let params = params::load(ctx)?;
    let name = format!("{}/{account}", kind.as_str_name());
    let in_block = transient::count(ctx, "market", name.as_bytes())?;
    if in_block > u64::from(limits(&params, kind).0) {
        return Err(Error::Rate(account.to_string()).into());
    }
    let mut activity = load(ctx, account, kind)?;
    made(&mut activity, ctx.time().unix(), &params)?;
    Ok(ACTIVITIES.set(ctx, &key(account, kind), &activity)?)
}

/// Notes that the account itself cancelled an order or bid that was made at `created`.
pub fn cancel(ctx: &mut Context<'_>, account: &Address, kind: ActivityKind, created: u64) -> Result<(), CodedError> {
    let params = params::load(ctx)?;
    let mut activity = load(ctx, account, kind)?;
    if cancelled(&mut activity, created, ctx.time().unix(), &params) {
        let event = ve_sdk::Event::new("activity_paused").with("account", account);
        ctx.emit(event.with("kind", kind.as_str_name()).with("until", activity.paused_until));
    }
    Ok(ACTIVITIES.set(ctx, &key(account, kind), &activity)?)
}

#[cfg(test)]
#[path = "activity_tests.rs"]
mod tests;
