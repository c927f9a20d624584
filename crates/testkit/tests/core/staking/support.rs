//! A chain with validators, and messages to it.

use prost::{Message, Name};
use ve_base::keys::PublicKey;
use ve_base::{Amount, Dec, OPERATOR_PREFIX};
use ve_chain_core::staking::setup::{GenesisValidator, add_validator};
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_proto::cosmos::staking::v1beta1::*;
use ve_sdk::application::{TxResult, ValidatorUpdate};
use ve_testkit::chain::TestChain;

/// 1 VE.
pub const VE: u128 = 1_000_000;
pub const SELF_BOND: u128 = 1_000 * VE;
/// Unbonding time of these chains in seconds.
pub const UNBONDING: u64 = 60;

pub fn consensus_key(index: usize) -> [u8; 32] {
    (0..=255u8)
        .map(|first| {
            let mut bytes = [u8::try_from(index).expect("few validators") + 1; 32];
            bytes[0] = first;
            bytes
        })
        .find(|bytes| PublicKey::Ed25519(*bytes).check().is_ok())
        .expect("every second encoding is a point")
}

/// A chain of `accounts` accounts; the first `validators` of them bonded 1,000 VE at genesis.
pub fn chain(accounts: u32, validators: usize) -> TestChain {
    chain_with(accounts, validators, |_| {})
}

pub fn chain_with(accounts: u32, validators: usize, change: impl FnOnce(&mut serde_json::Value)) -> TestChain {
    TestChain::with_genesis(accounts, |state| {
        state["staking"]["params"]["unbonding_time"] = format!("{UNBONDING}s").into();
        for index in 0..validators {
            let new = GenesisValidator {
                account: ve_testkit::chain::Account::number(u32::try_from(index).expect("few")).address,
                consensus_key: consensus_key(index),
                moniker: format!("validator {index}"),
                self_bond: Amount::from(SELF_BOND),
            };
            add_validator(state, &new).expect("the account can bond");
        }
        change(state);
    })
}

pub fn coin(amount: u128) -> Option<Coin> {
    Some(Coin { denom: "uve".into(), amount: amount.to_string() })
}

pub fn text(chain: &TestChain, index: usize) -> String {
    chain.accounts[index].address.to_string()
}

pub fn operator(chain: &TestChain, index: usize) -> String {
    chain.accounts[index].address.to_bech32(OPERATOR_PREFIX)
}

pub fn delegate(chain: &TestChain, from: usize, to: usize, amount: u128) -> MsgDelegate {
    MsgDelegate { delegator_address: text(chain, from), validator_address: operator(chain, to), amount: coin(amount) }
}

pub fn undelegate(chain: &TestChain, from: usize, to: usize, amount: u128) -> MsgUndelegate {
    MsgUndelegate { delegator_address: text(chain, from), validator_address: operator(chain, to), amount: coin(amount) }
}

pub fn redelegate(chain: &TestChain, from: usize, source: usize, to: usize, amount: u128) -> MsgBeginRedelegate {
    MsgBeginRedelegate {
        delegator_address: text(chain, from),
        validator_src_address: operator(chain, source),
        validator_dst_address: operator(chain, to),
        amount: coin(amount),
    }
}

pub fn rates(rate: u64) -> CommissionRates {
    let percent = |value| Dec::from_parts(value, 2).expect("a rate").to_mantissa();
    CommissionRates { rate: percent(rate), max_rate: percent(20), max_change_rate: percent(1) }
}

pub fn create(chain: &TestChain, index: usize, bond: u128) -> MsgCreateValidator {
    MsgCreateValidator {
        description: Some(Description { moniker: "new".into(), ..Description::default() }),
        commission: Some(rates(10)),
        min_self_delegation: "1".into(),
        validator_address: operator(chain, index),
        pubkey: Some(PublicKey::Ed25519(consensus_key(index)).to_any()),
        value: coin(bond),
        ..MsgCreateValidator::default()
    }
}

/// Delivers a message that must succeed, and returns the block's validator updates.
pub fn accepted<M: Message + Name>(chain: &mut TestChain, from: usize, message: &M) -> Vec<ValidatorUpdate> {
    let tx = chain.tx(from, message);
    let response = chain.run(vec![tx]);
    assert_eq!((response.tx_results[0].code, response.tx_results[0].log.as_str()), (0, ""));
    response.validator_updates
}

/// Delivers a message that must fail.
pub fn refused<M: Message + Name>(chain: &mut TestChain, from: usize, message: &M) -> (String, u32) {
    let TxResult { codespace, code, log, .. } = chain.deliver(from, message);
    assert_ne!(code, 0, "{} was accepted", M::NAME);
    assert!(!log.is_empty());
    (codespace, code)
}

pub fn staking(code: u32) -> (String, u32) {
    ("staking".into(), code)
}

pub fn update(index: usize, power: u64) -> ValidatorUpdate {
    ValidatorUpdate { pub_key: consensus_key(index), power }
}

pub fn pool(chain: &TestChain, name: &str) -> u128 {
    chain.balance(&ve_base::module_address(name)).to_u128().expect("a small balance")
}

pub fn validator(chain: &TestChain, index: usize) -> Validator {
    let request = QueryValidatorRequest { validator_addr: operator(chain, index) };
    let response: QueryValidatorResponse =
        chain.query("/cosmos.staking.v1beta1.Query/Validator", &request).expect("the validator exists");
    response.validator.expect("the response has it")
}

pub fn balance(chain: &TestChain, index: usize) -> u128 {
    chain.balance(&chain.accounts[index].address).to_u128().expect("a small balance")
}
