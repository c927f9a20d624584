//! A light client on our own CometBFT bytes: which headers follow from one that the operator trusts (platform spec 3.1).

use std::time::Duration;

use prost_types::Timestamp;
use ve_proto::tendermint::types::{BlockId, Commit, Header, LightBlock};

use crate::comet::commit::{self, Decided};
use crate::comet::hash;
use crate::comet::validators::ValidatorSet;

/// A header's time may be this far ahead of the local clock.
const MAX_DRIFT_SECONDS: i64 = 10;

/// A header that more than two thirds of the set that it names have signed.
#[derive(Clone, Debug)]
pub struct Signed {
    pub header: Header,
    pub hash: [u8; 32],
    pub commit: Commit,
    pub set: ValidatorSet,
}

/// Why a header is not believed. Except [`LightError::TooFar`], no honest peer causes any of these.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LightError {
    #[error("the light block is incomplete")]
    Incomplete,
    #[error("the header is of chain {0}")]
    Chain(String),
    #[error("the header is of height {0}")]
    Height(i64),
    #[error("the validators are not those that the header names")]
    Validators,
    #[error("{0}")]
    Commit(String),
    #[error("the header's time is not between the trusted one's and now")]
    Time,
    #[error("the trusted header is older than the trusting period")]
    Expired,
    /// A header between both may bridge it.
    #[error("not more than a third of the trusted power signed the header")]
    TooFar,
    #[error("the set differs from the next one that the trusted header names")]
    NextValidators,
}

impl Signed {
    /// Checks everything about a light block that needs no other one.
    pub fn parse(block: &LightBlock, chain_id: &str, height: u64) -> Result<Self, LightError> {
        let signed = block.signed_header.as_ref().ok_or(LightError::Incomplete)?;
        let (Some(header), Some(commit)) = (&signed.header, &signed.commit) else { return Err(LightError::Incomplete) };
        if header.chain_id != chain_id {
            return Err(LightError::Chain(header.chain_id.chars().take(50).collect()));
        }
        if u64::try_from(header.height) != Ok(height) {
            return Err(LightError::Height(header.height));
        }
        let set = block.validator_set.as_ref().ok_or(LightError::Incomplete)?;
        let set = ValidatorSet::from_proto(set).map_err(|_| LightError::Validators)?;
        if set.hash().as_slice() != header.validators_hash {
            return Err(LightError::Validators);
        }
        let hash = hash::header(header).ok_or(LightError::Incomplete)?;
        let time = header.time.ok_or(LightError::Incomplete)?;
        let id = commit.block_id.as_ref().filter(|id| id.hash == hash).ok_or(LightError::Incomplete)?;
        commit::verify(commit, &set, &Decided { chain_id, height, id, time }).map_err(LightError::Commit)?;
        Ok(Self { header: header.clone(), hash, commit: commit.clone(), set })
    }

    pub fn height(&self) -> u64 {
        u64::try_from(self.header.height).unwrap_or(0)
    }

    pub fn time(&self) -> Timestamp {
        self.header.time.unwrap_or_default()
    }

    pub fn id(&self) -> BlockId {
        self.commit.block_id.clone().unwrap_or_default()
    }

    /// Whether this header is young enough at `now` to trust others for its sake.
    pub fn is_fresh(&self, now: Timestamp, period: Duration) -> Result<(), LightError> {
        let age = now.seconds.saturating_sub(self.time().seconds);
        if age < i64::try_from(period.as_secs()).unwrap_or(i64::MAX) { Ok(()) } else { Err(LightError::Expired) }
    }

    /// Whether `next`, a later one, follows from this trusted one.
    pub fn trusts(&self, next: &Signed, now: Timestamp) -> Result<(), LightError> {
        let at = |time: Timestamp| (time.seconds, time.nanos);
        let latest = now.seconds.saturating_add(MAX_DRIFT_SECONDS);
        if at(next.time()) <= at(self.time()) || next.time().seconds > latest {
            return Err(LightError::Time);
        }
        if next.height() == self.height() + 1 {
            let named = next.header.validators_hash == self.header.next_validators_hash;
            return if named { Ok(()) } else { Err(LightError::NextValidators) };
        }
        // Their signatures are verified: an address names one key.
        let signed = self.set.validators().iter().filter(|validator| {
            let theirs = |entry: &&ve_proto::tendermint::types::CommitSig| {
                commit::is_signed(entry) && entry.validator_address == validator.address
            };
            next.commit.signatures.iter().find(theirs).is_some()
        });
        let power: u128 = signed.map(|validator| u128::from(validator.power)).sum();
        if power * 3 > u128::from(self.set.total_power()) { Ok(()) } else { Err(LightError::TooFar) }
    }
}
