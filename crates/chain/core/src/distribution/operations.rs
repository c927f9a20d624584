//! Random operations for the simulation.

use ve_base::{Address, Amount, BASE_DENOM, Coins, OPERATOR_PREFIX};
use ve_proto::cosmos::distribution::v1beta1::*;
use ve_sdk::QueryContext;
use ve_sdk::simulation::{Draw, Expect, Operation, Proposed, pick};

use super::earnings;
use super::keys::STARTS;
use crate::{bank, staking};

pub fn all() -> Vec<Operation> {
    vec![
        Operation { message: "/cosmos.distribution.v1beta1.MsgSetWithdrawAddress", weight: 2, generate: redirect },
        Operation { message: "/cosmos.distribution.v1beta1.MsgWithdrawDelegatorReward", weight: 5, generate: withdraw },
        Operation {
            message: "/cosmos.distribution.v1beta1.MsgWithdrawValidatorCommission",
            weight: 2,
            generate: commission,
        },
        Operation { message: "/cosmos.distribution.v1beta1.MsgFundCommunityPool", weight: 1, generate: fund },
    ]
}

/// One in six to a module account.
fn redirect(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let delegator = pick(draw, accounts)?;
    let modules: Vec<Address> =
        ctx.registry().module_accounts().map(|(name, _)| ve_base::module_address(name)).collect();
    let (to, expect) = if draw.below(6) == 0 {
        (pick(draw, &modules)?, Expect::Refused)
    } else {
        (pick(draw, accounts)?, Expect::Accepted)
    };
    let message = MsgSetWithdrawAddress { delegator_address: delegator.to_string(), withdraw_address: to.to_string() };
    Some(Proposed::new(delegator, &message, expect))
}

fn withdraw(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let delegator = pick(draw, accounts)?;
    let operators: Vec<Address> = earnings::all(ctx).ok()?.into_iter().map(|(operator, _)| operator).collect();
    let operator = pick(draw, &operators)?;
    let earns = STARTS.has(ctx, (operator, delegator)).ok()?;
    // Most accounts delegate to few validators: stay with those that earn, but for one draw in six.
    if !earns && draw.below(6) != 0 {
        return None;
    }
    let message = MsgWithdrawDelegatorReward {
        delegator_address: delegator.to_string(),
        validator_address: operator.to_bech32(OPERATOR_PREFIX),
    };
    Some(Proposed::new(delegator, &message, if earns { Expect::Accepted } else { Expect::Refused }))
}

fn commission(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let operator = pick(draw, accounts)?;
    let account = earnings::find(ctx, operator).ok()?;
    let exists = staking::find(ctx, operator).ok()?.is_some();
    let whole = account.is_some_and(|account| account.commission.split().is_ok_and(|(whole, _)| !whole.is_empty()));
    if !exists && draw.below(4) != 0 {
        return None;
    }
    let message = MsgWithdrawValidatorCommission { validator_address: operator.to_bech32(OPERATOR_PREFIX) };
    // Begin block may earn the first whole coin.
    let expect = match (exists, whole) {
        (true, true) => Expect::Accepted,
        (true, false) => Expect::Either,
        (false, _) => Expect::Refused,
    };
    Some(Proposed::new(operator, &message, expect))
}

fn fund(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let depositor = pick(draw, accounts)?;
    let balance = bank::balance(ctx, depositor, BASE_DENOM).ok()?.to_u64()?;
    let (amount, expect) = match draw.below(6) {
        0 => (Amount::MAX, Expect::Refused),
        _ if balance < 1_000_000 => return None,
        _ => (Amount::from(draw.below(balance / 10_000).saturating_add(1)), Expect::Accepted),
    };
    let message = MsgFundCommunityPool { amount: Coins::native(amount).to_proto(), depositor: depositor.to_string() };
    Some(Proposed::new(depositor, &message, expect))
}
