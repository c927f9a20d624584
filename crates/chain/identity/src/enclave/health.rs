//! Signs of life. HEALTHY→DEGRADED at three missed heartbeats or five quotes that proved nothing; UNHEALTHY after the
//! silence or ten bad signatures; HEALTHY again after three good heartbeats, one of them with a fresh quote.

use ve_base::{Address, CodedError};
use ve_proto::ve::enclave::v1::{Health, HealthStatus};
use ve_sdk::{Context, Event};
use ve_store::Read;

use super::keys::{HEALTH, HEALTH_DUE};
use super::params;

const MISSED: u32 = 3;
const FAILURES: u32 = 5;
const BAD_SIGNATURES: u32 = 10;
const RECOVERED: u32 = 3;
const MAX_PER_BLOCK: usize = 100;

/// What a heartbeat turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    Good,
    /// Good, with a fresh quote.
    Attested,
    BadSignature,
    BadQuote,
}

/// An enclave was registered, which attested it. A validator that comes back is as healthy as it left.
pub fn begin(ctx: &mut Context<'_>, validator: &Address) -> Result<(), CodedError> {
    let (now, interval) = (ctx.time().unix(), params::load(ctx)?.heartbeat_seconds);
    let mut health = HEALTH.get(ctx, validator)?.unwrap_or_else(|| Health {
        validator: validator.to_string(),
        status: HealthStatus::Healthy.into(),
        ..Health::default()
    });
    if health.next_due == 0 {
        health.last_heartbeat = now;
        health.next_due = now.saturating_add(interval);
        HEALTH.set(ctx, validator, &health)?;
    }
    Ok(())
}

/// The validator has no enclave left that could be silent.
pub fn rest(ctx: &mut Context<'_>, validator: &Address) -> Result<(), CodedError> {
    let Some(mut health) = HEALTH.get(ctx, validator)? else { return Ok(()) };
    health.next_due = 0;
    health.model_set_hash.clear();
    Ok(HEALTH.set(ctx, validator, &health)?)
}

/// The state that the counts give; better only through recovery.
pub fn judge(health: &mut Health, silent: u64, silence: u64) {
    let mut found = HealthStatus::Healthy;
    if health.missed >= MISSED || health.failures >= FAILURES {
        found = HealthStatus::Degraded;
    }
    if silent >= silence || health.bad_signatures >= BAD_SIGNATURES {
        found = HealthStatus::Unhealthy;
    }
    if i32::from(found) > health.status {
        health.set_status(found);
        (health.recovering, health.attested) = (0, false);
    }
}

/// Takes a sign into account.
pub fn count(health: &mut Health, sign: Sign, now: u64, interval: u64) {
    match sign {
        Sign::BadSignature => health.bad_signatures = health.bad_signatures.saturating_add(1),
        Sign::BadQuote => health.failures = health.failures.saturating_add(1),
        Sign::Good | Sign::Attested => {
            health.last_heartbeat = now;
            health.next_due = now.saturating_add(interval);
            recover(health, sign == Sign::Attested);
        }
    }
}

/// A fresh quote makes old failures forgotten, at once for whoever is healthy.
fn recover(health: &mut Health, attested: bool) {
    health.attested |= attested;
    let well = health.status() == HealthStatus::Healthy;
    if !well {
        health.recovering = health.recovering.saturating_add(1);
    }
    if health.attested && (well || health.recovering >= RECOVERED) {
        health.set_status(HealthStatus::Healthy);
        (health.missed, health.failures, health.bad_signatures) = (0, 0, 0);
        (health.recovering, health.attested) = (0, false);
    }
}

pub fn is<R: Read + ?Sized>(state: &R, validator: &Address, status: HealthStatus) -> Result<bool, CodedError> {
    Ok(HEALTH.get(state, validator)?.is_some_and(|health| health.status() == status))
}

pub fn save(
    ctx: &mut Context<'_>,
    validator: &Address,
    before: HealthStatus,
    health: &Health,
) -> Result<(), CodedError> {
    HEALTH.set(ctx, validator, health)?;
    if before != health.status() {
        let event = Event::new("enclave_health_changed").with("validator", validator);
        ctx.emit(event.with("old", before.as_str_name()).with("new", health.status().as_str_name()));
    }
    Ok(())
}

/// Heartbeats that did not come.
pub fn advance(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let (now, params) = (ctx.time().unix(), params::load(ctx)?);
    let mut due = Vec::new();
    for entry in HEALTH_DUE.scan().before(&now).keys(ctx).take(MAX_PER_BLOCK) {
        due.push(entry?.1);
    }
    for validator in due {
        let mut health = HEALTH.require(ctx, &validator)?;
        let before = health.status();
        health.missed = health.missed.saturating_add(1);
        health.recovering = 0;
        health.next_due = now.saturating_add(params.heartbeat_seconds);
        let silent = now.saturating_sub(health.last_heartbeat);
        judge(&mut health, silent, params.silence_seconds);
        save(ctx, &validator, before, &health)?;
    }
    Ok(())
}
