//! What subjects agreed to, and whether it covers a use (identity spec section 11).

use ve_base::{Address, CodedError};
use ve_proto::ve::veid::v1::{Consent, ScopeType};
use ve_store::Read;

use super::error::Error;
use super::keys::CONSENTS;

/// The purpose that evidence is scored for.
pub const VERIFICATION: &str = "verification";
/// Consents of a wallet that are in force.
pub const MAX_LIVE: usize = 32;
const MAX_RECIPIENTS: usize = 10;

/// Types whose evidence needs an explicit consent; the others are given with the flow itself (section 2.1).
pub fn is_explicit(kind: ScopeType) -> bool {
    matches!(
        kind,
        ScopeType::IdDocument
            | ScopeType::Selfie
            | ScopeType::FaceVideo
            | ScopeType::Biometric
            | ScopeType::BiometricHardware
            | ScopeType::AddressProof
            | ScopeType::VideoInterview
            | ScopeType::GovData
            | ScopeType::VcPresentation
    )
}

pub fn is_live(consent: &Consent, now: u64) -> bool {
    consent.withdrawn_at == 0 && (consent.expires_at == 0 || consent.expires_at > now)
}

/// The consents of a wallet that are in force.
pub fn live<R: Read + ?Sized>(state: &R, owner: &Address, now: u64) -> Result<Vec<Consent>, CodedError> {
    let mut found = Vec::new();
    for entry in CONSENTS.scan().prefix(owner).entries(state) {
        let (_, consent) = entry?;
        if is_live(&consent, now) {
            found.push(consent);
        }
    }
    Ok(found)
}

/// Refuses unless the owner agreed to this purpose for this type of evidence.
pub fn require<R: Read + ?Sized>(
    state: &R,
    owner: &Address,
    kind: ScopeType,
    purpose: &str,
    now: u64,
) -> Result<(), CodedError> {
    if !is_explicit(kind) {
        return Ok(());
    }
    let covers = |consent: &Consent| consent.purpose == purpose && consent.scope_types.contains(&kind.into());
    if live(state, owner, now)?.iter().any(covers) {
        return Ok(());
    }
    Err(Error::ConsentMissing(format!("{purpose} of {}", kind.as_str_name())).into())
}

/// What a grant must be like.
pub fn check(consent: &Consent) -> Result<(), CodedError> {
    let refused = |cause: &str| -> Result<(), CodedError> { Err(Error::Input(format!("consent: {cause}")).into()) };
    if !ve_base::capture::is_name(&consent.purpose) {
        return refused("a purpose has 1 to 64 letters, digits and `._:-`");
    }
    let known = |kind: &i32| ScopeType::try_from(*kind).is_ok_and(|kind| kind != ScopeType::Unspecified);
    let types = &consent.scope_types;
    if types.is_empty() || !types.iter().all(known) || !types.is_sorted_by(|left, right| left < right) {
        return refused("name the types of evidence in ascending order, at least one");
    }
    let names = &consent.recipients;
    if names.len() > MAX_RECIPIENTS || !names.iter().all(|name| ve_base::capture::is_name(name)) {
        return refused("at most 10 recipients, each of 1 to 64 letters, digits and `._:-`");
    }
    if consent.notice_hash.len() != 32 {
        return refused("notice_hash is the SHA-256 of the text that was shown");
    }
    Ok(())
}
