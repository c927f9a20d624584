use proptest::prelude::*;
use ve_base::{Address, Amount, Coin, Dec};

use super::book::{Book, Rules, Turn};
use super::error::Error;
use super::types::{Account, AccountId, AccountState, Payment, PaymentState};

pub(super) const RULES: Rules =
    Rules { grace_seconds: 600, restore_seconds: 3600, max_payments: 50, max_deposits: 4, max_disputes: 2 };

pub(super) fn dec(text: &str) -> Dec {
    text.parse().expect("a decimal")
}

pub(super) fn person(number: u8) -> Address {
    Address::from([number; 20])
}

pub(super) fn coins(amount: u64) -> Coin {
    Coin::native(Amount::from(amount))
}

pub(super) fn book(deposit: u64) -> Book {
    let account = Account {
        id: AccountId::deployment("a/1"),
        owner: person(1),
        state: AccountState::Open,
        denom: ve_base::Denom::native(),
        funds: Dec::zero(),
        deposited: Dec::zero(),
        transferred: Dec::zero(),
        refunded: Dec::zero(),
        settled_at: 1000,
        deposits: Vec::new(),
        due_at: 0,
        updated_height: 1,
        held: Dec::zero(),
        expires_at: 0,
        grace_until: 0,
        conditions: Vec::new(),
        disputes: Vec::new(),
        last_dispute: 0,
    };
    let mut book = Book { account, payments: Vec::new() };
    book.deposit(&person(1), &coins(deposit), 1000, 1, &RULES).expect("accepted");
    book
}

pub(super) fn payment(xid: &str, rate: &str, locked: bool) -> Payment {
    Payment {
        account: AccountId::deployment("a/1"),
        xid: xid.into(),
        payee: person(9),
        rate: dec(rate),
        balance: Dec::zero(),
        unsettled: Dec::zero(),
        withdrawn: Amount::ZERO,
        state: PaymentState::Open,
        locked,
    }
}

#[test]
fn overdrawn_funds_are_paid_to_the_last_coin_and_the_rest_is_owed() {
    let mut book = book(1010);
    book.open_payment(payment("1", "30", false), &RULES).expect("opens");
    book.open_payment(payment("2", "10", false), &RULES).expect("opens");
    assert_eq!(book.account.due_at, 1026);
    assert_eq!(book.settle(1030, &RULES), Ok(Turn::Overdrawn));
    assert_eq!(book.payments[0].balance, dec("757.5"));
    assert_eq!(book.payments[1].unsettled, dec("47.5"));
    assert_eq!(book.account.due_at, 1630);
    let (first, payout, _) = book.close_payment("1", 1630, &RULES).expect("closes");
    assert_eq!(payout.amount, Amount::from(757u64));
    // The half coin that could not be paid went back and repays the next debt.
    let (second, other, _) = book.close_payment("2", 1630, &RULES).expect("closes");
    assert_eq!(other.amount, Amount::from(253u64));
    assert_eq!((first.unsettled, second.unsettled), (dec("142.5"), dec("47")));
    assert!(book.close().expect("closes").is_empty());
    book.check().expect("consistent");
}

#[test]
fn nothing_accrues_in_the_grace_time() {
    let mut book = book(100);
    book.open_payment(payment("1", "10", false), &RULES).expect("opens");
    book.settle(1011, &RULES).expect("settles");
    let owed = book.payments[0].unsettled;
    assert_eq!(book.settle(1500, &RULES), Ok(Turn::None));
    assert_eq!(book.payments[0].unsettled, owed);
}

#[test]
fn a_sufficient_top_up_pays_the_debt_first_and_opens_the_account() {
    let mut book = book(100);
    book.open_payment(payment("1", "10", false), &RULES).expect("opens");
    book.settle(1020, &RULES).expect("settles");
    assert_eq!(book.payments[0].unsettled, dec("100"));
    assert_eq!(book.deposit(&person(2), &coins(36_100), 1200, 2, &RULES), Ok(Turn::Restored));
    assert_eq!(book.payments[0].balance, dec("200"));
    assert_eq!(book.account.funds, dec("36000"));
    assert_eq!(book.account.due_at, 1200 + 3600 + 1);
    book.check().expect("consistent");
}

#[test]
fn a_top_up_that_does_not_restore_is_refused_with_the_amount_that_would() {
    let mut book = book(100);
    book.open_payment(payment("1", "10", false), &RULES).expect("opens");
    book.settle(1020, &RULES).expect("settles");
    let error = book.deposit(&person(2), &coins(36_099), 1200, 2, &RULES).expect_err("one coin short");
    assert!(matches!(error, Error::Overdrawn { needed, .. } if needed == "36100uve"));
}

#[test]
fn deposits_are_spent_oldest_first_and_refunded_newest_first() {
    let mut book = book(100);
    book.deposit(&person(2), &coins(50), 1000, 1, &RULES).expect("accepted");
    book.deposit(&person(3), &coins(30), 1000, 1, &RULES).expect("accepted");
    book.open_payment(payment("1", "0.7", false), &RULES).expect("opens");
    book.settle(1151, &RULES).expect("settles");
    let (_, payout, _) = book.close_payment("1", 1151, &RULES).expect("closes");
    assert_eq!(payout.amount, Amount::from(105u64));
    let refunds = book.close().expect("closes");
    assert_eq!(refunds, vec![(person(3), Amount::from(30u64)), (person(2), Amount::from(45u64))]);
    book.check().expect("consistent");
}

#[test]
fn a_service_never_delivered_costs_nothing() {
    let mut book = book(1000);
    book.open_payment(payment("1", "3.3", true), &RULES).expect("opens");
    book.settle(1100, &RULES).expect("settles");
    assert_eq!(book.withdraw("1"), Err(Error::Locked("1".into())));
    let (closed, payout, _) = book.close_payment("1", 1100, &RULES).expect("closes");
    assert_eq!(payout.amount, Amount::ZERO);
    assert_eq!(closed.balance, Dec::zero());
    assert_eq!(book.close().expect("closes"), vec![(person(1), Amount::from(1000u64))]);
}

#[test]
fn a_withdrawal_keeps_the_fraction_of_a_coin() {
    let mut book = book(1000);
    book.open_payment(payment("1", "1.5", false), &RULES).expect("opens");
    book.settle(1003, &RULES).expect("settles");
    assert_eq!(book.withdraw("1").expect("pays").amount, Amount::from(4u64));
    assert_eq!(book.payments[0].balance, dec("0.5"));
    assert_eq!(book.withdraw("1").expect("pays nothing").amount, Amount::ZERO);
}

#[test]
fn a_closed_account_takes_no_deposit_and_no_payment() {
    let mut book = book(1000);
    book.close().expect("closes");
    assert!(matches!(book.deposit(&person(1), &coins(5), 1001, 2, &RULES), Err(Error::Closed(_))));
    assert!(matches!(book.open_payment(payment("1", "1", true), &RULES), Err(Error::Closed(_))));
    assert_eq!(book.settle(5000, &RULES), Ok(Turn::None));
}

#[test]
fn a_foreign_denomination_and_a_zero_rate_are_refused() {
    let mut book = book(1000);
    let coin = Coin::new("ibc/AA".parse().expect("a denom"), Amount::from(5u64));
    assert!(matches!(book.deposit(&person(1), &coin, 1001, 2, &RULES), Err(Error::Denom { .. })));
    assert_eq!(book.open_payment(payment("1", "0", true), &RULES), Err(Error::ZeroRate));
}

#[test]
fn deposits_and_payments_are_limited() {
    let mut book = book(1000);
    for number in 2..=4 {
        book.deposit(&person(number), &coins(1), 1000, 1, &RULES).expect("accepted");
    }
    book.deposit(&person(4), &coins(1), 1000, 1, &RULES).expect("joins the newest deposit");
    assert!(matches!(book.deposit(&person(5), &coins(1), 1000, 1, &RULES), Err(Error::Full(_))));
    for number in 0..50 {
        book.open_payment(payment(&format!("{number:02}"), "0.001", true), &RULES).expect("opens");
    }
    assert!(matches!(book.open_payment(payment("50", "1", true), &RULES), Err(Error::Full(_))));
}

#[derive(Clone, Debug)]
enum Step {
    Deposit(u8, u64),
    Open(u8, u64),
    Unlock(u8),
    Withdraw(u8),
    End(u8),
    Wait(u64),
    Release(u8, u8, u64),
    GiveBack(u8),
    Dispute(u8, u64),
    Resolve(u32, u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1u8..4, 1u64..1_000_000).prop_map(|(who, amount)| Step::Deposit(who, amount)),
        (0u8..6, 1u64..1_000_000_000).prop_map(|(id, rate)| Step::Open(id, rate)),
        (0u8..6).prop_map(Step::Unlock),
        (0u8..6).prop_map(Step::Withdraw),
        (0u8..6).prop_map(Step::End),
        (0u64..20_000).prop_map(Step::Wait),
        (1u8..4, 0u8..6, 1u64..100_000).prop_map(|(who, id, amount)| Step::Release(who, id, amount)),
        (0u8..6).prop_map(Step::GiveBack),
        (0u8..6, 1u64..1_000_000).prop_map(|(id, amount)| Step::Dispute(id, amount)),
        (1u32..8, 0u8..4).prop_map(|(id, quarters)| Step::Resolve(id, quarters)),
    ]
}

proptest! {
    /// Model check: whatever happens, coins in = coins out + coins held, and closing empties the account.
    #[test]
    fn what_goes_in_comes_out_or_is_still_there(first in 1u64..10_000_000, steps in prop::collection::vec(step(), 0..60)) {
        let mut book = book(first);
        let (mut now, mut put, mut got) = (1000u64, u128::from(first), 0u128);
        let rate = |units: u64| Dec::from_parts(units, 7).expect("fits").to_string();
        for step in steps {
            book.settle(now, &RULES).expect("settles");
            let before = book.clone();
            let result = match step {
                Step::Deposit(who, amount) => book.deposit(&person(who), &coins(amount), now, 1, &RULES).map(|_| put += u128::from(amount)),
                Step::Open(id, _) if book.payments.iter().any(|payment| payment.xid == id.to_string()) => Ok(()),
                Step::Open(id, units) => book.open_payment(payment(&id.to_string(), &rate(units), true), &RULES),
                Step::Unlock(id) => book.unlock(&id.to_string()),
                Step::Withdraw(id) => book.withdraw(&id.to_string()).map(|payout| got += payout.amount.to_u128().expect("small")),
                Step::End(id) => book.close_payment(&id.to_string(), now, &RULES).map(|(_, payout, _)| got += payout.amount.to_u128().expect("small")),
                Step::Wait(seconds) => { now += seconds; Ok(()) }
                Step::Release(who, id, amount) => book
                    .release(&person(who), &id.to_string(), Amount::from(amount))
                    .map(|payout| got += payout.amount.to_u128().expect("small")),
                Step::GiveBack(id) => book.refund_payment(&id.to_string(), now, &RULES).map(|_| ()),
                Step::Dispute(id, amount) => {
                    book.dispute(super::claims_tests::dispute(&id.to_string(), 9, amount, now), &RULES).map(|_| ())
                }
                Step::Resolve(id, quarters) => {
                    let amount = book.account.disputes.iter().find(|open| open.id == id).map(|open| open.amount);
                    let amount = amount.unwrap_or_default().to_u64().expect("small");
                    let part = amount * u64::from(quarters) / 4;
                    book.end_dispute(id, Amount::from(part), now, &RULES).map(|_| got += u128::from(part))
                }
            };
            if result.is_err() {
                book = before;
            }
            book.check().map_err(TestCaseError::fail)?;
            let held = book.payments.iter().map(|payment| payment.balance).fold(book.account.funds, |sum, part| sum.checked_add(part).expect("fits"));
            prop_assert_eq!(held, Dec::from_amount(Amount::from(put - got)).expect("fits"));
        }
        book.settle(now, &RULES).expect("settles");
        for xid in book.payments.iter().map(|payment| payment.xid.clone()).collect::<Vec<_>>() {
            got += book.close_payment(&xid, now, &RULES).expect("closes").1.amount.to_u128().expect("small");
        }
        for id in book.account.disputes.iter().map(|open| open.id).collect::<Vec<_>>() {
            book.end_dispute(id, Amount::ZERO, now, &RULES).expect("ends");
        }
        let refunded: u128 = book.close().expect("closes").iter().map(|(_, amount)| amount.to_u128().expect("small")).sum();
        prop_assert_eq!(put, got + refunded);
        book.check().map_err(TestCaseError::fail)?;
    }
}
