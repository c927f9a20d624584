//! New coins and what becomes of them, through the whole application. Invariants of all modules are checked after every
//! block.

use ve_base::keys::PublicKey;
use ve_base::{Amount, Dec, OPERATOR_PREFIX};
use ve_chain_core::staking::setup::{GenesisValidator, add_validator};
use ve_proto::cosmos::base::v1beta1::{Coin, DecCoin};
use ve_proto::cosmos::distribution::v1beta1::*;
use ve_proto::cosmos::mint::v1beta1::{self as mint, QueryInflationRequest, QueryInflationResponse};
use ve_proto::ve::mint::v1::{QueryIssuanceRequest, QueryIssuanceResponse};
use ve_proto::ve::performance::v1::{self as performance, QueryPerformanceRequest, QueryPerformanceResponse};
use ve_sdk::application::{FinalizeBlockResponse, LastCommit, LastVote};
use ve_testkit::chain::{Account, ENDOWMENT, FEE, TestChain, any, consensus_key};

const SELF_BOND: u128 = 1_000_000_000;

fn chain_with(accounts: u32, validators: u32, change: impl FnOnce(&mut serde_json::Value)) -> TestChain {
    TestChain::with_genesis(accounts, |state| {
        for index in 0..validators {
            let new = GenesisValidator {
                account: Account::number(index).address,
                consensus_key: consensus_key(index),
                moniker: format!("validator {index}"),
                self_bond: Amount::from(SELF_BOND),
            };
            add_validator(state, &new).expect("the account can bond");
        }
        change(state);
    })
}

fn issuance(chain: &TestChain) -> (u128, u128) {
    let response: QueryIssuanceResponse =
        chain.query("/ve.mint.v1.Query/Issuance", &QueryIssuanceRequest {}).expect("it is served");
    let number = |text: &str| text.parse::<u128>().expect("a number");
    (number(&response.supply), number(&response.minted))
}

fn burned(chain: &TestChain) -> u128 {
    let response: QueryIssuanceResponse =
        chain.query("/ve.mint.v1.Query/Issuance", &QueryIssuanceRequest {}).expect("it is served");
    response.burned.parse().expect("a number")
}

fn operator(index: u32) -> String {
    Account::number(index).address.to_bech32(OPERATOR_PREFIX)
}

fn outstanding(chain: &TestChain, index: u32) -> Vec<DecCoin> {
    let request = QueryValidatorOutstandingRewardsRequest { validator_address: operator(index) };
    let path = "/cosmos.distribution.v1beta1.Query/ValidatorOutstandingRewards";
    let response: QueryValidatorOutstandingRewardsResponse = chain.query(path, &request).expect("it is served");
    response.rewards.expect("the response has them").rewards
}

/// Whole units of what a validator and its delegators have not withdrawn.
fn earned(chain: &TestChain, index: u32) -> u128 {
    let coins = outstanding(chain, index);
    let units = coins.iter().map(|coin| Dec::from_mantissa(&coin.amount).expect("a decimal"));
    units.map(|dec| dec.to_amount(ve_base::Rounding::Truncate).expect("positive").to_u128().expect("small")).sum()
}

fn consensus_address(index: u32) -> [u8; 20] {
    PublicKey::Ed25519(consensus_key(index)).address().as_bytes().try_into().expect("20 bytes")
}

/// The next block by validator 0, after a round in which `failed` proposed nothing; validator 1 signed the last one if
/// `second` says so.
fn run(chain: &mut TestChain, second: bool, failed: Option<u32>) -> FinalizeBlockResponse {
    let mut block = chain.block(Vec::new());
    let vote = |index, signed| LastVote {
        address: consensus_address(index),
        power: 1_000,
        signed,
        extension: Default::default(),
    };
    block.last_commit = LastCommit {
        votes: vec![vote(0, true), vote(1, second)],
        failed_proposers: failed.map(consensus_address).into_iter().collect(),
        ..LastCommit::default()
    };
    block.proposer_address = consensus_address(0);
    chain.run_block(&block)
}

fn scores(chain: &TestChain, index: u32) -> (Vec<u32>, u64) {
    let request = QueryPerformanceRequest { operator: operator(index), pagination: None };
    let path = "/ve.performance.v1.Query/Performance";
    let response: QueryPerformanceResponse = chain.query(path, &request).expect("it is served");
    (response.finished.iter().map(|epoch| epoch.score_bps).collect(), response.multiplier_bps)
}

#[test]
fn coins_are_minted_by_elapsed_time_and_become_rewards_and_nothing_else() {
    let mut chain = chain_with(2, 1, |_| {});
    let (before, none) = issuance(&chain);
    assert_eq!((before, none), (2 * ENDOWMENT, 0));
    let mut block = chain.block(Vec::new());
    block.time = chain.time.plus_seconds(5);
    chain.run_block(&block);
    let (supply, minted) = issuance(&chain);
    // ⌊0.07 × 2 × 10^13 × 5 s / 31,557,600 s⌋; inflation has risen by less than what shows.
    assert_eq!(minted, 221_816);
    assert_eq!(supply, before + minted);
    chain.run(Vec::new());
    assert_eq!(earned(&chain, 0), issuance(&chain).1, "begin block mints before it distributes");
    let balance = chain.balance(&chain.accounts[0].address);
    assert_eq!(balance, Amount::from(ENDOWMENT - SELF_BOND), "nobody is paid unasked");
    let message = MsgWithdrawValidatorCommission { validator_address: operator(0) };
    assert_eq!(chain.deliver(0, &message).log, "");
    let message = MsgWithdrawDelegatorReward {
        delegator_address: Account::number(0).address.to_string(),
        validator_address: operator(0),
    };
    assert_eq!(chain.deliver(0, &message).log, "");
    let (supply, minted) = issuance(&chain);
    let burned = burned(&chain);
    assert!(burned > 0, "a part of the fees");
    assert_eq!(supply + burned, before + minted, "every unit traces to a mint or a fee");
    let paid = chain.balance(&chain.accounts[0].address).to_u128().expect("small");
    assert!(paid > ENDOWMENT - SELF_BOND + 800_000 - 2 * u128::from(FEE), "{paid}");
}

#[test]
fn blocks_of_any_length_mint_the_same() {
    let minted = |interval: u64| {
        let mut chain = chain_with(2, 1, |_| {});
        for _ in 0..3_600 / interval {
            let mut block = chain.block(Vec::new());
            block.time = chain.time.plus_seconds(interval);
            chain.run_block(&block);
        }
        issuance(&chain).1
    };
    let (short, long) = (minted(30), minted(1_200));
    // Long blocks mint at the inflation of their end, which is hardly higher.
    assert!(long.abs_diff(short) < long / 10_000, "{short} and {long}");
}

#[test]
fn nothing_is_minted_beyond_the_largest_supply() {
    let mut chain = chain_with(2, 1, |state| {
        let rich = Account::number(1).address.to_string();
        let balances = state["bank"]["balances"].as_array_mut().expect("a list");
        let entry = balances.iter_mut().find(|entry| entry["address"] == rich.as_str()).expect("it is endowed");
        // All other coins are the endowment of account 0.
        entry["coins"][0]["amount"] = (10_000_000_000_000_000u128 - ENDOWMENT - 1_000).to_string().into();
    });
    for _ in 0..3 {
        chain.run(Vec::new());
    }
    assert_eq!(issuance(&chain), (10_000_000_000_000_000, 1_000));
}

#[test]
fn inflation_moves_towards_its_bounds_and_is_served_as_digits() {
    let mut chain = chain_with(2, 1, |_| {});
    chain.run(Vec::new());
    let response: QueryInflationResponse =
        chain.query("/cosmos.mint.v1beta1.Query/Inflation", &QueryInflationRequest {}).expect("it is served");
    let text = String::from_utf8(response.inflation).expect("digits");
    let inflation = Dec::from_mantissa(&text).expect("a decimal");
    assert!(inflation > Dec::from_parts(7, 2).expect("small"), "hardly anything is bonded: {inflation}");
}

#[test]
fn only_governance_changes_inflation_tax_and_epochs() {
    let mut chain = chain_with(2, 1, |_| {});
    let authority = Account::number(1).address.to_string();
    let refused = |chain: &mut TestChain, message| {
        let sequence = chain.account(&chain.accounts[1].address).sequence;
        let tx = chain.tx_with(1, sequence, vec![message]);
        let result = chain.run(vec![tx]).tx_results.remove(0);
        (result.codespace, result.code)
    };
    let given: mint::QueryParamsResponse =
        chain.query("/cosmos.mint.v1beta1.Query/Params", &mint::QueryParamsRequest {}).expect("served");
    let params = given.params.expect("they are there");
    let message = |params| any(&mint::MsgUpdateParams { authority: authority.clone(), params: Some(params) });
    assert_eq!(refused(&mut chain, message(params.clone())), ("sdk".into(), 4));
    let percent = |value| Dec::from_parts(value, 2).expect("small").to_mantissa();
    for bad in [
        mint::Params { inflation_max: percent(21), ..params.clone() },
        mint::Params { inflation_min: percent(0), ..params.clone() },
        mint::Params { goal_bonded: percent(0), ..params.clone() },
        mint::Params { mint_denom: "uvcc".into(), ..params.clone() },
        mint::Params { blocks_per_year: 1, ..params.clone() },
    ] {
        assert_eq!(refused(&mut chain, message(bad)), ("sdk".into(), 18));
    }
    for (seconds, code) in [(500, 4), (249, 18), (86_401, 18)] {
        let params = Some(performance::Params { epoch_seconds: seconds });
        let message = performance::MsgUpdateParams { authority: authority.clone(), params };
        assert_eq!(refused(&mut chain, any(&message)), ("sdk".into(), code));
    }
    let tax = |percent| {
        let community_tax = Dec::from_parts(percent, 2).expect("small").to_mantissa();
        let params = Params { community_tax, withdraw_addr_enabled: true, ..Params::default() };
        any(&MsgUpdateParams { authority: authority.clone(), params: Some(params) })
    };
    assert_eq!(refused(&mut chain, tax(10)), ("sdk".into(), 4));
    assert_eq!(refused(&mut chain, tax(11)), ("sdk".into(), 18));
    let amount = vec![Coin { denom: "uve".into(), amount: "1".into() }];
    let spend = MsgCommunityPoolSpend { authority: authority.clone(), recipient: authority.clone(), amount };
    assert_eq!(refused(&mut chain, any(&spend)), ("sdk".into(), 4));
}

#[test]
fn a_community_tax_and_gifts_fill_the_pool() {
    let mut chain = chain_with(2, 1, |state| {
        state["distribution"]["params"]["community_tax"] = "0.100000000000000000".into();
    });
    chain.run(Vec::new());
    let pool = |chain: &TestChain| {
        let path = "/cosmos.distribution.v1beta1.Query/CommunityPool";
        let response: QueryCommunityPoolResponse =
            chain.query(path, &QueryCommunityPoolRequest {}).expect("it is served");
        response.pool.first().map_or(0, |coin| coin.amount.parse::<u128>().expect("digits") / 10u128.pow(18))
    };
    assert_eq!(pool(&chain), 22_181, "a tenth of the first block");
    let amount = vec![Coin { denom: "uve".into(), amount: "5000000".into() }];
    let depositor = Account::number(1).address.to_string();
    assert_eq!(chain.deliver(1, &MsgFundCommunityPool { amount, depositor }).log, "");
    assert!(pool(&chain) > 5_000_000);
}

#[test]
fn rewards_go_where_the_delegator_says_but_never_to_a_module() {
    let mut chain = chain_with(3, 1, |_| {});
    let address = |index| Account::number(index).address.to_string();
    let set = |to: String| MsgSetWithdrawAddress { delegator_address: address(0), withdraw_address: to };
    let module = ve_base::module_address("distribution").to_string();
    let result = chain.deliver(0, &set(module));
    assert_eq!((result.codespace.as_str(), result.code), ("sdk", 4));
    assert_eq!(chain.deliver(0, &set(address(2))).log, "");
    chain.wait(60);
    let before = chain.balance(&chain.accounts[2].address);
    let message = MsgWithdrawDelegatorReward { delegator_address: address(0), validator_address: operator(0) };
    assert_eq!(chain.deliver(0, &message).log, "");
    assert!(chain.balance(&chain.accounts[2].address) > before);
    let stranger = MsgWithdrawDelegatorReward { delegator_address: address(1), validator_address: operator(0) };
    let result = chain.deliver(1, &stranger);
    assert_eq!((result.codespace.as_str(), result.code), ("distribution", 13));
    let nobody = MsgWithdrawValidatorCommission { validator_address: operator(1) };
    let result = chain.deliver(1, &nobody);
    assert_eq!((result.codespace.as_str(), result.code), ("distribution", 6));
}

#[test]
fn who_signs_less_earns_less_and_nothing_is_inflated() {
    let mut chain = chain_with(2, 2, |_| {});
    for count in 0..102 {
        run(&mut chain, count % 5 != 0, None);
    }
    assert_eq!(scores(&chain, 0), (vec![10_000], 15_000));
    assert_eq!(scores(&chain, 1), (vec![8_000], 13_000), "it missed 20 of 100");
    let before = (earned(&chain, 0), earned(&chain, 1), issuance(&chain).1);
    run(&mut chain, true, None);
    let (first, second) = (earned(&chain, 0) - before.0, earned(&chain, 1) - before.1);
    let minted = issuance(&chain).1 - before.2;
    assert!(first + second <= minted && first + second + 2 >= minted, "{first} + {second} of {minted}");
    assert_eq!(second, minted * 13_000 / 28_000);
}

#[test]
fn who_lets_its_rounds_fail_scores_less() {
    let mut chain = chain_with(2, 2, |_| {});
    for _ in 0..102 {
        run(&mut chain, true, Some(1));
    }
    assert_eq!(scores(&chain, 0), (vec![10_000], 15_000));
    assert_eq!(scores(&chain, 1), (vec![5_000], 10_000), "it signed everything and proposed nothing");
}
