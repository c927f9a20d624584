//! The mempool's view of accounts across blocks.

use ve_proto::cosmos::bank::v1beta1::MsgSend;
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_sdk::application::Application;
use ve_testkit::chain::{TestChain, any};

fn transfer(chain: &TestChain, from: usize, to: usize, sequence: u64) -> Vec<u8> {
    let message = MsgSend {
        from_address: chain.accounts[from].address.to_string(),
        to_address: chain.accounts[to].address.to_string(),
        amount: vec![Coin { denom: "uve".into(), amount: "1".into() }],
    };
    let number = chain.account(&chain.accounts[from].address).account_number;
    ve_testkit::chain::sign(&chain.accounts[from], number, sequence, vec![any(&message)])
}

fn code(chain: &TestChain, tx: &[u8]) -> u32 {
    chain.check(tx).result.code
}

#[test]
fn what_waits_still_counts_after_a_block_of_others() {
    let mut chain = TestChain::new(3);
    let others = transfer(&chain, 1, 2, 0);
    for sequence in 0..2 {
        assert_eq!(code(&chain, &transfer(&chain, 0, 1, sequence)), 0);
    }
    chain.run(vec![others]);
    assert_eq!(code(&chain, &transfer(&chain, 0, 1, 1)), 32, "it waits already");
    assert_eq!(code(&chain, &transfer(&chain, 0, 1, 2)), 0);
}

#[test]
fn an_account_in_the_block_starts_from_what_the_block_left() {
    let mut chain = TestChain::new(2);
    for sequence in 0..3 {
        assert_eq!(code(&chain, &transfer(&chain, 0, 1, sequence)), 0);
    }
    let first = transfer(&chain, 0, 1, 0);
    chain.run(vec![first]);
    assert_eq!(code(&chain, &transfer(&chain, 0, 1, 2)), 32);
    for sequence in 1..4 {
        assert_eq!(code(&chain, &transfer(&chain, 0, 1, sequence)), 0);
    }
}

#[test]
fn checks_can_start_over_from_the_last_block() {
    let chain = TestChain::new(2);
    assert_eq!(code(&chain, &transfer(&chain, 0, 1, 0)), 0);
    assert_eq!(code(&chain, &transfer(&chain, 0, 1, 0)), 32);
    chain.app.restart_checks();
    assert_eq!(code(&chain, &transfer(&chain, 0, 1, 0)), 0);
}

#[test]
fn the_application_names_whose_transaction_it_is() {
    let chain = TestChain::new(2);
    let tx = transfer(&chain, 1, 0, 0);
    assert_eq!(chain.app.sender(&tx.into()), Some(chain.accounts[1].address.as_bytes().to_vec()));
    assert_eq!(chain.app.sender(&vec![1, 2, 3].into()), None);
}
