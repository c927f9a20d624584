//! Random operations for the simulation.

use ve_base::{Address, OPERATOR_PREFIX};
use ve_proto::cosmos::slashing::v1beta1::MsgUnjail;
use ve_sdk::QueryContext;
use ve_sdk::simulation::{Draw, Expect, Operation, Proposed, pick};

use crate::staking;

pub fn all() -> Vec<Operation> {
    vec![Operation { message: "/cosmos.slashing.v1beta1.MsgUnjail", weight: 4, generate: unjail }]
}

/// Mostly of validators that are jailed; others must be refused.
fn unjail(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let operator = pick(draw, accounts)?;
    let jailed = staking::find(ctx, operator).ok()?.is_some_and(|validator| validator.jailed);
    if !jailed && draw.below(8) != 0 {
        return None;
    }
    let message = MsgUnjail { validator_addr: operator.to_bech32(OPERATOR_PREFIX) };
    Some(Proposed::new(operator, &message, if jailed { Expect::Either } else { Expect::Refused }))
}
