//! What higher modules decide and follow: the gate for new validators and the hooks of every change.

mod common;

use std::sync::{Arc, Mutex};

use common::{World, address};
use ve_base::keys::PublicKey;
use ve_base::{Address, CodedError, Dec, OPERATOR_PREFIX, errors::sdk};
use ve_chain_core::bank;
use ve_chain_core::staking::hooks::{AdmissionGate, Applicant, StakingHooks};
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_proto::cosmos::staking::v1beta1::*;
use ve_sdk::Context;
use ve_sdk::hooks::Hooks;

/// RFC 8032 section 7.1, test 1.
const KEY: [u8; 32] = [
    0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1, 0x72,
    0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a,
];

struct OnlyFirst;

impl AdmissionGate for OnlyFirst {
    fn admit_validator(&self, _: &mut Context<'_>, applicant: &Applicant) -> Result<(), CodedError> {
        if applicant.operator == address(1) && applicant.consensus_key == KEY {
            return Ok(());
        }
        Err(sdk::Error::Unauthorized("this operator was not admitted".into()).into())
    }
}

#[derive(Default)]
struct Recorder {
    calls: Mutex<Vec<&'static str>>,
    refuses: bool,
}

impl Recorder {
    fn note(&self, call: &'static str) -> Result<(), CodedError> {
        self.calls.lock().expect("one thread").push(call);
        Ok(())
    }
}

impl StakingHooks for Recorder {
    fn after_validator_created(&self, _: &mut Context<'_>, _: &Address) -> Result<(), CodedError> {
        self.note("created")
    }

    fn after_validator_bonded(&self, _: &mut Context<'_>, _: &Address, _: &Address) -> Result<(), CodedError> {
        self.note("bonded")
    }

    fn before_delegation_created(&self, _: &mut Context<'_>, _: &Address, _: &Address) -> Result<(), CodedError> {
        self.note("delegation begins")
    }

    fn before_delegation_shares_modified(
        &self,
        _: &mut Context<'_>,
        _: &Address,
        _: &Address,
    ) -> Result<(), CodedError> {
        self.note("shares change")
    }

    fn after_delegation_modified(&self, _: &mut Context<'_>, _: &Address, _: &Address) -> Result<(), CodedError> {
        self.note("shares changed")?;
        if self.refuses { Err(sdk::Error::Unauthorized("a hook refuses".into()).into()) } else { Ok(()) }
    }

    fn before_delegation_removed(&self, _: &mut Context<'_>, _: &Address, _: &Address) -> Result<(), CodedError> {
        self.note("delegation ends")
    }
}

fn coin(amount: u64) -> Option<Coin> {
    Some(Coin { denom: "uve".into(), amount: amount.to_string() })
}

fn create(operator: &Address) -> MsgCreateValidator {
    let percent = |value| Dec::from_parts(value, 2).expect("a rate").to_mantissa();
    MsgCreateValidator {
        description: Some(Description { moniker: "m".into(), ..Description::default() }),
        commission: Some(CommissionRates { rate: percent(5), max_rate: percent(20), max_change_rate: percent(1) }),
        min_self_delegation: "1".into(),
        validator_address: operator.to_bech32(OPERATOR_PREFIX),
        pubkey: Some(PublicKey::Ed25519(KEY).to_any()),
        value: coin(1_000_000_000),
        ..MsgCreateValidator::default()
    }
}

fn world(hooks: Hooks) -> World {
    let mut world = World::new(hooks);
    for index in 1..=3 {
        world.endow(&address(index), "2000000000uve");
    }
    world
}

#[test]
fn a_gate_decides_who_becomes_a_validator_and_a_refusal_leaves_no_trace() {
    let mut hooks = Hooks::default();
    hooks.add::<dyn AdmissionGate>(Arc::new(OnlyFirst));
    let mut world = world(hooks);
    let error = world.execute(&create(&address(2))).expect_err("not admitted");
    assert_eq!((error.codespace, error.code), ("sdk", 4));
    assert_eq!(bank::balance(&world.ctx(), &address(2), "uve"), Ok(2_000_000_000u64.into()));
    world.execute(&create(&address(1))).expect("admitted");
}

#[test]
fn hooks_follow_a_delegation_from_its_begin_to_its_end() {
    let recorder = Arc::new(Recorder::default());
    let mut hooks = Hooks::default();
    hooks.add::<dyn StakingHooks>(recorder.clone());
    let mut world = world(hooks);
    let (delegator_address, validator_address) = (address(2).to_string(), address(1).to_bech32(OPERATOR_PREFIX));
    world.execute(&create(&address(1))).expect("it follows the rules");
    let delegate = MsgDelegate { delegator_address, validator_address, amount: coin(5_000_000) };
    world.execute(&delegate).expect("it has the coins");
    world.execute(&delegate).expect("it has the coins");
    let MsgDelegate { delegator_address, validator_address, .. } = delegate;
    let undelegate = MsgUndelegate { delegator_address, validator_address, amount: coin(10_000_000) };
    world.execute(&undelegate).expect("it delegated them");
    let calls = std::mem::take(&mut *recorder.calls.lock().expect("one thread"));
    assert_eq!(
        calls,
        [
            "created",
            "delegation begins",
            "shares changed",
            "delegation begins",
            "shares changed",
            "shares change",
            "shares changed",
            "shares change",
            "delegation ends",
        ]
    );
    let updates = world.modules[2].end_block(&mut Context::new(
        &mut world.state,
        &world.block,
        &world.registry,
        ve_sdk::gas::GasMeter::unlimited(),
        ve_sdk::context::Mode::Deliver,
    ));
    assert_eq!(updates.expect("the set is computed").len(), 1);
    assert_eq!(*recorder.calls.lock().expect("one thread"), ["bonded"]);
    world.check();
}

#[test]
fn a_refusing_hook_undoes_the_whole_message() {
    let mut hooks = Hooks::default();
    hooks.add::<dyn StakingHooks>(Arc::new(Recorder { refuses: true, ..Recorder::default() }));
    let mut world = world(hooks);
    let error = world.execute(&create(&address(1))).expect_err("the hook refuses");
    assert_eq!(error.log, "a hook refuses");
    let ctx = world.ctx();
    assert_eq!(bank::balance(&ctx, &address(1), "uve"), Ok(2_000_000_000u64.into()));
    assert_eq!(ve_chain_core::staking::find(&ctx, &address(1)), Ok(None));
    world.check();
}
