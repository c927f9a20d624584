//! Random operations for the simulation.

use prost::Message;
use ve_base::Address;
use ve_base::votes::bytes_of;
use ve_proto::cosmos::evidence::v1beta1::MsgSubmitEvidence;
use ve_proto::tendermint::types::{BlockId, DuplicateVoteEvidence, SignedMsgType, Vote};
use ve_sdk::simulation::{Draw, Expect, Operation, Proposed, pick};
use ve_sdk::{QueryContext, type_url};

use crate::staking;

pub fn all() -> Vec<Operation> {
    vec![Operation { message: "/cosmos.evidence.v1beta1.MsgSubmitEvidence", weight: 1, generate: accuse }]
}

/// Two votes of a validator: rarely signed by it, mostly a slander.
fn accuse(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let submitter = pick(draw, accounts)?;
    let bonded = staking::bonded(ctx).ok()?;
    let (validator, _) = pick(draw, &bonded)?;
    let key = if draw.below(3) == 0 { staking::simulated_key_of(validator) } else { None };
    let vote = |byte: u8| {
        let mut vote = Vote {
            r#type: SignedMsgType::Precommit as i32,
            height: i64::try_from(ctx.height()).unwrap_or(1),
            block_id: Some(BlockId { hash: vec![byte; 32], part_set_header: None }),
            validator_address: validator.consensus_address().as_bytes().to_vec(),
            signature: vec![byte; 64],
            ..Vote::default()
        };
        if let Some(key) = &key {
            vote.signature = key.sign(&bytes_of(&vote, ctx.chain_id())).to_vec();
        }
        vote
    };
    let evidence = DuplicateVoteEvidence { vote_a: Some(vote(1)), vote_b: Some(vote(2)), ..Default::default() };
    let evidence = prost_types::Any { type_url: type_url::<DuplicateVoteEvidence>(), value: evidence.encode_to_vec() };
    let message = MsgSubmitEvidence { submitter: submitter.to_string(), evidence: Some(evidence) };
    Some(Proposed::new(submitter, &message, if key.is_some() { Expect::Either } else { Expect::Refused }))
}
