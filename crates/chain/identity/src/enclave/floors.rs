//! Least versions of platforms. When a manufacturer repairs a hole in its hardware, governance raises the floor: new
//! quotes must reach it at once, enclaves in use have a grace time to update their firmware and attest themselves again.

use ve_base::CodedError;
use ve_proto::ve::audit::v1::Outcome;
use ve_proto::ve::enclave::v1::{TcbFloor, Tee};
use ve_sdk::{Context, Event};
use ve_store::Read;

use super::error::Error;
use super::keys::FLOORS;
use crate::audit;

/// How many parts the version of a platform has; none where there is nothing to compare.
pub fn parts(tee: Tee) -> usize {
    match tee {
        Tee::Sgx | Tee::Simulated => 1,
        Tee::SevSnp => 4,
        Tee::Nitro | Tee::Unspecified => 0,
    }
}

pub fn key(tee: Tee) -> u32 {
    u32::try_from(i32::from(tee)).unwrap_or_default()
}

pub fn find<R: Read + ?Sized>(state: &R, tee: Tee) -> Result<Option<TcbFloor>, CodedError> {
    Ok(FLOORS.get(state, &key(tee))?)
}

fn reaches(version: &[u32], least: &[u32]) -> bool {
    version.len() == least.len() && version.iter().zip(least).all(|(has, least)| has >= least)
}

/// Refuses the platform of a new quote below the floor.
pub fn require<R: Read + ?Sized>(state: &R, tee: Tee, version: &[u32]) -> Result<(), CodedError> {
    match find(state, tee)? {
        Some(floor) if !reaches(version, &floor.least) => Err(Error::OldPlatform(version.to_vec(), floor.least).into()),
        _ => Ok(()),
    }
}

/// Whether an enclave that was attested on this platform may go on.
pub fn tolerates<R: Read + ?Sized>(
    state: &R,
    tee: Tee,
    version: &[u32],
    now: u64,
    grace: u64,
) -> Result<bool, CodedError> {
    let floor = find(state, tee)?;
    Ok(floor.is_none_or(|floor| reaches(version, &floor.least) || now <= floor.since.saturating_add(grace)))
}

pub fn check(tee: Tee, least: &[u32]) -> Result<(), CodedError> {
    let fits = parts(tee) > 0 && (least.is_empty() || least.len() == parts(tee));
    if fits {
        return Ok(());
    }
    Err(Error::Invalid("a floor has 1 part for SGX, 4 parts up to 255 for SEV-SNP, none to remove it").into())
}

/// Sets the floor, or removes it when `least` is empty.
pub fn set(ctx: &mut Context<'_>, tee: Tee, least: &[u32], actor: &str) -> Result<(), CodedError> {
    let since = ctx.time().unix();
    if least.is_empty() {
        FLOORS.remove(ctx, &key(tee))?;
    } else {
        FLOORS.set(ctx, &key(tee), &TcbFloor { tee: tee.into(), least: least.to_vec(), since })?;
    }
    let text: Vec<String> = least.iter().map(u32::to_string).collect();
    ctx.emit(Event::new("tcb_floor_set").with("tee", tee.as_str_name()).with("least", text.join(".")));
    let act = audit::Act {
        actor,
        module: "enclave",
        action: "tcb_floor_set",
        resource_id: tee.as_str_name(),
        outcome: Outcome::Done,
        ..audit::Act::default()
    };
    audit::record(ctx, &act).map(|_| ())
}
