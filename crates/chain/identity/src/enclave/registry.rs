//! Enclaves and their keys: PENDING→ACTIVE→ROTATING→EXPIRED, any of them →REVOKED.

use ve_base::{Address, CodedError, parse_account};
use ve_proto::ve::enclave::v1::{EnclaveIdentity, EnclaveStatus};
use ve_sdk::{Context, Event};
use ve_store::Read;

use super::error::Error;
use super::keys::{BY_VALIDATOR, ENCLAVES, ENCLAVES_DUE, MEASUREMENTS};
use super::{floors, health, measurements, params};

/// How long the record of an ended enclave stays for queries.
const KEEP_ENDED: u64 = 90 * 86_400;
const MAX_PER_BLOCK: usize = 50;

pub fn in_use(enclave: &EnclaveIdentity) -> bool {
    matches!(enclave.status(), EnclaveStatus::Pending | EnclaveStatus::Active | EnclaveStatus::Rotating)
}

/// When time next changes the enclave.
pub fn next(enclave: &EnclaveIdentity) -> u64 {
    if in_use(enclave) { enclave.expires_at } else { enclave.ended_at.saturating_add(KEEP_ENDED) }
}

/// Whether the keys of the enclave are good now: past its first heartbeat, not expired, attested lately, on a platform
/// that is recent enough, with code in force.
pub fn is_valid<R: Read + ?Sized>(state: &R, enclave: &EnclaveIdentity, now: u64) -> Result<bool, CodedError> {
    let status = matches!(enclave.status(), EnclaveStatus::Active | EnclaveStatus::Rotating);
    if !status || now >= enclave.expires_at {
        return Ok(false);
    }
    let params = params::load(state)?;
    if now > enclave.attested_at.saturating_add(params.reattest_seconds) {
        return Ok(false);
    }
    if !floors::tolerates(state, enclave.tee(), &enclave.tcb, now, params.tcb_grace_seconds)? {
        return Ok(false);
    }
    let listed = MEASUREMENTS.get(state, &enclave.measurement)?;
    Ok(listed.is_some_and(|listed| measurements::in_force(&listed, now) && enclave.svn >= listed.min_svn))
}

/// Enclaves of a validator that are in use, the oldest first; few.
pub fn of<R: Read + ?Sized>(state: &R, validator: &Address) -> Result<Vec<EnclaveIdentity>, CodedError> {
    let ids: Vec<u64> = BY_VALIDATOR.keys(state, validator).collect::<Result<_, _>>()?;
    Ok(ids.iter().map(|id| ENCLAVES.require(state, id)).collect::<Result<_, _>>()?)
}

/// The newest active enclave of a validator whose keys are good now and do not expire before `until`.
pub fn current<R: Read + ?Sized>(
    state: &R,
    validator: &Address,
    now: u64,
    until: u64,
) -> Result<Option<EnclaveIdentity>, CodedError> {
    for enclave in of(state, validator)?.into_iter().rev() {
        let lasts = enclave.status() == EnclaveStatus::Active && enclave.expires_at >= until;
        if lasts && is_valid(state, &enclave, now)? {
            return Ok(Some(enclave));
        }
    }
    Ok(None)
}

/// One in use, for its validator only.
pub fn owned(ctx: &Context<'_>, id: u64, validator: &str) -> Result<EnclaveIdentity, CodedError> {
    let known = ENCLAVES.get(ctx, &id)?.filter(|enclave| in_use(enclave) && enclave.validator == validator);
    Ok(known.ok_or_else(|| Error::NotFound(id, validator.to_owned()))?)
}

pub fn save(ctx: &mut Context<'_>, enclave: &EnclaveIdentity, what: &'static str) -> Result<(), CodedError> {
    ENCLAVES.set(ctx, &enclave.id, enclave)?;
    ctx.emit(
        Event::new(what)
            .with("enclave_id", enclave.id)
            .with("validator", &enclave.validator)
            .with("tee", enclave.tee().as_str_name())
            .with("status", enclave.status().as_str_name()),
    );
    Ok(())
}

/// Its keys are good no more.
pub fn end(
    ctx: &mut Context<'_>,
    mut enclave: EnclaveIdentity,
    to: EnclaveStatus,
    what: &'static str,
) -> Result<(), CodedError> {
    enclave.set_status(to);
    enclave.ended_at = ctx.time().unix();
    save(ctx, &enclave, what)?;
    let validator = parse_account("validator", &enclave.validator)?;
    if of(ctx, &validator)?.is_empty() { health::rest(ctx, &validator) } else { Ok(()) }
}

/// On its way out: its keys are good until the overlap ends, unless it never showed a sign of life.
pub fn rotate(ctx: &mut Context<'_>, mut old: EnclaveIdentity) -> Result<(), CodedError> {
    match old.status() {
        EnclaveStatus::Pending => return end(ctx, old, EnclaveStatus::Expired, "enclave_expired"),
        EnclaveStatus::Rotating => return Err(Error::Invalid("the enclave is on its way out already").into()),
        _ => {}
    }
    let overlap = params::load(ctx)?.overlap_seconds;
    old.set_status(EnclaveStatus::Rotating);
    old.expires_at = old.expires_at.min(ctx.time().unix().saturating_add(overlap));
    save(ctx, &old, "enclave_rotating")
}

/// What time does to enclaves.
pub fn advance(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let now = ctx.time().unix();
    let mut due = Vec::new();
    for entry in ENCLAVES_DUE.scan().through(&now).keys(ctx).take(MAX_PER_BLOCK) {
        due.push(entry?.1);
    }
    for id in due {
        let enclave = ENCLAVES.require(ctx, &id)?;
        if in_use(&enclave) {
            end(ctx, enclave, EnclaveStatus::Expired, "enclave_expired")?;
        } else {
            ENCLAVES.remove(ctx, &id)?;
        }
    }
    Ok(())
}
