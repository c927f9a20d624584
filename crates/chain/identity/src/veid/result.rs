//! What a quorum's attestation does: score, tier, scopes, history, and the record that explains it.

use ve_base::{Address, CodedError};
use ve_inference::Reason;
use ve_proto::ve::veid::v1::{
    Nullifier, Params, RequestStatus, RunState, ScopeStatus, ScoreAttestation, ScoreRecord, VerificationRequest,
    VerificationState, Wallet,
};
use ve_sdk::Context;

use super::error::Error;
use super::keys::{NULLIFIERS, RECORDS, SCOPES, WALLETS};
use super::lifecycle;
use super::wallet::{self, Reasons};
use super::{event, faults, params, runs};
use crate::roles;

/// Largest committee.
pub const MAX_SEATS: usize = 31;

/// Reasons under which a score just below the cutoff is a near miss; any other is a gate that failed.
const SOFT: [Reason; 8] = [
    Reason::BelowPassThreshold,
    Reason::EvidenceCap,
    Reason::FaceBorderline,
    Reason::LivenessMissing,
    Reason::LowDataConsistency,
    Reason::LowOcrConfidence,
    Reason::MissingDocument,
    Reason::Success,
];

/// The reason with this code.
pub fn reason(code: &str) -> Option<Reason> {
    Reason::ALL.iter().copied().find(|reason| reason.code() == code)
}

pub fn gates_passed(codes: &[String]) -> bool {
    codes.iter().all(|code| reason(code).is_some_and(|reason| SOFT.contains(&reason)))
}

/// Ends a run with the attestation that a quorum of its members gave. The caller saves the request.
pub fn finalise(
    ctx: &mut Context<'_>,
    owner: &Address,
    request: &mut VerificationRequest,
    attestation: &ScoreAttestation,
) -> Result<(), CodedError> {
    let params = params::load(ctx)?;
    faults::settle(ctx, request, faults::End::Scored(attestation))?;
    runs::end_run(ctx, request, RunState::Scored)?;
    let run = request.run.clone().unwrap_or_default();
    let agreed = run.seats.iter().filter(|seat| seat.attestation.as_ref() == Some(attestation));
    let (members, simulated): (Vec<String>, Vec<bool>) =
        agreed.map(|seat| (seat.member.clone(), seat.simulated)).unzip();
    let mut wallet = WALLETS.require(ctx, owner)?;
    let again = wallet.shadow;
    let previous_score = wallet.score_milli / 1_000;
    let (score, codes) = unique(ctx, owner, attestation, &params)?;
    let gates = gates_passed(&codes);
    wallet.model_set_hash.clone_from(&attestation.model_id);
    let reasons = Reasons { scope_ids: request.scope_ids.clone(), codes: codes.clone() };
    wallet::advance(ctx, owner, &mut wallet, lifecycle::Event::Scored { score, gates_passed: gates }, reasons)?;
    if again {
        wallet::tried(&mut wallet, ctx.time().unix());
    }
    settle(ctx, owner, &mut wallet, request, attestation)?;
    wallet::save(ctx, owner, wallet, &params)?;
    let record = ScoreRecord {
        owner: owner.to_string(),
        run_id: run.run_id.clone(),
        attestation: Some(attestation.clone()),
        previous_score,
        height: ctx.height(),
        time: ctx.time().unix(),
        members,
        overturned: false,
        simulated: simulated.contains(&true),
    };
    RECORDS.set(ctx, owner, &record)?;
    if codes.iter().any(|code| code == Reason::DuplicateIdentity.code()) {
        // People look at it; nobody loses an account to a machine.
        let commit = super::capture::digest(&record.run_id).try_into().unwrap_or_default();
        roles::signal_fraud(ctx, owner, "veid", &commit)?;
    }
    runs::close(request, RequestStatus::Final, codes);
    event::run(ctx, "verification_completed", request);
    Ok(())
}

/// Score and reasons after the search for the same document at another account: one person is one account.
pub fn unique(
    ctx: &mut Context<'_>,
    owner: &Address,
    attestation: &ScoreAttestation,
    params: &Params,
) -> Result<(u32, Vec<String>), CodedError> {
    let mut codes = attestation.reason_codes.clone();
    let value = &attestation.doc_nullifier;
    if value.is_empty() {
        return Ok((attestation.score, codes));
    }
    let holder = NULLIFIERS.get(ctx, value.as_slice())?;
    let known = holder.is_some();
    if holder.as_ref().is_some_and(|holder| holder.owner != owner.to_string()) {
        let duplicate = Reason::DuplicateIdentity.code().to_owned();
        if !codes.contains(&duplicate) {
            codes.push(duplicate);
            codes.sort();
        }
        codes.retain(|code| code != Reason::Success.code());
        return Ok((0, codes));
    }
    let sure = attestation.score >= params.basic_score;
    // A second chance holds the document, too, or several accounts could take theirs with one.
    let chance = attestation.score >= params.secondary_score && gates_passed(&codes);
    if sure || (chance && !known) {
        let owner = owner.to_string();
        NULLIFIERS.set(ctx, value.as_slice(), &Nullifier { value: value.clone(), owner, provisional: !sure })?;
    }
    Ok((attestation.score, codes))
}

/// What becomes of a document that a second chance held.
fn settle_document(ctx: &mut Context<'_>, owner: &Address, value: &[u8], passed: bool) -> Result<(), CodedError> {
    let held = |nullifier: &Nullifier| nullifier.provisional && nullifier.owner == owner.to_string();
    let Some(mut nullifier) = NULLIFIERS.get(ctx, value)?.filter(held) else { return Ok(()) };
    nullifier.provisional = false;
    if passed { Ok(NULLIFIERS.set(ctx, value, &nullifier)?) } else { Ok(NULLIFIERS.remove(ctx, value)?) }
}

/// Gives back what the second chance of a wallet that is revoked held.
pub fn release_document(ctx: &mut Context<'_>, owner: &Address) -> Result<(), CodedError> {
    match RECORDS.get(ctx, owner)?.and_then(|record| record.attestation) {
        Some(attestation) => settle_document(ctx, owner, &attestation.doc_nullifier, false),
        None => Ok(()),
    }
}

/// What becomes of the scopes of a request. While a second chance runs, they wait with it.
fn settle(
    ctx: &mut Context<'_>,
    owner: &Address,
    wallet: &mut Wallet,
    request: &VerificationRequest,
    attestation: &ScoreAttestation,
) -> Result<(), CodedError> {
    if wallet.state() == VerificationState::Secondary {
        return Ok(());
    }
    let verified = wallet.state() == VerificationState::Verified;
    for scope_id in &request.scope_ids {
        let good = verified && attestation.accepted_scopes.contains(scope_id);
        let assured = attestation.assured_scopes.contains(scope_id);
        settle_scope(ctx, owner, wallet, scope_id, good, assured)?;
    }
    Ok(())
}

fn settle_scope(
    ctx: &mut Context<'_>,
    owner: &Address,
    wallet: &mut Wallet,
    scope_id: &str,
    good: bool,
    assured: bool,
) -> Result<(), CodedError> {
    let now = ctx.time().unix();
    let key = (owner.clone(), scope_id.to_owned());
    let mut scope = SCOPES.require(ctx, &key)?;
    let (next, what) = match (scope.status(), good) {
        // Evidence that ended while it was looked at counts no more.
        (ScopeStatus::InProgress, true) if scope.expires_at > now => (ScopeStatus::Verified, "scope_verified"),
        (ScopeStatus::InProgress, _) => (ScopeStatus::Rejected, "scope_rejected"),
        (ScopeStatus::Verified, true) => (ScopeStatus::Verified, "scope_verified"),
        (ScopeStatus::Verified, false) => (ScopeStatus::Expired, "scope_expired"),
        _ => return Ok(()),
    };
    scope.set_status(next);
    if next == ScopeStatus::Verified {
        scope.verified_at = now;
        scope.high_assurance = assured;
        wallet::count(wallet, &scope);
    } else {
        "not_accepted".clone_into(&mut scope.reason);
        wallet::discount(wallet, scope_id);
    }
    SCOPES.set(ctx, &key, &scope)?;
    event::scope(ctx, what, &scope);
    Ok(())
}

/// Ends a second chance: the scopes that waited with it are good or not. The caller saves the wallet.
pub fn end_chance(ctx: &mut Context<'_>, owner: &Address, wallet: &mut Wallet, passed: bool) -> Result<(), CodedError> {
    let (happened, code) = match passed {
        true => (lifecycle::Event::SecondaryPassed, "SECONDARY_PASSED"),
        false => (lifecycle::Event::SecondaryFailed, "SECONDARY_EXPIRED"),
    };
    let reasons = Reasons { scope_ids: Vec::new(), codes: vec![code.into()] };
    wallet::advance(ctx, owner, wallet, happened, reasons)?;
    let request = super::keys::REQUESTS.get(ctx, owner)?;
    let record = RECORDS.get(ctx, owner)?;
    let (Some(request), Some(attestation)) = (request, record.and_then(|record| record.attestation)) else {
        return Ok(());
    };
    settle_document(ctx, owner, &attestation.doc_nullifier, passed)?;
    settle(ctx, owner, wallet, &request, &attestation)
}

/// What an attestation must be like, whatever the run.
pub fn check(attestation: &ScoreAttestation) -> Result<(), CodedError> {
    let refused = |cause: &str| -> Result<(), CodedError> { Err(Error::Input(format!("attestation: {cause}")).into()) };
    let digest = |bytes: &[u8]| bytes.len() == 32;
    if !digest(&attestation.f_digest) || !digest(&attestation.input_hash) || !digest(&attestation.model_id) {
        return refused("digests have 32 bytes");
    }
    if !(attestation.doc_nullifier.is_empty() || digest(&attestation.doc_nullifier)) {
        return refused("a nullifier has 32 bytes");
    }
    if attestation.score > 100 || attestation.score_after_step_up > 100 || attestation.bp > 10_000 {
        return refused("scores go to 100, basis points to 10000");
    }
    let codes = &attestation.reason_codes;
    let sorted = |list: &[String]| list.is_sorted_by(|left, right| left < right);
    if codes.len() > 16 || !sorted(codes) || !codes.iter().all(|code| reason(code).is_some()) {
        return refused("at most 16 known reasons, sorted, each once");
    }
    let members = [&attestation.members, &attestation.mismatched];
    if members.iter().any(|list| list.len() > MAX_SEATS || !sorted(list)) {
        return refused("at most 31 members, sorted, each once");
    }
    if attestation.members.iter().any(|member| attestation.mismatched.contains(member)) {
        return refused("a member's features went in or did not");
    }
    let contributions = &attestation.contributions;
    if contributions.len() > 6 || contributions.iter().any(|part| part.name.len() > 16) {
        return refused("at most 6 contributions");
    }
    let scopes = [&attestation.accepted_scopes, &attestation.assured_scopes];
    if scopes.iter().any(|list| list.len() > 10 || !sorted(list)) {
        return refused("at most 10 scopes, sorted, each once");
    }
    Ok(())
}
