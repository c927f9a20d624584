//! Blocks arriving in parts. Everything is bounded: streams in total and per publisher, bytes per stream, and how far
//! ahead of the current height a stream may be.

use std::collections::BTreeMap;

use bytes::Bytes;
use malachitebft_app_channel::app::types::PeerId;
use malachitebft_core_types::Round;
use malachitebft_engine::util::streaming::{StreamContent, StreamMessage};
use prost::Message;
use ve_proto::tendermint::types::Part;

use super::context::{Address, Height, ProposalPart, ValueId};
use crate::comet::parts::{PartError, PartSet};

const MAX_STREAMS: usize = 64;
const MAX_STREAMS_PER_PEER: usize = 8;
/// Parts of blocks further ahead than this are useless: value sync brings those blocks.
const MAX_AHEAD: u64 = 4;
/// Parts that may come before their stream's first message.
const MAX_EARLY_PARTS: usize = 64;

/// What the first message of a stream says.
#[derive(Clone, Debug)]
pub struct Announced {
    pub height: Height,
    pub round: Round,
    pub pol_round: Round,
    pub proposer: Address,
    pub id: ValueId,
}

/// A complete block as bytes, with what was announced of it.
#[derive(Clone, Debug)]
pub struct Received {
    pub announced: Announced,
    pub bytes: Bytes,
}

#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    #[error("the stream is for height {0}, this node is at {1}")]
    Height(u64, u64),
    #[error("the publisher has too many open streams")]
    TooMany,
    #[error("a part does not decode")]
    Malformed,
    #[error(transparent)]
    Part(#[from] PartError),
}

struct Stream {
    announced: Option<Announced>,
    parts: Option<PartSet>,
    early: Vec<Part>,
    born: u64,
}

#[derive(Default)]
pub struct Streams {
    open: BTreeMap<(Vec<u8>, Vec<u8>), Stream>,
    counter: u64,
}

impl Streams {
    /// Takes one message; the block when it became complete.
    pub fn insert(
        &mut self,
        publisher: PeerId,
        message: StreamMessage<ProposalPart>,
        current: Height,
        max_block_bytes: usize,
    ) -> Result<Option<Received>, StreamError> {
        let publisher = publisher.to_bytes();
        let key = (publisher.clone(), message.stream_id.to_bytes().to_vec());
        let StreamContent::Data(part) = message.content else {
            // Says nothing: parts may still come behind it on another path, and a complete block is taken out at once.
            return Ok(None);
        };
        if !self.open.contains_key(&key) {
            self.make_room(&publisher)?;
            self.counter += 1;
            let stream = Stream { announced: None, parts: None, early: Vec::new(), born: self.counter };
            self.open.insert(key.clone(), stream);
        }
        let outcome = match self.open.get_mut(&key) {
            Some(stream) => take(stream, part, current, max_block_bytes),
            None => Ok(false),
        };
        match outcome {
            Ok(false) => Ok(None),
            Ok(true) => Ok(self.open.remove(&key).and_then(complete)),
            Err(error) => {
                self.open.remove(&key);
                Err(error)
            }
        }
    }

    fn make_room(&mut self, publisher: &[u8]) -> Result<(), StreamError> {
        let own = self.open.keys().filter(|(owner, _)| owner == publisher).count();
        if own >= MAX_STREAMS_PER_PEER {
            let oldest = self.oldest(|owner| owner == publisher).ok_or(StreamError::TooMany)?;
            self.open.remove(&oldest);
        }
        if self.open.len() >= MAX_STREAMS {
            let oldest = self.oldest(|_| true).ok_or(StreamError::TooMany)?;
            self.open.remove(&oldest);
        }
        Ok(())
    }

    fn oldest(&self, of: impl Fn(&[u8]) -> bool) -> Option<(Vec<u8>, Vec<u8>)> {
        let streams = self.open.iter().filter(|((owner, _), _)| of(owner));
        streams.min_by_key(|(_, stream)| stream.born).map(|(key, _)| key.clone())
    }

    /// Forgets streams of heights that are decided.
    pub fn forget_before(&mut self, height: Height) {
        self.open.retain(|_, stream| stream.announced.as_ref().is_none_or(|announced| announced.height >= height));
    }
}

fn take(stream: &mut Stream, part: ProposalPart, current: Height, max_block_bytes: usize) -> Result<bool, StreamError> {
    match part {
        ProposalPart::Init { height, round, pol_round, proposer, id } => {
            if height < current || height.0 > current.0.saturating_add(MAX_AHEAD) {
                return Err(StreamError::Height(height.0, current.0));
            }
            if stream.announced.is_some() {
                return Err(StreamError::Malformed);
            }
            let header = id.block_id().part_set_header.unwrap_or_default();
            let mut parts = PartSet::new(header, max_block_bytes)?;
            for early in stream.early.drain(..) {
                parts.add(&early)?;
            }
            stream.parts = Some(parts);
            stream.announced = Some(Announced { height, round, pol_round, proposer, id });
        }
        ProposalPart::Piece { part, .. } => {
            let part = Part::decode(part.as_slice()).map_err(|_| StreamError::Malformed)?;
            match &mut stream.parts {
                Some(parts) => parts.add(&part)?,
                None if stream.early.len() < MAX_EARLY_PARTS => stream.early.push(part),
                None => return Err(StreamError::TooMany),
            }
        }
    }
    Ok(stream.parts.as_ref().is_some_and(PartSet::is_complete))
}

fn complete(stream: Stream) -> Option<Received> {
    Some(Received { announced: stream.announced?, bytes: stream.parts?.into_bytes()?.into() })
}
