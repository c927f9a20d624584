use ve_base::{Amount, Dec};

use super::book::Turn;
use super::book_tests::{RULES, book, coins, dec, payment, person};
use super::error::Error;
use super::types::{AccountState, Dispute};

fn amount(value: u64) -> Amount {
    Amount::from(value)
}

/// By person `opener` over `amount`, for seven days.
pub fn dispute(payment: &str, opener: u8, amount: u64, now: u64) -> Dispute {
    Dispute {
        id: 0,
        payment: payment.into(),
        payee: person(opener),
        opener: person(opener),
        amount: Amount::from(amount),
        bond: Amount::from(1_000_000u64),
        opened_at: now,
        expires_at: now + 7 * 86_400,
        statement_hash: vec![3; 32],
    }
}

#[test]
fn a_release_pays_the_depositors_own_coins_only() {
    let mut book = book(1000);
    book.deposit(&person(2), &coins(300), 1000, 1, &RULES).expect("accepted");
    book.open_payment(payment("1", "1", false), &RULES).expect("opens");
    let payout = book.release(&person(2), "1", amount(200)).expect("pays");
    assert_eq!((payout.payee, payout.amount), (person(9), amount(200)));
    assert!(matches!(book.release(&person(2), "1", amount(101)), Err(Error::Release { .. })));
    assert!(matches!(book.release(&person(3), "1", amount(1)), Err(Error::Release { .. })));
    assert_eq!(book.account.funds, dec("1100"));
    book.check().expect("consistent");
    // What is refunded later never goes to a deposit that was released.
    book.settle(1500, &RULES).expect("settles");
    book.refund_payment("1", 1500, &RULES).expect("gives back");
    book.close_payment("1", 1500, &RULES).expect("closes");
    assert_eq!(book.close().expect("closes"), vec![(person(2), amount(100)), (person(1), amount(1000))]);
}

#[test]
fn nothing_is_released_to_a_service_that_was_not_delivered() {
    let mut book = book(1000);
    book.open_payment(payment("1", "1", true), &RULES).expect("opens");
    assert_eq!(book.release(&person(1), "1", amount(1)), Err(Error::Locked("1".into())));
    assert!(matches!(book.release(&person(1), "2", amount(1)), Err(Error::PaymentNotFound(_))));
}

#[test]
fn a_payee_gives_back_what_was_not_paid_out_and_that_can_restore_the_account() {
    let mut book = book(100_000);
    book.open_payment(payment("1", "10", false), &RULES).expect("opens");
    book.settle(1000 + 10_001, &RULES).expect("settles");
    assert_eq!(book.account.state, AccountState::Overdrawn);
    let (refunded, turn) = book.refund_payment("1", 11_001, &RULES).expect("gives back");
    assert_eq!((refunded, turn), (dec("100000"), Turn::Restored));
    assert_eq!(book.payments[0].unsettled, Dec::zero());
    assert_eq!(book.withdraw("1").expect("nothing is left").amount, Amount::ZERO);
    book.check().expect("consistent");
}

#[test]
fn deposits_go_back_once_and_to_their_owner() {
    let mut book = book(1000);
    book.deposit(&person(2), &coins(50), 1000, 1, &RULES).expect("accepted");
    book.deposit(&person(1), &coins(7), 1000, 1, &RULES).expect("accepted");
    assert_eq!(book.refund_deposits(&person(1)), Ok(amount(1007)));
    assert!(matches!(book.refund_deposits(&person(1)), Err(Error::NoDeposit(_))));
    assert_eq!(book.account.funds, dec("50"));
    book.check().expect("consistent");
}

#[test]
fn disputed_coins_neither_accrue_nor_go_back_until_the_dispute_ends() {
    let mut book = book(1000);
    book.open_payment(payment("1", "10", false), &RULES).expect("opens");
    let id = book.dispute(dispute("1", 1, 600, 1000), &RULES).expect("opens");
    assert_eq!(book.account.due_at, 1041, "400 at 10 per second");
    assert_eq!(book.settle(1050, &RULES), Ok(Turn::Overdrawn));
    assert_eq!(book.account.funds, dec("600"), "what is held stays");
    let (closed, payout, _) = book.close_payment("1", 1050, &RULES).expect("closes");
    assert_eq!((payout.amount, closed.unsettled), (amount(400), dec("100")));
    assert!(book.close().expect("closes").is_empty());
    assert_eq!(book.account.state, AccountState::Closing);
    assert!(matches!(book.deposit(&person(1), &coins(5), 1050, 2, &RULES), Err(Error::Closed(_))));
    book.check().expect("consistent");
    let (over, _) = book.end_dispute(id, amount(150), 1060, &RULES).expect("ends");
    assert_eq!(over.payee, person(9));
    assert_eq!(book.close().expect("closes"), vec![(person(1), amount(450))]);
    assert_eq!(book.account.state, AccountState::Closed);
    book.check().expect("consistent");
}

#[test]
fn a_dispute_needs_a_party_and_free_coins_and_ends_once() {
    let mut book = book(1000);
    book.open_payment(payment("1", "10", false), &RULES).expect("opens");
    assert!(matches!(book.dispute(dispute("1", 5, 10, 1000), &RULES), Err(Error::NotParty(_))));
    assert!(matches!(book.dispute(dispute("1", 1, 1001, 1000), &RULES), Err(Error::Disputed { .. })));
    let first = book.dispute(dispute("1", 1, 900, 1000), &RULES).expect("the owner");
    assert!(matches!(book.dispute(dispute("1", 9, 101, 1000), &RULES), Err(Error::Disputed { .. })));
    book.dispute(dispute("1", 9, 100, 1000), &RULES).expect("the payee");
    assert!(matches!(book.dispute(dispute("1", 1, 1, 1000), &RULES), Err(Error::Full(_))));
    assert!(matches!(book.clone().end_dispute(first, amount(901), 1000, &RULES), Err(Error::Verdict { .. })));
    book.end_dispute(first, amount(0), 1000, &RULES).expect("ends");
    assert_eq!(book.end_dispute(first, amount(0), 1000, &RULES).map(|_| ()), Err(Error::NoDispute(first)));
    book.check().expect("consistent");
}

#[test]
fn an_account_is_looked_at_when_its_life_or_a_dispute_ends() {
    let mut book = book(1000);
    book.account.expires_at = 5000;
    book.reschedule().expect("schedules");
    assert_eq!(book.account.due_at, 5000);
    book.open_payment(payment("1", "0.001", false), &RULES).expect("opens");
    let mut early = dispute("1", 1, 10, 1000);
    early.expires_at = 2000;
    book.dispute(early, &RULES).expect("opens");
    assert_eq!(book.account.due_at, 2000);
}

#[test]
fn a_lower_rate_streams_from_its_change_on() {
    let mut book = book(1000);
    book.open_payment(payment("1", "10", false), &RULES).expect("opens");
    book.settle(1010, &RULES).expect("settles");
    book.set_rate("1", dec("3")).expect("changes");
    book.settle(1020, &RULES).expect("settles");
    assert_eq!(book.payments[0].balance, dec("130"));
    assert_eq!(book.set_rate("1", Dec::zero()), Err(Error::ZeroRate));
}
