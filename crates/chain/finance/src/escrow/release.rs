//! Release and refund of unspent funds, with their coins (finance spec section 7.4).

use ve_base::{Address, Amount, CodedError, Coin, Coins, Dec};
use ve_chain_core::bank;
use ve_sdk::{Context, Event};

use super::error::Error;
use super::keys::PAYMENTS;
use super::types::{AccountId, Scope};
use super::{ESCROW, condition, ledger, params};

/// A bid's deposit stands for the bid; only accounts that pay leases are moved by messages.
pub fn require_leases(id: &AccountId) -> Result<(), Error> {
    if id.scope() == Scope::Deployment { Ok(()) } else { Err(Error::Scope(id.to_string())) }
}

/// Pays coins of the depositor to a payee now. Returns what is left after commission.
pub fn release(
    ctx: &mut Context<'_>,
    id: &AccountId,
    from: &Address,
    payment: &str,
    coin: &Coin,
) -> Result<Coin, CodedError> {
    let mut book = ledger::settle(ctx, id)?;
    if coin.denom != book.account.denom {
        let (expected, got) = (book.account.denom.to_string(), coin.denom.to_string());
        return Err(Error::Denom { account: id.to_string(), expected, got }.into());
    }
    if let Some(waits_for) = condition::unmet(&book.account.conditions, ledger::now(ctx), book.account.transferred) {
        return Err(Error::ConditionUnmet(waits_for).into());
    }
    let payout = book.release(from, payment, coin.amount)?;
    ledger::commit(ctx, &mut book)?;
    let net = ledger::pay(ctx, &book.account, &payout)?;
    ctx.emit(
        Event::new("escrow_released")
            .with("id", id)
            .with("payment", payment)
            .with("depositor", from)
            .with("payee", &payout.payee)
            .with("amount", coin),
    );
    Ok(Coin::new(coin.denom.clone(), net))
}

/// Notes an approval that the account's conditions wait for.
pub fn approve(ctx: &mut Context<'_>, id: &AccountId, signer: &Address) -> Result<(), CodedError> {
    let mut book = ledger::settle(ctx, id)?;
    if !book.account.is_live() {
        return Err(Error::Closed(id.to_string()).into());
    }
    if !condition::approve(&mut book.account.conditions, &signer.to_string()) {
        return Err(Error::NotSigner(signer.to_string()).into());
    }
    ledger::commit(ctx, &mut book)?;
    ctx.emit(Event::new("escrow_release_approved").with("id", id).with("signer", signer));
    Ok(())
}

/// A payee gives back what is not paid out. Returns coin and amount, which is again in the account.
pub fn refund_payment(
    ctx: &mut Context<'_>,
    id: &AccountId,
    payee: &Address,
    payment: &str,
) -> Result<(String, Dec), CodedError> {
    let mut book = ledger::settle(ctx, id)?;
    let known = book.payments.iter().find(|live| live.xid == payment);
    let known = known.ok_or_else(|| Error::PaymentNotFound(payment.chars().take(300).collect()))?;
    if known.payee != *payee {
        return Err(Error::Unauthorized(known.payee.to_string()).into());
    }
    let rules = params::rules(&params::load(ctx)?);
    let (refunded, turn) = book.refund_payment(payment, ledger::now(ctx), &rules)?;
    ledger::commit(ctx, &mut book)?;
    let denom = book.account.denom.to_string();
    ctx.emit(
        Event::new("payment_refunded")
            .with("account", id)
            .with("payment", payment)
            .with("payee", payee)
            .with("amount", format!("{refunded:#}{denom}")),
    );
    ledger::announce(ctx, &book.account, turn)?;
    Ok((denom, refunded))
}

/// A depositor takes back deposits of an account that never had a payment. What stays still opens an account: an order
/// without a deposit behind it would cost nothing.
pub fn refund_deposits(ctx: &mut Context<'_>, id: &AccountId, from: &Address) -> Result<Coin, CodedError> {
    let mut book = ledger::settle(ctx, id)?;
    if PAYMENTS.scan().prefix(id).first(ctx)?.is_some() {
        return Err(Error::HasPayments(id.to_string()).into());
    }
    let amount: Amount = book.refund_deposits(from)?;
    let denom = book.account.denom.as_str();
    let least = params::min_deposit(&params::load(ctx)?, denom).unwrap_or_default();
    if book.available()? < Dec::from_amount(least)? {
        return Err(Error::LastDeposit(format!("{least}{denom}")).into());
    }
    ledger::commit(ctx, &mut book)?;
    let coin = Coin::new(book.account.denom.clone(), amount);
    bank::send_from_module(ctx, ESCROW, from, &Coins::one(coin.clone()))?;
    ctx.emit(Event::new("escrow_refunded").with("id", id).with("depositor", from).with("amount", &coin));
    Ok(coin)
}
