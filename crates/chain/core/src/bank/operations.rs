//! Random operations for the simulation.

use ve_base::{Address, Amount, BASE_DENOM, Coins};
use ve_proto::cosmos::bank::v1beta1::{Input, MsgMultiSend, MsgSend, Output};
use ve_sdk::QueryContext;
use ve_sdk::simulation::{Draw, Expect, Operation, Proposed, pick};

use super::ledger;

pub fn all() -> Vec<Operation> {
    vec![
        Operation { message: "/cosmos.bank.v1beta1.MsgSend", weight: 10, generate: send },
        Operation { message: "/cosmos.bank.v1beta1.MsgMultiSend", weight: 3, generate: multi_send },
    ]
}

/// 1 to 1/1000 of the balance, so that the fee is left too.
fn part_of_balance(draw: &mut dyn Draw, ctx: &QueryContext<'_>, owner: &Address) -> Option<Amount> {
    let balance = ledger::balance(ctx, owner, BASE_DENOM).ok()?.to_u64()?;
    (balance > 1_000_000).then(|| Amount::from(draw.below(balance / 1_000).saturating_add(1)))
}

/// One transfer in eight asks for more than there is, one goes to a module account.
fn send(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let (from, to) = (pick(draw, accounts)?, pick(draw, accounts)?);
    let message = |to: &Address, amount| MsgSend {
        from_address: from.to_string(),
        to_address: to.to_string(),
        amount: Coins::native(amount).to_proto(),
    };
    Some(match draw.below(8) {
        0 => Proposed::new(from, &message(to, Amount::MAX), Expect::Refused),
        1 => {
            let modules: Vec<Address> =
                ctx.registry().module_accounts().map(|(name, _)| ve_base::module_address(name)).collect();
            Proposed::new(from, &message(pick(draw, &modules)?, Amount::from(1u64)), Expect::Refused)
        }
        _ => Proposed::new(from, &message(to, part_of_balance(draw, ctx, from)?), Expect::Accepted),
    })
}

fn multi_send(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let from = pick(draw, accounts)?;
    let mut outputs = Vec::new();
    let mut sum = Coins::default();
    for _ in 0..draw.below(4).saturating_add(1) {
        let coins = Coins::native(part_of_balance(draw, ctx, from)?);
        sum = sum.checked_add(&coins).ok()?;
        outputs.push(Output { address: pick(draw, accounts)?.to_string(), coins: coins.to_proto() });
    }
    let uneven = draw.below(8) == 0;
    if uneven {
        sum = sum.checked_add(&Coins::native(Amount::from(1u64))).ok()?;
    }
    let inputs = vec![Input { address: from.to_string(), coins: sum.to_proto() }];
    let expect = if uneven { Expect::Refused } else { Expect::Accepted };
    Some(Proposed::new(from, &MsgMultiSend { inputs, outputs }, expect))
}
