//! Punishments that wait: a day passes before a fault of verification costs stake (finance spec section 2.4), and each
//! block carries out a few, so that no message and no block pays for many.

use sha2::{Digest, Sha256};
use ve_base::{Address, CodedError, parse_account};
use ve_chain_core::slashing::{self, Infraction};
use ve_chain_core::staking;
use ve_proto::ve::slashing::v1::Reason;
use ve_proto::ve::veid::v1::{Fault, Run, Sentence};
use ve_sdk::Context;

use super::keys::SENTENCES;
use super::params::DAY;

/// Seconds from a fault to its punishment.
pub const DELAY: u64 = DAY;
/// Sentences that one block carries out at most.
const MAX_PER_BLOCK: usize = 5;

/// What a fault is punished as.
pub fn reason(fault: Fault) -> Reason {
    match fault {
        Fault::Silent => Reason::MissedRecomputations,
        Fault::WrongScore => Reason::InvalidIdentityAttestation,
        Fault::DivergentFeatures | Fault::DivergentScore | Fault::Mismatch => Reason::InconsistentScore,
        Fault::Unspecified => Reason::Unspecified,
    }
}

/// A day from now the member is punished for what it did in a run.
pub fn pass(ctx: &mut Context<'_>, member: &Address, fault: Fault, run: &Run) -> Result<(), CodedError> {
    let sentence = Sentence {
        due_at: ctx.time().unix().saturating_add(DELAY),
        member: member.to_string(),
        fault: fault.into(),
        run_id: run.run_id.clone(),
        height: run.height,
    };
    keep(ctx, &sentence)
}

/// Writes a sentence; one fault in one run is one sentence.
pub fn keep(ctx: &mut Context<'_>, sentence: &Sentence) -> Result<(), CodedError> {
    let digest = Sha256::new_with_prefix(sentence.fault.to_be_bytes()).chain_update(evidence(sentence));
    Ok(SENTENCES.set(ctx, (&sentence.due_at, &digest.finalize().to_vec()), sentence)?)
}

fn evidence(sentence: &Sentence) -> [u8; 32] {
    let digest = Sha256::new_with_prefix("verification").chain_update(&sentence.run_id);
    digest.chain_update(&sentence.member).finalize().into()
}

/// Carries out what is due.
pub fn end_block(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let now = ctx.time().unix();
    for ((due_at, digest), sentence) in SENTENCES.scan().take(ctx, MAX_PER_BLOCK)? {
        if due_at > now {
            break;
        }
        SENTENCES.remove(ctx, (&due_at, &digest))?;
        execute(ctx, &sentence)?;
    }
    Ok(())
}

/// Nothing when the account operates no validator any more.
fn execute(ctx: &mut Context<'_>, sentence: &Sentence) -> Result<(), CodedError> {
    let member = parse_account("member", &sentence.member)?;
    let Some(validator) = staking::find(ctx, &member)? else { return Ok(()) };
    // Stake of the time of the seat is liable, also what was withdrawn since.
    let power = match staking::at(ctx, sentence.height, &member)? {
        Some(past) => past.power,
        None => validator.power()?,
    };
    let (reason, evidence) = (reason(sentence.fault()), evidence(sentence));
    let infraction = Infraction { reason, height: sentence.height, power, evidence };
    slashing::punish(ctx, &validator.consensus_address(), &infraction)?;
    Ok(())
}
