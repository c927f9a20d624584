//! Fractions of coins: what many small shares add up to before anything can be paid out.

use std::fmt;

use ve_base::{Amount, CodedError, Coin, Coins, Dec, DecError, Denom, Rounding, errors::sdk};
use ve_proto::cosmos::base::v1beta1::DecCoin;

/// Amounts with 18 decimals, sorted by denomination, each once, all above zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DecCoins(Vec<(Denom, Dec)>);

impl DecCoins {
    pub fn from_coins(coins: &Coins) -> Result<Self, DecError> {
        coins
            .iter()
            .map(|coin| Ok((coin.denom.clone(), Dec::from_amount(coin.amount)?)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    pub fn one(denom: Denom, amount: Dec) -> Self {
        if amount.is_zero() { Self::default() } else { Self(vec![(denom, amount)]) }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn amount_of(&self, denom: &str) -> Dec {
        self.0.iter().find(|(own, _)| own.as_str() == denom).map_or(Dec::zero(), |(_, amount)| *amount)
    }

    pub fn checked_add(&self, other: &Self) -> Result<Self, DecError> {
        let mut sum = self.0.clone();
        for (denom, amount) in &other.0 {
            match sum.iter_mut().find(|(own, _)| own == denom) {
                Some((_, total)) => *total = total.checked_add(*amount)?,
                None => sum.push((denom.clone(), *amount)),
            }
        }
        sum.sort_by(|left, right| left.0.cmp(&right.0));
        Ok(Self(sum))
    }

    /// An error if `other` has more of any denomination.
    pub fn checked_sub(&self, other: &Self) -> Result<Self, DecError> {
        if other.0.iter().any(|(denom, amount)| self.amount_of(denom.as_str()) < *amount) {
            return Err(DecError::Overflow);
        }
        self.map(|denom, amount| amount.checked_sub(other.amount_of(denom)))
    }

    /// The smaller of both for each denomination.
    pub fn least(&self, other: &Self) -> Self {
        let least = |(denom, amount): &(Denom, Dec)| (denom.clone(), (*amount).min(other.amount_of(denom.as_str())));
        Self(self.0.iter().map(least).filter(|(_, amount)| !amount.is_zero()).collect())
    }

    pub fn mul_truncate(&self, factor: Dec) -> Result<Self, DecError> {
        self.map(|_, amount| amount.mul(factor, Rounding::Truncate))
    }

    pub fn quo_truncate(&self, divisor: Amount) -> Result<Self, DecError> {
        self.map(|_, amount| amount.quo_int(divisor, Rounding::Truncate))
    }

    /// Whole coins and what is left.
    pub fn split(&self) -> Result<(Coins, Self), CodedError> {
        let mut whole = Vec::new();
        for (denom, amount) in &self.0 {
            let amount = amount.to_amount(Rounding::Truncate)?;
            if !amount.is_zero() {
                whole.push(Coin::new(denom.clone(), amount));
            }
        }
        let whole = Coins::new(whole)?;
        let rest = self.checked_sub(&Self::from_coins(&whole)?)?;
        Ok((whole, rest))
    }

    fn map(&self, mut change: impl FnMut(&str, Dec) -> Result<Dec, DecError>) -> Result<Self, DecError> {
        let mut changed = Vec::with_capacity(self.0.len());
        for (denom, amount) in &self.0 {
            let amount = change(denom.as_str(), *amount)?;
            if !amount.is_zero() {
                changed.push((denom.clone(), amount));
            }
        }
        Ok(Self(changed))
    }

    pub fn to_proto(&self) -> Vec<DecCoin> {
        let coin = |(denom, amount): &(Denom, Dec)| DecCoin { denom: denom.to_string(), amount: amount.to_mantissa() };
        self.0.iter().map(coin).collect()
    }

    pub fn from_proto(coins: &[DecCoin]) -> Result<Self, CodedError> {
        let mut parsed = Vec::with_capacity(coins.len());
        for coin in coins {
            let amount = Dec::from_mantissa(&coin.amount)?;
            if amount.is_zero() || amount.is_negative() {
                return Err(
                    sdk::Error::InvalidCoins(format!("{}{}: every amount is positive", amount, coin.denom)).into()
                );
            }
            parsed.push((coin.denom.parse::<Denom>()?, amount));
        }
        if !parsed.is_sorted_by(|left, right| left.0 < right.0) {
            return Err(sdk::Error::InvalidCoins("sort by denom, each denom once".into()).into());
        }
        Ok(Self(parsed))
    }
}

/// `0.500000000000000000uve`, as events have it.
impl fmt::Display for DecCoins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (denom, amount)) in self.0.iter().enumerate() {
            write!(f, "{}{amount}{denom}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "tests/dec_coins.rs"]
mod tests;
