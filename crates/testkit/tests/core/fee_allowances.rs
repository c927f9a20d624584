//! Fees that somebody else pays, through the whole application. Invariants are checked after every block.

use prost::{Message, Name};
use ve_base::{Address, Amount};
use ve_proto::cosmos::bank::v1beta1::MsgSend;
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_proto::cosmos::feegrant::v1beta1::*;
use ve_sdk::application::{Application, TxResult};
use ve_testkit::chain::{Account, ENDOWMENT, FEE, TestChain, any, sign_changed};

fn text(chain: &TestChain, index: usize) -> String {
    chain.accounts[index].address.to_string()
}

fn coins(amount: u64) -> Vec<Coin> {
    vec![Coin { denom: "uve".into(), amount: amount.to_string() }]
}

fn basic(limit: u64) -> BasicAllowance {
    BasicAllowance { spend_limit: coins(limit), expiration: None }
}

/// Account 0 pays for account 1.
fn grant<M: Message + Name>(chain: &TestChain, allowance: &M) -> MsgGrantAllowance {
    MsgGrantAllowance { granter: text(chain, 0), grantee: text(chain, 1), allowance: Some(any(allowance)) }
}

fn send(chain: &TestChain) -> MsgSend {
    MsgSend { from_address: text(chain, 1), to_address: text(chain, 0), amount: coins(1) }
}

/// Account 1 sends, account 0 pays the fee.
fn sponsored(chain: &mut TestChain) -> TxResult {
    let granter = chain.accounts[0].address.clone();
    let tx = chain.tx_paid_by(1, &granter, &send(chain));
    chain.run(vec![tx]).tx_results.remove(0)
}

fn code(result: &TxResult) -> (&str, u32) {
    (result.codespace.as_str(), result.code)
}

fn balance(chain: &TestChain, address: &Address) -> Amount {
    chain.balance(address)
}

#[test]
fn a_granter_pays_fees_until_the_limit_is_used_up() {
    let mut chain = TestChain::new(2);
    let result = sponsored(&mut chain);
    assert_eq!(code(&result), ("feegrant", 5));
    assert!(result.log.contains("does not allow to pay fees for"), "{}", result.log);
    let message = grant(&chain, &basic(2 * FEE));
    assert_eq!(chain.deliver(0, &message).log, "");
    assert_eq!(code(&chain.deliver(0, &message)), ("sdk", 18), "one allowance at a time");

    let result = sponsored(&mut chain);
    assert_eq!(result.log, "");
    let payer = ("fee_payer".to_owned(), text(&chain, 0));
    assert!(result.events.iter().any(|event| event.kind == "tx" && event.attributes.contains(&payer)));
    assert!(result.events.iter().any(|event| event.kind == "use_feegrant"));
    assert_eq!(sponsored(&mut chain).log, "", "the rest of the limit");
    assert_eq!(code(&sponsored(&mut chain)), ("feegrant", 5), "it disappeared");
    let sender = chain.accounts[1].address.clone();
    assert_eq!(balance(&chain, &sender), Amount::from(ENDOWMENT - 2), "it paid no fee");
}

#[test]
fn somebody_who_owns_nothing_transacts_on_an_allowance() {
    let mut chain = TestChain::new(1);
    let newcomer = Account::number(9);
    let message = MsgGrantAllowance {
        granter: text(&chain, 0),
        grantee: newcomer.address.to_string(),
        allowance: Some(any(&basic(10 * FEE))),
    };
    assert_eq!(chain.deliver(0, &message).log, "");
    let account = chain.account(&newcomer.address);
    let revoke = MsgRevokeAllowance { granter: newcomer.address.to_string(), grantee: text(&chain, 0) };
    let granter = text(&chain, 0);
    let tx = sign_changed(&newcomer, account.account_number, 0, vec![any(&revoke)], |_, auth_info| {
        auth_info.fee.get_or_insert_default().granter = granter;
    });
    assert_eq!(chain.check(&tx).result.log, "", "the mempool takes it");
    let result = chain.run(vec![tx]).tx_results.remove(0);
    assert_eq!(code(&result), ("feegrant", 5), "the message found nothing to revoke; its fee was paid");
    assert_eq!(chain.account(&newcomer.address).sequence, 1);
}

#[test]
fn a_failed_message_uses_the_allowance_and_a_refused_transaction_does_not() {
    let mut chain = TestChain::new(2);
    let message = grant(&chain, &basic(FEE));
    chain.deliver(0, &message);
    let granter = chain.accounts[0].address.clone();
    let beyond =
        MsgSend { amount: vec![Coin { denom: "uve".into(), amount: (ENDOWMENT * 2).to_string() }], ..send(&chain) };
    let mut forged = chain.tx_paid_by(1, &granter, &beyond);
    let last = forged.len() - 1;
    forged[last] ^= 1;
    assert_eq!(code(&chain.run(vec![forged]).tx_results[0]), ("sdk", 4), "a broken signature");
    let tx = chain.tx_paid_by(1, &granter, &beyond);
    assert_eq!(code(&chain.run(vec![tx]).tx_results[0]), ("sdk", 5));
    assert_eq!(code(&sponsored(&mut chain)), ("feegrant", 5));
}

#[test]
fn an_allowance_smaller_than_the_fee_or_a_granter_without_coins_pays_nothing() {
    let mut chain = TestChain::new(2);
    let message = grant(&chain, &basic(FEE - 1));
    chain.deliver(0, &message);
    assert_eq!(code(&sponsored(&mut chain)), ("feegrant", 2));
    let revoke = MsgRevokeAllowance { granter: text(&chain, 0), grantee: text(&chain, 1) };
    assert_eq!(chain.deliver(0, &revoke).log, "");
    let message = grant(&chain, &BasicAllowance::default());
    assert_eq!(chain.deliver(0, &message).log, "", "no limit at all");
    let all = chain.balance(&chain.accounts[0].address).to_u128().expect("it fits") - u128::from(FEE);
    let away = MsgSend {
        from_address: text(&chain, 0),
        to_address: text(&chain, 1),
        amount: vec![Coin { denom: "uve".into(), amount: all.to_string() }],
    };
    assert_eq!(chain.deliver(0, &away).log, "");
    assert_eq!(code(&sponsored(&mut chain)), ("sdk", 5));
}

#[test]
fn a_periodic_allowance_renews_itself_and_never_exceeds_the_whole() {
    let mut chain = TestChain::new(2);
    let allowance = PeriodicAllowance {
        basic: Some(basic(3 * FEE)),
        period: Some(prost_types::Duration { seconds: 60, nanos: 0 }),
        period_spend_limit: coins(2 * FEE),
        ..PeriodicAllowance::default()
    };
    let message = grant(&chain, &allowance);
    assert_eq!(chain.deliver(0, &message).log, "");
    assert_eq!(sponsored(&mut chain).log, "");
    assert_eq!(sponsored(&mut chain).log, "");
    let result = sponsored(&mut chain);
    assert_eq!((code(&result), result.log.contains("period limit")), (("feegrant", 2), true), "{}", result.log);
    chain.wait(60);
    assert_eq!(sponsored(&mut chain).log, "", "the next period");
    assert_eq!(code(&sponsored(&mut chain)), ("feegrant", 5), "the whole is used up");
}

#[test]
fn an_allowance_for_some_messages_pays_for_no_others() {
    let mut chain = TestChain::new(2);
    let only = |messages: &[&str]| AllowedMsgAllowance {
        allowance: Some(any(&basic(10 * FEE))),
        allowed_messages: messages.iter().map(|message| (*message).to_owned()).collect(),
    };
    let nested = AllowedMsgAllowance { allowance: Some(any(&only(&["/x"]))), ..only(&["/x"]) };
    let message = grant(&chain, &nested);
    assert_eq!(code(&chain.deliver(0, &message)), ("sdk", 18), "a list inside a list");
    let message = grant(&chain, &only(&[]));
    assert_eq!(code(&chain.deliver(0, &message)), ("feegrant", 6));
    let message = grant(&chain, &only(&["/cosmos.bank.v1beta1.MsgSend"]));
    assert_eq!(chain.deliver(0, &message).log, "");
    let granter = chain.accounts[0].address.clone();
    let prune = MsgPruneAllowances { pruner: text(&chain, 1) };
    let tx = chain.tx_paid_by(1, &granter, &prune);
    assert_eq!(code(&chain.run(vec![tx]).tx_results[0]), ("feegrant", 7));
    assert_eq!(sponsored(&mut chain).log, "");
}

#[test]
fn an_expired_allowance_pays_nothing_and_disappears() {
    let mut chain = TestChain::new(2);
    let until = |seconds| BasicAllowance {
        expiration: Some(chain.time.plus_seconds(seconds).to_proto()),
        ..BasicAllowance::default()
    };
    let (late, good) = (grant(&chain, &until(5)), grant(&chain, &until(20)));
    assert_eq!(code(&chain.deliver(0, &late)), ("sdk", 18));
    assert_eq!(chain.deliver(0, &good).log, "");
    assert_eq!(sponsored(&mut chain).log, "");
    let ask = |chain: &TestChain| {
        let request = QueryAllowanceRequest { granter: text(chain, 0), grantee: text(chain, 1) };
        chain.query::<_, QueryAllowanceResponse>("/cosmos.feegrant.v1beta1.Query/Allowance", &request)
    };
    assert!(ask(&chain).is_ok());
    chain.wait(10);
    assert_eq!(code(&sponsored(&mut chain)), ("feegrant", 5));
    assert!(ask(&chain).expect_err("it is gone").contains("code = NotFound"));
}

#[test]
fn allowances_are_listed_from_both_sides_and_survive_export_and_import() {
    let mut chain = TestChain::new(3);
    let message = grant(&chain, &basic(7));
    chain.deliver(0, &message);
    let timed = BasicAllowance { expiration: Some(chain.time.plus_seconds(500).to_proto()), ..basic(8) };
    let other = MsgGrantAllowance { granter: text(&chain, 2), ..grant(&chain, &timed) };
    chain.deliver(2, &other);
    let request = QueryAllowancesRequest { grantee: text(&chain, 1), pagination: None };
    let received: QueryAllowancesResponse =
        chain.query("/cosmos.feegrant.v1beta1.Query/Allowances", &request).expect("allowances are served");
    let request = QueryAllowancesByGranterRequest { granter: text(&chain, 2), pagination: None };
    let issued: QueryAllowancesByGranterResponse =
        chain.query("/cosmos.feegrant.v1beta1.Query/AllowancesByGranter", &request).expect("allowances are served");
    assert_eq!((received.allowances.len(), issued.allowances.len()), (2, 1));
    let exported = chain.app.export().expect("a committed state");
    let copy = exported.clone();
    let imported = TestChain::with_genesis(0, move |state| *state = copy);
    assert_eq!(imported.app.export().expect("the imported state"), exported);
}
