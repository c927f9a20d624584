//! One account with its live payments, and everything that can happen to them: pure, without state or coins.
//!
//! Deposits are spent oldest first and given back newest first, so the spent ones are always the oldest, at most one of
//! them in part.

use ve_base::{Address, Amount, Coin, Dec, DecError};

use super::error::Error;
use super::settle::{repay, seconds_left, settle, split_whole, sum};
use super::types::{Account, AccountState, Payment, PaymentState};

/// Rules that come from the module's parameters.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    pub grace_seconds: u64,
    pub restore_seconds: u64,
    pub max_payments: usize,
    pub max_deposits: usize,
    pub max_disputes: usize,
}

/// What settling or a deposit did to the account's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    None,
    Overdrawn,
    Restored,
}

/// Coins that leave the account, whole amounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payout {
    pub payment: String,
    pub payee: Address,
    /// Gross, before commission; can be zero.
    pub amount: Amount,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Book {
    pub account: Account,
    /// Not closed, in the order of their ids.
    pub payments: Vec<Payment>,
}

impl Book {
    fn arithmetic(&self) -> impl Fn(DecError) -> Error + use<> {
        let id = self.account.id.to_string();
        move |_| Error::Arithmetic(id.clone())
    }

    fn rates(&self) -> Vec<Dec> {
        self.payments.iter().map(|payment| payment.rate).collect()
    }

    pub fn total_rate(&self) -> Result<Dec, Error> {
        sum(&self.rates()).map_err(self.arithmetic())
    }

    fn total_owed(&self) -> Result<Dec, Error> {
        let owed: Vec<Dec> = self.payments.iter().map(|payment| payment.unsettled).collect();
        sum(&owed).map_err(self.arithmetic())
    }

    /// Funds that no dispute holds.
    pub fn available(&self) -> Result<Dec, Error> {
        self.account.funds.checked_sub(self.account.held).map_err(self.arithmetic())
    }

    /// Seconds until the available funds are used up, from the last settlement.
    pub fn seconds_left(&self) -> Result<u64, Error> {
        match self.account.state {
            AccountState::Open => Ok(seconds_left(self.available()?, self.total_rate()?)),
            _ => Ok(0),
        }
    }

    /// Brings the account to `now`. Nothing accrues while it is overdrawn or closed: the service is suspended.
    pub fn settle(&mut self, now: u64, rules: &Rules) -> Result<Turn, Error> {
        if self.account.state != AccountState::Open || now <= self.account.settled_at {
            return Ok(Turn::None);
        }
        let elapsed = now.saturating_sub(self.account.settled_at);
        let error = self.arithmetic();
        let result = settle(self.available()?, &self.rates(), elapsed).map_err(&error)?;
        for ((payment, paid), owed) in self.payments.iter_mut().zip(&result.paid).zip(&result.owed) {
            payment.balance = payment.balance.checked_add(*paid).map_err(&error)?;
            payment.unsettled = payment.unsettled.checked_add(*owed).map_err(&error)?;
        }
        self.spend(sum(&result.paid).map_err(&error)?)?;
        self.account.settled_at = now;
        if result.overdrawn {
            self.account.state = AccountState::Overdrawn;
            self.payments.iter_mut().for_each(|payment| payment.state = PaymentState::Overdrawn);
            self.account.grace_until = now.saturating_add(rules.grace_seconds);
            self.reschedule()?;
            return Ok(Turn::Overdrawn);
        }
        self.reschedule()?;
        Ok(Turn::None)
    }

    /// Moves funds to payments: oldest deposits first.
    pub(super) fn spend(&mut self, amount: Dec) -> Result<(), Error> {
        let error = self.arithmetic();
        let account = &mut self.account;
        let mut left = amount;
        for deposit in &mut account.deposits {
            let part = left.min(deposit.remaining);
            deposit.remaining = deposit.remaining.checked_sub(part).map_err(&error)?;
            left = left.checked_sub(part).map_err(&error)?;
        }
        account.funds = account.funds.checked_sub(amount).map_err(&error)?;
        account.transferred = account.transferred.checked_add(amount).map_err(&error)?;
        Ok(())
    }

    /// Takes back what was moved to payments and not paid out: newest spent deposits first.
    pub(super) fn unspend(&mut self, amount: Dec) -> Result<(), Error> {
        let error = self.arithmetic();
        let account = &mut self.account;
        let mut left = amount;
        for deposit in account.deposits.iter_mut().rev() {
            let whole = Dec::from_amount(deposit.amount).map_err(&error)?;
            let room = whole.checked_sub(deposit.remaining).map_err(&error)?;
            let part = left.min(room);
            deposit.remaining = deposit.remaining.checked_add(part).map_err(&error)?;
            left = left.checked_sub(part).map_err(&error)?;
        }
        account.funds = account.funds.checked_add(amount).map_err(&error)?;
        account.transferred = account.transferred.checked_sub(amount).map_err(&error)?;
        Ok(())
    }

    /// Sets when the queue looks at the account: the first second that the funds do not cover, the end of its grace
    /// time, of its life, or of a dispute.
    pub(super) fn reschedule(&mut self) -> Result<(), Error> {
        let disputes = self.account.disputes.iter().map(|dispute| dispute.expires_at).min().unwrap_or_default();
        let (money, life) = match self.account.state {
            AccountState::Open => {
                let due = self.seconds_left()?.saturating_add(1).saturating_add(self.account.settled_at);
                (if due == u64::MAX { 0 } else { due }, self.account.expires_at)
            }
            AccountState::Overdrawn => (self.account.grace_until, self.account.expires_at),
            _ => (0, 0),
        };
        self.account.due_at = [money, life, disputes].into_iter().filter(|time| *time > 0).min().unwrap_or_default();
        Ok(())
    }

    /// What an overdrawn account must hold to be open again.
    fn restoring_funds(&self, rules: &Rules) -> Result<Dec, Error> {
        let ahead = self.total_rate()?.mul_int(Amount::from(rules.restore_seconds)).map_err(self.arithmetic())?;
        self.total_owed()?.checked_add(ahead).map_err(self.arithmetic())
    }

    /// Pays what is owed, as far as funds go, in the order of payments.
    fn repay(&mut self) -> Result<(), Error> {
        let error = self.arithmetic();
        let owed: Vec<Dec> = self.payments.iter().map(|payment| payment.unsettled).collect();
        let parts = repay(self.available()?, &owed).map_err(&error)?;
        for (payment, part) in self.payments.iter_mut().zip(&parts) {
            payment.unsettled = payment.unsettled.checked_sub(*part).map_err(&error)?;
            payment.balance = payment.balance.checked_add(*part).map_err(&error)?;
        }
        self.spend(sum(&parts).map_err(&error)?)
    }

    pub(super) fn try_restore(&mut self, now: u64, rules: &Rules) -> Result<Turn, Error> {
        if self.account.state != AccountState::Overdrawn || self.available()? < self.restoring_funds(rules)? {
            return Ok(Turn::None);
        }
        self.repay()?;
        self.account.state = AccountState::Open;
        self.account.grace_until = 0;
        self.account.settled_at = now;
        self.payments.iter_mut().for_each(|payment| payment.state = PaymentState::Open);
        self.reschedule()?;
        Ok(Turn::Restored)
    }

    /// Adds a deposit. To an overdrawn account only one that restores it.
    pub fn deposit(
        &mut self,
        from: &Address,
        coin: &Coin,
        now: u64,
        height: u64,
        rules: &Rules,
    ) -> Result<Turn, Error> {
        let id = self.account.id.to_string();
        if !self.account.is_live() {
            return Err(Error::Closed(id));
        }
        if coin.denom != self.account.denom {
            let (expected, got) = (self.account.denom.to_string(), coin.denom.to_string());
            return Err(Error::Denom { account: id, expected, got });
        }
        let error = self.arithmetic();
        let amount = Dec::from_amount(coin.amount).map_err(&error)?;
        let full = self.account.deposits.len() >= rules.max_deposits;
        match self.account.deposits.last_mut() {
            Some(last) if last.owner == *from => {
                last.amount = last.amount.checked_add(coin.amount).ok_or_else(|| Error::Arithmetic(id.clone()))?;
                last.remaining = last.remaining.checked_add(amount).map_err(&error)?;
            }
            _ if full => return Err(Error::Full(id)),
            _ => self.account.deposits.push(super::types::Deposit {
                owner: from.clone(),
                amount: coin.amount,
                remaining: amount,
                height,
            }),
        }
        self.account.funds = self.account.funds.checked_add(amount).map_err(&error)?;
        self.account.deposited = self.account.deposited.checked_add(amount).map_err(&error)?;
        let turn = self.try_restore(now, rules)?;
        if self.account.state == AccountState::Overdrawn {
            let missing =
                self.restoring_funds(rules)?.checked_sub(self.available()?.checked_sub(amount).map_err(&error)?);
            let needed = missing.and_then(|dec| dec.to_amount(ve_base::Rounding::Ceil)).map_err(&error)?;
            return Err(Error::Overdrawn { account: id, needed: format!("{needed}{}", coin.denom) });
        }
        self.reschedule()?;
        Ok(turn)
    }

    /// Adds a payment that streams from now on. The account must be settled to `now`.
    pub fn open_payment(&mut self, payment: Payment, rules: &Rules) -> Result<(), Error> {
        let id = self.account.id.to_string();
        match self.account.state {
            AccountState::Open => {}
            AccountState::Overdrawn => {
                let needed =
                    self.restoring_funds(rules)?.to_amount(ve_base::Rounding::Ceil).map_err(self.arithmetic())?;
                return Err(Error::Overdrawn { account: id, needed: format!("{needed}{}", self.account.denom) });
            }
            _ => return Err(Error::Closed(id)),
        }
        if payment.rate.is_zero() || payment.rate.is_negative() {
            return Err(Error::ZeroRate);
        }
        if self.payments.len() >= rules.max_payments {
            return Err(Error::Full(id));
        }
        let at = self.payments.partition_point(|other| other.xid < payment.xid);
        self.payments.insert(at, payment);
        self.total_rate()?;
        self.reschedule()
    }

    pub(super) fn position(&self, xid: &str) -> Result<usize, Error> {
        self.payments
            .iter()
            .position(|payment| payment.xid == xid)
            .ok_or_else(|| Error::PaymentNotFound(xid.chars().take(300).collect()))
    }

    /// Takes the whole part of a payment's balance out. The account must be settled.
    pub fn withdraw(&mut self, xid: &str) -> Result<Payout, Error> {
        let at = self.position(xid)?;
        let error = self.arithmetic();
        let payment = self.payments.get_mut(at).ok_or_else(|| Error::PaymentNotFound(xid.to_owned()))?;
        if payment.locked {
            return Err(Error::Locked(xid.to_owned()));
        }
        let (whole, fraction) = split_whole(payment.balance).map_err(&error)?;
        payment.balance = fraction;
        payment.withdrawn =
            payment.withdrawn.checked_add(whole).ok_or_else(|| Error::Arithmetic(payment.account.to_string()))?;
        Ok(Payout { payment: xid.to_owned(), payee: payment.payee.clone(), amount: whole })
    }

    /// The service was delivered: from now on the payee can withdraw.
    pub fn unlock(&mut self, xid: &str) -> Result<(), Error> {
        let at = self.position(xid)?;
        self.payments.iter_mut().skip(at).take(1).for_each(|payment| payment.locked = false);
        Ok(())
    }

    /// Ends a payment and returns it with its payout. A locked one is refunded in full; of another the fraction of a
    /// coin goes back to the account. The account must be settled.
    pub fn close_payment(&mut self, xid: &str, now: u64, rules: &Rules) -> Result<(Payment, Payout, Turn), Error> {
        let at = self.position(xid)?;
        let error = self.arithmetic();
        let mut payment = self.payments.remove(at);
        payment.state = PaymentState::Closed;
        let mut amount = Amount::ZERO;
        if payment.locked {
            self.unspend(payment.balance)?;
            payment.unsettled = Dec::zero();
        } else {
            let part = self.available()?.min(payment.unsettled);
            payment.unsettled = payment.unsettled.checked_sub(part).map_err(&error)?;
            payment.balance = payment.balance.checked_add(part).map_err(&error)?;
            self.spend(part)?;
            let (whole, fraction) = split_whole(payment.balance).map_err(&error)?;
            self.unspend(fraction)?;
            amount = whole;
            payment.withdrawn =
                payment.withdrawn.checked_add(whole).ok_or_else(|| Error::Arithmetic(xid.to_owned()))?;
        }
        payment.balance = Dec::zero();
        let payout = Payout { payment: payment.xid.clone(), payee: payment.payee.clone(), amount };
        let turn = self.try_restore(now, rules)?;
        self.reschedule()?;
        Ok((payment, payout, turn))
    }

    /// Changes what a payment streams from now on. The account must be settled to `now`.
    pub fn set_rate(&mut self, xid: &str, rate: Dec) -> Result<(), Error> {
        if rate.is_zero() || rate.is_negative() {
            return Err(Error::ZeroRate);
        }
        let at = self.position(xid)?;
        self.payments.iter_mut().skip(at).take(1).for_each(|payment| payment.rate = rate);
        self.total_rate()?;
        self.reschedule()
    }

    /// Ends the account once no payment is left: what remains goes back, newest deposit first. What disputes hold
    /// stays until they end.
    pub fn close(&mut self) -> Result<Vec<(Address, Amount)>, Error> {
        let error = self.arithmetic();
        let (mut left, _) = split_whole(self.available()?).map_err(&error)?;
        let account = &mut self.account;
        let mut refunds = Vec::new();
        for deposit in account.deposits.iter_mut().rev() {
            let whole = split_whole(deposit.remaining).map_err(&error)?.0.min(left);
            if !whole.is_zero() {
                let given = Dec::from_amount(whole).map_err(&error)?;
                left = left.saturating_sub(whole);
                deposit.remaining = deposit.remaining.checked_sub(given).map_err(&error)?;
                account.funds = account.funds.checked_sub(given).map_err(&error)?;
                account.refunded = account.refunded.checked_add(given).map_err(&error)?;
                refunds.push((deposit.owner.clone(), whole));
            }
        }
        account.state = if account.disputes.is_empty() { AccountState::Closed } else { AccountState::Closing };
        account.grace_until = 0;
        self.reschedule()?;
        Ok(refunds)
    }

    /// The statements of finance spec section 7 about one account. `closed` are its closed payments.
    pub fn check(&self) -> Result<(), String> {
        let account = &self.account;
        let text = |what: &str| format!("escrow account {}: {what}", account.id);
        let spent = account.transferred.checked_add(account.refunded).and_then(|sum| sum.checked_add(account.funds));
        if spent != Ok(account.deposited) {
            return Err(text("deposited is not transferred + refunded + funds"));
        }
        let remaining: Vec<Dec> = account.deposits.iter().map(|deposit| deposit.remaining).collect();
        if sum(&remaining) != Ok(account.funds) {
            return Err(text("deposits do not sum to the funds"));
        }
        let held = account.disputes.iter().try_fold(Dec::zero(), |sum, dispute| {
            Dec::from_amount(dispute.amount).and_then(|amount| sum.checked_add(amount))
        });
        if held != Ok(account.held) || account.held > account.funds {
            return Err(text("disputes do not sum to what is held, or more is held than there is"));
        }
        let all = self.payments.iter().flat_map(|payment| [payment.balance, payment.unsettled, payment.rate]);
        if all.chain(remaining).chain([account.funds]).any(|value| value.is_negative()) {
            return Err(text("a negative amount"));
        }
        match account.state {
            AccountState::Closed if !account.funds.is_zero() || !self.payments.is_empty() => {
                Err(text("closed with funds or payments"))
            }
            AccountState::Closing if account.disputes.is_empty() || !self.payments.is_empty() => {
                Err(text("closing without a dispute, or with payments"))
            }
            state if (state == AccountState::Overdrawn) != (account.grace_until > 0) => {
                Err(text("overdrawn without a grace time, or the reverse"))
            }
            AccountState::Open if self.payments.iter().any(|payment| !payment.unsettled.is_zero()) => {
                Err(text("open and owing"))
            }
            AccountState::Unspecified => Err(text("no state")),
            _ => Ok(()),
        }
    }
}
