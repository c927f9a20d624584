//! Blocks arriving in parts. A part names its publisher, who signed it, and comes from a neighbour, who need not be the
//! publisher. Everything is bounded: streams in all, per publisher and per neighbour, bytes in all and per stream, blocks
//! of one publisher per round, and how far ahead of the current height a stream may be. Who sends what no honest node
//! sends is not listened to for a while.

use std::collections::BTreeMap;

use bytes::Bytes;
use malachitebft_app_channel::app::types::PeerId;
use malachitebft_core_types::Round;
use malachitebft_engine::util::streaming::{StreamContent, StreamMessage};
use prost::Message;
use ve_proto::tendermint::types::Part;

use super::context::{Address, Height, ProposalPart, ValueId};
use crate::comet::parts::{PART_BYTES, PartError, PartSet};

pub const MAX_STREAMS: usize = 64;
pub const MAX_STREAMS_PER_PUBLISHER: usize = 8;
/// Above this many bytes in unfinished streams the oldest of the most demanding neighbour goes; a few whole blocks.
pub const MAX_HELD_BLOCKS: usize = 4;
/// Parts of blocks further ahead than this are useless: value sync brings those blocks.
pub const MAX_AHEAD: u64 = 4;
/// Parts that may come before their stream's first message.
pub const MAX_EARLY_PARTS: usize = 64;
/// Longest name of a stream: height, round and a counter.
const MAX_NAME: usize = 64;
/// A part with its proof: 20 aunts are enough for any block.
const MAX_PIECE: usize = PART_BYTES + 1_024;
/// Whole blocks that one publisher may send per round: its proposal, and older ones that it sends again.
pub const MAX_BLOCKS_PER_ROUND: u32 = 4;
/// Faults after which a publisher is not listened to, for how many heights, and publishers that are remembered.
pub const MAX_FAULTS: u32 = 8;
pub const IGNORED_FOR: u64 = 100;
const MAX_KNOWN: usize = 512;

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
    #[error("the publisher sent too many parts or blocks")]
    TooMany,
    #[error("a part does not decode or is out of place")]
    Malformed,
    #[error("the publisher sent too much rubbish; it is not listened to until height {0}")]
    Ignored(u64),
    #[error(transparent)]
    Part(#[from] PartError),
}

impl StreamError {
    /// Whether no honest node sends this, whatever height it is at.
    fn is_fault(&self) -> bool {
        matches!(self, Self::Malformed | Self::Part(_))
    }
}

type Name = (Vec<u8>, Vec<u8>);

struct Stream {
    announced: Option<Announced>,
    parts: Option<PartSet>,
    early: Vec<Part>,
    born: u64,
    neighbour: Vec<u8>,
    bytes: usize,
}

#[derive(Clone, Copy, Default)]
struct Publisher {
    faults: u32,
    ignored_until: u64,
    blocks: u32,
}

#[derive(Default)]
pub struct Streams {
    open: BTreeMap<Name, Stream>,
    publishers: BTreeMap<Vec<u8>, Publisher>,
    counter: u64,
    held: usize,
}

impl Streams {
    /// Takes one message from a neighbour; the block when it became complete. The publisher is the neighbour when the
    /// message names none.
    pub fn insert(
        &mut self,
        (neighbour, publisher): (PeerId, Option<PeerId>),
        message: StreamMessage<ProposalPart>,
        current: Height,
        max_block_bytes: usize,
    ) -> Result<Option<Received>, StreamError> {
        let publisher = publisher.unwrap_or(neighbour).to_bytes();
        let known = self.publishers.get(&publisher).copied().unwrap_or_default();
        if known.ignored_until > current.0 {
            return Err(StreamError::Ignored(known.ignored_until));
        }
        let outcome = self.take(&publisher, neighbour, message, current, max_block_bytes);
        match &outcome {
            Err(error) if error.is_fault() => self.blame(publisher, current),
            Ok(Some(_)) => {
                let publisher = self.publisher(publisher);
                publisher.blocks += 1;
                if publisher.blocks > MAX_BLOCKS_PER_ROUND {
                    return Err(StreamError::TooMany);
                }
            }
            _ => {}
        }
        outcome
    }

    fn take(
        &mut self,
        publisher: &[u8],
        neighbour: PeerId,
        message: StreamMessage<ProposalPart>,
        current: Height,
        max_block_bytes: usize,
    ) -> Result<Option<Received>, StreamError> {
        let name = message.stream_id.to_bytes().to_vec();
        if name.len() > MAX_NAME {
            return Err(StreamError::Malformed);
        }
        let key = (publisher.to_vec(), name);
        let StreamContent::Data(part) = message.content else {
            // Says nothing: parts may still come behind it on another path, and a complete block is taken out at once.
            return Ok(None);
        };
        if !self.open.contains_key(&key) {
            self.make_room(publisher);
            self.counter += 1;
            let neighbour = neighbour.to_bytes();
            let (announced, parts, early) = (None, None, Vec::new());
            let stream = Stream { announced, parts, early, born: self.counter, neighbour, bytes: 0 };
            self.open.insert(key.clone(), stream);
        }
        let Some(stream) = self.open.get_mut(&key) else { return Ok(None) };
        let before = stream.bytes;
        let outcome = stream.take(part, current, max_block_bytes);
        self.held += stream.bytes - before;
        match outcome {
            Ok(false) => {
                self.shed(max_block_bytes.saturating_mul(MAX_HELD_BLOCKS));
                Ok(None)
            }
            Ok(true) => Ok(self.close(&key).and_then(complete)),
            Err(error) => {
                self.close(&key);
                Err(error)
            }
        }
    }

    fn close(&mut self, name: &Name) -> Option<Stream> {
        let stream = self.open.remove(name)?;
        self.held = self.held.saturating_sub(stream.bytes);
        Some(stream)
    }

    fn make_room(&mut self, publisher: &[u8]) {
        let own = self.open.keys().filter(|(owner, _)| owner == publisher).count();
        if own >= MAX_STREAMS_PER_PUBLISHER
            && let Some(oldest) = self.oldest(|(owner, _), _| owner == publisher)
        {
            self.close(&oldest);
        }
        if self.open.len() >= MAX_STREAMS {
            self.close_of_greediest(|_| 1);
        }
    }

    /// Closes streams until at most `limit` bytes are held.
    fn shed(&mut self, limit: usize) {
        while self.held > limit && self.close_of_greediest(|stream| stream.bytes) {}
    }

    /// Closes the oldest stream of the neighbour with the most of `measure`: publishers can be made up, neighbours are
    /// connections.
    fn close_of_greediest(&mut self, measure: impl Fn(&Stream) -> usize) -> bool {
        let mut demand: BTreeMap<&[u8], usize> = BTreeMap::new();
        for stream in self.open.values() {
            *demand.entry(&stream.neighbour).or_default() += measure(stream);
        }
        let Some(greediest) = demand.into_iter().max_by_key(|(_, sum)| *sum).map(|(peer, _)| peer.to_vec()) else {
            return false;
        };
        let oldest = self.oldest(|_, stream| stream.neighbour == greediest);
        oldest.is_some_and(|oldest| self.close(&oldest).is_some())
    }

    fn oldest(&self, of: impl Fn(&Name, &Stream) -> bool) -> Option<Name> {
        let streams = self.open.iter().filter(|(name, stream)| of(name, stream));
        streams.min_by_key(|(_, stream)| stream.born).map(|(name, _)| name.clone())
    }

    fn publisher(&mut self, publisher: Vec<u8>) -> &mut Publisher {
        if self.publishers.len() >= MAX_KNOWN && !self.publishers.contains_key(&publisher) {
            // The least blamed is forgotten: whoever is ignored stays so as long as possible.
            let least =
                self.publishers.iter().min_by_key(|(_, known)| (known.ignored_until, known.faults, known.blocks));
            if let Some(least) = least.map(|(publisher, _)| publisher.clone()) {
                self.publishers.remove(&least);
            }
        }
        self.publishers.entry(publisher).or_default()
    }

    fn blame(&mut self, publisher: Vec<u8>, current: Height) {
        let known = self.publisher(publisher.clone());
        known.faults += 1;
        if known.faults < MAX_FAULTS {
            return;
        }
        *known = Publisher { ignored_until: current.0.saturating_add(IGNORED_FOR), ..Publisher::default() };
        let theirs: Vec<Name> = self.open.keys().filter(|(owner, _)| *owner == publisher).cloned().collect();
        for name in theirs {
            self.close(&name);
        }
    }

    /// Every publisher may send blocks again.
    pub fn start_round(&mut self) {
        self.publishers.values_mut().for_each(|known| known.blocks = 0);
    }

    /// Forgets streams of heights that are decided.
    pub fn forget_before(&mut self, height: Height) {
        let old = |stream: &Stream| stream.announced.as_ref().is_some_and(|announced| announced.height < height);
        let names: Vec<Name> =
            self.open.iter().filter(|(_, stream)| old(stream)).map(|(name, _)| name.clone()).collect();
        for name in names {
            self.close(&name);
        }
    }

    /// Streams and bytes that are held.
    #[cfg(test)]
    pub fn held(&self) -> (usize, usize) {
        (self.open.len(), self.held)
    }
}

impl Stream {
    /// Whether the block is complete now.
    fn take(&mut self, part: ProposalPart, current: Height, max_block_bytes: usize) -> Result<bool, StreamError> {
        match part {
            ProposalPart::Init { height, round, pol_round, proposer, id } => {
                if height < current || height.0 > current.0.saturating_add(MAX_AHEAD) {
                    return Err(StreamError::Height(height.0, current.0));
                }
                if self.announced.is_some() || !placed(round, pol_round) {
                    return Err(StreamError::Malformed);
                }
                let header = id.block_id().part_set_header.unwrap_or_default();
                let mut parts = PartSet::new(header, max_block_bytes)?;
                for early in self.early.drain(..) {
                    parts.add(&early)?;
                }
                self.parts = Some(parts);
                self.announced = Some(Announced { height, round, pol_round, proposer, id });
            }
            ProposalPart::Piece { part, .. } => {
                if part.len() > MAX_PIECE {
                    return Err(StreamError::Malformed);
                }
                let part = Part::decode(part.as_slice()).map_err(|_| StreamError::Malformed)?;
                let bytes = part.bytes.len();
                match &mut self.parts {
                    Some(parts) => {
                        if !parts.add(&part)? {
                            return Ok(false);
                        }
                    }
                    None if self.early.len() < MAX_EARLY_PARTS => self.early.push(part),
                    None => return Err(StreamError::TooMany),
                }
                self.bytes += bytes;
            }
        }
        Ok(self.parts.as_ref().is_some_and(PartSet::is_complete))
    }
}

/// A proposal has a round, and its proof-of-lock round, when there is one, is an earlier one.
fn placed(round: Round, pol_round: Round) -> bool {
    round.as_u32().is_some_and(|round| pol_round.as_u32().is_none_or(|pol| pol < round) && i32::try_from(round).is_ok())
}

fn complete(stream: Stream) -> Option<Received> {
    Some(Received { announced: stream.announced?, bytes: stream.parts?.into_bytes()?.into() })
}
