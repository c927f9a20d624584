//! Two votes of one validator for one round, each with its signature: nothing else is needed to prove the offence.

use prost::Message;
use ve_base::CodedError;
use ve_base::keys::PublicKey;
use ve_proto::tendermint::types::{
    BlockId, CanonicalBlockId, CanonicalPartSetHeader, CanonicalVote, DuplicateVoteEvidence, SignedMsgType, Vote,
};

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
    if canonical_id(a) == canonical_id(b) {
        return Err(invalid("the votes are for the same block"));
    }
    let height = u64::try_from(a.height).ok().filter(|height| *height > 0).ok_or_else(|| invalid("no height"))?;
    let consensus =
        a.validator_address.as_slice().try_into().map_err(|_| invalid("a validator address has 20 bytes"))?;
    Ok((Pair { consensus, height }, [a, b]))
}

/// The validator's key signed this vote for this chain.
pub fn verify(vote: &Vote, key: &PublicKey, chain_id: &str) -> Result<(), CodedError> {
    key.verify(&sign_bytes(vote, chain_id), &vote.signature)
        .map_err(|_| invalid("a signature is not the validator's").into())
}

/// What of the block id is signed; nothing in a vote for nil. Two encodings of one id are one id: else a single vote
/// could be made to contradict itself.
fn canonical_id(vote: &Vote) -> Option<CanonicalBlockId> {
    let id: &BlockId = vote.block_id.as_ref().filter(|id| !id.hash.is_empty())?;
    let parts = id.part_set_header.clone().unwrap_or_default();
    let part_set_header = Some(CanonicalPartSetHeader { total: parts.total, hash: parts.hash });
    Some(CanonicalBlockId { hash: id.hash.clone(), part_set_header })
}

/// CometBFT's canonical vote.
pub fn sign_bytes(vote: &Vote, chain_id: &str) -> Vec<u8> {
    CanonicalVote {
        r#type: vote.r#type,
        height: vote.height,
        round: i64::from(vote.round),
        block_id: canonical_id(vote),
        timestamp: Some(vote.timestamp.unwrap_or_default()),
        chain_id: chain_id.to_owned(),
    }
    .encode_length_delimited_to_vec()
}
