//! The four kinds of vesting accounts: what is locked at a time, and which staked coins were locked.

use prost::{Message, Name};
use prost_types::Any;
use ve_base::{Amount, BlockTime, CodedError, Coin, Coins, errors::sdk::Error};
use ve_proto::cosmos::auth::v1beta1::BaseAccount;
use ve_proto::cosmos::vesting::v1beta1::{
    BaseVestingAccount, ContinuousVestingAccount, DelayedVestingAccount, PeriodicVestingAccount, PermanentLockedAccount,
};
use ve_sdk::type_url;

#[derive(Clone, Debug, PartialEq)]
pub enum VestingAccount {
    Continuous(ContinuousVestingAccount),
    Delayed(DelayedVestingAccount),
    Periodic(PeriodicVestingAccount),
    Locked(PermanentLockedAccount),
}

/// How every type URL of these accounts begins.
const PACKAGE: &str = "/cosmos.vesting.";

impl VestingAccount {
    /// Cheaper than decoding: most accounts are none of these.
    pub fn is_one(type_url: &str) -> bool {
        type_url.starts_with(PACKAGE)
    }

    /// `None` for accounts of another type.
    pub fn from_any(any: &Any) -> Result<Option<Self>, CodedError> {
        fn decode<M: Message + Default>(any: &Any) -> Result<M, CodedError> {
            M::decode(any.value.as_slice())
                .map_err(|_| Error::InvalidRequest(format!("account of type {} does not decode", any.type_url)).into())
        }
        let url = any.type_url.as_str();
        Ok(if url == type_url::<ContinuousVestingAccount>() {
            Some(Self::Continuous(decode(any)?))
        } else if url == type_url::<DelayedVestingAccount>() {
            Some(Self::Delayed(decode(any)?))
        } else if url == type_url::<PeriodicVestingAccount>() {
            Some(Self::Periodic(decode(any)?))
        } else if url == type_url::<PermanentLockedAccount>() {
            Some(Self::Locked(decode(any)?))
        } else {
            None
        })
    }

    pub fn to_any(&self) -> Any {
        fn pack<M: Message + Name>(message: &M) -> Any {
            Any { type_url: type_url::<M>(), value: message.encode_to_vec() }
        }
        match self {
            Self::Continuous(account) => pack(account),
            Self::Delayed(account) => pack(account),
            Self::Periodic(account) => pack(account),
            Self::Locked(account) => pack(account),
        }
    }

    fn part(&self) -> Option<&BaseVestingAccount> {
        match self {
            Self::Continuous(account) => account.base_vesting_account.as_ref(),
            Self::Delayed(account) => account.base_vesting_account.as_ref(),
            Self::Periodic(account) => account.base_vesting_account.as_ref(),
            Self::Locked(account) => account.base_vesting_account.as_ref(),
        }
    }

    fn part_mut(&mut self) -> &mut BaseVestingAccount {
        match self {
            Self::Continuous(account) => account.base_vesting_account.get_or_insert_default(),
            Self::Delayed(account) => account.base_vesting_account.get_or_insert_default(),
            Self::Periodic(account) => account.base_vesting_account.get_or_insert_default(),
            Self::Locked(account) => account.base_vesting_account.get_or_insert_default(),
        }
    }

    pub fn base(&self) -> BaseAccount {
        self.part().and_then(|part| part.base_account.clone()).unwrap_or_default()
    }

    pub fn base_mut(&mut self) -> &mut BaseAccount {
        self.part_mut().base_account.get_or_insert_default()
    }

    /// Refuses schedules that make no sense: periods must be positive and sum to the whole.
    pub fn check(&self) -> Result<(), CodedError> {
        let invalid = |cause: &str| CodedError::from(Error::InvalidRequest(format!("vesting account: {cause}")));
        let part = self.part().ok_or_else(|| invalid("its base is missing"))?;
        let original = Coins::try_from_proto(&part.original_vesting)?;
        Coins::try_from_proto(&part.delegated_free)?;
        Coins::try_from_proto(&part.delegated_vesting)?;
        match self {
            Self::Continuous(account) if account.start_time >= part.end_time => {
                Err(invalid("vesting start-time cannot be before end-time"))
            }
            Self::Periodic(account) => {
                let (mut end, mut sum) = (account.start_time, Coins::default());
                for period in &account.vesting_periods {
                    let coins = Coins::try_from_proto(&period.amount)?;
                    if period.length <= 0 || coins.is_empty() {
                        return Err(invalid("every period has a positive length and a positive amount"));
                    }
                    end = end.saturating_add(period.length);
                    sum = sum.checked_add(&coins)?;
                }
                if end != part.end_time || sum != original {
                    return Err(invalid("the periods must sum to the whole amount and end at its end"));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// What has become free until `now`.
    fn vested(&self, now: BlockTime) -> Result<Coins, CodedError> {
        let Some(part) = self.part() else { return Ok(Coins::default()) };
        let original = Coins::try_from_proto(&part.original_vesting)?;
        let now = now.seconds;
        match self {
            Self::Locked(_) => Ok(Coins::default()),
            Self::Delayed(_) => Ok(if now >= part.end_time { original } else { Coins::default() }),
            Self::Continuous(_) if now >= part.end_time => Ok(original),
            Self::Continuous(account) => evenly(&original, account.start_time, part.end_time, now),
            Self::Periodic(account) => {
                let (mut end, mut sum) = (account.start_time, Coins::default());
                for period in &account.vesting_periods {
                    end = end.saturating_add(period.length);
                    if now < end {
                        break;
                    }
                    sum = sum.checked_add(&Coins::try_from_proto(&period.amount)?)?;
                }
                Ok(sum)
            }
        }
    }

    /// What of the balance may not be spent: coins that are not free yet and not staked.
    pub fn locked(&self, now: BlockTime) -> Result<Coins, CodedError> {
        let Some(part) = self.part() else { return Ok(Coins::default()) };
        let original = Coins::try_from_proto(&part.original_vesting)?;
        let vesting = original.checked_sub(&self.vested(now)?).unwrap_or_default();
        less(&vesting, &Coins::try_from_proto(&part.delegated_vesting)?)
    }

    /// Staking takes locked coins first.
    pub fn track_delegation(&mut self, now: BlockTime, coins: &Coins) -> Result<(), CodedError> {
        let locked = self.locked(now)?;
        let of_locked = lesser(coins, &locked)?;
        let of_free = coins.checked_sub(&of_locked).unwrap_or_default();
        let part = self.part_mut();
        part.delegated_vesting = Coins::try_from_proto(&part.delegated_vesting)?.checked_add(&of_locked)?.to_proto();
        part.delegated_free = Coins::try_from_proto(&part.delegated_free)?.checked_add(&of_free)?.to_proto();
        Ok(())
    }

    /// What comes back from staking was free first: slashed coins are lost to the locked part.
    pub fn track_undelegation(&mut self, coins: &Coins) -> Result<(), CodedError> {
        let part = self.part_mut();
        let free = Coins::try_from_proto(&part.delegated_free)?;
        let vesting = Coins::try_from_proto(&part.delegated_vesting)?;
        let of_free = lesser(coins, &free)?;
        let rest = coins.checked_sub(&of_free).unwrap_or_default();
        part.delegated_free = less(&free, &of_free)?.to_proto();
        part.delegated_vesting = less(&vesting, &rest)?.to_proto();
        Ok(())
    }
}

/// ⌊amount × passed / whole⌋ of each coin.
fn evenly(original: &Coins, start: i64, end: i64, now: i64) -> Result<Coins, CodedError> {
    let length = |from: i64, to: i64| Amount::from(u64::try_from(to.saturating_sub(from)).unwrap_or(0));
    let (passed, whole) = (length(start, now), length(start, end));
    each(original, |coin| coin.amount.mul_div(passed, whole))
}

/// Per denomination, never below zero.
fn less(coins: &Coins, other: &Coins) -> Result<Coins, CodedError> {
    each(coins, |coin| Some(coin.amount.saturating_sub(other.amount_of(coin.denom.as_str()))))
}

/// The smaller amount per denomination.
fn lesser(coins: &Coins, other: &Coins) -> Result<Coins, CodedError> {
    each(coins, |coin| Some(coin.amount.min(other.amount_of(coin.denom.as_str()))))
}

fn each(coins: &Coins, amount: impl Fn(&Coin) -> Option<Amount>) -> Result<Coins, CodedError> {
    let mut kept = Vec::new();
    for coin in coins.iter() {
        let amount = amount(coin).ok_or(ve_base::AmountError::Overflow)?;
        if !amount.is_zero() {
            kept.push(Coin::new(coin.denom.clone(), amount));
        }
    }
    Coins::new(kept)
}
