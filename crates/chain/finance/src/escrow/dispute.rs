//! Disputes over unspent funds, with their coins (finance spec sections 7.2 and 9.3).
//!
//! The opener deposits a bond. It returns unless the dispute runs out or governance finds nothing for the opener; then
//! the other party gets it for the time that the coins were frozen.

use ve_base::{Address, Amount, CodedError, Coin, Coins};
use ve_chain_core::bank;
use ve_sdk::{Context, Event};

use super::book::{Book, Payout};
use super::error::Error;
use super::types::{AccountId, AccountState, Dispute};
use super::{ESCROW, ledger, params};

/// Who ends a dispute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judge {
    Party(Address),
    Governance,
    /// Nobody did in time: the charge stands.
    Time,
}

/// Opens a dispute; returns its number and the bond.
pub fn open(
    ctx: &mut Context<'_>,
    id: &AccountId,
    opener: &Address,
    payment: &str,
    amount: &Coin,
    statement_hash: &[u8],
) -> Result<(u32, Coin), CodedError> {
    let mut book = ledger::settle(ctx, id)?;
    let denom = book.account.denom.clone();
    if amount.denom != denom {
        let (expected, got) = (denom.to_string(), amount.denom.to_string());
        return Err(Error::Denom { account: id.to_string(), expected, got }.into());
    }
    let params = params::load(ctx)?;
    let bond = Coin::new(denom, params::dispute_bond(&params, amount.amount)?);
    let now = ledger::now(ctx);
    let dispute = Dispute {
        id: 0,
        payment: payment.to_owned(),
        payee: opener.clone(),
        opener: opener.clone(),
        amount: amount.amount,
        bond: bond.amount,
        opened_at: now,
        expires_at: now.saturating_add(params.dispute_seconds),
        statement_hash: statement_hash.to_vec(),
    };
    let number = book.dispute(dispute, &params::rules(&params))?;
    bank::send_to_module(ctx, opener, ESCROW, &Coins::one(bond.clone()))?;
    ledger::commit(ctx, &mut book)?;
    ctx.emit(
        Event::new("escrow_disputed")
            .with("id", id)
            .with("dispute", number)
            .with("payment", payment)
            .with("opener", opener)
            .with("amount", amount)
            .with("bond", &bond),
    );
    Ok((number, bond))
}

/// Ends a dispute as a party or governance decides.
pub fn resolve(
    ctx: &mut Context<'_>,
    id: &AccountId,
    number: u32,
    judge: &Judge,
    to_payee: Amount,
) -> Result<(), CodedError> {
    let mut book = ledger::settle(ctx, id)?;
    let dispute = book.account.disputes.iter().find(|dispute| dispute.id == number);
    let dispute = dispute.ok_or(Error::NoDispute(number))?;
    if let Judge::Party(party) = judge {
        // A party decides against itself only.
        let concedes = (*party == book.account.owner && to_payee == dispute.amount)
            || (*party == dispute.payee && to_payee.is_zero());
        if !concedes {
            let known = *party == book.account.owner || *party == dispute.payee;
            let amount = dispute.amount.to_string();
            return Err(match known {
                true => Error::Verdict { given: to_payee.to_string(), amount },
                false => Error::NotParty(party.to_string()),
            }
            .into());
        }
    }
    end(ctx, &mut book, number, judge, to_payee)
}

/// Ends what nobody resolved in time.
pub fn expire(ctx: &mut Context<'_>, id: &AccountId) -> Result<(), CodedError> {
    let now = ledger::now(ctx);
    let late = |book: &Book| book.account.disputes.iter().find(|dispute| dispute.expires_at <= now).map(|late| late.id);
    let Some(mut number) = late(&ledger::require(ctx, id)?) else { return Ok(()) };
    loop {
        let mut book = ledger::settle(ctx, id)?;
        end(ctx, &mut book, number, &Judge::Time, Amount::ZERO)?;
        match late(&ledger::require(ctx, id)?) {
            Some(next) => number = next,
            None => return Ok(()),
        }
    }
}

fn end(ctx: &mut Context<'_>, book: &mut Book, number: u32, judge: &Judge, to_payee: Amount) -> Result<(), CodedError> {
    let rules = params::rules(&params::load(ctx)?);
    let (dispute, turn) = book.end_dispute(number, to_payee, ledger::now(ctx), &rules)?;
    ledger::commit(ctx, book)?;
    let payout = Payout { payment: dispute.payment.clone(), payee: dispute.payee.clone(), amount: to_payee };
    ledger::pay(ctx, &book.account, &payout)?;
    let by_payee = dispute.opener == dispute.payee;
    let won = if by_payee { !to_payee.is_zero() } else { to_payee < dispute.amount };
    let returned = match judge {
        Judge::Party(_) => true,
        Judge::Governance => won,
        Judge::Time => false,
    };
    let other = if by_payee { &book.account.owner } else { &dispute.payee };
    let receiver = if returned { &dispute.opener } else { other };
    let bond = Coin::new(book.account.denom.clone(), dispute.bond);
    bank::send_from_module(ctx, ESCROW, receiver, &Coins::one(bond.clone()))?;
    let by = match judge {
        Judge::Party(party) => party.to_string(),
        Judge::Governance => "governance".to_owned(),
        Judge::Time => "chain".to_owned(),
    };
    ctx.emit(
        Event::new("escrow_dispute_resolved")
            .with("id", &book.account.id)
            .with("dispute", number)
            .with("by", by)
            .with("to_payee", to_payee)
            .with("bond", &bond)
            .with("bond_to", receiver),
    );
    ledger::announce(ctx, &book.account, turn)?;
    if book.account.state == AccountState::Closing && book.account.disputes.is_empty() {
        return ledger::finish(ctx, book);
    }
    Ok(())
}
