//! Rewards of stake against a naive reference that pays every delegation after every block (finance spec section 3).

mod common;

use std::collections::BTreeMap;

use common::{World, address, coins_of};
use prost::{Message, Name};
use ve_base::keys::PublicKey;
use ve_base::{Address, Amount, CodedError, Dec, OPERATOR_PREFIX, Rounding};
use ve_chain_core::auth::admission::FEE_COLLECTOR;
use ve_chain_core::staking::{self, Slash};
use ve_chain_core::{bank, distribution};
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_proto::cosmos::distribution::v1beta1::MsgWithdrawDelegatorReward;
use ve_proto::cosmos::staking::v1beta1::*;
use ve_sdk::application::Event;

const VE: u64 = 1_000_000;
const VALIDATORS: u8 = 4;
const DELEGATORS: std::ops::Range<u8> = 10..18;

fn coin(amount: u64) -> Option<Coin> {
    Some(Coin { denom: "uve".into(), amount: amount.to_string() })
}

fn create(index: u8, bond: u64, commission: u64) -> MsgCreateValidator {
    let percent = |value| Dec::from_parts(value, 2).expect("a rate").to_mantissa();
    MsgCreateValidator {
        description: Some(Description { moniker: "m".into(), ..Description::default() }),
        commission: Some(CommissionRates {
            rate: percent(commission),
            max_rate: percent(20),
            max_change_rate: percent(1),
        }),
        min_self_delegation: "1".into(),
        validator_address: operator(index),
        pubkey: Some(consensus_key(index).to_any()),
        value: coin(bond),
        ..MsgCreateValidator::default()
    }
}

fn consensus_key(index: u8) -> PublicKey {
    let keys = (0..=255).map(|first| {
        let mut bytes = [index; 32];
        bytes[0] = first;
        PublicKey::Ed25519(bytes)
    });
    keys.into_iter().find(|key| key.check().is_ok()).expect("every second encoding is a point")
}

fn operator(index: u8) -> String {
    address(index).to_bech32(OPERATOR_PREFIX)
}

/// Splitmix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// What every delegation would have been paid so far, had it been paid after every block.
struct Reference {
    world: World,
    due: BTreeMap<(Address, Address), Dec>,
    accepted: u64,
    settled: u64,
}

impl Reference {
    fn new(commissions: [u64; VALIDATORS as usize]) -> Self {
        let mut world = World::earning();
        for (index, commission) in (1..).zip(commissions) {
            world.endow(&address(index), "10000000000uve");
            world.execute(&create(index, 1_000 * VE, commission)).expect("it follows the rules");
        }
        for index in DELEGATORS {
            world.endow(&address(index), "100000000000000uve");
        }
        let mut reference = Self { world, due: BTreeMap::new(), accepted: 0, settled: 0 };
        reference.end_block();
        reference
    }

    fn run<M: Message + Name>(&mut self, message: &M) {
        let any = prost_types::Any { type_url: ve_sdk::type_url::<M>(), value: message.encode_to_vec() };
        let mut ctx = self.world.ctx();
        let result = ctx.atomic(|ctx| ve_sdk::executor::run_message(ctx, &any));
        let events = ctx.take_events();
        if result.is_ok() {
            self.accepted += 1;
            self.compare(&events);
        }
    }

    fn slash(&mut self, index: u8, slash: &Slash) -> Result<Amount, CodedError> {
        let mut ctx = self.world.ctx();
        let burned = staking::slash(&mut ctx, &address(index), slash);
        let events = ctx.take_events();
        self.compare(&events);
        burned
    }

    /// Every payment is what the reference owes, to the unit.
    fn compare(&mut self, events: &[Event]) {
        for event in events.iter().filter(|event| event.kind == "withdraw_rewards") {
            let attribute = |key: &str| {
                let found = event.attributes.iter().find(|(name, _)| name == key);
                found.map(|(_, value)| value.clone()).expect("the event has it")
            };
            let validator = Address::from_bech32(&attribute("validator"), OPERATOR_PREFIX).expect("an operator");
            let delegator = Address::from_bech32(&attribute("delegator"), "ve").expect("an account");
            let text = attribute("amount");
            let paid = if text.is_empty() { Amount::ZERO } else { coins_of(&text).amount_of("uve") };
            let due = self.due.remove(&(validator, delegator)).unwrap_or_default();
            let paid = Dec::from_amount(paid).expect("small");
            let gap = due.checked_sub(paid).expect("small");
            let gap = if gap.is_negative() { gap.negated() } else { gap };
            assert!(gap <= Dec::one(), "height {}: paid {paid}, due {due}", self.world.block.height);
            self.settled += 1;
        }
    }

    fn end_block(&mut self) {
        let mut ctx = ve_sdk::Context::new(
            &mut self.world.state,
            &self.world.block,
            &self.world.registry,
            ve_sdk::gas::GasMeter::unlimited(),
            ve_sdk::context::Mode::Deliver,
        );
        self.world.modules[3].end_block(&mut ctx).expect("staking ends the block");
        self.world.block.height += 1;
    }

    /// The next block distributes `fees`; the reference pays each delegation its part by shares.
    fn begin_block(&mut self, fees: u64, seconds: u64) {
        self.world.block.time = self.world.block.time.plus_seconds(seconds);
        self.world.endow(&ve_base::module_address(FEE_COLLECTOR), &format!("{fees}uve"));
        let mut ctx = ve_sdk::Context::new(
            &mut self.world.state,
            &self.world.block,
            &self.world.registry,
            ve_sdk::gas::GasMeter::unlimited(),
            ve_sdk::context::Mode::Deliver,
        );
        let bonded = staking::bonded(&ctx).expect("a set");
        let total: u64 = bonded.iter().map(|(_, power)| power).sum();
        for (validator, power) in bonded {
            let share = Amount::from(fees).mul_div(power.into(), total.into()).expect("small");
            let share = Dec::from_amount(share).expect("small");
            let commission = share.mul(validator.rates.rate, Rounding::Truncate).expect("small");
            let rest = share.checked_sub(commission).expect("small");
            for (delegator, operator, shares) in staking::delegations(&ctx).expect("all") {
                if operator == validator.operator && !validator.tokens.is_zero() {
                    let part = rest.mul_quo(shares, validator.shares, Rounding::HalfEven).expect("small");
                    let due = self.due.entry((operator, delegator)).or_default();
                    *due = due.checked_add(part).expect("small");
                }
            }
        }
        self.world.modules[2].begin_block(&mut ctx).expect("distribution begins the block");
    }

    fn random_operation(&mut self, random: &mut Random) {
        let delegator = address(DELEGATORS.start + u8::try_from(random.below(8)).expect("small"));
        let some = |random: &mut Random| 1 + u8::try_from(random.below(u64::from(VALIDATORS))).expect("small");
        let (source, destination) = (some(random), some(random));
        let amount = coin(VE + random.below(1_000 * VE));
        let (delegator_address, validator_address) = (delegator.to_string(), operator(source));
        match random.below(10) {
            0..3 => self.run(&MsgDelegate { delegator_address, validator_address, amount }),
            3..5 => self.run(&MsgUndelegate { delegator_address, validator_address, amount }),
            5..7 => self.run(&MsgBeginRedelegate {
                delegator_address,
                validator_src_address: validator_address,
                validator_dst_address: operator(destination),
                amount,
            }),
            7..9 => self.run(&MsgWithdrawDelegatorReward { delegator_address, validator_address }),
            _ if random.below(20) == 0 => {
                let height = self.world.block.height.saturating_sub(random.below(4));
                let power = staking::require(&self.world.ctx(), &address(source))
                    .and_then(|v| Ok(v.power()?))
                    .expect("it exists");
                let fraction = Dec::from_parts(1 + random.below(500), 4).expect("small");
                self.slash(source, &Slash { height, power, fraction }).expect("it can be slashed");
            }
            _ => self.run(&MsgDelegate { delegator_address, validator_address, amount: coin(VE) }),
        }
    }
}

fn agrees(operations: u64, seed: u64) {
    let mut reference = Reference::new([5, 10, 20, 7]);
    let mut random = Random(seed);
    for index in 0..operations {
        if random.below(5) == 0 {
            reference.end_block();
            reference.begin_block(1 + random.below(50_000_000), random.below(10 * 86_400));
        }
        reference.random_operation(&mut random);
        if index % 500 == 0 {
            reference.world.check();
            reference.world.commit();
        }
    }
    reference.world.check();
    println!("{} accepted, {} settlements compared", reference.accepted, reference.settled);
    assert!(reference.accepted > operations / 3 && reference.settled > operations / 4, "too little happened");
}

#[test]
fn random_stake_earns_what_a_payment_after_every_block_would_give() {
    agrees(3_000, 42);
}

#[test]
#[ignore = "slow: 100,000 operations"]
fn random_stake_earns_what_a_payment_after_every_block_would_give_for_long() {
    agrees(100_000, 7);
}

/// Finance spec section 3: A has 100 of stake and earns 10; B joins with 100 and 20 are earned; a tenth is slashed; 18
/// are earned. A has 29, B 19. In thousands of VE, without commission.
#[test]
fn the_worked_example_gives_a_29_and_b_19() {
    let mut world = World::earning();
    let (a, b) = (address(1), address(2));
    for owner in [&a, &b] {
        world.endow(owner, "2000000000000uve");
    }
    let params = Params {
        unbonding_time: Some(prost_types::Duration { seconds: 1_814_400, nanos: 0 }),
        max_validators: 100,
        max_entries: 7,
        historical_entries: 100,
        bond_denom: "uve".into(),
        min_commission_rate: "0".into(),
    };
    let authority = ve_base::module_address("gov").to_string();
    world.execute(&MsgUpdateParams { authority, params: Some(params) }).expect("governance may");
    world.execute(&create(1, 100_000 * VE, 0)).expect("it follows the rules");
    let mut reference = Reference { world, due: BTreeMap::new(), accepted: 0, settled: 0 };
    reference.end_block();
    let earn = |reference: &mut Reference, thousands: u64| {
        reference.begin_block(thousands * 1_000 * VE, 5);
        reference.end_block();
    };
    earn(&mut reference, 10);
    let delegate =
        MsgDelegate { delegator_address: b.to_string(), validator_address: operator(1), amount: coin(100_000 * VE) };
    reference.run(&delegate);
    earn(&mut reference, 20);
    let tenth = Dec::from_parts(1, 1).expect("small");
    let height = reference.world.block.height;
    let burned = reference.slash(1, &Slash { height, power: 200_000, fraction: tenth }).expect("it can be slashed");
    assert_eq!(burned, Amount::from(20_000 * VE));
    earn(&mut reference, 18);
    let mut earned = |owner: &Address| {
        let before = bank::balance(&reference.world.ctx(), owner, "uve").expect("a balance");
        let (delegator_address, validator_address) = (owner.to_string(), operator(1));
        reference.run(&MsgWithdrawDelegatorReward { delegator_address, validator_address });
        let after = bank::balance(&reference.world.ctx(), owner, "uve").expect("a balance");
        after.checked_sub(before).and_then(Amount::to_u64).expect("it only grows")
    };
    assert_eq!((earned(&a), earned(&b)), (29_000 * VE, 19_000 * VE));
    assert_eq!((earned(&a), earned(&b)), (0, 0), "a second withdrawal finds nothing");
    reference.world.check();
    let pool = distribution::community_pool(&reference.world.ctx()).expect("a pool");
    assert!(pool.is_empty(), "nothing was lost to rounding: {pool}");
}

#[test]
fn splitting_a_delegation_never_gains() {
    let mut reference = Reference::new([5; 4]);
    let stake = |index: u8, amount| MsgDelegate {
        delegator_address: address(index).to_string(),
        validator_address: operator(1),
        amount: coin(amount),
    };
    reference.run(&stake(10, 7 * VE));
    for index in 11..18 {
        reference.run(&stake(index, VE));
    }
    reference.end_block();
    for fees in [1_000_003, 777, 12_345_677] {
        reference.begin_block(fees, 5);
        reference.end_block();
    }
    let mut earned = |index: u8| {
        let before = bank::balance(&reference.world.ctx(), &address(index), "uve").expect("a balance");
        let (delegator_address, validator_address) = (address(index).to_string(), operator(1));
        reference.run(&MsgWithdrawDelegatorReward { delegator_address, validator_address });
        bank::balance(&reference.world.ctx(), &address(index), "uve").expect("a balance").checked_sub(before)
    };
    let whole = earned(10).expect("it grows");
    let parts = (11..18).map(|index| earned(index).expect("it grows"));
    let parts = parts.fold(Amount::ZERO, |sum, part| sum.checked_add(part).expect("small"));
    assert!(parts <= whole && !parts.is_zero(), "{parts} of {whole}");
}
