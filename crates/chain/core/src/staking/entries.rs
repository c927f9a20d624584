//! Stake on its way: unbonding delegations and redelegations, with their wire forms.

use prost::Message as _;
use ve_base::value::{Value, ValueError};
use ve_base::{Address, Amount, BlockTime, CodedError, Dec, OPERATOR_PREFIX, errors};
use ve_proto::cosmos::staking::v1beta1 as pb;

/// Stake of one delegator that leaves one validator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unbonding {
    pub delegator: Address,
    pub validator: Address,
    pub entries: Vec<UnbondingEntry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnbondingEntry {
    pub height: u64,
    pub completion: BlockTime,
    pub initial: Amount,
    /// What is paid out; slashing lowers it.
    pub balance: Amount,
    pub id: u64,
}

/// Stake of one delegator that moved from one validator to another and still answers for the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redelegation {
    pub delegator: Address,
    pub source: Address,
    pub destination: Address,
    pub entries: Vec<RedelegationEntry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedelegationEntry {
    pub height: u64,
    pub completion: BlockTime,
    pub initial: Amount,
    /// Shares of the destination that the stake became.
    pub shares: Dec,
    pub id: u64,
}

fn signed(height: u64) -> i64 {
    i64::try_from(height).unwrap_or(i64::MAX)
}

fn time(given: &Option<prost_types::Timestamp>) -> Result<BlockTime, CodedError> {
    let missing = || errors::sdk::Error::InvalidRequest("an entry without a valid completion time".into());
    Ok(given.as_ref().and_then(BlockTime::from_proto).ok_or_else(missing)?)
}

impl Unbonding {
    pub fn to_proto(&self) -> pb::UnbondingDelegation {
        let entry = |entry: &UnbondingEntry| pb::UnbondingDelegationEntry {
            creation_height: signed(entry.height),
            completion_time: Some(entry.completion.to_proto()),
            initial_balance: entry.initial.to_string(),
            balance: entry.balance.to_string(),
            unbonding_id: entry.id,
            unbonding_on_hold_ref_count: 0,
        };
        pb::UnbondingDelegation {
            delegator_address: self.delegator.to_string(),
            validator_address: self.validator.to_bech32(OPERATOR_PREFIX),
            entries: self.entries.iter().map(entry).collect(),
        }
    }

    pub fn from_proto(proto: &pb::UnbondingDelegation) -> Result<Self, CodedError> {
        let entry = |entry: &pb::UnbondingDelegationEntry| {
            Ok::<_, CodedError>(UnbondingEntry {
                height: super::height(entry.creation_height)?,
                completion: time(&entry.completion_time)?,
                initial: entry.initial_balance.parse::<Amount>()?,
                balance: entry.balance.parse::<Amount>()?,
                id: entry.unbonding_id,
            })
        };
        Ok(Self {
            delegator: super::account(&proto.delegator_address)?,
            validator: super::operator(&proto.validator_address)?,
            entries: proto.entries.iter().map(entry).collect::<Result<_, _>>()?,
        })
    }
}

impl Redelegation {
    pub fn to_proto(&self) -> pb::Redelegation {
        pb::Redelegation {
            delegator_address: self.delegator.to_string(),
            validator_src_address: self.source.to_bech32(OPERATOR_PREFIX),
            validator_dst_address: self.destination.to_bech32(OPERATOR_PREFIX),
            entries: self.entries.iter().map(RedelegationEntry::to_proto).collect(),
        }
    }

    pub fn from_proto(proto: &pb::Redelegation) -> Result<Self, CodedError> {
        let entry = |entry: &pb::RedelegationEntry| {
            Ok::<_, CodedError>(RedelegationEntry {
                height: super::height(entry.creation_height)?,
                completion: time(&entry.completion_time)?,
                initial: entry.initial_balance.parse::<Amount>()?,
                shares: Dec::from_mantissa(&entry.shares_dst)?,
                id: entry.unbonding_id,
            })
        };
        Ok(Self {
            delegator: super::account(&proto.delegator_address)?,
            source: super::operator(&proto.validator_src_address)?,
            destination: super::operator(&proto.validator_dst_address)?,
            entries: proto.entries.iter().map(entry).collect::<Result<_, _>>()?,
        })
    }
}

impl RedelegationEntry {
    pub fn to_proto(&self) -> pb::RedelegationEntry {
        pb::RedelegationEntry {
            creation_height: signed(self.height),
            completion_time: Some(self.completion.to_proto()),
            initial_balance: self.initial.to_string(),
            shares_dst: self.shares.to_mantissa(),
            unbonding_id: self.id,
            unbonding_on_hold_ref_count: 0,
        }
    }
}

impl Value for Unbonding {
    fn to_state(&self) -> Vec<u8> {
        self.to_proto().encode_to_vec()
    }

    fn from_state(bytes: &[u8]) -> Result<Self, ValueError> {
        let malformed = ValueError("not an unbonding delegation in its one form");
        let proto = <pb::UnbondingDelegation as Value>::from_state(bytes)?;
        let unbonding = Self::from_proto(&proto).map_err(|_| malformed)?;
        if unbonding.to_proto() == proto { Ok(unbonding) } else { Err(malformed) }
    }
}

impl Value for Redelegation {
    fn to_state(&self) -> Vec<u8> {
        self.to_proto().encode_to_vec()
    }

    fn from_state(bytes: &[u8]) -> Result<Self, ValueError> {
        let malformed = ValueError("not a redelegation in its one form");
        let proto = <pb::Redelegation as Value>::from_state(bytes)?;
        let redelegation = Self::from_proto(&proto).map_err(|_| malformed)?;
        if redelegation.to_proto() == proto { Ok(redelegation) } else { Err(malformed) }
    }
}
