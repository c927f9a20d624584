//! The only code that changes accounts and moves their coins. Other modules call these functions.

use ve_base::{Address, Amount, CodedError, Coin, Coins, Dec};
use ve_chain_core::bank;
use ve_sdk::{Context, Event, QueryContext};
use ve_store::Read;

use super::book::{Book, Payout, Turn};
use super::error::Error;
use super::keys::{ACCOUNTS, OPEN_PAYMENTS, PAYMENTS};
use super::types::{Account, AccountId, AccountState, Condition, Payment, PaymentState};
use super::{ESCROW, EscrowHooks, condition, params, stress};
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

pub(super) fn require<R: Read>(state: &R, id: &AccountId) -> Result<Book, CodedError> {
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

/// Stores the book and tells higher modules that the account's funds or rates are other than they were.
pub(super) fn commit(ctx: &mut Context<'_>, book: &mut Book) -> Result<(), CodedError> {
    save(ctx, book)?;
    for hook in ctx.hooks().all::<dyn EscrowHooks>() {
        hook.changed(ctx, &book.account.id)?;
    }
    Ok(())
}

fn save(ctx: &mut Context<'_>, book: &mut Book) -> Result<(), CodedError> {
    book.account.updated_height = ctx.height();
    ACCOUNTS.set(ctx, &book.account.id, &book.account)?;
    for payment in &book.payments {
        PAYMENTS.set(ctx, &(payment.account.clone(), payment.xid.clone()), payment)?;
    }
    Ok(())
}

pub(super) fn now(ctx: &Context<'_>) -> u64 {
    ctx.time().unix()
}

/// Tells higher modules of a change of state, after it is stored.
pub(super) fn announce(ctx: &mut Context<'_>, account: &Account, turn: Turn) -> Result<(), CodedError> {
    let kind = match turn {
        Turn::None => return Ok(()),
        Turn::Overdrawn => "escrow_overdrawn",
        Turn::Restored => "escrow_restored",
    };
    if turn == Turn::Overdrawn {
        stress::count_dry(ctx, now(ctx))?;
    }
    ctx.emit(
        Event::new(kind).with("id", &account.id).with("owner", &account.owner).with("grace_until", account.grace_until),
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
        if turn == Turn::None {
            save(ctx, &mut book)?
        } else {
            commit(ctx, &mut book)?
        }
        announce(ctx, &book.account, turn)?;
    }
    Ok(book)
}

/// How an account ends and what binds its unspent funds.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// Seconds; 0 for an account that never expires.
    pub expires_at: u64,
    pub conditions: Vec<Condition>,
}

impl Terms {
    /// Of an account that pays leases: a life of `duration` seconds, 0 for the longest, and checked conditions.
    pub fn of_leases(ctx: &Context<'_>, duration: u64, conditions: &[Condition]) -> Result<Self, CodedError> {
        condition::check(conditions)?;
        let expires_at = params::expiry(&params::load(ctx)?, now(ctx), duration)?;
        Ok(Self { expires_at, conditions: conditions.to_vec() })
    }
}

/// Opens an account with a first deposit of `from`.
pub fn create(
    ctx: &mut Context<'_>,
    id: &AccountId,
    owner: &Address,
    from: &Address,
    coin: &Coin,
    terms: Terms,
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
        held: Dec::zero(),
        expires_at: terms.expires_at,
        grace_until: 0,
        conditions: terms.conditions,
        disputes: Vec::new(),
        last_dispute: 0,
    };
    stress::count_live(ctx, 1, 0)?;
    add(ctx, Book { account, payments: Vec::new() }, from, coin)
}

fn add(ctx: &mut Context<'_>, mut book: Book, from: &Address, coin: &Coin) -> Result<(), CodedError> {
    let rules = params::rules(&params::load(ctx)?);
    let turn = book.deposit(from, coin, now(ctx), ctx.height(), &rules)?;
    bank::send_to_module(ctx, from, ESCROW, &Coins::one(coin.clone()))?;
    commit(ctx, &mut book)?;
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
    commit(ctx, &mut book)
}

/// Changes what a payment streams from now on, per second.
pub fn set_rate(ctx: &mut Context<'_>, id: &AccountId, xid: &str, rate: Dec) -> Result<(), CodedError> {
    let mut book = settle(ctx, id)?;
    book.set_rate(xid, rate)?;
    commit(ctx, &mut book)
}

/// The service behind a payment was delivered: its payee can withdraw.
pub fn unlock(ctx: &mut Context<'_>, id: &AccountId, xid: &str) -> Result<(), CodedError> {
    let mut book = settle(ctx, id)?;
    book.unlock(xid)?;
    commit(ctx, &mut book)
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

pub(super) fn pay(ctx: &mut Context<'_>, account: &Account, payout: &Payout) -> Result<Amount, CodedError> {
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
    commit(ctx, &mut book)?;
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
    if !book.account.is_live() {
        return Ok(());
    }
    let rules = params::rules(&params::load(ctx)?);
    // The owner of the account asked for the end, or it is the end of its grace time: no overdraft to tell of.
    book.settle(now(ctx), &rules)?;
    let payments: Vec<String> = book.payments.iter().map(|payment| payment.xid.clone()).collect();
    for xid in payments {
        end_payment(ctx, &mut book, &xid)?;
    }
    stress::count_live(ctx, 0, 1)?;
    finish(ctx, &mut book)
}

/// Refunds what no dispute holds; the account is closed, or closing while a dispute is open.
pub(super) fn finish(ctx: &mut Context<'_>, book: &mut Book) -> Result<(), CodedError> {
    let refunds = book.close()?;
    commit(ctx, book)?;
    let id = &book.account.id;
    for (owner, amount) in refunds {
        let coin = Coin::new(book.account.denom.clone(), amount);
        bank::send_from_module(ctx, ESCROW, &owner, &Coins::one(coin.clone()))?;
        ctx.emit(Event::new("escrow_refunded").with("id", id).with("depositor", &owner).with("amount", coin));
    }
    let kind = if book.account.state == AccountState::Closed { "escrow_closed" } else { "escrow_closing" };
    ctx.emit(Event::new(kind).with("id", id).with("owner", &book.account.owner));
    Ok(())
}
