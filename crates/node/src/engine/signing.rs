//! Signing and verification of consensus messages as CometBFT's canonical bytes.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use malachitebft_app_channel::{Signer, Verifier};
use malachitebft_core_types::{NilOrVal, Round, SignedMessage, ValidatorProof, VoteExtensionScope, VoteType};
use malachitebft_signing::{Error, VerificationResult};
use ve_proto::tendermint::types::SignedMsgType;

use super::context::{Proposal, PublicKey, Signature, VeContext, Vote, VoteExtension};
use crate::comet::canonical::{self, Place};
use crate::guard::{self, Guard, Step};
use crate::keys::ConsensusKey;

fn round_of(round: Round) -> u32 {
    round.as_u32().unwrap_or(0)
}

fn vote_bytes(chain_id: &str, vote: &Vote) -> Vec<u8> {
    let kind = match vote.kind {
        VoteType::Prevote => SignedMsgType::Prevote,
        VoteType::Precommit => SignedMsgType::Precommit,
    };
    let place = Place { chain_id, height: vote.height.0, round: round_of(vote.round) };
    match &vote.value {
        NilOrVal::Nil => canonical::vote_bytes(kind, place, None),
        NilOrVal::Val(id) => canonical::vote_bytes(kind, place, Some((&id.block_id(), id.time()))),
    }
}

fn proposal_bytes(chain_id: &str, proposal: &Proposal) -> Vec<u8> {
    let place = Place { chain_id, height: proposal.height.0, round: round_of(proposal.round) };
    canonical::proposal_bytes(place, proposal.pol_round.as_i64(), &proposal.value.block_id(), proposal.value.time())
}

/// Extensions are bound to the value too: our own domain prefix, since CometBFT binds height and round only.
fn extension_bytes(chain_id: &str, scope: &VoteExtensionScope<VeContext>, extension: &VoteExtension) -> Vec<u8> {
    let place = Place { chain_id, height: scope.height.0, round: round_of(scope.round) };
    let mut bytes = b"VE|vote-extension|v1|".to_vec();
    bytes.extend(scope.value_id.hash);
    bytes.extend(scope.validator_address.0);
    bytes.extend(canonical::extension_bytes(place, &extension.0));
    bytes
}

fn verified(key: &PublicKey, bytes: &[u8], signature: &Signature) -> VerificationResult {
    let valid =
        ed25519_zebra::VerificationKey::try_from(key.0).and_then(|key| key.verify(&signature.0.into(), bytes)).is_ok();
    VerificationResult::from_bool(valid)
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
        Ok(verified(key, &vote_bytes(&self.chain_id, vote), signature))
    }

    async fn verify_signed_proposal(
        &self,
        proposal: &Proposal,
        signature: &Signature,
        key: &PublicKey,
    ) -> Result<VerificationResult, Error> {
        Ok(verified(key, &proposal_bytes(&self.chain_id, proposal), signature))
    }

    async fn verify_signed_vote_extension(
        &self,
        scope: &VoteExtensionScope<VeContext>,
        extension: &VoteExtension,
        signature: &Signature,
        key: &PublicKey,
    ) -> Result<VerificationResult, Error> {
        Ok(verified(key, &extension_bytes(&self.chain_id, scope, extension), signature))
    }

    async fn verify_validator_proof(&self, proof: &ValidatorProof<VeContext>) -> Result<VerificationResult, Error> {
        Ok(match proof.decoded_public_key() {
            Ok(key) => verified(&key, &proof.preimage(), &proof.signature),
            Err(_) => VerificationResult::Invalid,
        })
    }
}

/// Signs with the key in memory, behind the guard.
pub struct GuardedSigner {
    pub chain_id: String,
    pub key: ConsensusKey,
    pub guard: Mutex<Guard>,
}

impl GuardedSigner {
    fn sign(&self, place: guard::Place, bytes: &[u8]) -> Result<Signature, Error> {
        let mut guard = self.guard.lock().unwrap_or_else(PoisonError::into_inner);
        guard.sign(place, bytes, |bytes| self.key.sign(bytes)).map(Signature).map_err(|error| {
            tracing::error!(%error, "consensus message not signed");
            Error::from_source(error)
        })
    }
}

#[async_trait]
impl Signer<VeContext> for GuardedSigner {
    async fn sign_vote(&self, vote: Vote) -> Result<SignedMessage<VeContext, Vote>, Error> {
        let step = match vote.kind {
            VoteType::Prevote => Step::Prevote,
            VoteType::Precommit => Step::Precommit,
        };
        let place = guard::Place { height: vote.height.0, round: round_of(vote.round), step };
        let signature = self.sign(place, &vote_bytes(&self.chain_id, &vote))?;
        Ok(SignedMessage::new(vote, signature))
    }

    async fn sign_proposal(&self, proposal: Proposal) -> Result<SignedMessage<VeContext, Proposal>, Error> {
        let place = guard::Place { height: proposal.height.0, round: round_of(proposal.round), step: Step::Proposal };
        let signature = self.sign(place, &proposal_bytes(&self.chain_id, &proposal))?;
        Ok(SignedMessage::new(proposal, signature))
    }

    async fn sign_vote_extension(
        &self,
        scope: VoteExtensionScope<VeContext>,
        extension: VoteExtension,
    ) -> Result<SignedMessage<VeContext, VoteExtension>, Error> {
        let bytes = extension_bytes(&self.chain_id, &scope, &extension);
        Ok(SignedMessage::new(extension, Signature(self.key.sign(&bytes))))
    }

    async fn sign_validator_proof(
        &self,
        public_key: Vec<u8>,
        peer_id: Vec<u8>,
    ) -> Result<ValidatorProof<VeContext>, Error> {
        let bytes = ValidatorProof::<VeContext>::signing_bytes(&public_key, &peer_id);
        Ok(ValidatorProof::new(public_key, peer_id, Signature(self.key.sign(&bytes))))
    }
}
