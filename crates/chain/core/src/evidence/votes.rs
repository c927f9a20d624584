//! Two votes of one validator for one round, each with its signature: nothing else is needed to prove the offence.

use ve_base::CodedError;
use ve_base::keys::PublicKey;
use ve_base::votes::{bytes_of, voted_for};
use ve_proto::tendermint::types::{DuplicateVoteEvidence, SignedMsgType, Vote};

use super::error::Error;

/// What both votes agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    pub consensus: [u8; 20],
    pub height: u64,
}

fn invalid(cause: &str) -> Error {
    Error::Invalid(cause.to_owned())
}

/// Everything that can be checked without state: the votes contradict each other.
pub fn contradiction(evidence: &DuplicateVoteEvidence) -> Result<(Pair, [&Vote; 2]), Error> {
    let (Some(a), Some(b)) = (&evidence.vote_a, &evidence.vote_b) else {
        return Err(invalid("two votes are needed"));
    };
    if !matches!(a.r#type(), SignedMsgType::Prevote | SignedMsgType::Precommit) {
        return Err(invalid("not a vote of a known type"));
    }
    if (a.r#type, a.height, a.round) != (b.r#type, b.height, b.round) {
        return Err(invalid("the votes are of different types, heights or rounds"));
    }
    if a.validator_address != b.validator_address {
        return Err(invalid("the votes are of different validators"));
    }
    if voted_for(a) == voted_for(b) {
        return Err(invalid("the votes are for the same block"));
    }
    let height = u64::try_from(a.height).ok().filter(|height| *height > 0).ok_or_else(|| invalid("no height"))?;
    let consensus =
        a.validator_address.as_slice().try_into().map_err(|_| invalid("a validator address has 20 bytes"))?;
    Ok((Pair { consensus, height }, [a, b]))
}

/// The validator's key signed this vote for this chain.
pub fn verify(vote: &Vote, key: &PublicKey, chain_id: &str) -> Result<(), CodedError> {
    key.verify(&bytes_of(vote, chain_id), &vote.signature)
        .map_err(|_| invalid("a signature is not the validator's").into())
}
