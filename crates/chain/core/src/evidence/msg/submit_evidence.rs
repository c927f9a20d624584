//! `MsgSubmitEvidence`: anybody proves that a validator signed twice.

use prost::Message;
use prost_types::Any;
use ve_base::keys::PublicKey;
use ve_base::{Address, CodedError, parse_account};
use ve_proto::cosmos::evidence::v1beta1::{MsgSubmitEvidence, MsgSubmitEvidenceResponse};
use ve_proto::tendermint::types::DuplicateVoteEvidence;
use ve_proto::ve::slashing::v1::Reason;
use ve_sdk::{Context, type_url};

use crate::evidence::error::Error;
use crate::evidence::handle::{self, Proven};
use crate::evidence::votes;
use crate::staking;

fn unpack(evidence: Option<&Any>) -> Result<DuplicateVoteEvidence, CodedError> {
    let any = evidence.ok_or_else(|| Error::Invalid("the evidence is missing".into()))?;
    if any.type_url != type_url::<DuplicateVoteEvidence>() {
        return Err(Error::NoHandler(any.type_url.chars().take(100).collect()).into());
    }
    Ok(DuplicateVoteEvidence::decode(any.value.as_slice())
        .map_err(|_| Error::Invalid("the bytes are no DuplicateVoteEvidence".into()))?)
}

pub fn check(msg: &MsgSubmitEvidence) -> Result<(), CodedError> {
    parse_account("submitter", &msg.submitter)?;
    votes::contradiction(&unpack(msg.evidence.as_ref())?)?;
    Ok(())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgSubmitEvidence) -> Result<MsgSubmitEvidenceResponse, CodedError> {
    let evidence = unpack(msg.evidence.as_ref())?;
    let (pair, both) = votes::contradiction(&evidence)?;
    let consensus = Address::from(pair.consensus);
    let validator = staking::by_consensus(ctx, &consensus)?
        .ok_or_else(|| Error::Invalid("no validator has this consensus address".into()))?;
    for vote in both {
        votes::verify(vote, &PublicKey::Ed25519(validator.consensus_key), ctx.chain_id())?;
    }
    // What the message says of power and time is not signed; the chain's own history is.
    let then = staking::at(ctx, pair.height, &validator.operator)?.ok_or_else(|| {
        Error::Invalid(format!("the validator was not in the set of height {}, or that is too long ago", pair.height))
    })?;
    if staking::is_expired(ctx, pair.height, then.time) {
        return Err(Error::Invalid("it is too old".into()).into());
    }
    let staking::Past { power, time } = then;
    let proven = Proven { reason: Reason::DoubleSign, consensus: pair.consensus, height: pair.height, time, power };
    let hash = handle::handle(ctx, &proven)?.ok_or(Error::Known)?;
    Ok(MsgSubmitEvidenceResponse { hash: hash.to_vec() })
}
