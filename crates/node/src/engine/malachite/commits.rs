//! The engine's certificates as CometBFT's commits, and back; its double votes as CometBFT's votes.

use malachitebft_core_types::{
    CommitCertificate, ExtendedCommitCertificate, ExtendedCommitSignature, NilOrVal, Round, SignedMessage, SignedVote,
    VoteExtensions, VoteType,
};
use prost_types::Timestamp;
use ve_proto::tendermint::types::{
    BlockId, BlockIdFlag, ExtendedCommit, ExtendedCommitSig, PartSetHeader, SignedMsgType, Vote,
};

use super::context::{Address, Height, Signature, ValueId, VeContext, VoteExtension};
use crate::comet::commit;
use crate::comet::validators::ValidatorSet;

/// In the set's order, every timestamp the header's time, missing votes absent.
pub fn extended_commit(
    certificate: CommitCertificate<VeContext>,
    extensions: VoteExtensions<VeContext>,
    set: &ValidatorSet,
) -> ExtendedCommit {
    let certificate = ExtendedCommitCertificate::from_commit_certificate_and_extensions(certificate, extensions);
    let signatures = set.validators().iter().map(|validator| {
        let found = certificate.commit_signatures.iter().find(|entry| entry.address.0 == validator.address);
        let Some(entry) = found else { return commit::extended_absent() };
        let (extension, extension_signature) = match &entry.extension {
            Some(signed) => (signed.message.0.clone(), signed.signature.0.to_vec()),
            None => (Vec::new(), Vec::new()),
        };
        ExtendedCommitSig {
            block_id_flag: BlockIdFlag::Commit as i32,
            validator_address: validator.address.to_vec(),
            timestamp: Some(certificate.value_id.time()),
            signature: entry.signature.0.to_vec(),
            extension,
            extension_signature,
        }
    });
    ExtendedCommit {
        height: certificate.height.0 as i64,
        round: i32::try_from(certificate.round.as_i64()).unwrap_or(0),
        block_id: Some(certificate.value_id.block_id()),
        extended_signatures: signatures.collect(),
    }
}

/// The certificate that a stored commit was made from; `None` when it is damaged.
pub fn certificate(commit: &ExtendedCommit) -> Option<ExtendedCommitCertificate<VeContext>> {
    let signed = || commit.extended_signatures.iter().filter(|entry| entry.block_id_flag == BlockIdFlag::Commit as i32);
    // All signatures have the time of the block.
    let time = signed().next()?.timestamp?;
    let signatures = signed().map(|entry| {
        let address = Address(entry.validator_address.as_slice().try_into().ok()?);
        let signature = Signature(entry.signature.as_slice().try_into().ok()?);
        let extension = match entry.extension_signature.as_slice() {
            [] => None,
            bytes => {
                let extension = VoteExtension(entry.extension.clone());
                Some(SignedMessage::new(extension, Signature(bytes.try_into().ok()?)))
            }
        };
        Some(ExtendedCommitSignature::new(address, signature, extension))
    });
    let mut commit_signatures: Vec<ExtendedCommitSignature<VeContext>> = signatures.collect::<Option<_>>()?;
    commit_signatures.sort_by_key(|entry| entry.address);
    Some(ExtendedCommitCertificate {
        height: Height(u64::try_from(commit.height).ok()?),
        round: Round::new(u32::try_from(commit.round).ok()?),
        value_id: ValueId::new(commit.block_id.as_ref()?, &time)?,
        commit_signatures,
    })
}

/// A vote as evidence names it; the index in the set is filled in later.
pub fn vote(signed: &SignedVote<VeContext>) -> Vote {
    let vote = &signed.message;
    let (id, time) = match &vote.value {
        NilOrVal::Nil => {
            let empty = BlockId { hash: Vec::new(), part_set_header: Some(PartSetHeader::default()) };
            (empty, Timestamp::default())
        }
        NilOrVal::Val(id) => (id.block_id(), id.time()),
    };
    let kind = match vote.kind {
        VoteType::Prevote => SignedMsgType::Prevote,
        VoteType::Precommit => SignedMsgType::Precommit,
    };
    Vote {
        r#type: kind as i32,
        height: i64::try_from(vote.height.0).unwrap_or(i64::MAX),
        round: i32::try_from(vote.round.as_i64()).unwrap_or(-1),
        block_id: Some(id),
        timestamp: Some(time),
        validator_address: vote.address.0.to_vec(),
        validator_index: 0,
        signature: signed.signature.0.to_vec(),
        extension: Vec::new(),
        extension_signature: Vec::new(),
    }
}
