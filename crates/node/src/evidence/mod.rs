//! Proof that a validator signed two things in one place. It comes from this node's own consensus, from peers and from
//! clients, waits on disk until a block carries it, and reaches the application once.
//!
//! A validator is convicted at most once per height: a second pair of its votes there says nothing new, and the parts of
//! a vote that nobody signed could otherwise be varied into any number of different proofs.

mod pool;
mod verify;

#[cfg(test)]
mod tests;

pub use self::pool::{EvidencePool, Key};
pub use self::verify::{expired, ordered, verify};

use prost_types::Timestamp;
use ve_base::BlockTime;
use ve_proto::tendermint::types::{DuplicateVoteEvidence, Evidence, evidence::Sum};
use ve_sdk::application::{Misbehavior, MisbehaviorKind};

use crate::blockstore::StoreError;

/// Why evidence is not taken. Codes are stable: clients and operators match on them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError {
    #[error("only two conflicting votes are evidence here")]
    Kind,
    #[error("the evidence is malformed: {0}")]
    Malformed(&'static str),
    #[error("the votes do not conflict: {0}")]
    NoConflict(&'static str),
    #[error("the evidence is too old to punish")]
    Expired,
    #[error("there is no block at height {0} here; send the evidence to a node that has it")]
    UnknownHeight(u64),
    #[error("{0} was no validator at that height")]
    NotValidator(String),
    #[error("the {0} is not what it was at that height")]
    WrongFacts(&'static str),
    #[error("the signature of vote {0} is wrong")]
    Signature(char),
    #[error("this validator was convicted for that height already")]
    Convicted,
    #[error("too much evidence waits; send it again after the next blocks")]
    Full,
    #[error("the evidence could not be kept: {0}")]
    Store(String),
}

impl EvidenceError {
    pub fn code(&self) -> u32 {
        match self {
            Self::Kind => 1,
            Self::Malformed(_) => 2,
            Self::NoConflict(_) => 3,
            Self::Expired => 4,
            Self::UnknownHeight(_) => 5,
            Self::NotValidator(_) => 6,
            Self::WrongFacts(_) => 7,
            Self::Signature(_) => 8,
            Self::Convicted => 9,
            Self::Full => 10,
            Self::Store(_) => 11,
        }
    }

    /// Whether no honest node sends such evidence, whatever block it is at.
    pub fn is_forgery(&self) -> bool {
        matches!(self, Self::Kind | Self::Malformed(_) | Self::NoConflict(_) | Self::Signature(_))
    }
}

impl From<StoreError> for EvidenceError {
    fn from(error: StoreError) -> Self {
        Self::Store(error.to_string())
    }
}

/// The two votes, when the evidence is of that kind.
pub fn duplicate(evidence: &Evidence) -> Result<&DuplicateVoteEvidence, EvidenceError> {
    match &evidence.sum {
        Some(Sum::DuplicateVoteEvidence(duplicate)) => Ok(duplicate),
        _ => Err(EvidenceError::Kind),
    }
}

/// What the application is told of a block's evidence, which must have been verified.
pub fn misbehavior(list: &[Evidence]) -> Vec<Misbehavior> {
    list.iter().filter_map(|evidence| duplicate(evidence).ok()).filter_map(convicted).collect()
}

fn convicted(duplicate: &DuplicateVoteEvidence) -> Option<Misbehavior> {
    let vote = duplicate.vote_a.as_ref()?;
    let time: Timestamp = duplicate.timestamp?;
    Some(Misbehavior {
        kind: MisbehaviorKind::DuplicateVote,
        address: vote.validator_address.as_slice().try_into().ok()?,
        power: u64::try_from(duplicate.validator_power).ok()?,
        height: u64::try_from(vote.height).ok()?,
        time: BlockTime { seconds: time.seconds, nanos: u32::try_from(time.nanos).ok()? },
        total_power: u64::try_from(duplicate.total_voting_power).ok()?,
    })
}
