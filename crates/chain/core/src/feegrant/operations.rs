//! Random operations for the simulation.

use ve_base::{Address, Amount, Coins};
use ve_proto::cosmos::feegrant::v1beta1::{
    BasicAllowance, MsgGrantAllowance, MsgPruneAllowances, MsgRevokeAllowance, PeriodicAllowance,
};
use ve_sdk::QueryContext;
use ve_sdk::simulation::{Draw, Expect, Operation, Proposed, pick};

use super::allowance::Allowance;
use super::grants;
use super::keys::ALLOWANCES;

pub fn all() -> Vec<Operation> {
    vec![
        Operation { message: "/cosmos.feegrant.v1beta1.MsgGrantAllowance", weight: 2, generate: grant },
        Operation { message: "/cosmos.feegrant.v1beta1.MsgRevokeAllowance", weight: 2, generate: revoke },
        Operation { message: "/cosmos.feegrant.v1beta1.MsgPruneAllowances", weight: 1, generate: prune },
    ]
}

fn coins(draw: &mut dyn Draw) -> Vec<ve_proto::cosmos::base::v1beta1::Coin> {
    Coins::native(Amount::from(draw.below(100_000).saturating_add(1))).to_proto()
}

fn allowance(draw: &mut dyn Draw, ctx: &QueryContext<'_>) -> Allowance {
    let lasting = draw.below(500_000).saturating_add(300_000);
    let expiration = (draw.below(2) == 0).then(|| ctx.time().plus_seconds(lasting).to_proto());
    let basic = BasicAllowance { spend_limit: coins(draw), expiration };
    match draw.below(3) {
        0 => Allowance::Basic(basic),
        1 => Allowance::Periodic(PeriodicAllowance {
            period: Some(prost_types::Duration { seconds: 60, nanos: 0 }),
            period_spend_limit: coins(draw),
            basic: Some(basic),
            ..PeriodicAllowance::default()
        }),
        _ => Allowance::AllowedMsg(vec!["/cosmos.bank.v1beta1.MsgSend".to_owned()], Box::new(Allowance::Basic(basic))),
    }
}

fn grant(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let (granter, grantee) = (pick(draw, accounts)?, pick(draw, accounts)?);
    let exists = grants::find(ctx, granter, grantee).ok()?.is_some();
    let message = MsgGrantAllowance {
        granter: granter.to_string(),
        grantee: grantee.to_string(),
        allowance: Some(allowance(draw, ctx).to_any()),
    };
    let expect = if granter == grantee {
        Expect::Refused
    } else if exists {
        Expect::Either
    } else {
        Expect::Accepted
    };
    Some(Proposed::new(granter, &message, expect))
}

fn revoke(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let (mut granter, grantee) = (pick(draw, accounts)?, pick(draw, accounts)?);
    // Two accounts drawn at random rarely have to do with each other.
    let given = ALLOWANCES.prefix(ctx, grantee).next().filter(|_| draw.below(3) > 0);
    if let Some(Ok(((_, giver), _))) = given {
        granter = accounts.iter().find(|account| **account == giver).unwrap_or(granter);
    }
    let exists = grants::find(ctx, granter, grantee).ok()?.is_some();
    let message = MsgRevokeAllowance { granter: granter.to_string(), grantee: grantee.to_string() };
    Some(Proposed::new(granter, &message, if exists { Expect::Either } else { Expect::Refused }))
}

fn prune(draw: &mut dyn Draw, _: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let pruner = pick(draw, accounts)?;
    let broken = draw.below(6) == 0;
    let named = if broken { String::new() } else { pruner.to_string() };
    let expect = if broken { Expect::Refused } else { Expect::Accepted };
    Some(Proposed::new(pruner, &MsgPruneAllowances { pruner: named }, expect))
}
