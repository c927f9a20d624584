//! What peers can send that no honest node sends: through the real codec, the real signatures and the real streams.

use bytes::Bytes;
use malachitebft_app_channel::Verifier as _;
use malachitebft_app_channel::app::consensus::SignedConsensusMsg;
use malachitebft_app_channel::app::types::PeerId;
use malachitebft_app_channel::app::types::codec::Codec;
use malachitebft_app_channel::app::types::streaming::StreamMessage;
use malachitebft_core_types::{NilOrVal, Round, SignedMessage, VoteType};
use malachitebft_engine::util::streaming::{StreamContent, StreamId};
use malachitebft_sync::{Request, Response, Status};
use prost::Message as _;
use ve_base::keys::ConsensusSecret;
use ve_base::votes::{Place, vote_bytes};
use ve_proto::tendermint::types::{BlockId, Part, PartSetHeader};

use super::codec::WireCodec;
use super::context::{
    Address, Height, MAX_EXTENSION_BYTES, Proposal, ProposalPart, PublicKey, Signature, ValueId, VeContext, Vote,
    VoteExtension,
};
use super::signing::CanonicalVerifier;
use super::streams::{self, StreamError, Streams};
use crate::comet::merkle;
use crate::comet::parts::{self, PART_BYTES};

pub(super) const MAX_BLOCK: usize = 4 << 20;
pub(super) const NOW: Height = Height(10);

pub(super) fn peer(number: u8) -> PeerId {
    let mut seed = [number; 32];
    let key = libp2p::identity::Keypair::ed25519_from_bytes(&mut seed).expect("a seed");
    PeerId::from_bytes(&key.public().to_peer_id().to_bytes()).expect("a peer id")
}

/// A small generator, so that a failure repeats.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }
}

pub(super) fn id_of(block: &[u8]) -> ValueId {
    let chunks: Vec<&[u8]> = block.chunks(PART_BYTES).collect();
    ValueId {
        hash: [1; 32],
        parts_total: chunks.len() as u32,
        parts_hash: merkle::root(&chunks),
        time_seconds: 1,
        time_nanos: 0,
    }
}

/// A block of `bytes` as the messages of stream `name`, the announcement first.
pub(super) fn stream(name: &str, height: u64, bytes: &[u8]) -> Vec<StreamMessage<ProposalPart>> {
    let init = ProposalPart::Init {
        height: Height(height),
        round: Round::new(0),
        pol_round: Round::Nil,
        proposer: Address([1; 20]),
        id: id_of(bytes),
    };
    let pieces = parts::split(bytes);
    let count = pieces.len();
    let pieces = pieces
        .into_iter()
        .enumerate()
        .map(|(index, part)| ProposalPart::Piece { part: part.encode_to_vec(), last: index + 1 == count });
    std::iter::once(init).chain(pieces).enumerate().map(|(index, part)| message(name, index as u64, part)).collect()
}

fn message(name: &str, sequence: u64, part: ProposalPart) -> StreamMessage<ProposalPart> {
    StreamMessage::new(StreamId::new(name.as_bytes().to_vec().into()), sequence, StreamContent::Data(part))
}

/// Sends messages from one publisher over one neighbour; the block when it became complete.
fn send(
    streams: &mut Streams,
    from: (u8, u8),
    messages: impl IntoIterator<Item = StreamMessage<ProposalPart>>,
) -> Result<Option<Bytes>, StreamError> {
    let mut complete = None;
    for message in messages {
        // Over the wire and back: the codec is part of what is tested.
        let wire: Bytes = WireCodec.encode(&message).expect("encodes");
        let message: StreamMessage<ProposalPart> = WireCodec.decode(wire).expect("decodes");
        let received = streams.insert((peer(from.0), Some(peer(from.1))), message, NOW, MAX_BLOCK)?;
        complete = complete.or(received.map(|received| received.bytes));
    }
    Ok(complete)
}

pub(super) fn block(parts: usize, mark: u8) -> Vec<u8> {
    vec![mark; PART_BYTES * (parts - 1) + 77]
}

#[test]
fn parts_in_any_order_twice_and_over_any_neighbour_make_the_block_once() {
    let bytes = block(6, 3);
    let mut messages: Vec<_> =
        stream("a", 10, &bytes).into_iter().flat_map(|message| [message.clone(), message]).collect();
    messages.reverse();
    messages.swap(0, 5);
    let mut streams = Streams::default();
    let mut complete = Vec::new();
    for (index, message) in messages.into_iter().enumerate() {
        complete.extend(send(&mut streams, (index as u8 % 3, 9), [message]).ok().flatten());
    }
    assert_eq!(complete.len(), 1, "what comes again after the end is a new, incomplete stream");
    assert_eq!(complete[0], bytes);
}

#[test]
fn malformed_parts_are_refused_and_their_publisher_is_no_longer_heard() {
    let bytes = block(3, 1);
    let piece = |change: &dyn Fn(&mut Part)| {
        let mut part = parts::split(&bytes)[1].clone();
        change(&mut part);
        ProposalPart::Piece { part: part.encode_to_vec(), last: false }
    };
    let init = |height: u64, round: Round, pol_round: Round, id: ValueId| ProposalPart::Init {
        height: Height(height),
        round,
        pol_round,
        proposer: Address([1; 20]),
        id,
    };
    let good = id_of(&bytes);
    let first = init(10, Round::new(0), Round::Nil, good.clone());
    let bad: Vec<(&str, Vec<ProposalPart>)> = vec![
        ("not a part", vec![ProposalPart::Piece { part: vec![255; 40], last: false }]),
        ("a giant part", vec![ProposalPart::Piece { part: vec![0; 70_000], last: false }]),
        ("an index that the proof is not for", vec![first.clone(), piece(&|part| part.index = 0)]),
        ("an index outside the set", vec![first.clone(), piece(&|part| part.index = 3)]),
        ("the largest index", vec![first.clone(), piece(&|part| part.index = u32::MAX)]),
        ("other bytes", vec![first.clone(), piece(&|part| part.bytes[5] ^= 1)]),
        ("too few bytes", vec![first.clone(), piece(&|part| part.bytes.truncate(PART_BYTES - 1))]),
        ("no proof", vec![first.clone(), piece(&|part| part.proof = None)]),
        (
            "a proof of another length",
            vec![first.clone(), piece(&|part| drop(part.proof.as_mut().map(|proof| proof.aunts.pop())))],
        ),
        ("two announcements", vec![first.clone(), first.clone()]),
        ("no round", vec![init(10, Round::Nil, Round::Nil, good.clone())]),
        ("a lock in a later round", vec![init(10, Round::new(1), Round::new(1), good.clone())]),
        ("no parts", vec![init(10, Round::new(0), Round::Nil, ValueId { parts_total: 0, ..good.clone() })]),
        (
            "more parts than a block has",
            vec![init(10, Round::new(0), Round::Nil, ValueId { parts_total: 65, ..good.clone() })],
        ),
        (
            "4 billion parts",
            vec![init(10, Round::new(0), Round::Nil, ValueId { parts_total: u32::MAX, ..good.clone() })],
        ),
    ];
    for (what, parts) in bad {
        let mut streams = Streams::default();
        for time in 0..streams::MAX_FAULTS {
            let name = format!("{what}{time}");
            let messages = parts
                .iter()
                .enumerate()
                .map(|(index, part)| message(&name[..name.len().min(60)], index as u64, part.clone()));
            let error = send(&mut streams, (1, 2), messages.collect::<Vec<_>>()).expect_err(what);
            assert!(matches!(error, StreamError::Malformed | StreamError::Part(_)), "{what}: {error}");
        }
        assert_eq!(streams.held(), (0, 0), "{what}");
        let unheard = send(&mut streams, (1, 2), stream("good", 10, &bytes));
        assert!(matches!(unheard, Err(StreamError::Ignored(until)) if until == 10 + streams::IGNORED_FOR), "{what}");
        // The neighbour that only passed it on is heard, and so is everybody else.
        assert!(send(&mut streams, (1, 1), stream("good", 10, &bytes)).expect(what).is_some());
    }
}

#[test]
fn streams_of_far_heights_are_refused_without_blame() {
    let mut streams = Streams::default();
    for height in [0, 9, 10 + streams::MAX_AHEAD + 1, u64::MAX] {
        for time in 0..20 {
            let refused = send(&mut streams, (1, 2), stream(&format!("{height}-{time}"), height, &block(1, 1)));
            assert!(matches!(refused, Err(StreamError::Height(..))), "{height}");
        }
    }
    assert_eq!(streams.held(), (0, 0));
    assert!(send(&mut streams, (1, 2), stream("next", 10 + streams::MAX_AHEAD, &block(2, 1))).expect("near").is_some());
}

#[test]
fn unfinished_streams_are_bounded_in_number_and_bytes_and_spare_the_modest() {
    let mut streams = Streams::default();
    let honest = stream("honest", 10, &block(40, 5));
    send(&mut streams, (200, 201), honest[..20].to_vec()).expect("kept");
    // One neighbour with ever new publishers, each with streams that never end.
    for publisher in 1..=150u8 {
        for number in 0..4 {
            let mut parts = stream(&format!("{publisher}-{number}"), 10, &block(12, publisher));
            parts.pop();
            send(&mut streams, (1, publisher), parts).expect("no single one is wrong");
            let (open, bytes) = streams.held();
            assert!(open <= streams::MAX_STREAMS, "{open} streams");
            assert!(bytes <= MAX_BLOCK * streams::MAX_HELD_BLOCKS, "{bytes} bytes");
        }
    }
    let complete = send(&mut streams, (200, 201), honest[20..].to_vec()).expect("still there");
    assert!(complete.is_some(), "the honest stream lived through the flood");
}

#[test]
fn parts_before_their_announcement_are_bounded() {
    let mut streams = Streams::default();
    let mut parts = stream("late", 10, &block(streams::MAX_EARLY_PARTS + 2, 1));
    parts.remove(0);
    assert!(matches!(send(&mut streams, (1, 2), parts), Err(StreamError::TooMany)));
    assert_eq!(streams.held(), (0, 0));
}

#[test]
fn a_publisher_sends_few_blocks_per_round() {
    let mut streams = Streams::default();
    for round in 0..3 {
        for number in 0..streams::MAX_BLOCKS_PER_ROUND {
            let name = format!("{round}-{number}");
            assert!(send(&mut streams, (1, 2), stream(&name, 10, &block(1, 1))).expect("within the limit").is_some());
        }
        assert!(matches!(send(&mut streams, (1, 2), stream("more", 10, &block(1, 1))), Err(StreamError::TooMany)));
        assert!(send(&mut streams, (1, 3), stream("other", 10, &block(1, 1))).expect("another").is_some());
        streams.start_round();
    }
}

pub(super) fn signed_vote(vote: Vote) -> SignedConsensusMsg<VeContext> {
    SignedConsensusMsg::Vote(SignedMessage::new(vote, Signature([3; 64])))
}

pub(super) fn vote(kind: VoteType, round: Round, value: NilOrVal<ValueId>) -> Vote {
    Vote { kind, height: NOW, round, value, address: Address([1; 20]), extension: None }
}

fn over_the_wire(message: &SignedConsensusMsg<VeContext>) -> bool {
    let bytes: Bytes = WireCodec.encode(message).expect("encodes");
    <WireCodec as Codec<SignedConsensusMsg<VeContext>>>::decode(&WireCodec, bytes).is_ok()
}

#[test]
fn votes_and_proposals_that_nobody_can_have_signed_do_not_decode() {
    let id = id_of(&block(1, 1));
    let extended = |kind, value, bytes: usize| {
        let extension = SignedMessage::new(VoteExtension(vec![7; bytes]), Signature([4; 64]));
        signed_vote(Vote { extension: Some(extension), ..vote(kind, Round::new(0), value) })
    };
    let value = || NilOrVal::Val(id.clone());
    assert!(over_the_wire(&signed_vote(vote(VoteType::Prevote, Round::new(0), value()))));
    assert!(over_the_wire(&extended(VoteType::Precommit, value(), 0)));
    assert!(over_the_wire(&extended(VoteType::Precommit, value(), MAX_EXTENSION_BYTES)));
    for bytes in [MAX_EXTENSION_BYTES + 1, 1 << 20] {
        assert!(!over_the_wire(&extended(VoteType::Precommit, value(), bytes)), "{bytes} bytes");
    }
    assert!(!over_the_wire(&extended(VoteType::Prevote, value(), 1)));
    assert!(!over_the_wire(&extended(VoteType::Precommit, NilOrVal::Nil, 1)));
    assert!(!over_the_wire(&signed_vote(vote(VoteType::Precommit, Round::Nil, value()))));
    assert!(!over_the_wire(&signed_vote(vote(VoteType::Precommit, Round::new(1 << 31), value()))));
    for nanos in [-1, 1_000_000_000] {
        let id = ValueId { time_nanos: nanos, ..id.clone() };
        assert!(!over_the_wire(&signed_vote(vote(VoteType::Precommit, Round::new(0), NilOrVal::Val(id)))));
    }
    let proposal = |round, pol_round| {
        let proposal = Proposal { height: NOW, round, value: id.clone(), pol_round, address: Address([1; 20]) };
        SignedConsensusMsg::Proposal(SignedMessage::new(proposal, Signature([5; 64])))
    };
    assert!(over_the_wire(&proposal(Round::new(1), Round::new(0))));
    assert!(!over_the_wire(&proposal(Round::new(1), Round::new(1))));
    assert!(!over_the_wire(&proposal(Round::Nil, Round::Nil)));
}

#[test]
fn mutated_and_random_bytes_never_panic_a_decoder() {
    let id = id_of(&block(1, 1));
    let extension = SignedMessage::new(VoteExtension(vec![7; 100]), Signature([4; 64]));
    let vote = vote(VoteType::Precommit, Round::new(3), NilOrVal::Val(id));
    let vote: Bytes = WireCodec.encode(&signed_vote(Vote { extension: Some(extension), ..vote })).expect("encodes");
    let part: Bytes = WireCodec.encode(&stream("s", 10, &block(1, 1))[1]).expect("encodes");
    let mut random = Random(7);
    for _ in 0..20_000 {
        let seed = if random.next().is_multiple_of(2) { &vote } else { &part };
        let mut bytes = seed.to_vec();
        for _ in 0..=random.next() % 4 {
            let at = random.next() as usize % bytes.len();
            // Lengths are where decoders allocate: they often become enormous here.
            bytes[at] = if random.next().is_multiple_of(2) { 255 } else { random.next() as u8 };
        }
        bytes.truncate(random.next() as usize % (bytes.len() + 1));
        let bytes = Bytes::from(bytes);
        let _ = <WireCodec as Codec<SignedConsensusMsg<VeContext>>>::decode(&WireCodec, bytes.clone());
        let _ = <WireCodec as Codec<Status<VeContext>>>::decode(&WireCodec, bytes.clone());
        let _ = <WireCodec as Codec<Request<VeContext>>>::decode(&WireCodec, bytes.clone());
        let _ = <WireCodec as Codec<Response<VeContext>>>::decode(&WireCodec, bytes.clone());
        if let Ok(message) = <WireCodec as Codec<StreamMessage<ProposalPart>>>::decode(&WireCodec, bytes) {
            let _ = Streams::default().insert((peer(1), None), message, NOW, MAX_BLOCK);
        }
    }
}

#[tokio::test]
async fn a_vote_without_a_round_never_passes_as_one_of_round_zero() {
    let key = ConsensusSecret::from_seed([8; 32]);
    let id = id_of(&block(1, 1));
    let block_id = BlockId {
        hash: id.hash.to_vec(),
        part_set_header: Some(PartSetHeader { total: id.parts_total, hash: id.parts_hash.to_vec() }),
    };
    let place = Place { chain_id: "ve-test-1", height: 10, round: 0 };
    let kind = ve_proto::tendermint::types::SignedMsgType::Precommit;
    let signature = Signature(key.sign(&vote_bytes(kind, place, Some((&block_id, id.time())))));
    let verifier = CanonicalVerifier { chain_id: "ve-test-1".into() };
    let passes = async |vote: Vote| {
        verifier.verify_signed_vote(&vote, &signature, &PublicKey(key.public())).await.expect("verifies").is_valid()
    };
    let value = || NilOrVal::Val(id.clone());
    assert!(passes(vote(VoteType::Precommit, Round::new(0), value())).await);
    assert!(!passes(vote(VoteType::Precommit, Round::Nil, value())).await);
    assert!(!passes(vote(VoteType::Precommit, Round::new(1), value())).await);
    assert!(!passes(vote(VoteType::Prevote, Round::new(0), value())).await);
    assert!(!passes(Vote { height: Height(11), ..vote(VoteType::Precommit, Round::new(0), value()) }).await);
    assert!(!passes(vote(VoteType::Precommit, Round::new(0), NilOrVal::Nil)).await);
}
