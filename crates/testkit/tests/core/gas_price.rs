//! The price of gas through the whole application. Invariants are checked after every block.

use ve_base::{Amount, Dec};
use ve_proto::cosmos::bank::v1beta1::{
    Input, MsgMultiSend, MsgSend, Output, QuerySupplyOfRequest, QuerySupplyOfResponse,
};
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_proto::feemarket::feemarket::v1 as wallet;
use ve_proto::ve::feemarket::v1::*;
use ve_sdk::application::{Application, CheckKind, FinalizeBlockResponse, TxResult};
use ve_testkit::chain::{GAS, TestChain, any, sign_changed};

/// 0.01 uve for each unit of gas.
const PRICE: &str = "0.010000000000000000";

fn chain(accounts: u32) -> TestChain {
    TestChain::with_genesis(accounts, |state| state["feemarket"]["state"]["base_fee"] = PRICE.into())
}

/// Account `from` transfers 1 uve for this fee.
fn paying(chain: &TestChain, from: usize, fee: u64, gas: u64) -> Vec<u8> {
    let signer = &chain.accounts[from];
    let account = chain.account(&signer.address);
    let coins = |amount: u64| vec![Coin { denom: "uve".into(), amount: amount.to_string() }];
    let message =
        MsgSend { from_address: signer.address.to_string(), to_address: signer.address.to_string(), amount: coins(1) };
    sign_changed(signer, account.account_number, account.sequence, vec![any(&message)], |_, auth_info| {
        let given = auth_info.fee.get_or_insert_default();
        (given.amount, given.gas_limit) = (coins(fee), gas);
    })
}

fn code(result: &TxResult) -> (&str, u32) {
    (result.codespace.as_str(), result.code)
}

fn price(chain: &TestChain) -> Dec {
    let response: wallet::GasPricesResponse = chain
        .query("/feemarket.feemarket.v1.Query/GasPrices", &wallet::GasPricesRequest {})
        .expect("prices are served");
    let [price] = response.prices.as_slice() else { panic!("exactly one price") };
    assert_eq!(price.denom, "uve");
    Dec::from_mantissa(&price.amount).expect("a mantissa")
}

fn supply(chain: &TestChain) -> Amount {
    let request = QuerySupplyOfRequest { denom: "uve".into() };
    let response: QuerySupplyOfResponse =
        chain.query("/cosmos.bank.v1beta1.Query/SupplyOf", &request).expect("it is served");
    response.amount.expect("it is there").amount.parse().expect("an amount")
}

fn run(chain: &mut TestChain, tx: Vec<u8>) -> FinalizeBlockResponse {
    chain.run(vec![tx])
}

#[test]
fn a_transaction_below_the_price_is_refused_by_mempool_and_block_alike() {
    let mut chain = chain(2);
    let least = GAS / 100;
    let cheap = paying(&chain, 0, least - 1, GAS);
    let checked = chain.check(&cheap).result;
    assert_eq!(code(&checked), ("sdk", 13));
    assert!(checked.log.contains("insufficient fee"), "{}", checked.log);
    let waiting = chain.app.check_tx(&cheap.clone().into(), CheckKind::Recheck).result;
    assert_eq!(code(&waiting), ("", 0), "what waits already may fall to a third");
    let far_below = paying(&chain, 1, least / 3 - 1, GAS);
    let waiting = chain.app.check_tx(&far_below.into(), CheckKind::Recheck).result;
    assert_eq!(code(&waiting), ("sdk", 13));
    let result = run(&mut chain, cheap).tx_results.remove(0);
    assert_eq!((code(&result), result.events.len()), (("sdk", 13), 0), "a proposer cannot smuggle it in");
    assert_eq!(chain.account(&chain.accounts[0].address).sequence, 0);
}

#[test]
fn a_fifth_of_the_price_is_burned_and_the_tip_is_not() {
    let mut chain = chain(2);
    let before = supply(&chain);
    let minted = |chain: &mut TestChain| {
        let (before, _) = (supply(chain), chain.run(Vec::new()));
        supply(chain).checked_sub(before).expect("nothing burns without transactions")
    };
    let per_block = minted(&mut chain);
    let before = before.checked_add(per_block).and_then(|sum| sum.checked_add(per_block)).expect("it fits");
    let price = price(&chain);
    let required = price.mul_ceil_amount(Amount::from(GAS)).expect("it fits");
    let tx = paying(&chain, 0, required.to_u64().expect("it fits") + 1_000, GAS);
    let response = run(&mut chain, tx);
    assert_eq!(response.tx_results[0].log, "");
    let fifth = required.checked_div(Amount::from(5u64)).expect("it fits");
    assert_eq!(supply(&chain).checked_add(fifth), Some(before));
    assert!(response.events.iter().any(|event| event.kind == "burn"));
}

#[test]
fn idle_blocks_lower_the_price_to_the_floor_and_every_answer_agrees() {
    let mut chain = chain(1);
    assert_eq!(price(&chain).to_string(), PRICE);
    let suggested: QuerySuggestFeeResponse = chain
        .query("/ve.feemarket.v1.Query/SuggestFee", &QuerySuggestFeeRequest { gas: 1_000_000 })
        .expect("it is served");
    let amounts = [suggested.low, suggested.average, suggested.high].map(|coin| coin.expect("a coin").amount);
    assert_eq!(amounts, ["11000", "12000", "13000"]);
    for _ in 0..40 {
        let before = price(&chain);
        chain.run(Vec::new());
        assert!(price(&chain) <= before);
    }
    assert_eq!(price(&chain), "0.0025".parse().expect("a decimal"));
    let of = |chain: &TestChain, denom: &str| {
        let request = wallet::GasPriceRequest { denom: denom.into() };
        chain.query::<_, wallet::GasPriceResponse>("/feemarket.feemarket.v1.Query/GasPrice", &request)
    };
    assert_eq!(of(&chain, "uve").expect("it is served").price.expect("a price").amount, "2500000000000000");
    assert!(of(&chain, "abc").expect_err("another coin").contains("uve"));
    let state: wallet::StateResponse =
        chain.query("/feemarket.feemarket.v1.Query/State", &wallet::StateRequest {}).expect("it is served");
    assert_eq!(state.state.expect("it is there").base_gas_price, "2500000000000000");
}

#[test]
fn a_transaction_that_asks_for_too_much_gas_is_refused() {
    let mut chain = chain(1);
    let greedy = paying(&chain, 0, 1_000_000_000, 60_000_001);
    assert_eq!(code(&chain.check(&greedy).result), ("sdk", 11));
    assert_eq!(code(&run(&mut chain, greedy).tx_results[0]), ("sdk", 11));
}

/// A transaction that uses nearly 5 million gas, so many after the account's next sequence.
fn heavy(chain: &TestChain, ahead: u64) -> Vec<u8> {
    let signer = &chain.accounts[0];
    let account = chain.account(&signer.address);
    let coins = |amount: u64| vec![Coin { denom: "uve".into(), amount: amount.to_string() }];
    let address = signer.address.to_string();
    let message = MsgMultiSend {
        inputs: vec![Input { address: address.clone(), coins: coins(400) }],
        outputs: vec![Output { address, coins: coins(1) }; 400],
    };
    sign_changed(signer, account.account_number, account.sequence + ahead, vec![any(&message)], |_, auth_info| {
        let given = auth_info.fee.get_or_insert_default();
        (given.amount, given.gas_limit) = (coins(60_000_000), 20_000_000);
    })
}

#[test]
fn used_blocks_raise_the_price_and_the_load_decays() {
    let mut chain = TestChain::with_genesis(1, |state| {
        // So small a target that a few transfers are above it.
        state["feemarket"]["params"]["target_bps"] = 1000.into();
        state["feemarket"]["params"]["window"] = 1.into();
    });
    let before = price(&chain);
    let txs = (0..3).map(|ahead| heavy(&chain, ahead)).collect();
    for result in chain.run(txs).tx_results {
        assert_eq!(result.log, "");
    }
    let raised = price(&chain);
    assert!(raised > before, "{raised}");
    for _ in 0..20 {
        chain.run(Vec::new());
    }
    assert_eq!(price(&chain), before);
}
