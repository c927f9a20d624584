//! Transfers through the whole application.

use ve_base::{Address, Amount};
use ve_proto::cosmos::bank::v1beta1::MsgSend;
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_sdk::application::Application;
use ve_testkit::chain::{ENDOWMENT, FEE, TestChain, any};

fn send(chain: &TestChain, from: usize, to: &Address, amount: u128) -> MsgSend {
    MsgSend {
        from_address: chain.accounts[from].address.to_string(),
        to_address: to.to_string(),
        amount: vec![Coin { denom: "uve".into(), amount: amount.to_string() }],
    }
}

fn expected(value: u128) -> Amount {
    Amount::from(value)
}

#[test]
fn a_transfer_moves_the_amount_and_the_fee_and_raises_the_sequence() {
    let mut chain = TestChain::new(2);
    let (from, to) = (chain.accounts[0].address.clone(), chain.accounts[1].address.clone());
    let result = chain.deliver(0, &send(&chain, 0, &to, 1_000));
    assert_eq!((result.code, result.log.as_str()), (0, ""));
    assert_eq!(chain.balance(&from), expected(ENDOWMENT - 1_000 - u128::from(FEE)));
    assert_eq!(chain.balance(&to), expected(ENDOWMENT + 1_000));
    assert_eq!(chain.account(&from).sequence, 1);
    assert!(result.events.iter().any(|event| event.kind == "transfer"
        && event.attributes.contains(&("amount".into(), "1000uve".into()))
        && event.attributes.contains(&("msg_index".into(), "0".into()))));
}

#[test]
fn a_failed_message_keeps_the_fee_and_undoes_everything_else() {
    let mut chain = TestChain::new(2);
    let (from, to) = (chain.accounts[0].address.clone(), chain.accounts[1].address.clone());
    let good = any(&send(&chain, 0, &to, 7));
    let bad = any(&send(&chain, 0, &to, ENDOWMENT * 2));
    let tx = chain.tx_with(0, 0, vec![good, bad]);
    let result = chain.run(vec![tx]).tx_results.remove(0);
    assert_eq!((result.codespace.as_str(), result.code), ("sdk", 5));
    assert!(result.log.contains("message index: 1"), "{}", result.log);
    assert!(!result.events.iter().any(|event| event.attributes.contains(&("msg_index".into(), "0".into()))));
    assert_eq!(chain.balance(&from), expected(ENDOWMENT - u128::from(FEE)));
    assert_eq!(chain.balance(&to), expected(ENDOWMENT));
    assert_eq!(chain.account(&from).sequence, 1);
}

#[test]
fn a_replayed_transaction_is_refused_with_the_text_that_relayers_parse() {
    let mut chain = TestChain::new(2);
    let to = chain.accounts[1].address.clone();
    let tx = chain.tx(0, &send(&chain, 0, &to, 1));
    assert_eq!(chain.run(vec![tx.clone()]).tx_results[0].code, 0);
    let again = chain.run(vec![tx.clone()]).tx_results.remove(0);
    assert_eq!(again.code, 32);
    assert_eq!(again.log, "account sequence mismatch, expected 1, got 0: incorrect account sequence");
    assert_eq!(chain.check(&tx).result.code, 32);
    assert_eq!(chain.balance(&to), expected(ENDOWMENT + 1));
}

#[test]
fn a_signature_by_another_key_is_refused_without_any_trace() {
    let mut chain = TestChain::new(2);
    let (victim, thief) = (chain.accounts[0].address.clone(), chain.accounts[1].address.clone());
    let forged = chain.tx_with(1, 0, vec![any(&send(&chain, 0, &thief, 5))]);
    let result = chain.run(vec![forged]).tx_results.remove(0);
    assert_eq!((result.code, result.events.len()), (8, 0));
    assert_eq!(chain.balance(&victim), expected(ENDOWMENT));
    assert_eq!(chain.account(&victim).sequence, 0);
}

#[test]
fn coins_cannot_be_sent_to_module_accounts_or_in_bad_amounts() {
    let mut chain = TestChain::new(2);
    let module = ve_base::module_address("fee_collector");
    let to = chain.accounts[1].address.clone();
    let result = chain.deliver(0, &send(&chain, 0, &module, 5));
    assert_eq!(result.code, 4);
    for (amounts, code) in [
        (vec![("uve", "0")], 10),
        (vec![("uve", "-1")], 10),
        (vec![("uve", "1"), ("uve", "1")], 10),
        (vec![("zzz", "1"), ("uve", "1")], 10),
        (vec![("u", "1")], 10),
        (vec![], 10),
    ] {
        let amount =
            amounts.iter().map(|(denom, amount)| Coin { denom: (*denom).into(), amount: (*amount).into() }).collect();
        let message = MsgSend { amount, ..send(&chain, 0, &to, 1) };
        assert_eq!(chain.deliver(0, &message).code, code, "{amounts:?}");
    }
}

#[test]
fn state_and_app_hash_survive_a_restart_and_an_uncommitted_block_does_not() {
    let mut chain = TestChain::new(2);
    let to = chain.accounts[1].address.clone();
    let message = send(&chain, 0, &to, 9);
    chain.deliver(0, &message);
    let hash = chain.app.info().last_app_hash;
    let lost = chain.block(vec![chain.tx(0, &send(&chain, 0, &to, 1))]);
    let first = chain.app.finalize_block(&lost).expect("it executes");
    let mut chain = chain.restart();
    assert_eq!((chain.app.info().last_height, chain.app.info().last_app_hash), (1, hash));
    assert_eq!(chain.balance(&to), expected(ENDOWMENT + 9));
    assert_eq!(chain.run_block(&lost).app_hash, first.app_hash, "the same block gives the same state again");
}

#[test]
fn exporting_and_importing_gives_the_same_export_again() {
    let mut chain = TestChain::new(3);
    let to = chain.accounts[1].address.clone();
    let message = send(&chain, 0, &to, 9);
    chain.deliver(0, &message);
    let exported = chain.app.export().expect("a committed state");
    let copy = exported.clone();
    let imported = TestChain::with_genesis(0, move |state| *state = copy);
    assert_eq!(imported.app.export().expect("the imported state"), exported);
}
