//! Commits: the precommits that decided a block, in the order of the set that decided it.

use prost_types::Timestamp;
use ve_base::votes::{Place, vote_bytes};
use ve_proto::tendermint::types::{
    BlockId, BlockIdFlag, Commit, CommitSig, ExtendedCommit, ExtendedCommitSig, SignedMsgType,
};

use super::hash;
use super::validators::ValidatorSet;

/// How CometBFT writes a missing signature.
pub fn absent() -> CommitSig {
    CommitSig {
        block_id_flag: BlockIdFlag::Absent as i32,
        validator_address: Vec::new(),
        timestamp: Some(hash::ZERO_TIME),
        signature: Vec::new(),
    }
}

pub fn extended_absent() -> ExtendedCommitSig {
    let absent = absent();
    ExtendedCommitSig {
        block_id_flag: absent.block_id_flag,
        timestamp: absent.timestamp,
        ..ExtendedCommitSig::default()
    }
}

/// The commit as blocks carry it: without the vote extensions.
pub fn plain(extended: &ExtendedCommit) -> Commit {
    let signatures = extended
        .extended_signatures
        .iter()
        .map(|signature| CommitSig {
            block_id_flag: signature.block_id_flag,
            validator_address: signature.validator_address.clone(),
            timestamp: signature.timestamp,
            signature: signature.signature.clone(),
        })
        .collect();
    Commit { height: extended.height, round: extended.round, block_id: extended.block_id.clone(), signatures }
}

/// Whether the validator signed for the block.
pub fn is_signed(signature: &CommitSig) -> bool {
    signature.block_id_flag == BlockIdFlag::Commit as i32
}

/// What a commit must be for.
pub struct Decided<'a> {
    pub chain_id: &'a str,
    pub height: u64,
    pub id: &'a BlockId,
    pub time: Timestamp,
}

/// Whether more than two thirds of `set` signed for the block. Proposers collect different signers, so the commit in a
/// block is verified, never compared with this node's own.
pub fn verify(commit: &Commit, set: &ValidatorSet, decided: &Decided<'_>) -> Result<(), String> {
    if u64::try_from(commit.height) != Ok(decided.height) || commit.block_id.as_ref() != Some(decided.id) {
        return Err("the last commit is for another block".into());
    }
    let round = u32::try_from(commit.round).map_err(|_| "the last commit has a negative round")?;
    if commit.signatures.len() != set.validators().len() {
        return Err(format!("{} signatures for {} validators", commit.signatures.len(), set.validators().len()));
    }
    let place = Place { chain_id: decided.chain_id, height: decided.height, round };
    let bytes = vote_bytes(SignedMsgType::Precommit, place, Some((decided.id, decided.time)));
    let mut power = 0u64;
    for (validator, signature) in set.validators().iter().zip(&commit.signatures) {
        if signature.block_id_flag == BlockIdFlag::Absent as i32 {
            if *signature != absent() {
                return Err("an absent signature is not empty".into());
            }
            continue;
        }
        if signature.block_id_flag != BlockIdFlag::Commit as i32
            || signature.validator_address != validator.address
            || signature.timestamp != Some(decided.time)
        {
            return Err("a signature in the last commit is out of place".into());
        }
        if !validator.verifies(&bytes, &signature.signature) {
            return Err(format!("the signature of {} is wrong", hex::encode_upper(validator.address)));
        }
        power = power.saturating_add(validator.power);
    }
    if u128::from(power) * 3 > u128::from(set.total_power()) * 2 {
        Ok(())
    } else {
        Err(format!("the last commit has {power} of {} power", set.total_power()))
    }
}
