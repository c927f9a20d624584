//! Proofs that attesters sign: one-time codes, the person before the camera, certificates that are not revoked. The
//! chain never sees a code, nor anything from which one could be guessed.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};
use ve_base::{CodedError, mfa, parse_account};
use ve_proto::ve::attester::v1::{Attestation, Kind, Proof};
use ve_proto::ve::mfa::v1::{Challenge, Factor, FactorType, Params};
use ve_sdk::Context;

use super::Outcome;
use crate::attester;
use crate::mfa::error::Error;

/// Attestations in one proof.
const MAX_ATTESTATIONS: usize = 10;
/// Seconds of a step of a one-time code (RFC 6238).
const STEP: u64 = 30;
/// Oldest age of a picture of the person.
const CAPTURE_SECONDS: u64 = 120;
const MATCH_BP: u32 = 8500;
const LIVENESS_BP: u32 = 7500;
/// Oldest age of the word that a certificate is not revoked.
const STATUS_SECONDS: u64 = 86_400;

/// All of them answer this challenge and none was used before. Returns the organisations.
fn accept(
    ctx: &mut Context<'_>,
    challenge: &Challenge,
    kind: Kind,
    given: &[Attestation],
) -> Result<BTreeSet<String>, CodedError> {
    if given.is_empty() || given.len() > MAX_ATTESTATIONS {
        return Err(Error::Request("from 1 to 10 attestations belong to this proof").into());
    }
    let subject = parse_account("account", &challenge.address)?;
    let request_id = mfa::request_id(&challenge.bytes_to_sign);
    let mut organisations = BTreeSet::new();
    for attestation in given {
        let issuer = attester::accept_answer(ctx, attestation, kind, &subject, &request_id)?;
        if attestation.issued_at.saturating_add(STEP) < challenge.created_at {
            return Err(Error::Request("an attestation is older than its challenge").into());
        }
        organisations.insert(issuer.organisation);
    }
    Ok(organisations)
}

fn passed(given: &[Attestation]) -> bool {
    given.iter().all(|attestation| attestation.proofs.iter().all(|proof| proof.passed))
}

fn enough(organisations: &BTreeSet<String>, needed: u32) -> bool {
    organisations.len() as u64 >= u64::from(needed)
}

/// Codes by text, call or e-mail: enough organisations say that this number or address answered.
pub fn contact(
    ctx: &mut Context<'_>,
    params: &Params,
    challenge: &Challenge,
    factor: &Factor,
    given: &[Attestation],
) -> Result<Outcome, CodedError> {
    let kind = match factor.r#type() {
        FactorType::Sms => Kind::Sms,
        FactorType::Call => Kind::Call,
        _ => Kind::Email,
    };
    let organisations = accept(ctx, challenge, kind, given)?;
    if given.iter().any(|attestation| attestation.upstream != factor.public_part) {
        return Err(Error::Request("an attestation is about another number or address").into());
    }
    if !passed(given) {
        return Ok(Outcome::Failed("the code was wrong"));
    }
    if !enough(&organisations, params.code_operators) {
        return Err(Error::Request("more organisations must vouch for a code").into());
    }
    Ok(Outcome::Verified)
}

/// Codes of an authenticator app: enclaves of enough organisations opened the secret and found the code of this step.
pub fn totp(
    ctx: &mut Context<'_>,
    params: &Params,
    challenge: &Challenge,
    factor: &mut Factor,
    given: &[Attestation],
) -> Result<Outcome, CodedError> {
    let organisations = accept(ctx, challenge, Kind::Totp, given)?;
    if !passed(given) {
        return Ok(Outcome::Failed("the code was wrong"));
    }
    if !enough(&organisations, params.code_operators) {
        return Err(Error::Request("more organisations must vouch for a code").into());
    }
    let mut steps = given.iter().flat_map(|attestation| &attestation.proofs).map(|proof| proof.counter);
    let step = steps.next().ok_or(Error::Request("an attestation names no time step"))?;
    if steps.any(|other| other != step) {
        return Err(Error::Request("attestations name different time steps").into());
    }
    for attestation in given {
        let at = attestation.issued_at.checked_div(STEP).unwrap_or_default();
        if step.abs_diff(at) > 1 {
            return Ok(Outcome::Failed("the code is of another time"));
        }
    }
    if step <= factor.counter {
        return Ok(Outcome::Failed("the code was used before"));
    }
    factor.counter = step;
    Ok(Outcome::Verified)
}

/// The person: enough of the enclaves that the challenge itself draws matched a picture that was just taken.
pub fn biometric(
    ctx: &mut Context<'_>,
    params: &Params,
    challenge: &Challenge,
    given: &[Attestation],
) -> Result<Outcome, CodedError> {
    let seed: [u8; 32] = Sha256::digest(&challenge.bytes_to_sign).into();
    let sample = usize::try_from(params.biometric_sample).unwrap_or_default();
    let drawn = attester::sample(ctx, Kind::Biometric, &seed, sample)?;
    accept(ctx, challenge, Kind::Biometric, given)?;
    let issuers: BTreeSet<&str> = given.iter().map(|attestation| attestation.issuer.as_str()).collect();
    if issuers.iter().any(|issuer| drawn.iter().all(|attester| attester.address != *issuer)) {
        return Err(Error::Request("an attester was not drawn for this challenge").into());
    }
    let now = ctx.time().unix();
    let matched = given.iter().filter(|attestation| is_match(&attestation.proofs, challenge, now)).count();
    if issuers.len() == given.len() && matched as u64 >= u64::from(params.biometric_quorum) {
        return Ok(Outcome::Verified);
    }
    if (given.len() as u64) < u64::from(params.biometric_quorum) {
        return Err(Error::Request("more of the drawn attesters must answer").into());
    }
    Ok(Outcome::Failed("the person was not matched by enough enclaves"))
}

/// A face that matches, alive, captured for this challenge within the last two minutes.
fn is_match(proofs: &[Proof], challenge: &Challenge, now: u64) -> bool {
    let good = |kind: &str, least: u32| {
        proofs.iter().any(|proof| {
            proof.r#type == kind
                && proof.passed
                && proof.score_bp >= least
                && proof.time >= challenge.created_at
                && proof.time <= now.saturating_add(STEP)
                && now.saturating_sub(proof.time) <= CAPTURE_SECONDS
        })
    };
    good("face_match", MATCH_BP) && good("pad", LIVENESS_BP)
}

/// Somebody asked the certificate's issuer within the last day and it is not revoked.
pub fn certificate_status(
    ctx: &mut Context<'_>,
    challenge: &Challenge,
    leaf: &[u8],
    given: &[Attestation],
) -> Result<Outcome, CodedError> {
    accept(ctx, challenge, Kind::CertificateStatus, given)?;
    let name = Sha256::digest(leaf);
    let now = ctx.time().unix();
    for proof in given.iter().flat_map(|attestation| &attestation.proofs) {
        if proof.content_commit != name.as_slice() || now.saturating_sub(proof.time) > STATUS_SECONDS {
            return Err(Error::Request("the word on the certificate is old or about another one").into());
        }
    }
    if passed(given) { Ok(Outcome::Verified) } else { Err(Error::Certificate("it is revoked").into()) }
}
