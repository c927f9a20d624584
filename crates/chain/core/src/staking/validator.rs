//! A validator: its state, its exchange rate between shares and tokens, its wire form.

use prost::Message as _;
use ve_base::keys::PublicKey;
use ve_base::value::{Value, ValueError};
use ve_base::{Address, Amount, BlockTime, CodedError, Dec, OPERATOR_PREFIX, Rounding, errors};
use ve_proto::cosmos::staking::v1beta1 as pb;

use super::error::Error;

/// Base units of one unit of voting power.
pub const POWER_REDUCTION: u64 = 1_000_000;
/// Highest sum of voting power: CometBFT's ⌊(2^63 − 1) / 8⌋, which is also below the 2^60 of counterparties' clients.
pub const MAX_TOTAL_POWER: u64 = (i64::MAX / 8) as u64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Out of the set; its stake is not at risk.
    Unbonded,
    /// Left the set; its stake answers for the past until the unbonding time is over.
    Unbonding,
    /// In the set.
    Bonded,
}

/// Shares of rewards that the validator keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    pub rate: Dec,
    pub max_rate: Dec,
    /// Largest change within a day.
    pub max_change_rate: Dec,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Validator {
    pub operator: Address,
    /// ed25519.
    pub consensus_key: [u8; 32],
    pub jailed: bool,
    pub status: Status,
    /// Base units of the bond denomination.
    pub tokens: Amount,
    pub shares: Dec,
    pub description: pb::Description,
    /// Where and until when it unbonds; zero unless `Unbonding`.
    pub unbonding_height: u64,
    pub unbonding_time: BlockTime,
    pub rates: Rates,
    pub rates_changed: BlockTime,
    pub min_self_delegation: Amount,
}

impl Validator {
    pub fn is_bonded(&self) -> bool {
        self.status == Status::Bonded
    }

    pub fn operator_text(&self) -> String {
        self.operator.to_bech32(OPERATOR_PREFIX)
    }

    pub fn consensus_address(&self) -> Address {
        PublicKey::Ed25519(self.consensus_key).address()
    }

    /// Voting power if it is in the set: ⌊tokens / 10^6⌋.
    pub fn power(&self) -> Result<u64, Error> {
        self.tokens
            .checked_div(Amount::from(POWER_REDUCTION))
            .and_then(Amount::to_u64)
            .filter(|power| *power <= MAX_TOTAL_POWER)
            .ok_or(Error::PowerBound(MAX_TOTAL_POWER))
    }

    /// shares × tokens / total shares: what these shares are worth, with its fraction.
    pub fn worth(&self, shares: Dec) -> Result<Dec, CodedError> {
        if self.shares.is_zero() {
            return Ok(Dec::zero());
        }
        Ok(shares.mul_int(self.tokens)?.quo(self.shares, Rounding::Truncate)?)
    }

    /// [`Validator::worth`] in whole base units: what can be taken out for these shares.
    pub fn tokens_of(&self, shares: Dec) -> Result<Amount, CodedError> {
        Ok(self.worth(shares)?.to_amount(Rounding::Truncate)?)
    }

    /// amount × total shares / tokens; one share per token before the first delegation.
    pub fn shares_for(&self, amount: Amount, rounding: Rounding) -> Result<Dec, CodedError> {
        if self.shares.is_zero() {
            return Ok(Dec::from_amount(amount)?);
        }
        if self.tokens.is_zero() {
            return Err(Error::ExchangeRate(self.operator_text()).into());
        }
        Ok(self.shares.mul_int(amount)?.quo_int(self.tokens, rounding)?)
    }

    /// Takes tokens in and returns the shares issued for them.
    pub fn add_tokens(&mut self, amount: Amount) -> Result<Dec, CodedError> {
        let issued = self.shares_for(amount, Rounding::Truncate)?;
        self.tokens = self.tokens.checked_add(amount).ok_or(ve_base::AmountError::Overflow)?;
        self.shares = self.shares.checked_add(issued)?;
        self.power()?;
        Ok(issued)
    }

    /// Gives up shares and returns the tokens for them; the last shares take all that is left.
    pub fn remove_shares(&mut self, shares: Dec) -> Result<Amount, CodedError> {
        let left = self.shares.checked_sub(shares)?;
        if left.is_negative() {
            return Err(Error::NotEnoughShares(self.shares.to_string(), shares.to_string()).into());
        }
        let amount = if left.is_zero() { self.tokens } else { self.tokens_of(shares)? };
        self.tokens = self.tokens.checked_sub(amount).ok_or(ve_base::AmountError::Underflow)?;
        self.shares = left;
        Ok(amount)
    }

    pub fn to_proto(&self) -> pb::Validator {
        pb::Validator {
            operator_address: self.operator_text(),
            consensus_pubkey: Some(PublicKey::Ed25519(self.consensus_key).to_any()),
            jailed: self.jailed,
            status: match self.status {
                Status::Unbonded => pb::BondStatus::Unbonded,
                Status::Unbonding => pb::BondStatus::Unbonding,
                Status::Bonded => pb::BondStatus::Bonded,
            } as i32,
            tokens: self.tokens.to_string(),
            delegator_shares: self.shares.to_mantissa(),
            description: Some(self.description.clone()),
            unbonding_height: i64::try_from(self.unbonding_height).unwrap_or(i64::MAX),
            unbonding_time: Some(self.unbonding_time.to_proto()),
            commission: Some(pb::Commission {
                commission_rates: Some(self.rates.to_proto()),
                update_time: Some(self.rates_changed.to_proto()),
            }),
            min_self_delegation: self.min_self_delegation.to_string(),
            ..pb::Validator::default()
        }
    }

    pub fn from_proto(proto: &pb::Validator) -> Result<Self, CodedError> {
        let missing = |what: &str| errors::sdk::Error::InvalidRequest(format!("validator without {what}"));
        let key = proto.consensus_pubkey.as_ref().ok_or_else(|| missing("consensus key"))?;
        let commission = proto.commission.as_ref().ok_or_else(|| missing("commission"))?;
        let rates = commission.commission_rates.as_ref().ok_or_else(|| missing("commission rates"))?;
        let time = |time: &Option<prost_types::Timestamp>| {
            time.as_ref()
                .map_or(Some(BlockTime::default()), BlockTime::from_proto)
                .ok_or_else(|| missing("valid times"))
        };
        Ok(Self {
            operator: super::operator(&proto.operator_address)?,
            consensus_key: ed25519(key)?,
            jailed: proto.jailed,
            status: match proto.status() {
                pb::BondStatus::Bonded => Status::Bonded,
                pb::BondStatus::Unbonding => Status::Unbonding,
                pb::BondStatus::Unbonded => Status::Unbonded,
                pb::BondStatus::Unspecified => return Err(missing("status").into()),
            },
            tokens: proto.tokens.parse::<Amount>()?,
            shares: Dec::from_mantissa(&proto.delegator_shares)?,
            description: proto.description.clone().unwrap_or_default(),
            unbonding_height: super::height(proto.unbonding_height)?,
            unbonding_time: time(&proto.unbonding_time)?,
            rates: Rates::from_proto(rates)?,
            rates_changed: time(&commission.update_time)?,
            min_self_delegation: proto.min_self_delegation.parse::<Amount>()?,
        })
    }
}

impl Rates {
    pub fn to_proto(self) -> pb::CommissionRates {
        pb::CommissionRates {
            rate: self.rate.to_mantissa(),
            max_rate: self.max_rate.to_mantissa(),
            max_change_rate: self.max_change_rate.to_mantissa(),
        }
    }

    pub fn from_proto(proto: &pb::CommissionRates) -> Result<Self, CodedError> {
        Ok(Self {
            rate: Dec::from_mantissa(&proto.rate)?,
            max_rate: Dec::from_mantissa(&proto.max_rate)?,
            max_change_rate: Dec::from_mantissa(&proto.max_change_rate)?,
        })
    }
}

/// The consensus key in an `Any`: an ed25519 point, because an engine that meets another key stops.
pub fn ed25519(any: &prost_types::Any) -> Result<[u8; 32], CodedError> {
    match PublicKey::from_any(any)? {
        key @ PublicKey::Ed25519(bytes) => {
            key.check()?;
            Ok(bytes)
        }
        _ => Err(Error::PubKeyType(any.type_url.clone()).into()),
    }
}

impl Value for Validator {
    fn to_state(&self) -> Vec<u8> {
        self.to_proto().encode_to_vec()
    }

    fn from_state(bytes: &[u8]) -> Result<Self, ValueError> {
        let malformed = ValueError("not a validator in its one form");
        let proto = <pb::Validator as Value>::from_state(bytes)?;
        let validator = Self::from_proto(&proto).map_err(|_| malformed)?;
        if validator.to_proto() == proto { Ok(validator) } else { Err(malformed) }
    }
}

#[cfg(test)]
#[path = "tests/validator.rs"]
mod tests;
