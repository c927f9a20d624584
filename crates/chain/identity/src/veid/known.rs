//! Features that the chain knows without any enclave: what attesters vouch for, and what follows from its own state
//! (identity-ml spec section 4, classes A and X). They are fixed when the members of a run have opened theirs.

use std::collections::BTreeMap;

use ve_base::{Address, CodedError};
use ve_inference::features::id;
use ve_proto::ve::attester::v1::Kind;
use ve_proto::ve::veid::v1::{Assurance, StateFeature, VerificationRequest, VerificationState, Wallet};
use ve_store::Read;

use super::keys::{HISTORY, SCOPES, WALLETS};
use super::params::DAY;
use crate::attester;

const WHOLE: u32 = 10_000;
/// Basis points that a day of the wallet's age is worth: a year is a whole.
const AGE_PER_DAY: u64 = 27;
/// Entries of a history that are looked at.
const RECENT: usize = 16;

/// By ascending index.
pub fn features<R: Read + ?Sized>(
    state: &R,
    owner: &Address,
    request: &VerificationRequest,
    now: u64,
) -> Result<Vec<StateFeature>, CodedError> {
    let wallet = WALLETS.get(state, owner)?.unwrap_or_default();
    let mut known = BTreeMap::new();
    // The chain takes no scope whose salt, client and user are not bound to each other.
    known.insert(id::CAPTURE_BINDING, WHOLE);
    if let Some(integrity) = integrity(state, owner, request)? {
        known.insert(id::DEVICE_INTEGRITY, integrity);
    }
    known.insert(id::VELOCITY, velocity(state, owner, now)?);
    let days = now.saturating_sub(wallet.created_at) / DAY;
    known.insert(id::ACCOUNT_AGE, u32::try_from(days.saturating_mul(AGE_PER_DAY)).unwrap_or(WHOLE).min(WHOLE));
    if let Some(success) = success(&wallet) {
        known.insert(id::PRIOR_SUCCESS, success);
    }
    for fact in attester::facts(state, owner, now)? {
        if let Some(feature) = feature(fact.kind()) {
            let best = known.entry(feature).or_default();
            *best = (*best).max(fact.score_bp.min(WHOLE));
        }
    }
    let feature = |(index, value)| Some(StateFeature { index: u32::try_from(index).ok()?, value });
    Ok(known.into_iter().filter_map(feature).collect())
}

/// The feature that a kind of fact is about.
fn feature(kind: Kind) -> Option<usize> {
    match kind {
        Kind::Email => Some(id::EMAIL_PROOF),
        Kind::Sms | Kind::Call => Some(id::SMS_PROOF),
        Kind::Sso | Kind::EnterpriseSso => Some(id::SSO_PROOF),
        Kind::Social => Some(id::SOCIAL_PROOF),
        Kind::Domain => Some(id::DOMAIN_PROOF),
        Kind::Government => Some(id::GOV_DATA_MATCH),
        Kind::Device => Some(id::DEVICE_INTEGRITY),
        _ => None,
    }
}

/// The weakest device among those that captured the evidence.
fn integrity<R: Read + ?Sized>(
    state: &R,
    owner: &Address,
    request: &VerificationRequest,
) -> Result<Option<u32>, CodedError> {
    let mut weakest: Option<u32> = None;
    for scope_id in &request.scope_ids {
        let points = match SCOPES.require(state, &(owner.clone(), scope_id.clone()))?.assurance() {
            Assurance::Strong => WHOLE,
            Assurance::Device => 8_000,
            Assurance::Basic | Assurance::Unspecified => 2_500,
        };
        weakest = Some(weakest.map_or(points, |other| other.min(points)));
    }
    Ok(weakest)
}

/// Up to three results in a day are ordinary.
fn velocity<R: Read + ?Sized>(state: &R, owner: &Address, now: u64) -> Result<u32, CodedError> {
    let since = now.saturating_sub(DAY);
    let mut tries = 1u32;
    for entry in HISTORY.scan().prefix(owner).reverse().entries(state).take(RECENT) {
        let (_, entry) = entry?;
        let ended = entry.state_after() != VerificationState::Pending && !entry.scope_ids.is_empty();
        tries = tries.saturating_add(u32::from(ended && entry.time > since));
    }
    Ok(match tries {
        0..=3 => WHOLE,
        4..=5 => WHOLE / 2,
        _ => 0,
    })
}

/// How the last verification ended; nothing before the first.
fn success(wallet: &Wallet) -> Option<u32> {
    match (wallet.rejections, wallet.verified_at) {
        (0, 0) => None,
        (0, _) => Some(WHOLE),
        _ => Some(0),
    }
}
