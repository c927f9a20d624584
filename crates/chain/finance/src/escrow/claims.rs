//! What parties do with unspent funds before they accrue: release, refund, dispute. Pure, like the rest of the book.

use ve_base::{Address, Amount, Dec};

use super::book::{Book, Payout, Rules, Turn};
use super::error::Error;
use super::types::{AccountState, Dispute};

impl Book {
    fn arithmetic_error(&self) -> Error {
        Error::Arithmetic(self.account.id.to_string())
    }

    fn require_open(&self) -> Result<(), Error> {
        let id = self.account.id.to_string();
        match self.account.state {
            AccountState::Open => Ok(()),
            AccountState::Overdrawn => Err(Error::NotOpen(id)),
            _ => Err(Error::Closed(id)),
        }
    }

    /// Pays coins of `from`'s own deposits to the payee of a delivered payment. The account must be settled. A released
    /// coin leaves its deposit for good: nothing that is refunded later goes back to it.
    pub fn release(&mut self, from: &Address, xid: &str, amount: Amount) -> Result<Payout, Error> {
        self.require_open()?;
        let at = self.position(xid)?;
        let payment = self.payments.get(at).ok_or_else(|| Error::PaymentNotFound(xid.to_owned()))?;
        if payment.locked {
            return Err(Error::Locked(xid.to_owned()));
        }
        let payee = payment.payee.clone();
        let whole = Dec::from_amount(amount).map_err(|_| self.arithmetic_error())?;
        let mut own = Dec::zero();
        for deposit in self.account.deposits.iter().filter(|deposit| deposit.owner == *from) {
            own = own.checked_add(deposit.remaining).map_err(|_| self.arithmetic_error())?;
        }
        let most = own.min(self.available()?);
        if amount.is_zero() || most < whole {
            let most = most.to_amount(ve_base::Rounding::Truncate).map_err(|_| self.arithmetic_error())?;
            let denom = &self.account.denom;
            return Err(Error::Release { wanted: format!("{amount}{denom}"), most: format!("{most}{denom}") });
        }
        self.take_from(from, whole, amount)?;
        let error = self.arithmetic_error();
        let account = &mut self.account;
        account.funds = account.funds.checked_sub(whole).map_err(|_| error.clone())?;
        account.transferred = account.transferred.checked_add(whole).map_err(|_| error.clone())?;
        let payment = self.payments.get_mut(at).ok_or_else(|| Error::PaymentNotFound(xid.to_owned()))?;
        payment.withdrawn = payment.withdrawn.checked_add(amount).ok_or(error)?;
        self.reschedule()?;
        Ok(Payout { payment: xid.to_owned(), payee, amount })
    }

    /// Lowers the deposits of `from`, newest first, by `whole` coins.
    fn take_from(&mut self, from: &Address, whole: Dec, amount: Amount) -> Result<(), Error> {
        let error = self.arithmetic_error();
        let (mut left, mut coins) = (whole, amount);
        for deposit in self.account.deposits.iter_mut().rev().filter(|deposit| deposit.owner == *from) {
            // Whole coins only: the fraction of a deposit in use stays with what it has paid for.
            let part = deposit.remaining.min(left).to_amount(ve_base::Rounding::Truncate).map_err(|_| error.clone())?;
            let given = Dec::from_amount(part).map_err(|_| error.clone())?;
            deposit.remaining = deposit.remaining.checked_sub(given).map_err(|_| error.clone())?;
            deposit.amount = deposit.amount.checked_sub(part).ok_or_else(|| error.clone())?;
            left = left.checked_sub(given).map_err(|_| error.clone())?;
            coins = coins.saturating_sub(part);
        }
        if coins.is_zero() { Ok(()) } else { Err(error) }
    }

    /// The payee gives back what the payment has earned and not paid out. Returns it with the account's turn.
    pub fn refund_payment(&mut self, xid: &str, now: u64, rules: &Rules) -> Result<(Dec, Turn), Error> {
        let at = self.position(xid)?;
        let missing = || Error::PaymentNotFound(xid.to_owned());
        let balance = self.payments.get(at).ok_or_else(missing)?.balance;
        self.unspend(balance)?;
        let payment = self.payments.get_mut(at).ok_or_else(missing)?;
        payment.balance = Dec::zero();
        payment.unsettled = Dec::zero();
        let turn = self.try_restore(now, rules)?;
        self.reschedule()?;
        Ok((balance, turn))
    }

    /// Takes all deposits of `from` out of an account that never had a payment.
    pub fn refund_deposits(&mut self, from: &Address) -> Result<Amount, Error> {
        self.require_open()?;
        let error = self.arithmetic_error();
        let account = &mut self.account;
        let mut sum = Amount::ZERO;
        for deposit in account.deposits.iter().filter(|deposit| deposit.owner == *from) {
            sum = sum.checked_add(deposit.amount).ok_or_else(|| error.clone())?;
        }
        if sum.is_zero() {
            return Err(Error::NoDeposit(from.to_string()));
        }
        account.deposits.retain(|deposit| deposit.owner != *from);
        let whole = Dec::from_amount(sum).map_err(|_| error.clone())?;
        account.funds = account.funds.checked_sub(whole).map_err(|_| error.clone())?;
        account.refunded = account.refunded.checked_add(whole).map_err(|_| error)?;
        self.reschedule()?;
        Ok(sum)
    }

    /// Freezes coins until the dispute ends. The account must be settled to `now`.
    pub fn dispute(&mut self, mut dispute: Dispute, rules: &Rules) -> Result<u32, Error> {
        self.require_open()?;
        let at = self.position(&dispute.payment)?;
        let payee = self.payments.get(at).map(|payment| payment.payee.clone());
        dispute.payee = payee.ok_or_else(|| Error::PaymentNotFound(dispute.payment.clone()))?;
        if dispute.opener != self.account.owner && dispute.opener != dispute.payee {
            return Err(Error::NotParty(dispute.opener.to_string()));
        }
        if self.account.disputes.len() >= rules.max_disputes {
            return Err(Error::Full(self.account.id.to_string()));
        }
        let whole = Dec::from_amount(dispute.amount).map_err(|_| self.arithmetic_error())?;
        if dispute.amount.is_zero() || self.available()? < whole {
            let most = self.available()?.to_amount(ve_base::Rounding::Truncate).map_err(|_| self.arithmetic_error())?;
            let denom = &self.account.denom;
            let wanted = format!("{}{denom}", dispute.amount);
            return Err(Error::Disputed { wanted, most: format!("{most}{denom}") });
        }
        self.account.held = self.account.held.checked_add(whole).map_err(|_| self.arithmetic_error())?;
        dispute.id = self.account.last_dispute.saturating_add(1);
        self.account.last_dispute = dispute.id;
        let id = dispute.id;
        self.account.disputes.push(dispute);
        self.reschedule()?;
        Ok(id)
    }

    /// Ends a dispute: `to_payee` of its amount leaves the account, the rest is free again.
    pub fn end_dispute(
        &mut self,
        id: u32,
        to_payee: Amount,
        now: u64,
        rules: &Rules,
    ) -> Result<(Dispute, Turn), Error> {
        let at = self.account.disputes.iter().position(|dispute| dispute.id == id);
        let at = at.ok_or(Error::NoDispute(id))?;
        let dispute = self.account.disputes.remove(at);
        if to_payee > dispute.amount {
            return Err(Error::Verdict { given: to_payee.to_string(), amount: dispute.amount.to_string() });
        }
        let whole = Dec::from_amount(dispute.amount).map_err(|_| self.arithmetic_error())?;
        self.account.held = self.account.held.checked_sub(whole).map_err(|_| self.arithmetic_error())?;
        let paid = Dec::from_amount(to_payee).map_err(|_| self.arithmetic_error())?;
        self.spend(paid)?;
        let turn = self.try_restore(now, rules)?;
        self.reschedule()?;
        Ok((dispute, turn))
    }
}
