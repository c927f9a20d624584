//! Consensus messages and sync messages of strangers, behind the codec too: streams and signatures.

use std::time::Duration;

use bytes::Bytes;
use malachitebft_app_channel::Verifier as _;
use malachitebft_app_channel::app::consensus::SignedConsensusMsg;
use malachitebft_app_channel::app::types::codec::Codec;
use malachitebft_app_channel::app::types::streaming::StreamMessage;
use malachitebft_core_types::{NilOrVal, Round, SignedMessage, VoteType};
use malachitebft_sync::{Request, Response, Status};

use super::codec::WireCodec;
use super::context::{ProposalPart, PublicKey, Signature, VeContext, Vote, VoteExtension};
use super::hostile_tests::{MAX_BLOCK, NOW, block, id_of, peer, signed_vote, stream, vote};
use super::signing::CanonicalVerifier;
use super::streams::{self, Streams};
use crate::fuzz_tests::{LONG, SHORT, fuzz};

type Message = SignedConsensusMsg<VeContext>;

fn decodes<T>(bytes: &[u8]) -> Option<T>
where
    WireCodec: Codec<T>,
{
    WireCodec.decode(Bytes::copy_from_slice(bytes)).ok()
}

fn corpus() -> Vec<Vec<u8>> {
    let id = id_of(&block(1, 1));
    let extension = SignedMessage::new(VoteExtension(vec![7; 100]), Signature([4; 64]));
    let plain = vote(VoteType::Prevote, Round::new(0), NilOrVal::Nil);
    let full = vote(VoteType::Precommit, Round::new(3), NilOrVal::Val(id));
    let full = Vote { extension: Some(extension), ..full };
    [plain, full].map(|vote| WireCodec.encode(&signed_vote(vote)).expect("encodes").to_vec()).to_vec()
}

fn consensus(time: Duration) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let verifier = CanonicalVerifier { chain_id: "ve-test-1".into() };
    fuzz(corpus(), time / 2, |bytes| {
        let _ = decodes::<Status<VeContext>>(bytes);
        let _ = decodes::<Request<VeContext>>(bytes);
        let _ = decodes::<Response<VeContext>>(bytes);
        let Some(message) = decodes::<Message>(bytes) else { return false };
        if let SignedConsensusMsg::Vote(signed) = &message {
            let key = PublicKey([9; 32]);
            let verified = verifier.verify_signed_vote(&signed.message, &signed.signature, &key);
            assert!(!runtime.block_on(verified).expect("judged").is_valid(), "nobody signed it");
        }
        // What is taken goes on to others as it came.
        let again: Bytes = WireCodec.encode(&message).expect("encodes");
        assert_eq!(decodes::<Message>(&again).as_ref(), Some(&message));
        true
    });
    let parts = stream("s", NOW.0, &block(2, 1));
    let parts = parts.iter().map(|part| WireCodec.encode(part).expect("encodes").to_vec()).collect();
    let mut streams = Streams::default();
    let mut sender = 0u8;
    fuzz(parts, time / 2, |bytes| {
        let Some(message) = decodes::<StreamMessage<ProposalPart>>(bytes) else { return false };
        sender = sender.wrapping_add(1);
        let _ = streams.insert((peer(sender), Some(peer(sender))), message, NOW, MAX_BLOCK);
        let (open, held) = streams.held();
        assert!(open <= streams::MAX_STREAMS && held <= MAX_BLOCK * streams::MAX_HELD_BLOCKS);
        true
    });
}

#[test]
fn mutated_consensus_messages_never_panic_and_stay_within_their_memory() {
    consensus(SHORT);
}

#[test]
#[ignore = "slow: half a minute of mutations"]
fn mutated_consensus_messages_never_panic_and_stay_within_their_memory_for_long() {
    consensus(LONG);
}
