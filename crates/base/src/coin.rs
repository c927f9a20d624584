//! Denominations, coins and sets of coins.

use std::fmt;
use std::str::FromStr;

use ve_proto::cosmos::base::v1beta1::Coin as ProtoCoin;

use crate::amount::Amount;
use crate::errors::{CodedError, sdk::Error};

/// The native coin's base denomination.
pub const BASE_DENOM: &str = "uve";

/// `[a-zA-Z][a-zA-Z0-9/:._-]{2,127}` (platform spec section 1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Denom(String);

impl Denom {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn native() -> Self {
        Self(BASE_DENOM.to_owned())
    }
}

impl FromStr for Denom {
    type Err = CodedError;

    fn from_str(text: &str) -> Result<Self, CodedError> {
        let tail = |byte: u8| byte.is_ascii_alphanumeric() || b"/:._-".contains(&byte);
        let valid = (3..=128).contains(&text.len())
            && text.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
            && text.bytes().all(tail);
        if valid {
            return Ok(Self(text.to_owned()));
        }
        let shown: String = text.chars().take(140).collect();
        Err(Error::InvalidCoins(format!("invalid denom: {shown:?} does not match [a-zA-Z][a-zA-Z0-9/:._-]{{2,127}}"))
            .into())
    }
}

impl fmt::Display for Denom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coin {
    pub denom: Denom,
    pub amount: Amount,
}

impl Coin {
    pub fn new(denom: Denom, amount: Amount) -> Self {
        Self { denom, amount }
    }

    pub fn native(amount: Amount) -> Self {
        Self { denom: Denom::native(), amount }
    }

    pub fn to_proto(&self) -> ProtoCoin {
        ProtoCoin { denom: self.denom.0.clone(), amount: self.amount.to_string() }
    }
}

impl fmt::Display for Coin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.amount, self.denom)
    }
}

/// `123uve`.
impl FromStr for Coin {
    type Err = CodedError;

    fn from_str(text: &str) -> Result<Self, CodedError> {
        let split = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
        let (amount, denom) = text.split_at(split);
        let amount = amount.parse().map_err(|cause| Error::InvalidCoins(format!("{text:?}: {cause}")))?;
        Ok(Self { denom: denom.parse()?, amount })
    }
}

impl TryFrom<&ProtoCoin> for Coin {
    type Error = CodedError;

    fn try_from(coin: &ProtoCoin) -> Result<Self, CodedError> {
        let amount = coin.amount.parse().map_err(|cause| Error::InvalidCoins(format!("{}: {cause}", coin.denom)))?;
        Ok(Self { denom: coin.denom.parse()?, amount })
    }
}

/// Coins sorted by denomination, each once, none zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coins(Vec<Coin>);

impl Coins {
    /// Refuses what is not sorted, unique and positive: one set has one encoding.
    pub fn new(coins: Vec<Coin>) -> Result<Self, CodedError> {
        let shown = || Self(coins.clone()).to_string();
        if coins.iter().any(|coin| coin.amount.is_zero()) {
            return Err(Error::InvalidCoins(format!("{}: every amount must be positive", shown())).into());
        }
        if !coins.is_sorted_by(|left, right| left.denom < right.denom) {
            return Err(Error::InvalidCoins(format!("{}: sort by denom, each denom once", shown())).into());
        }
        Ok(Self(coins))
    }

    pub fn one(coin: Coin) -> Self {
        if coin.amount.is_zero() { Self::default() } else { Self(vec![coin]) }
    }

    pub fn native(amount: Amount) -> Self {
        Self::one(Coin::native(amount))
    }

    pub fn try_from_proto(coins: &[ProtoCoin]) -> Result<Self, CodedError> {
        Self::new(coins.iter().map(Coin::try_from).collect::<Result<_, _>>()?)
    }

    pub fn to_proto(&self) -> Vec<ProtoCoin> {
        self.0.iter().map(Coin::to_proto).collect()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Coin> {
        self.0.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn amount_of(&self, denom: &str) -> Amount {
        self.0.iter().find(|coin| coin.denom.as_str() == denom).map_or(Amount::ZERO, |coin| coin.amount)
    }

    pub fn checked_add(&self, other: &Self) -> Result<Self, CodedError> {
        let mut sum = self.0.clone();
        for coin in &other.0 {
            match sum.binary_search_by(|probe| probe.denom.cmp(&coin.denom)) {
                Ok(at) => {
                    let total = sum[at].amount.checked_add(coin.amount);
                    sum[at].amount = total.ok_or_else(|| Error::InvalidCoins("amounts overflow".into()))?;
                }
                Err(at) => sum.insert(at, coin.clone()),
            }
        }
        Ok(Self(sum))
    }

    /// What is left; `None` when any denomination of `other` exceeds what is here.
    #[must_use]
    pub fn checked_sub(&self, other: &Self) -> Option<Self> {
        let mut left = self.0.clone();
        for coin in &other.0 {
            let at = left.binary_search_by(|probe| probe.denom.cmp(&coin.denom)).ok()?;
            let found = left.get_mut(at)?;
            found.amount = found.amount.checked_sub(coin.amount)?;
        }
        left.retain(|coin| !coin.amount.is_zero());
        Some(Self(left))
    }
}

impl fmt::Display for Coins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, coin) in self.0.iter().enumerate() {
            write!(f, "{}{coin}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}
