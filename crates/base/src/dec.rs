//! Signed fixed-point numbers with 18 decimals, and the only rounding code of the product (finance spec section 0).

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use ruint::aliases::{U256, U512};

use crate::amount::{Amount, AmountError};
use crate::value::{Value, ValueError};

pub const DECIMALS: usize = 18;
const ONE: U256 = U256::from_limbs([1_000_000_000_000_000_000, 0, 0, 0]);

/// How the part beyond the last kept digit is treated. Signs are handled symmetrically around zero, except that
/// `Ceil` goes towards plus infinity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// What is paid, shared or burned.
    Truncate,
    /// Required minimums.
    Ceil,
    /// Rated lines.
    HalfEven,
    /// Tax in fiat minor units.
    HalfUp,
}

/// A number = mantissa × 10^-18. The mantissa has a sign and 256 bits; zero is never negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Dec {
    negative: bool,
    mantissa: U256,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecError {
    #[error("{0:?} is not a decimal number: write digits with at most 18 of them after the point")]
    Syntax(String),
    #[error("decimal overflow")]
    Overflow,
    #[error("division by zero")]
    DivisionByZero,
}

/// `a × b / c` rounded; `None` on overflow or a zero divisor. Magnitudes only.
pub(crate) fn mul_div(a: U256, b: U256, c: U256, rounding: Rounding) -> Option<U256> {
    if c.is_zero() {
        return None;
    }
    let product: U512 = a.widening_mul(b);
    let divisor = U512::from(c);
    let (quotient, remainder) = product.div_rem(divisor);
    let up = match rounding {
        Rounding::Truncate => false,
        Rounding::Ceil => !remainder.is_zero(),
        Rounding::HalfUp | Rounding::HalfEven => {
            // The remainder is below 2^256, so doubling it fits 512 bits.
            let twice = remainder.checked_add(remainder)?;
            match twice.cmp(&divisor) {
                Ordering::Greater => true,
                Ordering::Less => false,
                Ordering::Equal => rounding == Rounding::HalfUp || quotient.bit(0),
            }
        }
    };
    let rounded = if up { quotient.checked_add(U512::from(1u8))? } else { quotient };
    let (low, high) = rounded.as_limbs().split_at(4);
    if high.iter().any(|limb| *limb != 0) {
        return None;
    }
    low.try_into().ok().map(U256::from_limbs)
}

impl Dec {
    pub const fn zero() -> Self {
        Self { negative: false, mantissa: U256::ZERO }
    }

    pub const fn one() -> Self {
        Self { negative: false, mantissa: ONE }
    }

    fn new(negative: bool, mantissa: U256) -> Self {
        Self { negative: negative && !mantissa.is_zero(), mantissa }
    }

    pub fn from_amount(amount: Amount) -> Result<Self, DecError> {
        amount.raw().checked_mul(ONE).map(|mantissa| Self::new(false, mantissa)).ok_or(DecError::Overflow)
    }

    /// `numerator / 10^digits`, digits at most 18.
    pub fn from_parts(numerator: u64, digits: u32) -> Result<Self, DecError> {
        let exponent = 18u32.checked_sub(digits).ok_or(DecError::Overflow)?;
        let scale = 10u64.checked_pow(exponent).ok_or(DecError::Overflow)?;
        let mantissa = U256::from(numerator).checked_mul(U256::from(scale)).ok_or(DecError::Overflow)?;
        Ok(Self::new(false, mantissa))
    }

    pub fn is_zero(&self) -> bool {
        self.mantissa.is_zero()
    }

    pub fn is_negative(&self) -> bool {
        self.negative
    }

    pub fn checked_add(self, other: Self) -> Result<Self, DecError> {
        if self.negative == other.negative {
            let sum = self.mantissa.checked_add(other.mantissa).ok_or(DecError::Overflow)?;
            return Ok(Self::new(self.negative, sum));
        }
        Ok(match self.mantissa.cmp(&other.mantissa) {
            Ordering::Less => Self::new(other.negative, other.mantissa.saturating_sub(self.mantissa)),
            _ => Self::new(self.negative, self.mantissa.saturating_sub(other.mantissa)),
        })
    }

    pub fn checked_sub(self, other: Self) -> Result<Self, DecError> {
        self.checked_add(other.negated())
    }

    #[must_use]
    pub fn negated(self) -> Self {
        Self::new(!self.negative, self.mantissa)
    }

    pub fn mul(self, other: Self, rounding: Rounding) -> Result<Self, DecError> {
        self.scaled(other.mantissa, ONE, self.negative != other.negative, rounding)
    }

    pub fn quo(self, other: Self, rounding: Rounding) -> Result<Self, DecError> {
        if other.is_zero() {
            return Err(DecError::DivisionByZero);
        }
        self.scaled(ONE, other.mantissa, self.negative != other.negative, rounding)
    }

    /// `self × by / over` with one rounding at the end.
    pub fn mul_quo(self, by: Self, over: Self, rounding: Rounding) -> Result<Self, DecError> {
        if over.is_zero() {
            return Err(DecError::DivisionByZero);
        }
        let negative = (self.negative != by.negative) != over.negative;
        self.scaled(by.mantissa, over.mantissa, negative, rounding)
    }

    /// Exact or an error: multiplying by a whole number never rounds.
    pub fn mul_int(self, factor: Amount) -> Result<Self, DecError> {
        let mantissa = self.mantissa.checked_mul(factor.raw()).ok_or(DecError::Overflow)?;
        Ok(Self::new(self.negative, mantissa))
    }

    pub fn quo_int(self, divisor: Amount, rounding: Rounding) -> Result<Self, DecError> {
        if divisor.is_zero() {
            return Err(DecError::DivisionByZero);
        }
        self.scaled(U256::from(1u8), divisor.raw(), self.negative, rounding)
    }

    /// The nearest whole amount in the direction of `rounding`; an error below zero.
    pub fn to_amount(self, rounding: Rounding) -> Result<Amount, DecError> {
        if self.negative {
            return Err(DecError::Overflow);
        }
        mul_div(self.mantissa, U256::from(1u8), ONE, rounding).map(Amount::from_raw).ok_or(DecError::Overflow)
    }

    /// ⌈self × amount⌉: a required minimum.
    pub fn mul_ceil_amount(self, amount: Amount) -> Result<Amount, DecError> {
        if self.negative {
            return Err(DecError::Overflow);
        }
        mul_div(self.mantissa, amount.raw(), ONE, Rounding::Ceil).map(Amount::from_raw).ok_or(DecError::Overflow)
    }

    fn scaled(self, by: U256, over: U256, negative: bool, rounding: Rounding) -> Result<Self, DecError> {
        // Towards plus infinity, a negative result loses its remainder.
        let rounding = if negative && rounding == Rounding::Ceil { Rounding::Truncate } else { rounding };
        let mantissa = mul_div(self.mantissa, by, over, rounding).ok_or(DecError::Overflow)?;
        Ok(Self::new(negative, mantissa))
    }

    /// The form of `cosmos.Dec` strings in protobuf: the mantissa without a point.
    pub fn to_mantissa(self) -> String {
        format!("{}{}", if self.negative { "-" } else { "" }, self.mantissa)
    }

    pub fn from_mantissa(text: &str) -> Result<Self, DecError> {
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let amount: Amount =
            digits.parse().map_err(|_: AmountError| DecError::Syntax(text.chars().take(100).collect()))?;
        if negative && amount.is_zero() {
            return Err(DecError::Syntax(text.to_owned()));
        }
        Ok(Self::new(negative, amount.raw()))
    }
}

impl PartialOrd for Dec {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Dec {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.mantissa.cmp(&other.mantissa),
            (true, true) => other.mantissa.cmp(&self.mantissa),
        }
    }
}

/// With the point and all 18 decimals, as Cosmos JSON has it; `{:.N}` is not supported, use `{:#}` for a form without
/// trailing zeros.
impl fmt::Display for Dec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:0>19}", self.mantissa.to_string());
        let (whole, fraction) = digits.split_at(digits.len().saturating_sub(DECIMALS));
        let sign = if self.negative { "-" } else { "" };
        if !f.alternate() {
            return write!(f, "{sign}{whole}.{fraction}");
        }
        match fraction.trim_end_matches('0') {
            "" => write!(f, "{sign}{whole}"),
            fraction => write!(f, "{sign}{whole}.{fraction}"),
        }
    }
}

impl FromStr for Dec {
    type Err = DecError;

    fn from_str(text: &str) -> Result<Self, DecError> {
        let syntax = || DecError::Syntax(text.chars().take(100).collect());
        let (negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, fraction) = rest.split_once('.').unwrap_or((rest, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || fraction.len() > DECIMALS || whole.len() > 60 {
            return Err(syntax());
        }
        let mantissa = U256::from_str_radix(&format!("{whole}{fraction:0<18}"), 10).map_err(|_| syntax())?;
        Ok(Self::new(negative, mantissa))
    }
}

impl Value for Dec {
    /// A sign byte, then the mantissa as an amount is stored.
    fn to_state(&self) -> Vec<u8> {
        let mut bytes = vec![u8::from(self.negative)];
        bytes.extend(Amount::from_raw(self.mantissa).to_state());
        bytes
    }

    fn from_state(bytes: &[u8]) -> Result<Self, ValueError> {
        let malformed = ValueError("not a decimal in its one form");
        let (sign, mantissa) = bytes.split_first().ok_or(malformed)?;
        let mantissa = Amount::from_state(mantissa)?;
        match sign {
            0 => Ok(Self::new(false, mantissa.raw())),
            1 if !mantissa.is_zero() => Ok(Self::new(true, mantissa.raw())),
            _ => Err(malformed),
        }
    }
}
