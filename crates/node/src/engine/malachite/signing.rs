//! Signing and verification of consensus messages as CometBFT's canonical bytes.

use std::sync::Arc;

use async_trait::async_trait;
use malachitebft_app_channel::{Signer, Verifier};
use malachitebft_core_types::{NilOrVal, Round, SignedMessage, ValidatorProof, VoteExtensionScope, VoteType};
use malachitebft_signing::{Error, VerificationResult};
use ve_base::votes::{self as canonical, Place};
use ve_proto::tendermint::types::SignedMsgType;

use super::context::{Proposal, PublicKey, Signature, VeContext, Vote, VoteExtension};
use crate::comet::validators::verifies;
use crate::signer::{EXTENSION_PREFIX, Payload, ValidatorSigner};

/// `None` for what no vote or proposal has: CometBFT writes rounds as non-negative 32-bit integers, and a message without
/// a round must never share its sign bytes with one of round 0.
fn round_of(round: Round) -> Option<u32> {
    round.as_u32().filter(|round| i32::try_from(*round).is_ok())
}

fn no_round() -> Error {
    Error::from_source(std::io::Error::other("a consensus message without a round is not signed"))
}

fn vote_bytes(chain_id: &str, vote: &Vote) -> Option<Vec<u8>> {
    let kind = match vote.kind {
        VoteType::Prevote => SignedMsgType::Prevote,
        VoteType::Precommit => SignedMsgType::Precommit,
    };
    let place = Place { chain_id, height: vote.height.0, round: round_of(vote.round)? };
    Some(match &vote.value {
        NilOrVal::Nil => canonical::vote_bytes(kind, place, None),
        NilOrVal::Val(id) => canonical::vote_bytes(kind, place, Some((&id.block_id(), id.time()))),
    })
}

fn proposal_bytes(chain_id: &str, proposal: &Proposal) -> Option<Vec<u8>> {
    let place = Place { chain_id, height: proposal.height.0, round: round_of(proposal.round)? };
    let (id, time) = (proposal.value.block_id(), proposal.value.time());
    Some(canonical::proposal_bytes(place, proposal.pol_round.as_i64(), &id, time))
}

/// Extensions are bound to the value too: our own domain prefix, since CometBFT binds height and round only.
fn extension_bytes(
    chain_id: &str,
    scope: &VoteExtensionScope<VeContext>,
    extension: &VoteExtension,
) -> Option<Vec<u8>> {
    let place = Place { chain_id, height: scope.height.0, round: round_of(scope.round)? };
    let mut bytes = EXTENSION_PREFIX.to_vec();
    bytes.extend(scope.value_id.hash);
    bytes.extend(scope.validator_address.0);
    bytes.extend(canonical::extension_bytes(place, &extension.0));
    Some(bytes)
}

fn verified(key: &PublicKey, bytes: Option<Vec<u8>>, signature: &Signature) -> VerificationResult {
    VerificationResult::from_bool(bytes.is_some_and(|bytes| verifies(&key.0, &bytes, &signature.0)))
}

pub struct CanonicalVerifier {
    pub chain_id: String,
}

#[async_trait]
impl Verifier<VeContext> for CanonicalVerifier {
    async fn verify_signed_vote(
        &self,
        vote: &Vote,
        signature: &Signature,
        key: &PublicKey,
    ) -> Result<VerificationResult, Error> {
        Ok(verified(key, vote_bytes(&self.chain_id, vote), signature))
    }

    async fn verify_signed_proposal(
        &self,
        proposal: &Proposal,
        signature: &Signature,
        key: &PublicKey,
    ) -> Result<VerificationResult, Error> {
        Ok(verified(key, proposal_bytes(&self.chain_id, proposal), signature))
    }

    async fn verify_signed_vote_extension(
        &self,
        scope: &VoteExtensionScope<VeContext>,
        extension: &VoteExtension,
        signature: &Signature,
        key: &PublicKey,
    ) -> Result<VerificationResult, Error> {
        Ok(verified(key, extension_bytes(&self.chain_id, scope, extension), signature))
    }

    async fn verify_validator_proof(&self, proof: &ValidatorProof<VeContext>) -> Result<VerificationResult, Error> {
        Ok(match proof.decoded_public_key() {
            Ok(key) => verified(&key, Some(proof.preimage().to_vec()), &proof.signature),
            Err(_) => VerificationResult::Invalid,
        })
    }
}

/// Hands what consensus wants signed to whoever has the key.
pub struct EngineSigner {
    pub chain_id: String,
    pub signer: Arc<dyn ValidatorSigner>,
}

impl EngineSigner {
    async fn sign(&self, payload: Payload) -> Result<Signature, Error> {
        self.signer.sign(payload).await.map(Signature).map_err(|error| {
            tracing::error!(%error, "consensus message not signed");
            Error::from_source(error)
        })
    }
}

#[async_trait]
impl Signer<VeContext> for EngineSigner {
    async fn sign_vote(&self, vote: Vote) -> Result<SignedMessage<VeContext, Vote>, Error> {
        let bytes = vote_bytes(&self.chain_id, &vote).ok_or_else(no_round)?;
        let signature = self.sign(Payload::Consensus(bytes)).await?;
        Ok(SignedMessage::new(vote, signature))
    }

    async fn sign_proposal(&self, proposal: Proposal) -> Result<SignedMessage<VeContext, Proposal>, Error> {
        let bytes = proposal_bytes(&self.chain_id, &proposal).ok_or_else(no_round)?;
        let signature = self.sign(Payload::Consensus(bytes)).await?;
        Ok(SignedMessage::new(proposal, signature))
    }

    async fn sign_vote_extension(
        &self,
        scope: VoteExtensionScope<VeContext>,
        extension: VoteExtension,
    ) -> Result<SignedMessage<VeContext, VoteExtension>, Error> {
        let bytes = extension_bytes(&self.chain_id, &scope, &extension).ok_or_else(no_round)?;
        let signature = self.sign(Payload::Extension(bytes)).await?;
        Ok(SignedMessage::new(extension, signature))
    }

    async fn sign_validator_proof(
        &self,
        public_key: Vec<u8>,
        peer_id: Vec<u8>,
    ) -> Result<ValidatorProof<VeContext>, Error> {
        let bytes = ValidatorProof::<VeContext>::signing_bytes(&public_key, &peer_id);
        let signature = self.sign(Payload::PeerProof(bytes)).await?;
        Ok(ValidatorProof::new(public_key, peer_id, signature))
    }
}
