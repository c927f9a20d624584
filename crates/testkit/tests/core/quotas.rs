//! Quotas of a block through the whole application.

use serde_json::{Value, json};
use ve_base::Amount;
use ve_base::keys::PublicKey;
use ve_chain_core::staking::setup::{GenesisValidator, add_validator};
use ve_proto::cosmos::bank::v1beta1::MsgSend;
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_proto::ve::admission::v1::{QueryParamsRequest, QueryParamsResponse};
use ve_sdk::application::Application;
use ve_testkit::chain::{Account, ENDOWMENT, TestChain, any};

fn chain(accounts: u32, params: Value) -> TestChain {
    TestChain::with_genesis(accounts, |state| set(state, params))
}

fn set(state: &mut Value, params: Value) {
    for (name, value) in params.as_object().expect("an object") {
        state["admission"]["params"][name] = value.clone();
    }
}

/// A transfer of account `from` with a sequence that is so many ahead.
fn transfer(chain: &TestChain, from: usize, ahead: u64) -> Vec<u8> {
    let message = MsgSend {
        from_address: chain.accounts[from].address.to_string(),
        to_address: chain.accounts[0].address.to_string(),
        amount: vec![Coin { denom: "uve".into(), amount: "1".into() }],
    };
    chain.tx_with(from, ahead, vec![any(&message)])
}

fn codes(chain: &mut TestChain, txs: Vec<Vec<u8>>) -> Vec<(u32, String)> {
    chain.run(txs).tx_results.into_iter().map(|result| (result.code, result.log)).collect()
}

#[test]
fn a_block_takes_no_more_transactions_than_its_quota() {
    let mut chain = chain(5, json!({"max_txs_per_block": "3"}));
    let txs: Vec<Vec<u8>> = (1..5).map(|from| transfer(&chain, from, 0)).collect();
    let results = codes(&mut chain, txs.clone());
    assert_eq!(results.iter().map(|result| result.0).collect::<Vec<_>>(), [0, 0, 0, 20]);
    assert!(results[3].1.contains("the block already has 3 transactions"), "{}", results[3].1);
    let refused = chain.accounts[4].address.clone();
    assert_eq!(chain.balance(&refused), Amount::from(ENDOWMENT), "a refused transaction pays nothing");
    assert_eq!(codes(&mut chain, vec![txs[3].clone()])[0].0, 0, "the next block takes it");
}

#[test]
fn an_account_that_used_its_quota_does_not_hold_up_others() {
    let mut chain = chain(3, json!({"max_txs_per_account": "2"}));
    let txs = vec![transfer(&chain, 1, 0), transfer(&chain, 1, 1), transfer(&chain, 1, 2), transfer(&chain, 2, 0)];
    let results = codes(&mut chain, txs);
    assert_eq!(results.iter().map(|result| result.0).collect::<Vec<_>>(), [0, 0, 20, 0]);
    assert!(results[2].1.contains("already has 2 transactions"), "{}", results[2].1);
}

#[test]
fn a_forged_signer_does_not_use_up_the_quota_of_its_victim() {
    let mut chain = chain(3, json!({"max_txs_per_account": "1"}));
    let mut forged = transfer(&chain, 1, 0);
    // The last byte belongs to the signature.
    let last = forged.len() - 1;
    forged[last] ^= 1;
    let txs = vec![forged, transfer(&chain, 1, 0)];
    assert_eq!(codes(&mut chain, txs).iter().map(|result| result.0).collect::<Vec<_>>(), [4, 0]);
}

#[test]
fn messages_of_a_package_have_a_quota_of_their_own() {
    let quotas = json!([{"package": "cosmos.bank.v1beta1", "max_txs_per_block": "1"}]);
    let mut chain = chain(3, json!({"package_quotas": quotas}));
    let txs = vec![transfer(&chain, 1, 0), transfer(&chain, 2, 0)];
    let results = codes(&mut chain, txs);
    assert_eq!(results.iter().map(|result| result.0).collect::<Vec<_>>(), [0, 20]);
    assert!(results[1].1.contains("1 transactions of cosmos.bank.v1beta1"), "{}", results[1].1);
}

#[test]
fn listed_accounts_and_operators_of_validators_are_never_refused_by_a_quota() {
    let key = (1..=255u8).map(|byte| [byte; 32]).find(|bytes| PublicKey::Ed25519(*bytes).check().is_ok());
    let mut chain = TestChain::with_genesis(4, |state| {
        let validator = GenesisValidator {
            account: Account::number(1).address,
            consensus_key: key.expect("every second encoding is a point"),
            moniker: "one".into(),
            self_bond: Amount::from(1_000_000_000u64),
        };
        add_validator(state, &validator).expect("the account can bond");
        let listed = Account::number(2).address.to_string();
        set(state, json!({"max_txs_per_account": "1", "exempt": [listed]}));
    });
    for (from, second) in [(1, 0), (2, 0), (3, 20)] {
        let txs = vec![transfer(&chain, from, 0), transfer(&chain, from, 1)];
        let results = codes(&mut chain, txs);
        assert_eq!(results.iter().map(|result| result.0).collect::<Vec<_>>(), [0, second], "account {from}");
    }
}

#[test]
fn a_proposer_chooses_what_the_quotas_will_let_through() {
    let chain = chain(4, json!({"max_txs_per_account": "2", "max_txs_per_block": "4"}));
    let mut candidates: Vec<Vec<u8>> = (0..3).map(|ahead| transfer(&chain, 1, ahead)).collect();
    candidates.extend((0..2).map(|ahead| transfer(&chain, 2, ahead)));
    candidates.push(transfer(&chain, 3, 0));
    let chosen = chain.app.prepare_proposal(&chain.block(candidates.clone()), 1_000_000);
    let expected: Vec<_> = [0, 1, 3, 4].map(|index| candidates[index].clone()).to_vec();
    assert_eq!(chosen, expected);
}

#[test]
fn the_quotas_are_answered_to_whoever_asks() {
    let chain = chain(1, json!({"max_txs_per_block": "77"}));
    let answer: QueryParamsResponse =
        chain.query("/ve.admission.v1.Query/Params", &QueryParamsRequest {}).expect("an answer");
    assert_eq!(answer.params.map(|params| (params.max_txs_per_block, params.max_txs_per_account)), Some((77, 10)));
}
