//! Amounts of coins: unsigned 256-bit integers with checked arithmetic only (finance spec section 0).

use std::fmt;
use std::str::FromStr;

use ruint::aliases::U256;

use crate::value::{Value, ValueError};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(U256);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    #[error("{0:?} is not an amount: write decimal digits without sign, point or leading zero, at most 2^256-1")]
    Syntax(String),
    #[error("amounts overflow")]
    Overflow,
    #[error("the result would be below zero")]
    Underflow,
    #[error("division by zero")]
    DivisionByZero,
}

impl Amount {
    pub const ZERO: Self = Self(U256::ZERO);
    pub const MAX: Self = Self(U256::MAX);

    pub const fn from_u128(value: u128) -> Self {
        Self(U256::from_limbs([value as u64, (value >> 64) as u64, 0, 0]))
    }

    pub fn is_zero(&self) -> bool {
        self.0.is_zero()
    }

    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    #[must_use]
    pub fn checked_mul(self, other: Self) -> Option<Self> {
        self.0.checked_mul(other.0).map(Self)
    }

    /// Truncates.
    #[must_use]
    pub fn checked_div(self, other: Self) -> Option<Self> {
        self.0.checked_div(other.0).map(Self)
    }

    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// ⌊self × numerator / denominator⌋ with a 512-bit product.
    pub fn mul_div(self, numerator: Self, denominator: Self) -> Option<Self> {
        crate::dec::mul_div(self.0, numerator.0, denominator.0, crate::dec::Rounding::Truncate).map(Self)
    }

    pub fn to_u64(self) -> Option<u64> {
        u64::try_from(self.0).ok()
    }

    pub fn to_u128(self) -> Option<u128> {
        u128::try_from(self.0).ok()
    }

    pub(crate) const fn raw(self) -> U256 {
        self.0
    }

    pub(crate) const fn from_raw(raw: U256) -> Self {
        Self(raw)
    }
}

impl From<u64> for Amount {
    fn from(value: u64) -> Self {
        Self::from_u128(u128::from(value))
    }
}

impl From<u128> for Amount {
    fn from(value: u128) -> Self {
        Self::from_u128(value)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for Amount {
    type Err = AmountError;

    /// The one accepted form: decimal digits, no leading zero.
    fn from_str(text: &str) -> Result<Self, AmountError> {
        let syntax = || AmountError::Syntax(text.chars().take(100).collect());
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits || text.len() > 78 || (text.len() > 1 && text.starts_with('0')) {
            return Err(syntax());
        }
        U256::from_str_radix(text, 10).map(Self).map_err(|_| syntax())
    }
}

impl Value for Amount {
    /// Big-endian without leading zeros; zero is one zero byte.
    fn to_state(&self) -> Vec<u8> {
        let bytes = self.0.to_be_bytes_trimmed_vec();
        if bytes.is_empty() { vec![0] } else { bytes }
    }

    fn from_state(bytes: &[u8]) -> Result<Self, ValueError> {
        let canonical = bytes == [0] || bytes.first().is_some_and(|first| *first != 0);
        let value = U256::try_from_be_slice(bytes).filter(|_| canonical);
        value.map(Self).ok_or(ValueError("not an amount in its shortest form"))
    }
}
