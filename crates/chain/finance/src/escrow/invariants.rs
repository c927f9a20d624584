//! Statements of finance spec section 7 over the whole state.

use std::collections::BTreeMap;

use ve_base::{Amount, Dec};
use ve_chain_core::bank;
use ve_sdk::QueryContext;

use super::keys::{ACCOUNTS, LIVE, OPEN_PAYMENTS, PAYMENTS};
use super::{AccountState, ESCROW, ledger};

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

pub fn check_accounts(ctx: &QueryContext<'_>) -> Result<(), String> {
    let mut live = 0u64;
    for entry in ACCOUNTS.scan().entries(ctx) {
        let (id, account) = entry.map_err(text)?;
        let book = ledger::load(ctx, &id).map_err(text)?.ok_or("account vanished")?;
        book.check()?;
        live = live.saturating_add(u64::from(account.is_live()));
    }
    let counted = LIVE.get_or_default(ctx).map_err(text)?;
    if counted != live {
        return Err(format!("{live} accounts are live, {counted} are counted"));
    }
    for entry in PAYMENTS.scan().entries(ctx) {
        let (key, payment) = entry.map_err(text)?;
        if payment.is_closed() == OPEN_PAYMENTS.has(ctx, &key).map_err(text)? {
            return Err(format!("payment {} of {} is listed as open and is not, or the reverse", key.1, key.0));
        }
        if payment.is_closed() && !payment.balance.is_zero() {
            return Err(format!("payment {} of {} is closed with a balance", key.1, key.0));
        }
    }
    Ok(())
}

/// The module account holds Σ funds + Σ unpaid balances + Σ bonds of disputes, exactly, per denomination.
pub fn check_balance(ctx: &QueryContext<'_>) -> Result<(), String> {
    let mut sums: BTreeMap<String, Dec> = BTreeMap::new();
    for entry in ACCOUNTS.scan().entries(ctx) {
        let (id, account) = entry.map_err(text)?;
        if account.state == AccountState::Closed {
            continue;
        }
        let book = ledger::load(ctx, &id).map_err(text)?.ok_or("account vanished")?;
        let sum = sums.entry(account.denom.to_string()).or_default();
        let mut parts: Vec<Dec> = book.payments.iter().map(|payment| payment.balance).collect();
        parts.push(account.funds);
        for dispute in &account.disputes {
            parts.push(Dec::from_amount(dispute.bond).map_err(text)?);
        }
        *sum = parts.into_iter().try_fold(*sum, Dec::checked_add).map_err(text)?;
    }
    let held = bank::balances(ctx, &ve_base::module_address(ESCROW)).map_err(text)?;
    for coin in held.iter() {
        let sum = sums.remove(coin.denom.as_str()).unwrap_or_default();
        if Dec::from_amount(coin.amount).map_err(text)? != sum {
            return Err(format!("the escrow account holds {coin}, its accounts sum to {sum:#}"));
        }
    }
    match sums.into_iter().find(|(_, sum)| *sum != Dec::from_amount(Amount::ZERO).unwrap_or_default()) {
        None => Ok(()),
        Some((denom, sum)) => Err(format!("escrow accounts sum to {sum:#}{denom}, the module account holds none")),
    }
}
