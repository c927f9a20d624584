//! Random operations for the simulation. The accounts that they create belong to nobody.

use ve_base::{Address, Amount, Coins};
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_proto::cosmos::vesting::v1beta1::*;
use ve_sdk::QueryContext;
use ve_sdk::simulation::{Draw, Expect, Operation, Proposed, pick};

pub fn all() -> Vec<Operation> {
    vec![
        Operation { message: "/cosmos.vesting.v1beta1.MsgCreateVestingAccount", weight: 1, generate: create },
        Operation { message: "/cosmos.vesting.v1beta1.MsgCreatePermanentLockedAccount", weight: 1, generate: locked },
        Operation { message: "/cosmos.vesting.v1beta1.MsgCreatePeriodicVestingAccount", weight: 1, generate: periodic },
    ]
}

/// A new address, or one time in four that of an account.
fn recipient(draw: &mut dyn Draw, accounts: &[Address]) -> Option<(Address, Expect)> {
    if draw.below(4) == 0 {
        return Some((pick(draw, accounts)?.clone(), Expect::Refused));
    }
    let mut bytes = [0; 20];
    for part in bytes.chunks_exact_mut(4) {
        let drawn = draw.next_u64().to_le_bytes();
        part.copy_from_slice(drawn.get(..4)?);
    }
    Some((Address::from(bytes), Expect::Accepted))
}

fn coins(draw: &mut dyn Draw) -> Vec<Coin> {
    Coins::native(Amount::from(draw.below(1_000_000).saturating_add(1))).to_proto()
}

fn create(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let from = pick(draw, accounts)?;
    let (to, expect) = recipient(draw, accounts)?;
    // Beyond the longest pause between two blocks of a simulation.
    let lasting = draw.below(10_000_000).saturating_add(300_000);
    let message = MsgCreateVestingAccount {
        from_address: from.to_string(),
        to_address: to.to_string(),
        amount: coins(draw),
        end_time: ctx.time().plus_seconds(lasting).seconds,
        delayed: draw.below(2) == 0,
    };
    Some(Proposed::new(from, &message, expect))
}

fn locked(draw: &mut dyn Draw, _: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let from = pick(draw, accounts)?;
    let (to, expect) = recipient(draw, accounts)?;
    let message = MsgCreatePermanentLockedAccount {
        from_address: from.to_string(),
        to_address: to.to_string(),
        amount: coins(draw),
    };
    Some(Proposed::new(from, &message, expect))
}

fn periodic(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let from = pick(draw, accounts)?;
    let (to, expect) = recipient(draw, accounts)?;
    let vesting_periods = (0..draw.below(4).saturating_add(1))
        .map(|_| Period {
            length: i64::try_from(draw.below(100_000)).unwrap_or(0).saturating_add(1),
            amount: coins(draw),
        })
        .collect();
    let message = MsgCreatePeriodicVestingAccount {
        from_address: from.to_string(),
        to_address: to.to_string(),
        start_time: ctx.time().seconds,
        vesting_periods,
    };
    Some(Proposed::new(from, &message, expect))
}
