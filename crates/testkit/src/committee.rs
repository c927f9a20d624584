//! A committee of enclaves whose keys tests know: it answers where a registry of attested enclaves does on a network.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use ve_app::Release;
use ve_base::envelope::{self, EncryptionKey};
use ve_base::keys::ConsensusSecret;
use ve_base::{Address, CodedError};
use ve_chain_identity::veid::committee::{CommitteeSource, Member};
use ve_chain_identity::veid::simulated_enclave;
use ve_proto::ve::enclave::v1::Tee;
use ve_proto::ve::encryption::v1::Suite;
use ve_store::Read;

use crate::chain::Account;

/// Members of every epoch.
pub const SIZE: u32 = 7;
/// The epoch in force.
pub const EPOCH: u64 = 3;

/// The key that evidence is sealed to at a member.
pub fn sealing_key(member: u32, epoch: u64) -> EncryptionKey {
    let mut secret = [7; 32];
    // X25519 ignores some bits of the first byte.
    secret[1] = u8::try_from(member).unwrap_or(u8::MAX);
    secret[2] = u8::try_from(epoch).unwrap_or(u8::MAX);
    EncryptionKey::from_bytes(Suite::X25519, secret).expect("a known suite")
}

/// The key that a member's enclave signs with.
pub fn signing_key(member: u32) -> ConsensusSecret {
    simulated_enclave(&Account::number(member).address)
}

thread_local! {
    static EJECTED: RefCell<BTreeSet<u32>> = const { RefCell::new(BTreeSet::new()) };
}

/// While it lives, a member's enclave is worth nothing in the chains of this thread, as if its code had been revoked.
#[must_use]
pub struct Ejected(u32);

impl Ejected {
    pub fn new(member: u32) -> Self {
        EJECTED.with_borrow_mut(|ejected| ejected.insert(member));
        Self(member)
    }
}

impl Drop for Ejected {
    fn drop(&mut self) {
        EJECTED.with_borrow_mut(|ejected| ejected.remove(&self.0));
    }
}

thread_local! {
    static KEPT: Cell<u64> = const { Cell::new(1) };
}

/// While it lives, committees of earlier epochs than this one are not kept in the chains of this thread.
#[must_use]
pub struct KeptSince(());

impl KeptSince {
    pub fn epoch(epoch: u64) -> Self {
        KEPT.set(epoch);
        Self(())
    }
}

impl Drop for KeptSince {
    fn drop(&mut self) {
        KEPT.set(1);
    }
}

fn is_kept(epoch: u64) -> bool {
    (KEPT.get()..=EPOCH).contains(&epoch)
}

/// Members are the first accounts of a test chain.
pub fn members(epoch: u64) -> Vec<Member> {
    let mut members: Vec<Member> = (0..SIZE)
        .map(|number| {
            let public = sealing_key(number, epoch).public().expect("a valid key");
            Member {
                operator: Account::number(number).address,
                key_id: envelope::key_id(public.bytes(), 1),
                suite: Suite::X25519,
                sealing_key: public.bytes().to_vec(),
                signing_key: signing_key(number).public(),
                simulated: true,
                weight: 1,
                tee: Tee::Simulated,
                operator_group: String::new(),
            }
        })
        .collect();
    members.sort_by(|left, right| left.operator.cmp(&right.operator));
    members
}

pub struct KnownCommittee;

impl CommitteeSource for KnownCommittee {
    fn epoch(&self, _state: &dyn Read) -> Result<u64, CodedError> {
        Ok(EPOCH)
    }

    fn committee(&self, _state: &dyn Read, epoch: u64) -> Result<Option<Vec<Member>>, CodedError> {
        Ok(is_kept(epoch).then(|| members(epoch)))
    }

    fn holds(&self, _state: &dyn Read, operator: &Address, key_id: &str) -> Result<bool, CodedError> {
        let out = EJECTED.with_borrow(|out| out.iter().any(|number| Account::number(*number).address == *operator));
        let mut known = (1..=EPOCH).flat_map(members);
        Ok(!out && known.any(|member| member.operator == *operator && member.key_id == key_id))
    }

    fn seed(&self, _state: &dyn Read, epoch: u64) -> Result<Vec<u8>, CodedError> {
        if !is_kept(epoch) {
            return Err(ve_chain_identity::enclave::Error::NoCommittee(epoch).into());
        }
        Ok(vec![u8::try_from(epoch).unwrap_or(u8::MAX); 32])
    }
}

/// This release with the committee.
pub(crate) fn release() -> Release {
    let mut release = Release::current();
    release.hooks.replace::<dyn CommitteeSource>(std::sync::Arc::new(KnownCommittee));
    release
}
