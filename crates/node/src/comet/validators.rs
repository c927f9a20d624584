//! Validator sets: order, hash, and the rotation of proposers, all as in CometBFT 0.38.

use prost::Message;
use ve_base::keys::consensus_address;
use ve_proto::tendermint::crypto::{PublicKey, public_key::Sum};
use ve_proto::tendermint::types::{SimpleValidator, Validator as ProtoValidator, ValidatorSet as ProtoSet};

use super::merkle::{self, Hash};

/// Largest total power, as in CometBFT: an eighth of `i64::MAX`, so that priorities cannot overflow.
pub const MAX_TOTAL_POWER: u64 = i64::MAX as u64 / 8;
/// Priorities spread over at most this many times the total power.
const PRIORITY_WINDOW: i64 = 2;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validator {
    /// SHA-256(key)[..20].
    pub address: [u8; 20],
    pub key: [u8; 32],
    pub power: u64,
    pub priority: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetError {
    #[error("the set of validators would be empty")]
    Empty,
    #[error("total power {0} is above {MAX_TOTAL_POWER}")]
    TooMuchPower(u128),
    #[error("the validator {0} is named twice in one change")]
    Duplicate(String),
    #[error("the validator {0} is removed but not in the set")]
    Unknown(String),
    #[error("stored validator set is damaged")]
    Damaged,
}

/// Sorted by power (descending), then address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidatorSet {
    validators: Vec<Validator>,
    total: u64,
    /// Chosen by the last rotation, before its priority was lowered.
    proposer: [u8; 20],
}

impl ValidatorSet {
    /// A genesis set, with the first proposer chosen.
    pub fn new(keys: &[([u8; 32], u64)]) -> Result<Self, SetError> {
        let mut set = Self { validators: Vec::new(), total: 0, proposer: [0; 20] };
        set.apply(keys)?;
        set.advance(1);
        Ok(set)
    }

    pub fn validators(&self) -> &[Validator] {
        &self.validators
    }

    pub fn total_power(&self) -> u64 {
        self.total
    }

    pub fn get(&self, address: &[u8; 20]) -> Option<&Validator> {
        self.validators.iter().find(|validator| validator.address == *address)
    }

    pub fn hash(&self) -> Hash {
        let leaves: Vec<Vec<u8>> = self
            .validators
            .iter()
            .map(|validator| {
                SimpleValidator { pub_key: Some(public_key(&validator.key)), voting_power: validator.power as i64 }
                    .encode_to_vec()
            })
            .collect();
        merkle::root(&leaves)
    }

    /// The proposer of round 0; later rounds advance a copy.
    pub fn proposer(&self) -> Option<&Validator> {
        self.get(&self.proposer)
    }

    fn front(&self) -> Option<[u8; 20]> {
        let front = self.validators.iter().reduce(|best, other| if beats(other, best) { other } else { best });
        front.map(|validator| validator.address)
    }

    /// The set as it is `round` rounds later within the same height.
    pub fn at_round(&self, round: u32) -> Self {
        let mut set = self.clone();
        // Priorities repeat with at most the total power; a height with this many rounds has other problems.
        set.advance(round.min(10_000));
        set
    }

    /// The set for the next height: `changes` applied (power 0 removes), then one rotation.
    pub fn next(&self, changes: &[([u8; 32], u64)]) -> Result<Self, SetError> {
        let mut set = self.clone();
        if !changes.is_empty() {
            set.apply(changes)?;
        }
        set.advance(1);
        Ok(set)
    }

    /// What changes from this set to `next` (power 0 removes), as [`ValidatorSet::next`] takes it.
    pub fn changes_to(&self, next: &Self) -> Vec<([u8; 32], u64)> {
        let power = |set: &Self, address| set.get(address).map(|validator| validator.power);
        let gone = self.validators.iter().filter(|validator| next.get(&validator.address).is_none());
        let other = next
            .validators
            .iter()
            .filter(|validator| power(self, &validator.address) != Some(validator.power))
            .map(|validator| (validator.key, validator.power));
        gone.map(|validator| (validator.key, 0)).chain(other).collect()
    }

    /// Gives every validator its power, takes the total from the one in front: `times` times.
    fn advance(&mut self, times: u32) {
        if self.validators.is_empty() || times == 0 {
            return;
        }
        self.rescale();
        self.center();
        for _ in 0..times {
            for validator in &mut self.validators {
                validator.priority = validator.priority.saturating_add(validator.power as i64);
            }
            let total = self.total as i64;
            let Some(front) = self.front() else { return };
            self.proposer = front;
            for validator in self.validators.iter_mut().filter(|validator| validator.address == front) {
                validator.priority = validator.priority.saturating_sub(total);
            }
        }
    }

    fn rescale(&mut self) {
        let window = PRIORITY_WINDOW.saturating_mul(self.total as i64);
        let priorities = || self.validators.iter().map(|validator| i128::from(validator.priority));
        let spread = priorities().max().unwrap_or(0) - priorities().min().unwrap_or(0);
        let spread = i64::try_from(spread).unwrap_or(i64::MAX);
        if window <= 0 || spread <= window {
            return;
        }
        let ratio = (spread + window - 1) / window;
        for validator in &mut self.validators {
            validator.priority /= ratio;
        }
    }

    fn center(&mut self) {
        let sum: i128 = self.validators.iter().map(|validator| i128::from(validator.priority)).sum();
        // Go's big.Int.Div rounds down for a positive divisor.
        let average = sum.div_euclid(self.validators.len() as i128) as i64;
        for validator in &mut self.validators {
            validator.priority = validator.priority.saturating_sub(average);
        }
    }

    fn apply(&mut self, changes: &[([u8; 32], u64)]) -> Result<(), SetError> {
        let mut sorted: Vec<([u8; 20], [u8; 32], u64)> =
            changes.iter().map(|(key, power)| (consensus_address(key), *key, *power)).collect();
        sorted.sort();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(SetError::Duplicate(hex::encode_upper(pair[0].0)));
        }
        let total_after = self.total_after(&sorted)?;
        let removed: u128 = sorted
            .iter()
            .filter(|(_, _, power)| *power == 0)
            .filter_map(|(address, _, _)| self.get(address).map(|validator| u128::from(validator.power)))
            .sum();
        // A newcomer starts behind everyone, so that leaving and joining does not win a turn.
        let newcomer = i64::try_from(total_after + removed).unwrap_or(i64::MAX);
        let newcomer = -(newcomer.saturating_add(newcomer >> 3));
        for (address, key, power) in sorted {
            match self.validators.iter().position(|validator| validator.address == address) {
                Some(at) if power == 0 => {
                    self.validators.remove(at);
                }
                Some(at) => self.validators[at].power = power,
                None => self.validators.push(Validator { address, key, power, priority: newcomer }),
            }
        }
        self.total = total_after as u64;
        self.rescale();
        self.center();
        self.validators.sort_by(|a, b| b.power.cmp(&a.power).then(a.address.cmp(&b.address)));
        Ok(())
    }

    fn total_after(&self, changes: &[([u8; 20], [u8; 32], u64)]) -> Result<u128, SetError> {
        let mut total = u128::from(self.total);
        for (address, _, power) in changes {
            let before = self.get(address).map(|validator| u128::from(validator.power));
            if before.is_none() && *power == 0 {
                return Err(SetError::Unknown(hex::encode_upper(address)));
            }
            total = total + u128::from(*power) - before.unwrap_or(0);
        }
        if total > u128::from(MAX_TOTAL_POWER) {
            return Err(SetError::TooMuchPower(total));
        }
        if total == 0 {
            return Err(SetError::Empty);
        }
        Ok(total)
    }

    pub fn to_proto(&self) -> ProtoSet {
        ProtoSet {
            validators: self.validators.iter().map(Validator::to_proto).collect(),
            proposer: self.proposer().map(Validator::to_proto),
            total_voting_power: self.total as i64,
        }
    }

    pub fn from_proto(set: &ProtoSet) -> Result<Self, SetError> {
        let validators =
            set.validators.iter().map(Validator::from_proto).collect::<Option<Vec<_>>>().ok_or(SetError::Damaged)?;
        let total = validators.iter().try_fold(0u64, |sum, validator| sum.checked_add(validator.power));
        let total = total.filter(|total| *total <= MAX_TOTAL_POWER && *total > 0).ok_or(SetError::Damaged)?;
        let proposer = set.proposer.as_ref().and_then(Validator::from_proto).ok_or(SetError::Damaged)?.address;
        Ok(Self { validators, total, proposer })
    }
}

/// Higher priority first, lower address on a tie.
fn beats(left: &Validator, right: &Validator) -> bool {
    left.priority > right.priority || (left.priority == right.priority && left.address < right.address)
}

impl Validator {
    /// Whether `signature` is this validator's over `bytes` (ZIP-215, as CometBFT verifies).
    pub fn verifies(&self, bytes: &[u8], signature: &[u8]) -> bool {
        verifies(&self.key, bytes, signature)
    }

    pub fn to_proto(&self) -> ProtoValidator {
        ProtoValidator {
            address: self.address.to_vec(),
            pub_key: Some(public_key(&self.key)),
            voting_power: self.power as i64,
            proposer_priority: self.priority,
        }
    }

    fn from_proto(validator: &ProtoValidator) -> Option<Self> {
        let Some(Sum::Ed25519(key)) = validator.pub_key.as_ref()?.sum.as_ref() else { return None };
        let key: [u8; 32] = key.as_slice().try_into().ok()?;
        Some(Self {
            address: consensus_address(&key),
            key,
            power: u64::try_from(validator.voting_power).ok()?,
            priority: validator.proposer_priority,
        })
    }
}

/// Whether `signature` over `bytes` belongs to the ed25519 key (ZIP-215).
pub fn verifies(key: &[u8; 32], bytes: &[u8], signature: &[u8]) -> bool {
    let Ok(signature) = <[u8; 64]>::try_from(signature) else { return false };
    ed25519_zebra::VerificationKey::try_from(*key).and_then(|key| key.verify(&signature.into(), bytes)).is_ok()
}

pub fn public_key(key: &[u8; 32]) -> PublicKey {
    PublicKey { sum: Some(Sum::Ed25519(key.to_vec())) }
}
