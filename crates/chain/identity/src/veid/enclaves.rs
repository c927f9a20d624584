//! What identities and the registry of enclaves tell each other: whose keys evidence is sealed to, and whose score is
//! high enough to be drawn.

use ve_base::{Address, CodedError, envelope, parse_account};
use ve_proto::ve::enclave::v1::{CommitteeMember, EnclaveIdentity, Tee};
use ve_proto::ve::encryption::v1::Suite;
use ve_sdk::Context;
use ve_store::Read;

use super::committee::{CommitteeSource, Member};
use super::wallet;
use crate::enclave::{self, CandidateGate};

/// Committees of registered enclaves.
pub struct EnclaveCommittee;

impl CommitteeSource for EnclaveCommittee {
    fn epoch(&self, state: &dyn Read) -> Result<u64, CodedError> {
        enclave::epoch(state)
    }

    fn committee(&self, state: &dyn Read, epoch: u64) -> Result<Option<Vec<Member>>, CodedError> {
        let Some(enclaves) = enclave::committee_now(state, epoch)? else { return Ok(None) };
        let drawn = enclave::committee(state, epoch)?.members;
        let mut members = Vec::new();
        for enclave in &enclaves {
            let standing = drawn.iter().find(|standing| standing.validator == enclave.validator);
            members.push(member(enclave, &standing.cloned().unwrap_or_default())?);
        }
        members.sort_by(|left, right| left.operator.cmp(&right.operator));
        Ok(Some(members))
    }

    fn seed(&self, state: &dyn Read, epoch: u64) -> Result<Vec<u8>, CodedError> {
        Ok(enclave::committee(state, epoch)?.seed)
    }

    fn holds(&self, state: &dyn Read, operator: &Address, key_id: &str) -> Result<bool, CodedError> {
        let standing = enclave::standing(state, operator)?;
        Ok(standing.iter().any(|enclave| envelope::key_id(&enclave.enc_pubkey, 1) == key_id))
    }
}

fn member(enclave: &EnclaveIdentity, standing: &CommitteeMember) -> Result<Member, CodedError> {
    let short = |_| enclave::Error::Invalid("a signing key has 32 bytes");
    Ok(Member {
        operator: parse_account("validator", &enclave.validator)?,
        // Keys of enclaves never change: each is the first of its name.
        key_id: envelope::key_id(&enclave.enc_pubkey, 1),
        suite: Suite::X25519,
        sealing_key: enclave.enc_pubkey.clone(),
        signing_key: enclave.sig_pubkey.as_slice().try_into().map_err(short)?,
        simulated: enclave.tee() == Tee::Simulated,
        weight: standing.weight,
        tee: enclave.tee(),
        operator_group: standing.operator_group.clone(),
    })
}

/// Only who proved who he is verifies others.
pub struct CandidateScore;

impl CandidateGate for CandidateScore {
    fn is_fit(&self, ctx: &Context<'_>, validator: &Address, least_score: u32) -> Result<bool, CodedError> {
        Ok(least_score == 0 || wallet::score(ctx, validator, ctx.time().unix())? >= least_score)
    }
}
