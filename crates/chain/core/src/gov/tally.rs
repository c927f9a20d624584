//! Counting. Delegators who voted speak for their own shares; a validator that voted speaks for all other shares of its
//! delegators.

use ve_base::{Amount, CodedError, Dec, Rounding};
use ve_proto::cosmos::gov::v1::{Params, Proposal, TallyResult, VoteOption};
use ve_store::Read;

use super::keys::{VOTED, VOTES};
use super::params::dec;
use crate::staking;

/// Powers by option, in tokens.
#[derive(Clone, Copy, Debug, Default)]
struct Powers {
    yes: Dec,
    abstain: Dec,
    no: Dec,
    veto: Dec,
}

/// What became of a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub passes: bool,
    pub burns: bool,
}

impl Powers {
    fn add(&mut self, option: u32, power: Dec) -> Result<(), CodedError> {
        let slot = match i32::try_from(option).ok().and_then(|option| VoteOption::try_from(option).ok()) {
            Some(VoteOption::Yes) => &mut self.yes,
            Some(VoteOption::Abstain) => &mut self.abstain,
            Some(VoteOption::No) => &mut self.no,
            Some(VoteOption::NoWithVeto) => &mut self.veto,
            _ => return Ok(()),
        };
        *slot = slot.checked_add(power)?;
        Ok(())
    }

    fn total(&self) -> Result<Dec, CodedError> {
        Ok(self.yes.checked_add(self.abstain)?.checked_add(self.no)?.checked_add(self.veto)?)
    }

    fn result(&self) -> Result<TallyResult, CodedError> {
        let whole = |power: Dec| power.to_amount(Rounding::Truncate).map(|amount| amount.to_string());
        Ok(TallyResult {
            yes_count: whole(self.yes)?,
            abstain_count: whole(self.abstain)?,
            no_count: whole(self.no)?,
            no_with_veto_count: whole(self.veto)?,
        })
    }
}

/// Nobody voted yet.
pub fn none() -> TallyResult {
    let zero = || Amount::ZERO.to_string();
    TallyResult { yes_count: zero(), abstain_count: zero(), no_count: zero(), no_with_veto_count: zero() }
}

/// The powers by option, and all bonded tokens.
fn powers<R: Read + ?Sized>(state: &R, id: u64) -> Result<(Powers, Dec), CodedError> {
    let mut powers = Powers::default();
    let mut bonded = Amount::ZERO;
    for (validator, _) in staking::bonded(state)? {
        bonded = bonded.checked_add(validator.tokens).ok_or(ve_base::AmountError::Overflow)?;
        let tokens = Dec::from_amount(validator.tokens)?;
        let worth = |shares: Dec| shares.mul_quo(tokens, validator.shares, Rounding::Truncate);
        let mut others = validator.shares;
        for entry in VOTED.prefix(state, (&id, &validator.operator)) {
            let ((_, _, option), shares) = entry?;
            others = others.checked_sub(shares)?;
            powers.add(option, worth(shares)?)?;
        }
        let Some(vote) = VOTES.get(state, (&id, &validator.operator))? else { continue };
        if others.is_zero() || others.is_negative() {
            continue;
        }
        for option in &vote.options {
            let part = worth(others)?.mul(option.weight.parse()?, Rounding::Truncate)?;
            powers.add(option.option.unsigned_abs(), part)?;
        }
    }
    Ok((powers, Dec::from_amount(bonded)?))
}

pub fn result<R: Read + ?Sized>(state: &R, id: u64) -> Result<TallyResult, CodedError> {
    powers(state, id)?.0.result()
}

/// Counts the votes and decides.
pub fn decide<R: Read + ?Sized>(
    state: &R,
    params: &Params,
    proposal: &Proposal,
) -> Result<(Outcome, TallyResult), CodedError> {
    let (powers, bonded) = powers(state, proposal.id)?;
    Ok((outcome(params, proposal.expedited, &powers, bonded)?, powers.result()?))
}

fn outcome(params: &Params, expedited: bool, powers: &Powers, bonded: Dec) -> Result<Outcome, CodedError> {
    let total = powers.total()?;
    let rejected = |burns| Outcome { passes: false, burns };
    if bonded.is_zero() || total.is_zero() {
        return Ok(rejected(params.burn_vote_quorum && !bonded.is_zero()));
    }
    if total.quo(bonded, Rounding::Truncate)? < dec(&params.quorum)? {
        return Ok(rejected(params.burn_vote_quorum));
    }
    let decided = total.checked_sub(powers.abstain)?;
    if decided.is_zero() {
        return Ok(rejected(false));
    }
    if powers.veto.quo(total, Rounding::Truncate)? > dec(&params.veto_threshold)? {
        return Ok(rejected(params.burn_vote_veto));
    }
    let needed = dec(if expedited { &params.expedited_threshold } else { &params.threshold })?;
    Ok(Outcome { passes: powers.yes.quo(decided, Rounding::Truncate)? > needed, burns: false })
}
