//! Who may open evidence: the committee of enclaves, which the registry of enclaves answers for.

use ve_base::{Address, CodedError};
use ve_proto::ve::encryption::v1::Suite;
use ve_sdk::hooks::Hooks;
use ve_store::Read;

use super::error::Error;

/// A member with the keys of its enclave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Account of the validator's operator.
    pub operator: Address,
    /// `fingerprint:vN` of the key that evidence is sealed to.
    pub key_id: String,
    pub suite: Suite,
    pub sealing_key: Vec<u8>,
    /// Ed25519 key of the enclave.
    pub signing_key: [u8; 32],
    /// No hardware vouches for the enclave: whatever comes of its work says so. Only where genesis allows it.
    pub simulated: bool,
}

/// Answered by the registry of enclaves.
pub trait CommitteeSource: Send + Sync {
    /// The epoch in force.
    fn epoch(&self, state: &dyn Read) -> Result<u64, CodedError>;

    /// The members of an epoch by ascending operator; `None` when it is unknown or has too few.
    fn committee(&self, state: &dyn Read, epoch: u64) -> Result<Option<Vec<Member>>, CodedError>;
}

/// The epoch in force; fails when no enclaves are registered at all.
pub fn epoch(hooks: &Hooks, state: &dyn Read) -> Result<u64, CodedError> {
    match hooks.all::<dyn CommitteeSource>().first() {
        Some(source) => source.epoch(state),
        None => Err(Error::NoCommittee.into()),
    }
}

/// The committee of an epoch.
pub fn members(hooks: &Hooks, state: &dyn Read, epoch: u64) -> Result<Vec<Member>, CodedError> {
    let source = hooks.all::<dyn CommitteeSource>().first().ok_or(Error::NoCommittee)?;
    Ok(source.committee(state, epoch)?.ok_or(Error::NoCommittee)?)
}
