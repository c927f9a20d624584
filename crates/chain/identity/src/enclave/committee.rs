//! Who verifies in an epoch: drawn when it begins, from a seed that is kept, so that everybody can repeat the draw.

use ve_base::preimage::preimage;
use ve_base::{Address, CodedError, parse_account};
use ve_chain_core::staking::{self, Status, Validator};
use ve_proto::ve::enclave::v1::{Committee, CommitteeMember, EnclaveIdentity, HealthStatus, Params};
use ve_sdk::{Context, Event};
use ve_store::Read;

use super::draw::draw;
use super::error::Error;
use super::keys::{ANCHORS, COMMITTEES, ENCLAVES};
use super::{health, params, registry};

/// No candidate counts for more than this part of all power, in 1/10,000.
const WEIGHT_CAP_BP: u128 = 1_000;
/// Committees that are kept.
const KEPT: u64 = 32;

/// What higher modules ask of a validator beyond its enclave: its identity score, and whether it runs the models in
/// force. Every implementation must agree.
pub trait CandidateGate: Send + Sync {
    fn is_fit(&self, ctx: &Context<'_>, validator: &Address, least_score: u32) -> Result<bool, CodedError>;
}

/// Begins the epoch whose time has come.
pub fn advance(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let (now, params) = (ctx.time().unix(), params::load(ctx)?);
    let last = COMMITTEES.scan().reverse().first(ctx)?.map(|(_, committee)| committee);
    let (epoch, before) = match last {
        None => (1, Vec::new()),
        Some(last) if now < last.started_at.saturating_add(params.epoch_seconds) => return Ok(()),
        Some(last) => (last.epoch.saturating_add(1), last.seed),
    };
    // The hash is of the block that begins the epoch, which nobody knows before it is decided.
    let seed = preimage("committee-seed", ctx.chain_id(), &[&epoch.to_be_bytes(), &before, &ctx.block().hash]);
    let candidates = candidates(ctx, &params, now)?;
    let members = draw(&seed, &candidates, params.committee_size);
    let size = params.committee_size;
    let committee = Committee { epoch, seed: seed.to_vec(), size, members, candidates, started_at: now };
    ctx.emit(Event::new("committee_drawn").with("epoch", epoch).with("members", committee.members.len()));
    COMMITTEES.set(ctx, &epoch, &committee)?;
    if let Some(old) = epoch.checked_sub(KEPT) {
        COMMITTEES.remove(ctx, &old)?;
    }
    Ok(())
}

/// Bonded validators out of jail with a healthy, valid enclave that outlives the epoch, by address, with their capped
/// power.
fn candidates(ctx: &Context<'_>, params: &Params, now: u64) -> Result<Vec<CommitteeMember>, CodedError> {
    let until = now.saturating_add(params.epoch_seconds);
    let mut found = Vec::new();
    for (validator, power) in staking::bonded(ctx)? {
        let account = &validator.operator;
        let Some(enclave) = registry::current(ctx, account, now, until)? else { continue };
        let mut fit = !validator.jailed && health::is(ctx, account, HealthStatus::Healthy)?;
        for gate in ctx.hooks().all::<dyn CandidateGate>() {
            fit = fit && gate.is_fit(ctx, account, params.candidate_score)?;
        }
        if fit {
            found.push(CommitteeMember {
                validator: account.to_string(),
                enclave_id: enclave.id,
                weight: power,
                tee: enclave.tee,
                operator_group: enclave.operator_group,
            });
        }
    }
    let total: u128 = found.iter().map(|candidate| u128::from(candidate.weight)).sum();
    let cap = u64::try_from(total.saturating_mul(WEIGHT_CAP_BP) / 10_000).unwrap_or(u64::MAX).max(1);
    for candidate in &mut found {
        candidate.weight = candidate.weight.min(cap);
    }
    found.sort_by(|left, right| left.validator.cmp(&right.validator));
    Ok(found)
}

/// The epoch in force; 0 before the first.
pub fn epoch<R: Read + ?Sized>(state: &R) -> Result<u64, CodedError> {
    Ok(COMMITTEES.scan().reverse().first(state)?.map_or(0, |(epoch, _)| epoch))
}

pub fn find<R: Read + ?Sized>(state: &R, epoch: u64) -> Result<Committee, CodedError> {
    Ok(COMMITTEES.get(state, &epoch)?.ok_or(Error::NoCommittee(epoch))?)
}

/// Enclaves of a committee whose keys are good now, by address of their validators; `None` when they are too few to
/// verify anything. Whoever fell silent, went to jail or lost its stake or code is out at once.
pub fn keys<R: Read + ?Sized>(state: &R, epoch: u64, now: u64) -> Result<Option<Vec<EnclaveIdentity>>, CodedError> {
    let mut found = Vec::new();
    for member in find(state, epoch)?.members {
        found.extend(good(state, &member, now)?);
    }
    let least = usize::try_from(params::load(state)?.committee_least).unwrap_or(usize::MAX);
    Ok(Some(found).filter(|found| found.len() >= least))
}

/// The enclave of a member while its keys are good.
fn good<R: Read + ?Sized>(
    state: &R,
    member: &CommitteeMember,
    now: u64,
) -> Result<Option<EnclaveIdentity>, CodedError> {
    let Some(enclave) = ENCLAVES.get(state, &member.enclave_id)? else { return Ok(None) };
    let validator = parse_account("member", &member.validator)?;
    let good = stands(state, &validator)? && registry::is_valid(state, &enclave, now)?;
    Ok(Some(enclave).filter(|_| good))
}

/// Whether a validator may decide: with stake at risk and signs of life.
fn stands<R: Read + ?Sized>(state: &R, validator: &Address) -> Result<bool, CodedError> {
    let bonded = |found: Validator| found.status == Status::Bonded && !found.jailed;
    Ok(staking::find(state, validator)?.is_some_and(bonded) && !health::is(state, validator, HealthStatus::Unhealthy)?)
}

/// Time of the block that last began.
fn present<R: Read + ?Sized>(state: &R) -> Result<u64, CodedError> {
    Ok(ANCHORS.scan().reverse().first(state)?.map_or(0, |(_, anchor)| anchor.time))
}

/// As [`keys`] at the time of the block that last began; `None` for an unknown epoch, too.
pub fn now<R: Read + ?Sized>(state: &R, epoch: u64) -> Result<Option<Vec<EnclaveIdentity>>, CodedError> {
    if COMMITTEES.has(state, &epoch)? { keys(state, epoch, present(state)?) } else { Ok(None) }
}

/// Enclaves of a validator whose keys are good at the time of the block that last began; few.
pub fn standing<R: Read + ?Sized>(state: &R, validator: &Address) -> Result<Vec<EnclaveIdentity>, CodedError> {
    let mut found = Vec::new();
    if stands(state, validator)? {
        let now = present(state)?;
        for enclave in registry::of(state, validator)? {
            if registry::is_valid(state, &enclave, now)? {
                found.push(enclave);
            }
        }
    }
    Ok(found)
}
