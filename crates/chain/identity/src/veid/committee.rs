//! Who may open evidence: the committee of enclaves, which the registry of enclaves answers for.

use ve_base::{Address, CodedError};
use ve_proto::ve::enclave::v1::Tee;
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
    /// Stake that counts in draws.
    pub weight: u64,
    pub tee: Tee,
    /// Validators of one group have one operator; empty for a validator of its own.
    pub operator_group: String,
}

/// Answered by the registry of enclaves.
pub trait CommitteeSource: Send + Sync {
    /// The epoch in force.
    fn epoch(&self, state: &dyn Read) -> Result<u64, CodedError>;

    /// The members of an epoch by ascending operator; `None` when it is unknown or has too few.
    fn committee(&self, state: &dyn Read, epoch: u64) -> Result<Option<Vec<Member>>, CodedError>;

    /// What the committee of an epoch was drawn from.
    fn seed(&self, state: &dyn Read, epoch: u64) -> Result<Vec<u8>, CodedError>;

    /// Whether an operator's enclave holds this key, and it is good now.
    fn holds(&self, state: &dyn Read, operator: &Address, key_id: &str) -> Result<bool, CodedError>;
}

fn source(hooks: &Hooks) -> Result<&dyn CommitteeSource, CodedError> {
    Ok(hooks.all::<dyn CommitteeSource>().first().map(|source| &**source).ok_or(Error::NoCommittee)?)
}

/// The epoch in force; fails when no enclaves are registered at all.
pub fn epoch(hooks: &Hooks, state: &dyn Read) -> Result<u64, CodedError> {
    source(hooks)?.epoch(state)
}

/// The committee of an epoch.
pub fn members(hooks: &Hooks, state: &dyn Read, epoch: u64) -> Result<Vec<Member>, CodedError> {
    Ok(source(hooks)?.committee(state, epoch)?.ok_or(Error::NoCommittee)?)
}

/// As [`CommitteeSource::seed`].
pub fn seed(hooks: &Hooks, state: &dyn Read, epoch: u64) -> Result<Vec<u8>, CodedError> {
    source(hooks)?.seed(state, epoch)
}

/// As [`CommitteeSource::holds`].
pub fn holds(hooks: &Hooks, state: &dyn Read, operator: &Address, key_id: &str) -> Result<bool, CodedError> {
    source(hooks)?.holds(state, operator, key_id)
}
