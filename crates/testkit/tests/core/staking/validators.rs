//! Validators, their set and their rules.

use ve_base::keys::PublicKey;
use ve_base::{Amount, Dec};
use ve_chain_core::staking::setup::{GenesisValidator, add_validator};
use ve_chain_core::staking::{BONDED_POOL, MAX_TOTAL_POWER, NOT_BONDED_POOL, POWER_REDUCTION};
use ve_proto::cosmos::staking::v1beta1::*;
use ve_testkit::chain::{ENDOWMENT, TestChain};

use super::support::{
    SELF_BOND, UNBONDING, VE, accepted, balance, chain, chain_with, coin, consensus_key, create, delegate, operator,
    pool, rates, refused, staking, text, undelegate, update, validator,
};

#[test]
fn genesis_validators_are_the_first_set_and_their_stake_is_in_the_bonded_pool() {
    let chain = chain(3, 2);
    assert_eq!((pool(&chain, BONDED_POOL), pool(&chain, NOT_BONDED_POOL)), (2 * SELF_BOND, 0));
    let first = validator(&chain, 0);
    assert_eq!((first.status(), first.tokens.as_str()), (BondStatus::Bonded, "1000000000"));
    assert_eq!(balance(&chain, 0), ENDOWMENT - SELF_BOND);
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
