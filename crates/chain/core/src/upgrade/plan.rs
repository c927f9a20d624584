//! The plan, when it is due, and what is recorded of an upgrade.

use std::collections::BTreeMap;

use ve_base::{BlockTime, CodedError};
use ve_proto::cosmos::upgrade::v1beta1::Plan;
use ve_sdk::{Context, Event};
use ve_store::Read;

use super::error::Error;
use super::keys::{APPLIED, PLAN, VERSIONS};

const MAX_NAME: usize = 140;
const MAX_INFO: usize = 10_000;

/// What the plan means for the block that begins.
#[derive(Clone, Debug, PartialEq)]
pub enum Due {
    Nothing,
    Later(Plan),
    Now(Plan),
}

fn height(plan: &Plan) -> u64 {
    u64::try_from(plan.height).unwrap_or(0)
}

fn time(plan: &Plan) -> Option<BlockTime> {
    plan.time.as_ref().and_then(BlockTime::from_proto).filter(|time| time.seconds > 0)
}

/// Rules that need no state. Clients that plan by height send the zero time of Go or of Unix.
pub fn check(plan: &Plan) -> Result<(), CodedError> {
    let invalid = |cause: &str| CodedError::from(Error::Plan(cause.to_owned()));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.+".contains(&byte);
    // The name becomes a directory of the supervisor.
    if plan.name.is_empty() || plan.name.len() > MAX_NAME || !plan.name.bytes().all(plain) || plan.name.starts_with('.')
    {
        return Err(invalid("the name has 1 to 140 letters, digits, and - _ . +, not beginning with a point"));
    }
    if plan.info.len() > MAX_INFO {
        return Err(invalid("the info is longer than 10,000 bytes"));
    }
    if plan.upgraded_client_state.is_some() {
        return Err(invalid("upgraded_client_state is no longer part of a plan"));
    }
    if (height(plan) > 0) == time(plan).is_some() || plan.height < 0 {
        return Err(invalid("give either a height or a time"));
    }
    Ok(())
}

pub fn schedule(ctx: &mut Context<'_>, plan: &Plan) -> Result<(), CodedError> {
    check(plan)?;
    if APPLIED.has(ctx, plan.name.as_str())? {
        return Err(Error::Applied(plan.name.clone()).into());
    }
    let past = match time(plan) {
        Some(time) => time <= ctx.time(),
        None => height(plan) <= ctx.height(),
    };
    if past {
        return Err(Error::Plan("upgrade cannot be scheduled in the past".into()).into());
    }
    Ok(PLAN.set(ctx, plan)?)
}

pub fn cancel(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    PLAN.get(ctx)?.ok_or(Error::NothingPlanned)?;
    Ok(PLAN.remove(ctx)?)
}

/// Asked before anything else happens in a block.
pub fn due(ctx: &Context<'_>) -> Result<Due, CodedError> {
    let Some(plan) = PLAN.get(ctx)? else { return Ok(Due::Nothing) };
    let reached = match time(&plan) {
        Some(time) => ctx.time() >= time,
        None => ctx.height() >= height(&plan),
    };
    Ok(if reached { Due::Now(plan) } else { Due::Later(plan) })
}

/// Records that the plan was carried out in this block.
pub fn complete(ctx: &mut Context<'_>, plan: &Plan) -> Result<(), CodedError> {
    PLAN.remove(ctx)?;
    let height = ctx.height();
    APPLIED.set(ctx, plan.name.as_str(), &height)?;
    ctx.emit(Event::new("upgrade").with("name", &plan.name).with("height", height));
    Ok(())
}

/// The versions of the modules whose state the store has.
pub fn versions<R: Read + ?Sized>(state: &R) -> Result<BTreeMap<String, u64>, CodedError> {
    Ok(VERSIONS.iter(state).collect::<Result<_, _>>()?)
}

pub fn record_version(ctx: &mut Context<'_>, module: &str, version: u64) -> Result<(), CodedError> {
    Ok(VERSIONS.set(ctx, module, &version)?)
}

pub fn forget_version(ctx: &mut Context<'_>, module: &str) -> Result<(), CodedError> {
    Ok(VERSIONS.remove(ctx, module)?)
}
