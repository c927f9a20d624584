//! Whether two votes convict a validator. Pure: the set and the block time of the votes' height are given.

use prost::Message;
use prost_types::Timestamp;
use ve_base::votes::bytes_of;
use ve_proto::tendermint::types::{BlockId, ConsensusParams, DuplicateVoteEvidence, SignedMsgType, Vote};

use super::EvidenceError;
use crate::comet::validators::ValidatorSet;

const NANOS: i128 = 1_000_000_000;

/// Whether evidence of `height`, whose block has `time`, is too old by blocks **and** by time at the given last block.
pub fn expired(params: &ConsensusParams, last: (u64, &Timestamp), height: u64, time: &Timestamp) -> bool {
    let params = params.evidence.unwrap_or_default();
    let limit = params.max_age_duration.unwrap_or_default();
    let nanos = |seconds: i64, nanos: i32| i128::from(seconds) * NANOS + i128::from(nanos);
    let age = nanos(last.1.seconds, last.1.nanos) - nanos(time.seconds, time.nanos);
    let blocks = i128::from(last.0) - i128::from(height);
    blocks > i128::from(params.max_age_num_blocks) && age > nanos(limit.seconds, limit.nanos)
}

/// CometBFT's order of the two votes.
fn key(id: &BlockId) -> Vec<u8> {
    let parts = id.part_set_header.clone().unwrap_or_default();
    [id.hash.clone(), parts.encode_to_vec()].concat()
}

/// The pair in the order that evidence must have.
pub fn ordered(left: Vote, right: Vote) -> (Vote, Vote) {
    let of = |vote: &Vote| key(&vote.block_id.clone().unwrap_or_default());
    if of(&left) <= of(&right) { (left, right) } else { (right, left) }
}

/// The votes of evidence whose shape is right: (a, b, height, address).
pub(super) fn votes(duplicate: &DuplicateVoteEvidence) -> Result<(&Vote, &Vote, u64, [u8; 20]), EvidenceError> {
    let malformed = EvidenceError::Malformed;
    let (Some(a), Some(b)) = (&duplicate.vote_a, &duplicate.vote_b) else { return Err(malformed("a vote is missing")) };
    for vote in [a, b] {
        shape(vote)?;
    }
    let conflict = EvidenceError::NoConflict;
    if a.height != b.height || a.round != b.round || a.r#type != b.r#type {
        return Err(conflict("they are for different places"));
    }
    if a.validator_address != b.validator_address {
        return Err(conflict("they are of different validators"));
    }
    match key(&a.block_id.clone().unwrap_or_default()).cmp(&key(&b.block_id.clone().unwrap_or_default())) {
        std::cmp::Ordering::Equal => return Err(conflict("they are for the same block")),
        std::cmp::Ordering::Greater => return Err(malformed("the votes are in the wrong order")),
        std::cmp::Ordering::Less => {}
    }
    let height = u64::try_from(a.height).map_err(|_| malformed("height"))?;
    let address = a.validator_address.as_slice().try_into().map_err(|_| malformed("validator address"))?;
    Ok((a, b, height, address))
}

fn shape(vote: &Vote) -> Result<(), EvidenceError> {
    let malformed = |what| Err(EvidenceError::Malformed(what));
    if vote.r#type != SignedMsgType::Prevote as i32 && vote.r#type != SignedMsgType::Precommit as i32 {
        return malformed("vote type");
    }
    if vote.height < 1 || vote.round < 0 {
        return malformed("height or round");
    }
    // Nobody signs these with the vote: they must not make one vote into many.
    if !vote.extension.is_empty() || !vote.extension_signature.is_empty() {
        return malformed("evidence carries no vote extensions");
    }
    if vote.validator_address.len() != 20 || vote.signature.len() != 64 {
        return malformed("length of address or signature");
    }
    let Some(id) = &vote.block_id else { return malformed("block id") };
    let Some(parts) = &id.part_set_header else { return malformed("part set header") };
    let Some(time) = &vote.timestamp else { return malformed("timestamp") };
    let nil = id.hash.is_empty() && parts.hash.is_empty() && parts.total == 0;
    let block = id.hash.len() == 32 && parts.hash.len() == 32 && parts.total > 0;
    if !nil && !block {
        return malformed("block id");
    }
    // A vote for nil is signed with the empty time.
    if (nil && *time != Timestamp::default()) || !(0..1_000_000_000).contains(&time.nanos) {
        return malformed("timestamp");
    }
    Ok(())
}

/// Checks everything but the evidence's time and age. `set` decided the votes' height.
pub fn verify(duplicate: &DuplicateVoteEvidence, chain_id: &str, set: &ValidatorSet) -> Result<(), EvidenceError> {
    let (a, b, _, address) = votes(duplicate)?;
    let position = set.validators().iter().position(|validator| validator.address == address);
    let Some((index, validator)) = position.map(|index| (index, &set.validators()[index])) else {
        return Err(EvidenceError::NotValidator(hex::encode_upper(address)));
    };
    if [a, b].iter().any(|vote| usize::try_from(vote.validator_index) != Ok(index)) {
        return Err(EvidenceError::WrongFacts("validator index"));
    }
    if u64::try_from(duplicate.validator_power) != Ok(validator.power) {
        return Err(EvidenceError::WrongFacts("validator's power"));
    }
    if u64::try_from(duplicate.total_voting_power) != Ok(set.total_power()) {
        return Err(EvidenceError::WrongFacts("total power"));
    }
    for (name, vote) in [('a', a), ('b', b)] {
        let bytes = bytes_of(vote, chain_id);
        if !validator.verifies(&bytes, &vote.signature) {
            return Err(EvidenceError::Signature(name));
        }
    }
    Ok(())
}
