//! What validators sign: CometBFT's canonical votes, proposals and vote extensions (platform spec section 3.1).

use prost::Message;
use prost_types::Timestamp;
use ve_proto::tendermint::types::{
    BlockId, CanonicalBlockId, CanonicalPartSetHeader, CanonicalProposal, CanonicalVote, CanonicalVoteExtension,
    SignedMsgType, Vote,
};

/// A vote's place. `round` is never negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    pub chain_id: &'a str,
    pub height: u64,
    pub round: u32,
}

fn canonical_id(id: &BlockId) -> CanonicalBlockId {
    let parts = id.part_set_header.clone().unwrap_or_default();
    CanonicalBlockId {
        hash: id.hash.clone(),
        part_set_header: Some(CanonicalPartSetHeader { total: parts.total, hash: parts.hash }),
    }
}

/// Sign bytes of a vote. `None` is a vote for nil, which has no id and the empty timestamp.
pub fn vote_bytes(kind: SignedMsgType, place: Place<'_>, value: Option<(&BlockId, Timestamp)>) -> Vec<u8> {
    CanonicalVote {
        r#type: kind as i32,
        height: place.height as i64,
        round: i64::from(place.round),
        block_id: value.as_ref().map(|(id, _)| canonical_id(id)),
        timestamp: Some(value.map(|(_, time)| time).unwrap_or_default()),
        chain_id: place.chain_id.to_owned(),
    }
    .encode_length_delimited_to_vec()
}

/// Sign bytes of a vote as it stands in evidence, whatever its fields hold.
pub fn bytes_of(vote: &Vote, chain_id: &str) -> Vec<u8> {
    CanonicalVote {
        r#type: vote.r#type,
        height: vote.height,
        round: i64::from(vote.round),
        block_id: voted_for(vote),
        timestamp: Some(vote.timestamp.unwrap_or_default()),
        chain_id: chain_id.to_owned(),
    }
    .encode_length_delimited_to_vec()
}

/// What of the block id is signed; nothing in a vote for nil. Two encodings of one id are one id: else a single vote
/// could be made to contradict itself.
pub fn voted_for(vote: &Vote) -> Option<CanonicalBlockId> {
    vote.block_id.as_ref().filter(|id| !id.hash.is_empty()).map(canonical_id)
}

/// Sign bytes of a proposal; `pol_round` is -1 when the proposer is not locked.
pub fn proposal_bytes(place: Place<'_>, pol_round: i64, id: &BlockId, time: Timestamp) -> Vec<u8> {
    CanonicalProposal {
        r#type: SignedMsgType::Proposal as i32,
        height: place.height as i64,
        round: i64::from(place.round),
        pol_round,
        block_id: Some(canonical_id(id)),
        timestamp: Some(time),
        chain_id: place.chain_id.to_owned(),
    }
    .encode_length_delimited_to_vec()
}

/// Sign bytes of a vote extension.
pub fn extension_bytes(place: Place<'_>, extension: &[u8]) -> Vec<u8> {
    CanonicalVoteExtension {
        extension: extension.to_vec(),
        height: place.height as i64,
        round: i64::from(place.round),
        chain_id: place.chain_id.to_owned(),
    }
    .encode_length_delimited_to_vec()
}
