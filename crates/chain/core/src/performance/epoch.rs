//! The present epoch: counted block by block, finished by time.

use ve_base::{Address, BlockTime, CONSENSUS_PREFIX, CodedError};
use ve_proto::ve::performance::v1::{Counts, Epoch, Tally, ValidatorPerformance};
use ve_sdk::{Context, Event};
use ve_store::Read;

use super::keys::{EPOCH, FINISHED};
use super::params;
use super::score::{REMEMBERED, multiplier, score};
use crate::staking;

/// Finished epochs kept of each validator.
const KEPT: u64 = 100;

pub fn load<R: Read + ?Sized>(state: &R) -> Result<Epoch, CodedError> {
    Ok(EPOCH.get(state)?.unwrap_or_default())
}

fn tally<'a>(epoch: &'a mut Epoch, address: &[u8; 20]) -> &'a mut Tally {
    let address = Address::from(*address).to_bech32(CONSENSUS_PREFIX);
    let at = match epoch.tallies.iter().position(|tally| tally.address == address) {
        Some(at) => at,
        None => {
            epoch.tallies.push(Tally { address, ..Tally::default() });
            epoch.tallies.len().saturating_sub(1)
        }
    };
    &mut epoch.tallies[at]
}

fn counts(tally: &mut Tally) -> &mut Counts {
    tally.counts.get_or_insert_with(Counts::default)
}

/// Begin block: who signed the last block, who failed to propose it and who proposed this one.
pub fn track(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let votes = &ctx.block().last_commit.votes;
    if votes.is_empty() {
        return Ok(());
    }
    let mut epoch = load(ctx)?;
    for vote in votes {
        let tally = tally(&mut epoch, &vote.address);
        if vote.signed {
            tally.consecutive_missed = 0;
            let counts = counts(tally);
            counts.blocks_signed = counts.blocks_signed.saturating_add(1);
        } else {
            tally.consecutive_missed = tally.consecutive_missed.saturating_add(1);
            let counts = counts(tally);
            counts.blocks_missed = counts.blocks_missed.saturating_add(1);
        }
    }
    for failed in &ctx.block().last_commit.failed_proposers {
        let proposer = counts(tally(&mut epoch, failed));
        proposer.proposals_assigned = proposer.proposals_assigned.saturating_add(1);
    }
    let proposer = counts(tally(&mut epoch, &ctx.block().proposer_address));
    proposer.proposals_assigned = proposer.proposals_assigned.saturating_add(1);
    proposer.proposals_committed = proposer.proposals_committed.saturating_add(1);
    let start = epoch.start.as_ref().and_then(BlockTime::from_proto).unwrap_or_default();
    if ctx.time().seconds_since(start) >= params::load(ctx)?.epoch_seconds {
        finish(ctx, &mut epoch)?;
    }
    Ok(EPOCH.set(ctx, &epoch)?)
}

/// What a validator did of a verification of identity data that it was chosen for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verification {
    Missed,
    /// Finished, with another result than the quorum.
    Contrary,
    Agreed,
}

/// Counts a verification. Nothing when the account operates no validator.
pub fn verified(ctx: &mut Context<'_>, operator: &Address, done: Verification) -> Result<(), CodedError> {
    let Some(validator) = staking::find(ctx, operator)? else { return Ok(()) };
    let Ok(address) = validator.consensus_address().as_bytes().try_into() else { return Ok(()) };
    let mut epoch = load(ctx)?;
    let counts = counts(tally(&mut epoch, &address));
    counts.ident_expected = counts.ident_expected.saturating_add(1);
    if done != Verification::Missed {
        counts.ident_completed = counts.ident_completed.saturating_add(1);
    }
    if done == Verification::Agreed {
        counts.ident_agreed = counts.ident_agreed.saturating_add(1);
    }
    Ok(EPOCH.set(ctx, &epoch)?)
}

/// Scores everybody and begins the next epoch. Keys that no validator has any more are forgotten.
fn finish(ctx: &mut Context<'_>, epoch: &mut Epoch) -> Result<(), CodedError> {
    for mut tally in std::mem::take(&mut epoch.tallies) {
        let Ok(consensus) = Address::from_bech32(&tally.address, CONSENSUS_PREFIX) else { continue };
        let Some(validator) = staking::by_consensus(ctx, &consensus)? else { continue };
        if let Some(counts) = tally.counts.take()
            && let Some(score_bps) = score(&counts)
        {
            tally.scores.push(score_bps);
            let surplus = tally.scores.len().saturating_sub(REMEMBERED);
            tally.scores.drain(..surplus);
            let finished = ValidatorPerformance {
                operator: validator.operator_text(),
                epoch: epoch.number,
                counts: Some(counts),
                consecutive_missed: tally.consecutive_missed,
                score_bps,
            };
            ctx.emit(
                Event::new("validator_performance")
                    .with("validator", &finished.operator)
                    .with("epoch", epoch.number)
                    .with("score_bps", score_bps)
                    .with("multiplier_bps", multiplier(&tally.scores)),
            );
            FINISHED.set(ctx, (&validator.operator, &epoch.number), &finished)?;
        }
        forget(ctx, &validator.operator, epoch.number)?;
        epoch.tallies.push(tally);
    }
    epoch.number = epoch.number.saturating_add(1);
    epoch.start = Some(ctx.time().to_proto());
    Ok(())
}

/// Two at a time catch up with any backlog.
fn forget(ctx: &mut Context<'_>, operator: &Address, number: u64) -> Result<(), CodedError> {
    let oldest = number.saturating_add(1).saturating_sub(KEPT);
    for (key, _) in FINISHED.scan().prefix(operator).before((operator, &oldest)).take(ctx, 2)? {
        FINISHED.remove(ctx, &key)?;
    }
    Ok(())
}

/// The weight of each consensus key's power in rewards, in basis points. Keys that are not named have 10,000.
pub fn multipliers<R: Read + ?Sized>(state: &R) -> Result<Vec<(String, u64)>, CodedError> {
    Ok(load(state)?.tallies.into_iter().map(|tally| (tally.address, multiplier(&tally.scores))).collect())
}

/// Removes what is kept of a validator that is gone.
pub fn end(ctx: &mut Context<'_>, operator: &Address) -> Result<(), CodedError> {
    let kept: Vec<_> = FINISHED.scan().prefix(operator).keys(ctx).collect::<Result<_, _>>()?;
    for key in kept {
        FINISHED.remove(ctx, &key)?;
    }
    Ok(())
}
