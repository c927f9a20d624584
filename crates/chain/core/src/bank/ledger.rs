//! The only code that changes balances and supply.

use ve_base::{Address, Amount, BlockTime, CodedError, Coin, Coins, errors::sdk::Error};
use ve_sdk::{Context, Event, Permission};
use ve_store::Read;

use super::keys::{BALANCES, BURNED, OWNERS, SUPPLY};
use crate::auth::{self, Account};

pub fn balance<R: Read + ?Sized>(state: &R, address: &Address, denom: &str) -> Result<Amount, CodedError> {
    Ok(BALANCES.get(state, (address, denom))?.unwrap_or_default())
}

/// All balances of one account.
pub fn balances<R: Read + ?Sized>(state: &R, address: &Address) -> Result<Coins, CodedError> {
    let mut coins = Vec::new();
    for entry in BALANCES.prefix(state, address) {
        let ((_, denom), amount) = entry?;
        coins.push(Coin::new(denom.parse()?, amount));
    }
    Coins::new(coins)
}

/// What of the balances may be spent at the block's time.
pub fn spendable<R: Read + ?Sized>(state: &R, address: &Address, now: BlockTime) -> Result<Coins, CodedError> {
    let all = balances(state, address)?;
    match auth::vesting(state, address)? {
        None => Ok(all),
        Some(account) => {
            let locked = account.locked(now)?;
            let free = |coin: &Coin| coin.amount.saturating_sub(locked.amount_of(coin.denom.as_str()));
            let kept = all.iter().map(|coin| Coin::new(coin.denom.clone(), free(coin)));
            Coins::new(kept.filter(|coin| !coin.amount.is_zero()).collect())
        }
    }
}

pub fn supply<R: Read + ?Sized>(state: &R, denom: &str) -> Result<Amount, CodedError> {
    Ok(SUPPLY.get(state, denom)?.unwrap_or_default())
}

/// Everything of this denomination that modules ever destroyed.
pub fn burned<R: Read + ?Sized>(state: &R, denom: &str) -> Result<Amount, CodedError> {
    Ok(BURNED.get(state, denom)?.unwrap_or_default())
}

/// Sets what [`burned`] answers.
pub fn restore_burned(ctx: &mut Context<'_>, denom: &str, amount: Amount) -> Result<(), CodedError> {
    if amount.is_zero() {
        return Ok(BURNED.remove(ctx, denom)?);
    }
    Ok(BURNED.set(ctx, denom, &amount)?)
}

/// Moves coins between any two accounts and creates the recipient's account if it is new. Whether users may send to
/// `to` at all is decided by the messages, not here.
pub fn send(ctx: &mut Context<'_>, from: &Address, to: &Address, coins: &Coins) -> Result<(), CodedError> {
    let locked = locked(ctx, from)?;
    for coin in coins.iter() {
        spend(ctx, from, coin, locked.amount_of(coin.denom.as_str()))?;
    }
    moved(ctx, from, to, coins)
}

/// The second half of a transfer: the coins have left `from`.
fn moved(ctx: &mut Context<'_>, from: &Address, to: &Address, coins: &Coins) -> Result<(), CodedError> {
    for coin in coins.iter() {
        receive(ctx, to, coin)?;
    }
    auth::ensure(ctx, to)?;
    ctx.emit_all(|| {
        let (from, to, amount) = (from.to_string(), to.to_string(), coins.to_string());
        [
            Event::new("coin_spent").with("spender", &from).with("amount", &amount),
            Event::new("coin_received").with("receiver", &to).with("amount", &amount),
            Event::new("transfer").with("recipient", to).with("sender", &from).with("amount", amount),
            Event::new("message").with("sender", from),
        ]
    });
    Ok(())
}

pub fn send_to_module(ctx: &mut Context<'_>, from: &Address, module: &str, coins: &Coins) -> Result<(), CodedError> {
    let to = module_address(ctx, module)?;
    send(ctx, from, &to, coins)
}

/// Stakes: locked coins may go too, and the account remembers that they did.
pub fn delegate_to_module(
    ctx: &mut Context<'_>,
    from: &Address,
    module: &str,
    coins: &Coins,
) -> Result<(), CodedError> {
    let to = module_address(ctx, module)?;
    if let Some(mut account) = auth::vesting(ctx, from)? {
        account.track_delegation(ctx.time(), coins)?;
        auth::save(ctx, from, &Account::Vesting(account))?;
    }
    for coin in coins.iter() {
        spend(ctx, from, coin, Amount::ZERO)?;
    }
    moved(ctx, from, &to, coins)
}

/// Gives staked coins back.
pub fn undelegate_from_module(
    ctx: &mut Context<'_>,
    module: &str,
    to: &Address,
    coins: &Coins,
) -> Result<(), CodedError> {
    if let Some(mut account) = auth::vesting(ctx, to)? {
        account.track_undelegation(coins)?;
        auth::save(ctx, to, &Account::Vesting(account))?;
    }
    send_from_module(ctx, module, to, coins)
}

pub fn send_from_module(ctx: &mut Context<'_>, module: &str, to: &Address, coins: &Coins) -> Result<(), CodedError> {
    let from = module_address(ctx, module)?;
    send(ctx, &from, to, coins)
}

pub fn send_between_modules(ctx: &mut Context<'_>, from: &str, to: &str, coins: &Coins) -> Result<(), CodedError> {
    let (from, to) = (module_address(ctx, from)?, module_address(ctx, to)?);
    send(ctx, &from, &to, coins)
}

/// Creates coins in the account of `module`, which must have the permission.
pub fn mint(ctx: &mut Context<'_>, module: &str, coins: &Coins) -> Result<(), CodedError> {
    let address = permitted(ctx, module, Permission::Mint, "mint")?;
    for coin in coins.iter() {
        let total = supply(ctx, coin.denom.as_str())?
            .checked_add(coin.amount)
            .ok_or_else(|| Error::InvalidCoins(format!("the supply of {} would overflow", coin.denom)))?;
        SUPPLY.set(ctx, coin.denom.as_str(), &total)?;
        receive(ctx, &address, coin)?;
    }
    ctx.emit(Event::new("coin_received").with("receiver", &address).with("amount", coins));
    ctx.emit(Event::new("coinbase").with("minter", &address).with("amount", coins));
    Ok(())
}

/// Destroys coins of the account of `module`, which must have the permission.
pub fn burn(ctx: &mut Context<'_>, module: &str, coins: &Coins) -> Result<(), CodedError> {
    let address = permitted(ctx, module, Permission::Burn, "burn")?;
    for coin in coins.iter() {
        spend(ctx, &address, coin, Amount::ZERO)?;
        let total = supply(ctx, coin.denom.as_str())?
            .checked_sub(coin.amount)
            .ok_or_else(|| Error::InvalidCoins(format!("the supply of {} is below {coin}", coin.denom)))?;
        if total.is_zero() {
            SUPPLY.remove(ctx, coin.denom.as_str())?;
        } else {
            SUPPLY.set(ctx, coin.denom.as_str(), &total)?;
        }
        let sum = burned(ctx, coin.denom.as_str())?.checked_add(coin.amount);
        restore_burned(ctx, coin.denom.as_str(), sum.ok_or(ve_base::AmountError::Overflow)?)?;
    }
    ctx.emit(Event::new("coin_spent").with("spender", &address).with("amount", coins));
    ctx.emit(Event::new("burn").with("burner", &address).with("amount", coins));
    Ok(())
}

fn module_address(ctx: &Context<'_>, module: &str) -> Result<Address, CodedError> {
    if ctx.registry().permissions(module).is_none() {
        return Err(Error::UnknownAddress(format!("module account {module} does not exist")).into());
    }
    Ok(ve_base::module_address(module))
}

fn permitted(ctx: &Context<'_>, module: &str, needed: Permission, verb: &str) -> Result<Address, CodedError> {
    match ctx.registry().permissions(module) {
        Some(permissions) if permissions.contains(&needed) => Ok(ve_base::module_address(module)),
        _ => Err(Error::Unauthorized(format!("module account {module} may not {verb} coins")).into()),
    }
}

/// What the account may not spend now; module accounts have no locked coins.
fn locked(ctx: &Context<'_>, from: &Address) -> Result<Coins, CodedError> {
    if ctx.registry().module_account(from).is_some() {
        return Ok(Coins::default());
    }
    auth::vesting(ctx, from)?.map_or_else(|| Ok(Coins::default()), |account| account.locked(ctx.time()))
}

fn spend(ctx: &mut Context<'_>, from: &Address, coin: &Coin, locked: Amount) -> Result<(), CodedError> {
    let denom = coin.denom.as_str();
    let has = balance(ctx, from, denom)?;
    let free = has.saturating_sub(locked);
    let left = has.checked_sub(coin.amount).filter(|_| coin.amount <= free).ok_or_else(|| {
        Error::InsufficientFunds(format!("spendable balance {free}{denom} is smaller than {coin}: insufficient funds"))
    })?;
    put(ctx, from, denom, has, left)
}

fn receive(ctx: &mut Context<'_>, to: &Address, coin: &Coin) -> Result<(), CodedError> {
    let denom = coin.denom.as_str();
    let has = balance(ctx, to, denom)?;
    let total = has
        .checked_add(coin.amount)
        .ok_or_else(|| Error::InvalidCoins(format!("the balance of {to} in {denom} would overflow")))?;
    put(ctx, to, denom, has, total)
}

/// Writes a balance; the index of owners follows only when the balance begins or ends.
fn put(ctx: &mut Context<'_>, owner: &Address, denom: &str, old: Amount, new: Amount) -> Result<(), CodedError> {
    if new.is_zero() {
        BALANCES.remove(ctx, (owner, denom))?;
        OWNERS.remove(ctx, (denom, owner))?;
        return Ok(());
    }
    BALANCES.set(ctx, (owner, denom), &new)?;
    if old.is_zero() {
        OWNERS.set(ctx, (denom, owner), &())?;
    }
    Ok(())
}

/// Genesis balances: adds to the supply too.
pub(super) fn endow(ctx: &mut Context<'_>, owner: &Address, coins: &Coins) -> Result<(), CodedError> {
    for coin in coins.iter() {
        let total = supply(ctx, coin.denom.as_str())?
            .checked_add(coin.amount)
            .ok_or_else(|| Error::InvalidCoins(format!("the supply of {} overflows", coin.denom)))?;
        SUPPLY.set(ctx, coin.denom.as_str(), &total)?;
        receive(ctx, owner, coin)?;
    }
    Ok(())
}
