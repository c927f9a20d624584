//! Random operations around rejections. Their owners and moderators need proofs that random play does not bring, so that
//! the chain refuses all of them.

use ve_base::Address;
use ve_proto::ve::encryption::v1::Envelope;
use ve_proto::ve::veid::v1::{
    MsgClaimAppeal, MsgCompleteSecondary, MsgResolveAppeal, MsgSubmitAppeal, MsgWithdrawAppeal,
};
use ve_sdk::QueryContext;
use ve_sdk::simulation::{Draw, Expect, Proposed, pick};

use super::{any_wallet, random};

pub fn complete(draw: &mut dyn Draw, ctx: &QueryContext<'_>, _: &[Address]) -> Option<Proposed> {
    let (owner, _) = any_wallet(draw, ctx)?;
    Some(Proposed::new(&owner, &MsgCompleteSecondary { owner: owner.to_string() }, Expect::Refused))
}

/// Nobody signed for the envelope.
pub fn submit(draw: &mut dyn Draw, ctx: &QueryContext<'_>, _: &[Address]) -> Option<Proposed> {
    let (owner, _) = any_wallet(draw, ctx)?;
    let reason = Envelope { ciphertext: random(draw, 100), ..Envelope::default() };
    let message = MsgSubmitAppeal { owner: owner.to_string(), reason: Some(reason), evidence_hashes: Vec::new() };
    Some(Proposed::new(&owner, &message, Expect::Refused))
}

pub fn claim(draw: &mut dyn Draw, _: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let reviewer = pick(draw, accounts)?;
    let message = MsgClaimAppeal { reviewer: reviewer.to_string(), appeal_id: draw.below(3) };
    Some(Proposed::new(reviewer, &message, Expect::Refused))
}

pub fn resolve(draw: &mut dyn Draw, _: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let reviewer = pick(draw, accounts)?;
    let message = MsgResolveAppeal {
        reviewer: reviewer.to_string(),
        appeal_id: draw.below(3),
        approve: draw.below(2) == 0,
        opinion_hash: random(draw, 32),
    };
    Some(Proposed::new(reviewer, &message, Expect::Refused))
}

pub fn withdraw(draw: &mut dyn Draw, _: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let owner = pick(draw, accounts)?;
    let message = MsgWithdrawAppeal { owner: owner.to_string(), appeal_id: draw.below(3) };
    Some(Proposed::new(owner, &message, Expect::Refused))
}
