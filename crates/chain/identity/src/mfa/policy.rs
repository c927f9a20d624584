//! What accounts demand of themselves beyond the chain's minimum, and changes that wait.

use ve_base::{Address, CodedError, parse_account};
use ve_proto::ve::mfa::v1::{Action, Combination, DelayedChange, FactorType, Rule};
use ve_sdk::{Context, Event};

use super::error::Error;
use super::keys::{CHANGE_DUE, CHANGES, next_id};
use super::{actions, factor, params, profile};

const MAX_RULES: usize = 16;
const MAX_SETS: usize = 3;
const MAX_CHANGES: usize = 10;
const MAX_PER_BLOCK: usize = 100;

/// Rules name actions in ascending order, each once, with sets of known factors.
pub fn check(rules: &[Rule]) -> Result<(), CodedError> {
    if rules.len() > MAX_RULES || !rules.is_sorted_by(|left, right| left.action < right.action) {
        return Err(Error::Request("at most 16 rules stand in the order of their actions").into());
    }
    for rule in rules {
        let own = matches!(rule.action(), Action::FactorEnrollment | Action::FactorConfirmation);
        if actions::row_of(rule.action()).is_none() || own || rule.all.is_empty() || rule.all.len() > MAX_SETS {
            return Err(Error::Request("a rule adds from 1 to 3 sets to an action").into());
        }
        actions::check_sets(&rule.all)?;
    }
    Ok(())
}

/// Whether something that is demanded now would not be demanded any more.
pub fn weakens(present: &[Rule], next: &[Rule]) -> bool {
    present.iter().any(|rule| {
        let same = next.iter().find(|other| other.action == rule.action);
        same.is_none_or(|other| rule.all.iter().any(|set| !other.all.contains(set)))
    })
}

/// The chain's combinations with what the account adds to each. An action that demands nothing demands the addition.
pub fn strengthen(combinations: Vec<Combination>, rules: &[Rule], action: Action) -> Vec<Combination> {
    let Some(rule) = rules.iter().find(|rule| rule.action() == action) else { return combinations };
    if combinations.is_empty() {
        return vec![Combination { all: rule.all.clone() }];
    }
    let with = |mut combination: Combination| {
        // A set that the chain asks for already is not asked for twice.
        for set in &rule.all {
            if !combination.all.contains(set) {
                combination.all.push(set.clone());
            }
        }
        combination
    };
    combinations.into_iter().map(with).collect()
}

/// Whether the account could ever satisfy the rules with the factors that it has.
pub fn check_feasible(ctx: &Context<'_>, address: &Address, rules: &[Rule]) -> Result<(), CodedError> {
    let has: Vec<FactorType> = factor::active(ctx, address)?.iter().map(|factor| factor.r#type()).collect();
    let met = |rule: &Rule| rule.all.iter().all(|set| has.iter().any(|kind| set.any.contains(&i32::from(*kind))));
    if rules.iter().all(met) {
        return Ok(());
    }
    Err(Error::Request("a rule asks for a factor that the account does not have").into())
}

/// Something that takes effect after the delay.
pub fn delay(ctx: &mut Context<'_>, mut change: DelayedChange) -> Result<DelayedChange, CodedError> {
    let address = parse_account("account", &change.address)?;
    if CHANGES.scan().prefix(&address).take(ctx, MAX_CHANGES)?.len() >= MAX_CHANGES {
        return Err(Error::TooMany(10, "changes that wait").into());
    }
    change.id = next_id(ctx)?;
    change.effective_at = ctx.time().unix().saturating_add(params::load(ctx)?.weaken_delay_seconds);
    CHANGES.set(ctx, &(address, change.id), &change)?;
    ctx.emit(
        Event::new("mfa_change_announced")
            .with("address", &change.address)
            .with("change_id", change.id)
            .with("effective_at", change.effective_at),
    );
    Ok(change)
}

/// End of block: changes whose delay is over.
pub fn run(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let now = ctx.time().unix();
    for ((_, place), ()) in CHANGE_DUE.scan().through(&now).take(ctx, MAX_PER_BLOCK)? {
        let change = CHANGES.require(ctx, &place)?;
        CHANGES.remove(ctx, &place)?;
        if change.factor_id > 0 {
            if let Ok(mut of) = factor::require(ctx, &place.0, change.factor_id) {
                factor::revoke(ctx, &mut of)?;
            }
        } else {
            let mut profile = profile::load(ctx, &place.0)?;
            profile.rules = change.rules;
            profile::save(ctx, &profile)?;
        }
        ctx.emit(Event::new("mfa_changed").with("address", &change.address).with("change_id", change.id));
    }
    Ok(())
}
