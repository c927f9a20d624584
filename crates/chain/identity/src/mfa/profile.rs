//! What the chain keeps of an account that has had a factor, and its lock after failed tries.

use ve_base::{Address, CodedError, parse_account};
use ve_proto::ve::mfa::v1::{Params, Profile};
use ve_sdk::{Context, Event};
use ve_store::Read;

use super::error::Error;
use super::keys::PROFILES;

/// The profile, or an empty one.
pub fn load<R: Read + ?Sized>(state: &R, address: &Address) -> Result<Profile, CodedError> {
    let fresh = || Profile { address: address.to_string(), next_factor: 1, ..Profile::default() };
    Ok(PROFILES.get(state, address)?.unwrap_or_else(fresh))
}

pub fn save(ctx: &mut Context<'_>, profile: &Profile) -> Result<(), CodedError> {
    Ok(PROFILES.set(ctx, &parse_account("account", &profile.address)?, profile)?)
}

/// `recovery`: whether somebody else acts for the account, to recover it.
pub fn check_unlocked(profile: &Profile, recovery: bool, now: u64) -> Result<(), Error> {
    let until = if recovery { profile.recovery_locked_until } else { profile.locked_until };
    if until > now { Err(Error::Locked(profile.address.clone(), until)) } else { Ok(()) }
}

/// Counts a failed try of an account over all its challenges; too many within the window lock it, and it is told.
/// Recoveries are counted apart, so that a stranger cannot lock the owner out.
pub fn note_failure(ctx: &mut Context<'_>, params: &Params, profile: &mut Profile, recovery: bool) {
    let now = ctx.time().unix();
    let since = now.saturating_sub(params.lockout_window_seconds);
    let address = profile.address.clone();
    let (failures, locked_until) = if recovery {
        (&mut profile.recovery_failures, &mut profile.recovery_locked_until)
    } else {
        (&mut profile.failures, &mut profile.locked_until)
    };
    failures.retain(|time| *time > since);
    failures.push(now);
    let count = failures.len() as u64;
    ctx.emit(Event::new("mfa_denied").with("address", &address).with("failures", count));
    if count >= u64::from(params.lockout_failures) {
        failures.clear();
        *locked_until = now.saturating_add(params.lockout_seconds);
        ctx.emit(Event::new("mfa_locked").with("address", &address).with("until", *locked_until));
    }
}
