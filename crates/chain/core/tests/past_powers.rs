//! Powers of the past are kept while evidence counts and forgotten afterwards.

mod common;

use common::{World, address};
use ve_base::keys::ConsensusSecret;
use ve_base::{Address, OPERATOR_PREFIX};
use ve_chain_core::staking::{self, Staking};
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_proto::cosmos::staking::v1beta1::{CommissionRates, Description, MsgCreateValidator, MsgDelegate};
use ve_sdk::Module;
use ve_sdk::hooks::Hooks;
use ve_store::Map;

/// As in the module's keys.
const POWERS: Map<(Address, u64), u64> = Map::new("staking", 18);
const VE: u64 = 1_000_000;

fn coin(ve: u64) -> Option<Coin> {
    Some(Coin { denom: "uve".into(), amount: (ve * VE).to_string() })
}

fn block(world: &mut World, delegated: u64) {
    world.block.height += 1;
    world.block.time.seconds += 5;
    Staking.begin_block(&mut world.ctx()).expect("begin");
    if delegated > 0 {
        let message = MsgDelegate {
            delegator_address: address(2).to_string(),
            validator_address: address(1).to_bech32(OPERATOR_PREFIX),
            amount: coin(delegated),
        };
        world.execute(&message).expect("it has the coins");
    }
    Staking.end_block(&mut world.ctx()).expect("end");
    world.commit();
}

fn world() -> World {
    let mut world = World::new(Hooks::default());
    world.block.consensus_params.evidence_max_age_blocks = 200;
    world.block.consensus_params.evidence_max_age_secs = 1_000;
    for account in [1, 2] {
        world.endow(&address(account), "5000000000000uve");
    }
    let key = ConsensusSecret::from_seed([3; 32]).public_key();
    let rate = |percent: u64| (percent * 10_000_000_000_000_000).to_string();
    #[allow(deprecated)]
    let create = MsgCreateValidator {
        description: Some(Description { moniker: "one".into(), ..Description::default() }),
        commission: Some(CommissionRates { rate: rate(5), max_rate: rate(20), max_change_rate: rate(1) }),
        min_self_delegation: "1000000000".into(),
        delegator_address: String::new(),
        validator_address: address(1).to_bech32(OPERATOR_PREFIX),
        pubkey: Some(key.to_any()),
        value: coin(1_000),
    };
    world.execute(&create).expect("a validator");
    world
}

#[test]
fn every_height_has_its_power_until_evidence_of_it_is_too_old() {
    let mut world = world();
    let mut made = vec![(0, 0)];
    for step in 0..700u64 {
        block(&mut world, if step.is_multiple_of(10) { 1 } else { 0 });
        let power = 1_001 + step / 10;
        if made.last().is_none_or(|(_, last)| *last != power) {
            made.push((world.block.height, power));
        }
    }
    let operator = address(1);
    let newest = world.block.height;
    let kept = POWERS.prefix(&world.ctx(), &operator).count();
    assert!(kept < 45, "{kept} of {} powers are kept for 200 blocks and what lies around them", made.len());
    for height in newest - 200..=newest {
        let expected = made.iter().rev().find(|(since, _)| since + 2 <= height).expect("one").1;
        let past = staking::at(&world.ctx(), height, &operator).expect("it reads").expect("it is kept");
        assert_eq!(past.power, expected, "at {height}");
        let age = u64::try_from(world.block.time.seconds - past.time.seconds).expect("it is past");
        let exact = 5 * (newest - height);
        assert!(exact <= age && age <= exact + 500, "at {height}: {age} s, in truth {exact} s");
    }
    assert_eq!(staking::at(&world.ctx(), newest, &address(2)), Ok(None), "never a validator");
}
