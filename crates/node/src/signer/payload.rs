//! What a validator's key signs. Kinds cannot be mistaken for each other: votes and proposals begin with a length and the
//! byte 08, the others with text.

use prost::Message;
use ve_proto::tendermint::types::{CanonicalProposal, CanonicalVote, SignedMsgType};

use crate::guard::{Place, Step};

/// Domain of vote extensions, which bind the value too; CometBFT's bind height and round only.
pub const EXTENSION_PREFIX: &[u8] = b"VE|vote-extension|v1|";
/// Domain of the engine's proof that a peer id belongs to a validator.
const PEER_PREFIX: &[u8] = b"PoV";
/// A vote extension of 16 KiB with what surrounds it.
const MAX_BYTES: usize = 20 << 10;

/// Bytes to be signed, as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// A length-delimited `CanonicalVote` or `CanonicalProposal`.
    Consensus(Vec<u8>),
    Extension(Vec<u8>),
    PeerProof(Vec<u8>),
}

/// Bytes that no validator signs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("it is of chain {0:?}")]
    Chain(String),
    #[error("it is no {0} in its one encoding")]
    Malformed(&'static str),
}

impl Payload {
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Consensus(bytes) | Self::Extension(bytes) | Self::PeerProof(bytes) => bytes,
        }
    }

    /// Where in the chain of `chain_id` it stands; `None` for what may be signed any number of times.
    pub fn place(&self, chain_id: &str) -> Result<Option<Place>, Refused> {
        if self.bytes().len() > MAX_BYTES {
            return Err(Refused::Malformed("message of a validator"));
        }
        match self {
            Self::Consensus(bytes) => place_of(bytes, chain_id).map(Some),
            Self::Extension(bytes) if bytes.starts_with(EXTENSION_PREFIX) => Ok(None),
            Self::Extension(_) => Err(Refused::Malformed("vote extension")),
            Self::PeerProof(bytes) if bytes.starts_with(PEER_PREFIX) => Ok(None),
            Self::PeerProof(_) => Err(Refused::Malformed("proof of a peer")),
        }
    }
}

fn place_of(bytes: &[u8], chain_id: &str) -> Result<Place, Refused> {
    let malformed = Refused::Malformed("vote or proposal");
    let vote = CanonicalVote::decode_length_delimited(bytes).ok();
    let vote = vote.filter(|vote| vote.encode_length_delimited_to_vec() == bytes);
    let (kind, height, round, chain) = match vote {
        Some(vote) => (vote.r#type, vote.height, vote.round, vote.chain_id),
        None => {
            let proposal = CanonicalProposal::decode_length_delimited(bytes).map_err(|_| malformed.clone())?;
            if proposal.encode_length_delimited_to_vec() != bytes || proposal.r#type != SignedMsgType::Proposal as i32 {
                return Err(malformed);
            }
            (proposal.r#type, proposal.height, proposal.round, proposal.chain_id)
        }
    };
    let step = match SignedMsgType::try_from(kind) {
        Ok(SignedMsgType::Proposal) => Step::Proposal,
        Ok(SignedMsgType::Prevote) => Step::Prevote,
        Ok(SignedMsgType::Precommit) => Step::Precommit,
        _ => return Err(malformed),
    };
    if chain != chain_id {
        return Err(Refused::Chain(chain));
    }
    let height = u64::try_from(height).ok().filter(|height| *height > 0).ok_or_else(|| malformed.clone())?;
    Ok(Place { height, round: u32::try_from(round).map_err(|_| malformed)?, step })
}
