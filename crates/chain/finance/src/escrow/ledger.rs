//! The only code that changes accounts and moves their coins. Other modules call these functions.

use ve_base::{Address, Amount, CodedError, Coin, Coins, Dec};
use ve_chain_core::bank;
use ve_sdk::{Context, Event, QueryContext};
use ve_store::Read;

use super::book::{Book, Payout, Turn};
use super::error::Error;
use super::keys::{ACCOUNTS, OPEN_PAYMENTS, PAYMENTS};
use super::types::{Account, AccountId, AccountState, Payment, PaymentState};
use super::{ESCROW, EscrowHooks, params};
use crate::take;

/// The account with its live payments, as stored. `None` when it does not exist.
pub fn load<R: Read>(state: &R, id: &AccountId) -> Result<Option<Book>, CodedError> {
    let Some(account) = ACCOUNTS.get(state, id)? else { return Ok(None) };
    let mut payments = Vec::new();
    for entry in OPEN_PAYMENTS.prefix(state, id) {
        payments.push(PAYMENTS.require(state, &entry?.0)?);
    }
    Ok(Some(Book { account, payments }))
}

fn require<R: Read>(state: &R, id: &AccountId) -> Result<Book, CodedError> {
    load(state, id)?.ok_or_else(|| Error::NotFound(id.to_string()).into())
}

/// The account as it is at `now`, without changing anything.
pub fn settled<R: Read>(state: &R, id: &AccountId, now: u64) -> Result<Option<Book>, CodedError> {
    let rules = params::rules(&params::load(state)?);
    let Some(mut book) = load(state, id)? else { return Ok(None) };
    book.settle(now, &rules)?;
    Ok(Some(book))
}

/// A payment as it is at the time of the state, closed ones too.
pub fn payment(ctx: &QueryContext<'_>, id: &AccountId, xid: &str) -> Result<Option<Payment>, CodedError> {
    let stored = PAYMENTS.get(ctx, &(id.clone(), xid.to_owned()))?;
    let book = settled(ctx, id, ctx.time().unix())?;
    let live = book.and_then(|book| book.payments.into_iter().find(|payment| payment.xid == xid));
    Ok(live.or(stored))
}

fn save(ctx: &mut Context<'_>, book: &mut Book) -> Result<(), CodedError> {
    book.account.updated_height = ctx.height();
    ACCOUNTS.set(ctx, &book.account.id, &book.account)?;
    for payment in &book.payments {
        PAYMENTS.set(ctx, &(payment.account.clone(), payment.xid.clone()), payment)?;
    }
    Ok(())
}

fn now(ctx: &Context<'_>) -> u64 {
    ctx.time().unix()
}

/// Tells higher modules of a change of state, after it is stored.
fn announce(ctx: &mut Context<'_>, account: &Account, turn: Turn) -> Result<(), CodedError> {
    let kind = match turn {
        Turn::None => return Ok(()),
        Turn::Overdrawn => "escrow_overdrawn",
        Turn::Restored => "escrow_restored",
    };
    ctx.emit(
        Event::new(kind).with("id", &account.id).with("owner", &account.owner).with("grace_until", account.due_at),
    );
    for hook in ctx.hooks().all::<dyn EscrowHooks>() {
        match turn {
            Turn::Overdrawn => hook.overdrawn(ctx, &account.id)?,
            _ => hook.restored(ctx, &account.id)?,
        }
    }
    Ok(())
}

/// Brings the stored account to the time of the block and tells higher modules if it is overdrawn by that.
pub fn settle(ctx: &mut Context<'_>, id: &AccountId) -> Result<Book, CodedError> {
    let mut book = require(ctx, id)?;
    let rules = params::rules(&params::load(ctx)?);
    let before = book.account.settled_at;
    let turn = book.settle(now(ctx), &rules)?;
    if book.account.settled_at != before {
        save(ctx, &mut book)?;
        announce(ctx, &book.account, turn)?;
    }
    Ok(book)
}

/// Opens an account with a first deposit of `from`.
pub fn create(
    ctx: &mut Context<'_>,
    id: &AccountId,
    owner: &Address,
    from: &Address,
    coin: &Coin,
) -> Result<(), CodedError> {
    if ACCOUNTS.has(ctx, id)? {
        return Err(Error::Exists(id.to_string()).into());
    }
    let params = params::load(ctx)?;
    let least = params::min_deposit(&params, coin.denom.as_str()).ok_or_else(|| Error::Denom {
        account: id.to_string(),
        expected: params.min_deposits.iter().map(|coin| coin.denom.as_str()).collect::<Vec<_>>().join(" or "),
        got: coin.denom.to_string(),
    })?;
    if coin.amount < least {
        return Err(Error::Insufficient { got: coin.to_string(), least: format!("{least}{}", coin.denom) }.into());
    }
    let account = Account {
        id: id.clone(),
        owner: owner.clone(),
        state: AccountState::Open,
        denom: coin.denom.clone(),
        funds: Dec::zero(),
        deposited: Dec::zero(),
        transferred: Dec::zero(),
        refunded: Dec::zero(),
        settled_at: now(ctx),
        deposits: Vec::new(),
        due_at: 0,
        updated_height: ctx.height(),
    };
    add(ctx, Book { account, payments: Vec::new() }, from, coin)
}

fn add(ctx: &mut Context<'_>, mut book: Book, from: &Address, coin: &Coin) -> Result<(), CodedError> {
    let rules = params::rules(&params::load(ctx)?);
    let turn = book.deposit(from, coin, now(ctx), ctx.height(), &rules)?;
    bank::send_to_module(ctx, from, ESCROW, &Coins::one(coin.clone()))?;
    save(ctx, &mut book)?;
    ctx.emit(Event::new("escrow_deposited").with("id", &book.account.id).with("depositor", from).with("amount", coin));
    announce(ctx, &book.account, turn)
}

/// Adds to an account that is not closed.
pub fn deposit(ctx: &mut Context<'_>, id: &AccountId, from: &Address, coin: &Coin) -> Result<(), CodedError> {
    let book = settle(ctx, id)?;
    add(ctx, book, from, coin)
}

/// Begins a stream to `payee` at `rate` per second; locked until [`unlock`].
pub fn open_payment(
    ctx: &mut Context<'_>,
    id: &AccountId,
    xid: &str,
    payee: &Address,
    rate: Dec,
) -> Result<(), CodedError> {
    let mut book = settle(ctx, id)?;
    let rules = params::rules(&params::load(ctx)?);
    let key = (id.clone(), xid.to_owned());
    if PAYMENTS.has(ctx, &key)? {
        return Err(Error::Exists(format!("{id}, payment {xid}")).into());
    }
    let payment = Payment {
        account: id.clone(),
        xid: xid.to_owned(),
        payee: payee.clone(),
        rate,
        balance: Dec::zero(),
        unsettled: Dec::zero(),
        withdrawn: Amount::ZERO,
        state: PaymentState::Open,
        locked: true,
    };
    book.open_payment(payment, &rules)?;
    OPEN_PAYMENTS.set(ctx, &key, &())?;
    save(ctx, &mut book)
}

/// The service behind a payment was delivered: its payee can withdraw.
pub fn unlock(ctx: &mut Context<'_>, id: &AccountId, xid: &str) -> Result<(), CodedError> {
    let mut book = settle(ctx, id)?;
    book.unlock(xid)?;
    save(ctx, &mut book)
}

/// Pays the whole part of a payment's balance, less commission. Returns gross and net.
pub fn withdraw(
    ctx: &mut Context<'_>,
    id: &AccountId,
    xid: &str,
    payee: &Address,
    least: Amount,
) -> Result<(Coin, Coin), CodedError> {
    let mut book = settle(ctx, id)?;
    let payout = book.withdraw(xid)?;
    if payout.payee != *payee {
        return Err(Error::Unauthorized(payout.payee.to_string()).into());
    }
    let denom = book.account.denom.clone();
    if payout.amount < least || payout.amount.is_zero() {
        let coin = |amount| format!("{amount}{denom}");
        return Err(Error::NothingToWithdraw {
            payment: xid.to_owned(),
            available: coin(payout.amount),
            least: coin(least),
        }
        .into());
    }
    save(ctx, &mut book)?;
    let net = pay(ctx, &book.account, &payout)?;
    Ok((Coin::new(denom.clone(), payout.amount), Coin::new(denom, net)))
}

fn pay(ctx: &mut Context<'_>, account: &Account, payout: &Payout) -> Result<Amount, CodedError> {
    if payout.amount.is_zero() {
        return Ok(Amount::ZERO);
    }
    let gross = Coin::new(account.denom.clone(), payout.amount);
    let parts = take::settle(ctx, ESCROW, &payout.payee, &gross)?;
    ctx.emit(
        Event::new("payment_withdrawn")
            .with("account", &account.id)
            .with("payment", &payout.payment)
            .with("payee", &payout.payee)
            .with("gross", &gross)
            .with("net", parts.provider),
    );
    Ok(parts.provider)
}

/// Ends a payment: pays what is due, or refunds all of it if the service was never delivered. Ending an ended payment
/// does nothing.
pub fn close_payment(ctx: &mut Context<'_>, id: &AccountId, xid: &str) -> Result<(), CodedError> {
    let key = (id.clone(), xid.to_owned());
    if !OPEN_PAYMENTS.has(ctx, &key)? {
        return Ok(());
    }
    let mut book = settle(ctx, id)?;
    // Telling of an overdraft may have ended the payment already.
    if !OPEN_PAYMENTS.has(ctx, &key)? {
        return Ok(());
    }
    let turn = end_payment(ctx, &mut book, xid)?;
    save(ctx, &mut book)?;
    announce(ctx, &book.account, turn)
}

fn end_payment(ctx: &mut Context<'_>, book: &mut Book, xid: &str) -> Result<Turn, CodedError> {
    let rules = params::rules(&params::load(ctx)?);
    let (payment, payout, turn) = book.close_payment(xid, now(ctx), &rules)?;
    let key = (payment.account.clone(), payment.xid.clone());
    OPEN_PAYMENTS.remove(ctx, &key)?;
    PAYMENTS.set(ctx, &key, &payment)?;
    ctx.emit(
        Event::new("payment_closed")
            .with("account", &payment.account)
            .with("payment", &payment.xid)
            .with("payee", &payment.payee)
            .with("unsettled", format!("{:#}", payment.unsettled)),
    );
    pay(ctx, &book.account, &payout)?;
    Ok(turn)
}

/// Ends an account: settles, pays every payment, refunds the rest to its sources. Ending an ended account does nothing.
pub fn close(ctx: &mut Context<'_>, id: &AccountId) -> Result<(), CodedError> {
    let mut book = require(ctx, id)?;
    if book.account.state == AccountState::Closed {
        return Ok(());
    }
    let rules = params::rules(&params::load(ctx)?);
    // The owner of the account asked for the end, or it is the end of its grace time: no overdraft to tell of.
    book.settle(now(ctx), &rules)?;
    let payments: Vec<String> = book.payments.iter().map(|payment| payment.xid.clone()).collect();
    for xid in payments {
        end_payment(ctx, &mut book, &xid)?;
    }
    let refunds = book.close()?;
    save(ctx, &mut book)?;
    for (owner, amount) in refunds {
        let coin = Coin::new(book.account.denom.clone(), amount);
        bank::send_from_module(ctx, ESCROW, &owner, &Coins::one(coin.clone()))?;
        ctx.emit(Event::new("escrow_refunded").with("id", id).with("depositor", &owner).with("amount", coin));
    }
    ctx.emit(Event::new("escrow_closed").with("id", id).with("owner", &book.account.owner));
    Ok(())
}
