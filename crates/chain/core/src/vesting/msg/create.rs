//! The three messages that create vesting accounts. The address must be new: nobody changes the type of an account that
//! exists (incident C5), and only the coins of the message are locked.

use ve_base::{Address, CodedError, Coins, errors::sdk::Error};
use ve_proto::cosmos::auth::v1beta1::BaseAccount;
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_proto::cosmos::vesting::v1beta1::*;
use ve_sdk::Context;

use crate::vesting::{VestingAccount, account};
use crate::{auth, bank};

/// Periods of one account.
const MAX_PERIODS: usize = 100;

fn positive(coins: &[Coin]) -> Result<Coins, CodedError> {
    let coins = Coins::try_from_proto(coins)?;
    if coins.is_empty() {
        return Err(Error::InvalidCoins("give at least one coin with a positive amount".into()).into());
    }
    Ok(coins)
}

fn check_parts(from: &str, to: &str, amount: &[Coin]) -> Result<(), CodedError> {
    account("sender", from)?;
    account("recipient", to)?;
    positive(amount).map(|_| ())
}

/// Creates the account with `make` and funds it.
fn create(
    ctx: &mut Context<'_>,
    from: &str,
    to: &str,
    coins: &Coins,
    make: impl FnOnce(BaseVestingAccount) -> VestingAccount,
    end_time: i64,
) -> Result<(), CodedError> {
    let (from, to): (Address, Address) = (account("sender", from)?, account("recipient", to)?);
    bank::require_user_transfer(ctx, &to, coins)?;
    if auth::exists(ctx, &to)? {
        return Err(Error::InvalidRequest(format!("account {to} already exists")).into());
    }
    let make = |base: BaseAccount| {
        make(BaseVestingAccount {
            base_account: Some(base),
            original_vesting: coins.to_proto(),
            end_time,
            ..BaseVestingAccount::default()
        })
    };
    auth::create_vesting(ctx, &to, make)?;
    bank::send(ctx, &from, &to, coins)
}

pub fn check(msg: &MsgCreateVestingAccount) -> Result<(), CodedError> {
    check_parts(&msg.from_address, &msg.to_address, &msg.amount)?;
    if msg.end_time <= 0 {
        return Err(Error::InvalidRequest("invalid end time".into()).into());
    }
    Ok(())
}

pub fn execute(
    ctx: &mut Context<'_>,
    msg: &MsgCreateVestingAccount,
) -> Result<MsgCreateVestingAccountResponse, CodedError> {
    let start_time = ctx.time().seconds;
    if msg.end_time <= start_time {
        return Err(Error::InvalidRequest("the end time must be after the block's time".into()).into());
    }
    let delayed = msg.delayed;
    let make = |base| {
        let base_vesting_account = Some(base);
        if delayed {
            VestingAccount::Delayed(DelayedVestingAccount { base_vesting_account })
        } else {
            VestingAccount::Continuous(ContinuousVestingAccount { base_vesting_account, start_time })
        }
    };
    create(ctx, &msg.from_address, &msg.to_address, &positive(&msg.amount)?, make, msg.end_time)?;
    Ok(MsgCreateVestingAccountResponse {})
}

pub fn check_locked(msg: &MsgCreatePermanentLockedAccount) -> Result<(), CodedError> {
    check_parts(&msg.from_address, &msg.to_address, &msg.amount)
}

pub fn execute_locked(
    ctx: &mut Context<'_>,
    msg: &MsgCreatePermanentLockedAccount,
) -> Result<MsgCreatePermanentLockedAccountResponse, CodedError> {
    let make = |base| VestingAccount::Locked(PermanentLockedAccount { base_vesting_account: Some(base) });
    create(ctx, &msg.from_address, &msg.to_address, &positive(&msg.amount)?, make, 0)?;
    Ok(MsgCreatePermanentLockedAccountResponse {})
}

/// The whole amount and the end of the last period.
fn sums(msg: &MsgCreatePeriodicVestingAccount) -> Result<(Coins, i64), CodedError> {
    let (mut sum, mut end) = (Coins::default(), msg.start_time);
    for period in &msg.vesting_periods {
        if period.length <= 0 {
            return Err(Error::InvalidRequest(format!("invalid period length of {}", period.length)).into());
        }
        sum = sum.checked_add(&positive(&period.amount)?)?;
        end = end
            .checked_add(period.length)
            .ok_or_else(|| Error::InvalidRequest("the periods end beyond all time".into()))?;
    }
    Ok((sum, end))
}

pub fn check_periodic(msg: &MsgCreatePeriodicVestingAccount) -> Result<(), CodedError> {
    account("sender", &msg.from_address)?;
    account("recipient", &msg.to_address)?;
    if msg.start_time < 1 {
        return Err(Error::InvalidRequest(format!("invalid start time of {}", msg.start_time)).into());
    }
    if msg.vesting_periods.is_empty() || msg.vesting_periods.len() > MAX_PERIODS {
        return Err(Error::InvalidRequest(format!("give 1 to {MAX_PERIODS} periods")).into());
    }
    sums(msg).map(|_| ())
}

pub fn execute_periodic(
    ctx: &mut Context<'_>,
    msg: &MsgCreatePeriodicVestingAccount,
) -> Result<MsgCreatePeriodicVestingAccountResponse, CodedError> {
    let (sum, end) = sums(msg)?;
    let make = |base| {
        VestingAccount::Periodic(PeriodicVestingAccount {
            base_vesting_account: Some(base),
            start_time: msg.start_time,
            vesting_periods: msg.vesting_periods.clone(),
        })
    };
    create(ctx, &msg.from_address, &msg.to_address, &sum, make, end)?;
    Ok(MsgCreatePeriodicVestingAccountResponse {})
}
