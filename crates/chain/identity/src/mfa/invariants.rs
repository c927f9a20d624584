//! What holds after every block.

use ve_base::parse_account;
use ve_proto::ve::mfa::v1::{FactorState, FactorType};
use ve_sdk::QueryContext;

use super::keys::{CHALLENGES, FACTORS, LAST_ID, PROFILES, RECOVERIES, SESSIONS};

/// Factors belong to profiles and are numbered below the next one; whoever has an active factor is protected.
pub fn factors(ctx: &QueryContext<'_>) -> Result<(), String> {
    for entry in FACTORS.scan().entries(ctx) {
        let ((address, id), factor) = entry.map_err(|error| error.to_string())?;
        let profile = PROFILES.get(ctx, &address).map_err(|error| error.to_string())?;
        let profile = profile.ok_or_else(|| format!("factor {id} of {address} has no profile"))?;
        if id >= profile.next_factor || factor.id != id || factor.address != address.to_string() {
            return Err(format!("factor {id} of {address} is recorded as {} of {}", factor.id, factor.address));
        }
        let proves = factor.state() == FactorState::Active && factor.r#type() != FactorType::Browser;
        if proves && profile.protected_since == 0 {
            return Err(format!("{address} has an active factor and is not protected"));
        }
        if factor.state() == FactorState::Active && factor.activated_at == 0 {
            return Err(format!("factor {id} of {address} is active and was never proven"));
        }
    }
    Ok(())
}

/// Sessions join distinct factors of their account, and nothing is numbered beyond the last number.
pub fn sessions(ctx: &QueryContext<'_>) -> Result<(), String> {
    let last = LAST_ID.get_or_default(ctx).map_err(|error| error.to_string())?;
    for entry in SESSIONS.scan().entries(ctx) {
        let (id, session) = entry.map_err(|error| error.to_string())?;
        let address = parse_account("account", &session.address).map_err(|error| error.log)?;
        let mut ids = session.factor_ids.clone();
        ids.sort_unstable();
        ids.dedup();
        if id > last || ids.is_empty() || ids.len() != session.factors.len() || ids.len() != session.factor_ids.len() {
            return Err(format!("session {id} joins {:?} by {:?}", session.factors, session.factor_ids));
        }
        let profile = PROFILES.get(ctx, &address).map_err(|error| error.to_string())?;
        if profile.is_none_or(|profile| ids.iter().any(|id| *id >= profile.next_factor)) {
            return Err(format!("session {id} is proven by factors that {address} never had"));
        }
    }
    let newest = CHALLENGES.scan().reverse().first(ctx).map_err(|error| error.to_string())?;
    if newest.is_some_and(|(id, _)| id > last) {
        return Err("a challenge is numbered beyond the last number".into());
    }
    Ok(())
}

/// A recovery waits at least for its time-lock, for an account that has factors.
pub fn recoveries(ctx: &QueryContext<'_>) -> Result<(), String> {
    for entry in RECOVERIES.iter(ctx) {
        let (address, recovery) = entry.map_err(|error| error.to_string())?;
        if recovery.executes_at <= recovery.started_at || recovery.factor_ids.is_empty() {
            return Err(format!("the recovery of {address} was not proven or does not wait"));
        }
    }
    Ok(())
}
