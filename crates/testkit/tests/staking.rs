//! Stake through the whole application. Invariants of all modules are checked after every block.

use prost::{Message, Name};
use ve_base::keys::PublicKey;
use ve_base::{Address, Amount, Dec, OPERATOR_PREFIX};
use ve_chain_core::staking::setup::{GenesisValidator, add_validator};
use ve_chain_core::staking::{BONDED_POOL, MAX_TOTAL_POWER, NOT_BONDED_POOL, POWER_REDUCTION};
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_proto::cosmos::staking::v1beta1::*;
use ve_sdk::application::{Application, TxResult, ValidatorUpdate};
use ve_testkit::chain::{ENDOWMENT, FEE, TestChain, any};

/// 1 VE.
const VE: u128 = 1_000_000;
const SELF_BOND: u128 = 1_000 * VE;
/// Unbonding time of these chains in seconds.
const UNBONDING: u64 = 60;

fn consensus_key(index: usize) -> [u8; 32] {
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
fn chain(accounts: u32, validators: usize) -> TestChain {
    chain_with(accounts, validators, |_| {})
}

fn chain_with(accounts: u32, validators: usize, change: impl FnOnce(&mut serde_json::Value)) -> TestChain {
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

fn coin(amount: u128) -> Option<Coin> {
    Some(Coin { denom: "uve".into(), amount: amount.to_string() })
}

fn text(chain: &TestChain, index: usize) -> String {
    chain.accounts[index].address.to_string()
}

fn operator(chain: &TestChain, index: usize) -> String {
    chain.accounts[index].address.to_bech32(OPERATOR_PREFIX)
}

fn delegate(chain: &TestChain, from: usize, to: usize, amount: u128) -> MsgDelegate {
    MsgDelegate { delegator_address: text(chain, from), validator_address: operator(chain, to), amount: coin(amount) }
}

fn undelegate(chain: &TestChain, from: usize, to: usize, amount: u128) -> MsgUndelegate {
    MsgUndelegate { delegator_address: text(chain, from), validator_address: operator(chain, to), amount: coin(amount) }
}

fn redelegate(chain: &TestChain, from: usize, source: usize, to: usize, amount: u128) -> MsgBeginRedelegate {
    MsgBeginRedelegate {
        delegator_address: text(chain, from),
        validator_src_address: operator(chain, source),
        validator_dst_address: operator(chain, to),
        amount: coin(amount),
    }
}

fn rates(rate: u64) -> CommissionRates {
    let percent = |value| Dec::from_parts(value, 2).expect("a rate").to_mantissa();
    CommissionRates { rate: percent(rate), max_rate: percent(20), max_change_rate: percent(1) }
}

fn create(chain: &TestChain, index: usize, bond: u128) -> MsgCreateValidator {
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
fn accepted<M: Message + Name>(chain: &mut TestChain, from: usize, message: &M) -> Vec<ValidatorUpdate> {
    let tx = chain.tx(from, message);
    let response = chain.run(vec![tx]);
    assert_eq!((response.tx_results[0].code, response.tx_results[0].log.as_str()), (0, ""));
    response.validator_updates
}

/// Delivers a message that must fail.
fn refused<M: Message + Name>(chain: &mut TestChain, from: usize, message: &M) -> (String, u32) {
    let TxResult { codespace, code, log, .. } = chain.deliver(from, message);
    assert_ne!(code, 0, "{} was accepted", M::NAME);
    assert!(!log.is_empty());
    (codespace, code)
}

fn staking(code: u32) -> (String, u32) {
    ("staking".into(), code)
}

fn update(index: usize, power: u64) -> ValidatorUpdate {
    ValidatorUpdate { pub_key: consensus_key(index), power }
}

fn pool(chain: &TestChain, name: &str) -> u128 {
    chain.balance(&ve_base::module_address(name)).to_u128().expect("a small balance")
}

fn validator(chain: &TestChain, index: usize) -> Validator {
    let request = QueryValidatorRequest { validator_addr: operator(chain, index) };
    let response: QueryValidatorResponse =
        chain.query("/cosmos.staking.v1beta1.Query/Validator", &request).expect("the validator exists");
    response.validator.expect("the response has it")
}

fn balance(chain: &TestChain, index: usize) -> u128 {
    chain.balance(&chain.accounts[index].address).to_u128().expect("a small balance")
}

#[test]
fn genesis_validators_are_the_first_set_and_their_stake_is_in_the_bonded_pool() {
    let chain = chain(3, 2);
    assert_eq!((pool(&chain, BONDED_POOL), pool(&chain, NOT_BONDED_POOL)), (2 * SELF_BOND, 0));
    let first = validator(&chain, 0);
    assert_eq!((first.status(), first.tokens.as_str()), (BondStatus::Bonded, "1000000000"));
    assert_eq!(balance(&chain, 0), ENDOWMENT - SELF_BOND);
}

#[test]
fn a_delegation_raises_the_power_at_the_end_of_its_block() {
    let mut chain = chain(3, 2);
    let message = delegate(&chain, 2, 1, 5 * VE);
    assert_eq!(accepted(&mut chain, 2, &message), vec![update(1, 1_005)]);
    assert_eq!(balance(&chain, 2), ENDOWMENT - 5 * VE - u128::from(FEE));
    assert_eq!(pool(&chain, BONDED_POOL), 2 * SELF_BOND + 5 * VE);
    let request = QueryDelegationRequest { delegator_addr: text(&chain, 2), validator_addr: operator(&chain, 1) };
    let response: QueryDelegationResponse =
        chain.query("/cosmos.staking.v1beta1.Query/Delegation", &request).expect("the delegation exists");
    assert_eq!(response.delegation_response.expect("it is there").balance, coin(5 * VE));
    assert!(chain.run(Vec::new()).validator_updates.is_empty(), "nothing changed since");
}

#[test]
fn delegations_of_dust_other_coins_or_more_than_the_balance_are_refused() {
    let mut chain = chain(3, 1);
    let dust = delegate(&chain, 2, 0, VE - 1);
    assert_eq!(refused(&mut chain, 2, &dust), staking(1800));
    let mut foreign = delegate(&chain, 2, 0, VE);
    foreign.amount = Some(Coin { denom: "uvcc".into(), amount: VE.to_string() });
    assert_eq!(refused(&mut chain, 2, &foreign), ("sdk".into(), 18));
    let too_much = delegate(&chain, 2, 0, ENDOWMENT);
    assert_eq!(refused(&mut chain, 2, &too_much), ("sdk".into(), 5));
    let nobody = delegate(&chain, 2, 1, VE);
    assert_eq!(refused(&mut chain, 2, &nobody), staking(3));
    assert_eq!(pool(&chain, BONDED_POOL), SELF_BOND);
}

#[test]
fn nobody_can_delegate_or_undelegate_in_the_name_of_another_account() {
    let mut chain = chain(3, 1);
    let message = delegate(&chain, 2, 0, VE);
    assert_eq!(chain.deliver(1, &message).code, 8);
    let message = undelegate(&chain, 0, 0, VE);
    assert_eq!(chain.deliver(1, &message).code, 8);
    assert_eq!(balance(&chain, 2), ENDOWMENT);
}

#[test]
fn undelegated_stake_returns_after_the_unbonding_time_and_not_before() {
    let mut chain = chain(3, 1);
    let message = delegate(&chain, 2, 0, 5 * VE);
    accepted(&mut chain, 2, &message);
    let message = undelegate(&chain, 2, 0, 2 * VE);
    assert_eq!(accepted(&mut chain, 2, &message), vec![update(0, 1_003)]);
    let before = balance(&chain, 2);
    assert_eq!((pool(&chain, BONDED_POOL), pool(&chain, NOT_BONDED_POOL)), (SELF_BOND + 3 * VE, 2 * VE));
    chain.wait(UNBONDING - 5);
    assert_eq!(balance(&chain, 2), before);
    let events = chain.run(Vec::new()).events;
    assert_eq!((balance(&chain, 2), pool(&chain, NOT_BONDED_POOL)), (before + 2 * VE, 0));
    assert!(events.iter().any(|event| event.kind == "complete_unbonding"
        && event.attributes.contains(&("amount".into(), "2000000uve".into()))));
}

#[test]
fn more_than_delegated_or_more_than_seven_unbondings_are_refused() {
    let mut chain = chain(3, 1);
    let message = delegate(&chain, 2, 0, 9 * VE);
    accepted(&mut chain, 2, &message);
    let message = undelegate(&chain, 2, 0, 10 * VE);
    assert_eq!(refused(&mut chain, 2, &message), staking(24));
    let stranger = undelegate(&chain, 1, 0, VE);
    assert_eq!(refused(&mut chain, 1, &stranger), staking(19));
    let message = undelegate(&chain, 2, 0, VE);
    for _ in 0..7 {
        accepted(&mut chain, 2, &message);
    }
    assert_eq!(refused(&mut chain, 2, &message), staking(27));
    chain.wait(UNBONDING);
    accepted(&mut chain, 2, &message);
}

#[test]
fn two_unbondings_in_one_block_share_an_entry_and_pay_out_together() {
    let mut chain = chain(3, 1);
    let message = delegate(&chain, 2, 0, 9 * VE);
    accepted(&mut chain, 2, &message);
    let message = undelegate(&chain, 2, 0, VE);
    let tx = chain.tx_with(2, 1, vec![any(&message), any(&message)]);
    assert_eq!(chain.run(vec![tx]).tx_results[0].code, 0);
    let before = balance(&chain, 2);
    chain.wait(UNBONDING);
    assert_eq!(balance(&chain, 2), before + 2 * VE);
}

#[test]
fn an_unbonding_can_be_cancelled_in_parts_but_not_twice_or_for_more() {
    let mut chain = chain(3, 1);
    let message = delegate(&chain, 2, 0, 9 * VE);
    accepted(&mut chain, 2, &message);
    let message = undelegate(&chain, 2, 0, 4 * VE);
    accepted(&mut chain, 2, &message);
    let height = i64::try_from(chain.height).expect("a low height");
    let cancel = |amount, creation_height| MsgCancelUnbondingDelegation {
        delegator_address: message.delegator_address.clone(),
        validator_address: message.validator_address.clone(),
        amount: coin(amount),
        creation_height,
    };
    assert_eq!(refused(&mut chain, 2, &cancel(5 * VE, height)), staking(26));
    assert_eq!(refused(&mut chain, 2, &cancel(VE, height + 1)), staking(26));
    assert_eq!(accepted(&mut chain, 2, &cancel(VE, height)), vec![update(0, 1_006)]);
    assert_eq!(accepted(&mut chain, 2, &cancel(3 * VE, height)), vec![update(0, 1_009)]);
    assert_eq!(refused(&mut chain, 2, &cancel(VE, height)), staking(26));
    let before = balance(&chain, 2);
    chain.wait(UNBONDING);
    assert_eq!(balance(&chain, 2), before, "cancelled stake is not paid out");
}

#[test]
fn redelegated_stake_moves_its_power_at_once_and_cannot_hop_again() {
    let mut chain = chain(4, 3);
    let message = delegate(&chain, 3, 0, 5 * VE);
    accepted(&mut chain, 3, &message);
    let message = redelegate(&chain, 3, 0, 1, 5 * VE);
    assert_eq!(accepted(&mut chain, 3, &message), vec![update(1, 1_005), update(0, 1_000)]);
    let hop = redelegate(&chain, 3, 1, 2, VE);
    assert_eq!(refused(&mut chain, 3, &hop), staking(32));
    chain.wait(UNBONDING);
    accepted(&mut chain, 3, &hop);
}

#[test]
fn redelegations_to_itself_to_nobody_or_beyond_seven_are_refused() {
    let mut chain = chain(4, 2);
    let message = delegate(&chain, 3, 0, 20 * VE);
    accepted(&mut chain, 3, &message);
    let itself = redelegate(&chain, 3, 0, 0, VE);
    assert_eq!(refused(&mut chain, 3, &itself), staking(29));
    let nobody = redelegate(&chain, 3, 0, 3, VE);
    assert_eq!(refused(&mut chain, 3, &nobody), staking(31));
    let dust = redelegate(&chain, 3, 0, 1, 1);
    assert_eq!(refused(&mut chain, 3, &dust), staking(1800));
    let message = redelegate(&chain, 3, 0, 1, VE);
    for _ in 0..7 {
        accepted(&mut chain, 3, &message);
    }
    assert_eq!(refused(&mut chain, 3, &message), staking(33));
}

#[test]
fn a_new_validator_joins_the_set_with_its_self_bond() {
    let mut chain = chain(3, 1);
    let message = create(&chain, 1, 2_000 * VE);
    assert_eq!(accepted(&mut chain, 1, &message), vec![update(1, 2_000)]);
    assert_eq!(validator(&chain, 1).status(), BondStatus::Bonded);
    assert_eq!(pool(&chain, BONDED_POOL), SELF_BOND + 2_000 * VE);
}

#[test]
fn validators_that_break_a_rule_are_not_created() {
    let mut chain = chain(4, 1);
    let good = create(&chain, 1, SELF_BOND);
    let owner_exists = MsgCreateValidator { pubkey: good.pubkey.clone(), ..create(&chain, 0, SELF_BOND) };
    assert_eq!(refused(&mut chain, 0, &owner_exists), staking(4));
    let key_exists = MsgCreateValidator { pubkey: Some(PublicKey::Ed25519(consensus_key(0)).to_any()), ..good.clone() };
    assert_eq!(refused(&mut chain, 1, &key_exists), staking(5));
    let account_key = MsgCreateValidator { pubkey: Some(chain.accounts[1].key.public_key().to_any()), ..good.clone() };
    assert_eq!(refused(&mut chain, 1, &account_key), staking(6));
    let no_point = MsgCreateValidator {
        pubkey: (0..=255u8)
            .map(|first| PublicKey::Ed25519(std::array::from_fn(|at| if at == 0 { first } else { 9 })))
            .find(|key| key.check().is_err())
            .map(|key| key.to_any()),
        ..good.clone()
    };
    assert_eq!(refused(&mut chain, 1, &no_point), ("sdk".into(), 8));
    let poor = MsgCreateValidator { value: coin(SELF_BOND - 1), ..good.clone() };
    assert_eq!(refused(&mut chain, 1, &poor), staking(16));
    let cheap = MsgCreateValidator { commission: Some(rates(4)), ..good.clone() };
    assert_eq!(refused(&mut chain, 1, &cheap), staking(40));
    let greedy = MsgCreateValidator { commission: Some(rates(21)), ..good.clone() };
    assert_eq!(refused(&mut chain, 1, &greedy), staking(11));
    let mut jumpy = good.clone();
    jumpy.commission = Some(CommissionRates { max_change_rate: rates(2).rate, ..rates(10) });
    assert_eq!(refused(&mut chain, 1, &jumpy), staking(14));
    let nameless = MsgCreateValidator { description: Some(Description::default()), ..good.clone() };
    assert_eq!(refused(&mut chain, 1, &nameless), ("sdk".into(), 18));
    assert_eq!(pool(&chain, BONDED_POOL), SELF_BOND);
    accepted(&mut chain, 1, &good);
}

#[test]
fn a_stronger_validator_displaces_the_weakest_and_pools_follow() {
    let mut chain = chain_with(3, 2, |state| state["staking"]["params"]["max_validators"] = 2.into());
    let message = create(&chain, 2, 2_000 * VE);
    let updates = accepted(&mut chain, 2, &message);
    assert_eq!(updates.iter().filter(|update| update.power == 0).count(), 1);
    assert!(updates.contains(&update(2, 2_000)));
    assert_eq!(pool(&chain, BONDED_POOL), SELF_BOND + 2_000 * VE);
    let loser = if updates.contains(&update(0, 0)) { 0 } else { 1 };
    assert_eq!(validator(&chain, loser).status(), BondStatus::Unbonding);
    chain.wait(UNBONDING);
    assert_eq!(validator(&chain, loser).status(), BondStatus::Unbonded);
    let message = delegate(&chain, loser, loser, 3_000 * VE);
    assert!(accepted(&mut chain, loser, &message).contains(&update(loser, 4_000)), "it comes back with more stake");
}

#[test]
fn an_operator_below_its_minimum_self_bond_leaves_the_set_and_an_emptied_validator_disappears() {
    let mut chain = chain(3, 2);
    let message = undelegate(&chain, 0, 0, 1);
    assert_eq!(accepted(&mut chain, 0, &message), vec![update(0, 0)]);
    assert!(validator(&chain, 0).jailed);
    let message = undelegate(&chain, 0, 0, SELF_BOND - 1);
    accepted(&mut chain, 0, &message);
    chain.wait(UNBONDING + 5);
    let request = QueryValidatorRequest { validator_addr: operator(&chain, 0) };
    let gone: Result<QueryValidatorResponse, String> = chain.query("/cosmos.staking.v1beta1.Query/Validator", &request);
    assert!(gone.expect_err("it is gone").contains("key not found"));
    assert_eq!((pool(&chain, BONDED_POOL), pool(&chain, NOT_BONDED_POOL)), (SELF_BOND, 0));
}

#[test]
fn the_last_validator_stays_in_the_set_whatever_it_does() {
    let mut chain = chain(2, 1);
    let message = undelegate(&chain, 0, 0, SELF_BOND);
    assert_eq!(accepted(&mut chain, 0, &message), vec![]);
    chain.wait(UNBONDING);
    let message = create(&chain, 1, SELF_BOND);
    let updates = accepted(&mut chain, 1, &message);
    assert_eq!(updates, vec![update(1, 1_000), update(0, 0)], "another validator relieves it");
    chain.wait(UNBONDING + 5);
}

#[test]
fn commission_moves_by_at_most_its_daily_change_and_only_once_a_day() {
    let mut chain = chain(2, 1);
    let edit = |rate: u64, digits| MsgEditValidator {
        description: Some(Description {
            moniker: "[do-not-modify]".into(),
            details: "new".into(),
            ..Description::default()
        }),
        validator_address: validator(&chain, 0).operator_address,
        commission_rate: Dec::from_parts(rate, digits).expect("a rate").to_mantissa(),
        ..MsgEditValidator::default()
    };
    let (four, fifty, seven, six) = (edit(4, 2), edit(50, 2), edit(7, 2), edit(6, 2));
    assert_eq!(refused(&mut chain, 0, &four), staking(40));
    assert_eq!(refused(&mut chain, 0, &fifty), staking(10));
    assert_eq!(refused(&mut chain, 0, &seven), staking(15));
    accepted(&mut chain, 0, &six);
    let changed = validator(&chain, 0);
    let description = changed.description.expect("a description");
    assert_eq!((description.moniker.as_str(), description.details.as_str()), ("validator 0", "new"));
    assert_eq!(refused(&mut chain, 0, &six), staking(12));
    let lower = MsgEditValidator { commission_rate: String::new(), min_self_delegation: "1".into(), ..six };
    assert_eq!(refused(&mut chain, 0, &lower), staking(17));
}

#[test]
fn only_governance_changes_parameters_and_only_within_bounds() {
    let mut chain = chain(2, 1);
    let response: QueryParamsResponse =
        chain.query("/cosmos.staking.v1beta1.Query/Params", &QueryParamsRequest {}).expect("params are served");
    let params = response.params.expect("they are there");
    assert!(params.historical_entries > 0);
    let message = MsgUpdateParams { authority: text(&chain, 1), params: Some(params.clone()) };
    assert_eq!(refused(&mut chain, 1, &message), ("sdk".into(), 4));
    for bad in [
        Params { max_validators: 0, ..params.clone() },
        Params { max_entries: 101, ..params.clone() },
        Params { historical_entries: 0, ..params.clone() },
        Params { bond_denom: "uvcc".into(), ..params.clone() },
        Params { unbonding_time: None, ..params.clone() },
    ] {
        let message = MsgUpdateParams { authority: text(&chain, 1), params: Some(bad) };
        assert_eq!(refused(&mut chain, 1, &message), ("sdk".into(), 18));
    }
}

#[test]
fn an_account_delegates_to_at_most_ten_validators() {
    let mut chain = chain(12, 11);
    let messages: Vec<_> = (0..10).map(|index| any(&delegate(&chain, 11, index, VE))).collect();
    for (sequence, part) in messages.chunks(2).enumerate() {
        let tx = chain.tx_with(11, sequence as u64, part.to_vec());
        assert_eq!(chain.run(vec![tx]).tx_results[0].log, "");
    }
    let eleventh = delegate(&chain, 11, 10, VE);
    assert_eq!(refused(&mut chain, 11, &eleventh), staking(1801));
    let again = delegate(&chain, 11, 3, VE);
    accepted(&mut chain, 11, &again);
}

#[test]
fn a_failed_message_undoes_the_stake_moves_of_the_messages_before_it() {
    let mut chain = chain(3, 2);
    let good = any(&delegate(&chain, 2, 0, 5 * VE));
    let bad = any(&redelegate(&chain, 2, 0, 1, 6 * VE));
    let tx = chain.tx_with(2, 0, vec![good, bad]);
    let response = chain.run(vec![tx]);
    assert_eq!((response.tx_results[0].codespace.as_str(), response.tx_results[0].code), ("staking", 24));
    assert!(response.validator_updates.is_empty());
    assert!(!response.tx_results[0].events.iter().any(|event| event.kind == "delegate"));
    assert_eq!(balance(&chain, 2), ENDOWMENT - u128::from(FEE));
}

#[test]
fn stake_that_consensus_cannot_count_is_refused_by_the_coin() {
    let most = u128::from(MAX_TOTAL_POWER) * u128::from(POWER_REDUCTION);
    let mut chain = chain_with(2, 1, |state| {
        let rich = ve_testkit::chain::Account::number(1).address.to_string();
        let balances = state["bank"]["balances"].as_array_mut().expect("a list");
        let entry = balances.iter_mut().find(|entry| entry["address"] == rich.as_str()).expect("it is endowed");
        entry["coins"][0]["amount"] = (most * 2).to_string().into();
    });
    let room = most - SELF_BOND;
    let above = delegate(&chain, 1, 0, room + 1);
    assert_eq!(refused(&mut chain, 1, &above), staking(1802));
    let full = delegate(&chain, 1, 0, room);
    assert_eq!(accepted(&mut chain, 1, &full), vec![update(0, MAX_TOTAL_POWER)]);
    let one_more = delegate(&chain, 1, 0, VE);
    assert_eq!(refused(&mut chain, 1, &one_more), staking(1802));
}

#[test]
#[should_panic(expected = "voting power")]
fn a_genesis_whose_stake_consensus_cannot_count_is_refused() {
    // An 18-decimal token: 10,000 coins of 10^18 base units.
    let bond = Amount::from(10u128.pow(22) * 1_000);
    TestChain::with_genesis(1, |state| {
        state["bank"]["balances"][0]["coins"][0]["amount"] = bond.to_string().into();
        let account = ve_testkit::chain::Account::number(0).address;
        let new =
            GenesisValidator { account, consensus_key: consensus_key(0), moniker: "huge".into(), self_bond: bond };
        add_validator(state, &new).expect("the account can bond");
    });
}

#[test]
#[should_panic(expected = "not_bonded_tokens_pool holds")]
fn a_genesis_whose_stake_is_not_in_the_pools_is_refused() {
    chain_with(2, 1, |state| {
        let pool = ve_base::module_address(NOT_BONDED_POOL).to_string();
        let balances = state["bank"]["balances"].as_array_mut().expect("a list");
        balances.retain(|entry| entry["address"] != pool.as_str());
    });
}

#[test]
fn stake_on_its_way_survives_export_and_import() {
    let mut chain = chain(5, 3);
    let message = delegate(&chain, 4, 0, 9 * VE);
    accepted(&mut chain, 4, &message);
    let message = undelegate(&chain, 4, 0, VE);
    accepted(&mut chain, 4, &message);
    let message = redelegate(&chain, 4, 0, 1, 2 * VE);
    accepted(&mut chain, 4, &message);
    let message = undelegate(&chain, 2, 2, VE);
    accepted(&mut chain, 2, &message);
    let exported = chain.app.export().expect("a committed state");
    assert_eq!(exported["staking"]["params"]["min_commission_rate"], "0.050000000000000000");
    let copy = exported.clone();
    let imported = TestChain::with_genesis(0, move |state| *state = copy);
    assert_eq!(imported.app.export().expect("the imported state"), exported);
}

#[test]
fn queries_filter_by_status_and_say_what_is_missing() {
    let mut chain = chain(4, 3);
    let message = undelegate(&chain, 2, 2, 1);
    accepted(&mut chain, 2, &message);
    let ask = |status: &str| {
        let request = QueryValidatorsRequest { status: status.into(), pagination: None };
        chain
            .query::<_, QueryValidatorsResponse>("/cosmos.staking.v1beta1.Query/Validators", &request)
            .map(|response| response.validators.len())
    };
    assert_eq!(
        (ask(""), ask("BOND_STATUS_BONDED"), ask("BOND_STATUS_UNBONDING"), ask("BOND_STATUS_UNBONDED")),
        (Ok(3), Ok(2), Ok(1), Ok(0))
    );
    assert!(ask("BONDED").is_err());
    let request = QueryDelegationRequest { delegator_addr: text(&chain, 3), validator_addr: operator(&chain, 0) };
    let missing: Result<QueryDelegationResponse, String> =
        chain.query("/cosmos.staking.v1beta1.Query/Delegation", &request);
    assert!(missing.expect_err("no such delegation").contains("key not found"));
    let height = i64::try_from(chain.height).expect("a low height");
    let history: QueryHistoricalInfoResponse = chain
        .query("/cosmos.staking.v1beta1.Query/HistoricalInfo", &QueryHistoricalInfoRequest { height })
        .expect("the last height is kept");
    assert_eq!(history.hist.expect("it is there").valset.len(), 3, "the set that decided the block");
    let pools: QueryPoolResponse =
        chain.query("/cosmos.staking.v1beta1.Query/Pool", &QueryPoolRequest {}).expect("pools are served");
    assert_eq!(pools.pool.expect("they are there").bonded_tokens, (2 * SELF_BOND).to_string());
}

#[test]
fn stakers_cannot_be_paid_through_the_pools_directly() {
    let mut chain = chain(2, 1);
    let pool: Address = ve_base::module_address(BONDED_POOL);
    let message = ve_proto::cosmos::bank::v1beta1::MsgSend {
        from_address: text(&chain, 1),
        to_address: pool.to_string(),
        amount: coin(1).into_iter().collect(),
    };
    assert_eq!(refused(&mut chain, 1, &message), ("sdk".into(), 4));
}
