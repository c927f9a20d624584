//! What makes an attestation acceptable: its issuer, key, time, form, signatures and a nonce that was never used.

use ve_base::attestation::{SCHEMA, consent, digest, kind_name, signed_bytes};
use ve_base::keys::PublicKey;
use ve_base::{Address, CodedError, parse_account};
use ve_chain_core::auth::account;
use ve_proto::ve::attester::v1::{Attestation, Attester, Kind, Proof, UsedNonce};
use ve_sdk::Context;
use ve_store::Read;

use super::error::Error;
use super::keys::{NONCE_COUNT, NONCE_DUE, NONCES};
use super::{params, registry, signer};

const MAX_PROOFS: usize = 8;
const MAX_TEXT: usize = 256;
/// Request ids that start with this belong to challenges of multi-factor authentication.
pub const CHALLENGE_PREFIX: &str = "mfa:";
/// Gas of one Ed25519 signature.
const SIGNATURE_GAS: u64 = 1_000;
const MAX_FORGOTTEN: usize = 500;

/// What does not need state.
pub fn check(attestation: &Attestation) -> Result<(), CodedError> {
    parse_account("issuer", &attestation.issuer)?;
    parse_account("subject", &attestation.subject)?;
    let refused = |why: &'static str| Err(Error::Attestation(why).into());
    if attestation.schema != SCHEMA {
        return refused("its schema is not 1.0.0");
    }
    if attestation.kind() == Kind::Unspecified {
        return refused("its kind is unknown");
    }
    let nonce = &attestation.nonce;
    if !(16..=64).contains(&nonce.len()) || nonce.iter().all(|byte| *byte == 0) || nonce.iter().all(|byte| *byte == 255)
    {
        return refused("a nonce has 16 to 64 random bytes");
    }
    let texts = [&attestation.scope_id, &attestation.request_id, &attestation.model, &attestation.key_id];
    let long = |text: &&String| text.len() > MAX_TEXT || text.chars().any(char::is_control);
    if texts.iter().any(&long) {
        return refused("its texts have at most 256 printable bytes");
    }
    if let Some(evidence) = &attestation.evidence
        && (evidence.hash.len() != 32 || [&evidence.backend, &evidence.r#ref].iter().any(long))
    {
        return refused("evidence is named by 32 bytes of hash and short texts");
    }
    if !matches!(attestation.upstream.len(), 0 | 32) {
        return refused("the name of an upstream account has 32 bytes");
    }
    if attestation.score_bp > 10_000 || attestation.confidence_bp > 10_000 {
        return refused("scores are at most 10000");
    }
    if attestation.proofs.is_empty() || attestation.proofs.len() > MAX_PROOFS {
        return refused("it has from 1 to 8 proofs");
    }
    Ok(attestation.proofs.iter().try_for_each(check_proof)?)
}

fn check_proof(proof: &Proof) -> Result<(), Error> {
    if proof.r#type.is_empty() || proof.r#type.len() > 64 || proof.r#type.chars().any(char::is_control) {
        return Err(Error::Attestation("the type of a proof has from 1 to 64 printable bytes"));
    }
    if !matches!(proof.content_commit.len(), 0 | 32) {
        return Err(Error::Attestation("a commitment has 32 bytes"));
    }
    if proof.score_bp > 10_000 || proof.threshold_bp > 10_000 {
        return Err(Error::Attestation("scores are at most 10000"));
    }
    if proof.passed && proof.score_bp < proof.threshold_bp {
        return Err(Error::Attestation("a proof passed below its own threshold"));
    }
    Ok(())
}

/// Issuer, key, time and signature are right at the block's time. Returns the issuer and the document's digest.
fn verify(ctx: &Context<'_>, attestation: &Attestation) -> Result<(Attester, [u8; 32]), CodedError> {
    let issuer = parse_account("issuer", &attestation.issuer)?;
    let attester = registry::active(ctx, &issuer)?;
    if !attester.kinds.contains(&attestation.kind) {
        return Err(Error::Kind(attester.address, kind_name(attestation.kind())).into());
    }
    let params = params::load(ctx)?;
    check_times(&params, attestation, ctx.time().unix())?;
    let key = signer::require(ctx, &issuer, &attestation.key_id)?;
    if !signer::signs(&key) || key.expires_at <= ctx.time().unix() {
        return Err(Error::Key(key.key_id, "it is not active").into());
    }
    if attestation.issued_at < key.active_at {
        return Err(Error::Key(key.key_id, "the attestation is older than the key").into());
    }
    ctx.gas().consume(SIGNATURE_GAS, "attestation")?;
    let not_canonical = |_| Error::Attestation("its numbers are too large for JSON");
    let signed = signed_bytes(ctx.chain_id(), attestation).map_err(not_canonical)?;
    signer::verify(&key, &signed, &attestation.signature)?;
    Ok((attester, digest(ctx.chain_id(), attestation).map_err(not_canonical)?))
}

fn check_times(
    params: &ve_proto::ve::attester::v1::Params,
    attestation: &Attestation,
    now: u64,
) -> Result<(), CodedError> {
    if attestation.issued_at > now.saturating_add(params.skew_seconds) {
        return Err(Error::Attestation("it comes from the future").into());
    }
    if now.saturating_sub(attestation.issued_at) > params.window_seconds {
        return Err(Error::Attestation("it is too old to be submitted; ask for a new one").into());
    }
    let longest = params::policy(params, attestation.kind())?.validity_seconds;
    let validity = attestation.expires_at.saturating_sub(attestation.issued_at);
    if attestation.expires_at <= now || validity > longest {
        return Err(Error::Attestation("it is expired, or valid for longer than its kind allows").into());
    }
    Ok(())
}

/// Remembers the nonce until the attestation expires, and at least as long as it could be submitted.
fn consume(ctx: &mut Context<'_>, issuer: &Address, attestation: &Attestation) -> Result<(), CodedError> {
    let place = (issuer.clone(), attestation.nonce.clone());
    if NONCES.has(ctx, &place)? {
        return Err(Error::Replayed.into());
    }
    let params = params::load(ctx)?;
    let count = NONCE_COUNT.get_or_default(ctx, issuer)?;
    if count >= params.max_nonces {
        return Err(Error::TooManyNonces(attestation.issuer.clone(), params.max_nonces).into());
    }
    NONCE_COUNT.set(ctx, issuer, &count.saturating_add(1))?;
    let submittable = attestation.issued_at.saturating_add(params.window_seconds).saturating_add(1);
    let used = UsedNonce {
        issuer: attestation.issuer.clone(),
        nonce: attestation.nonce.clone(),
        expires_at: attestation.expires_at.max(submittable),
    };
    Ok(NONCES.set(ctx, &place, &used)?)
}

/// End of block: forgets nonces whose attestations are over.
pub fn forget_nonces(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let now = ctx.time().unix();
    for ((_, place), ()) in NONCE_DUE.scan().through(&now).take(ctx, MAX_FORGOTTEN)? {
        NONCES.remove(ctx, &place)?;
        let left = NONCE_COUNT.get_or_default(ctx, &place.0)?.saturating_sub(1);
        if left == 0 {
            NONCE_COUNT.remove(ctx, &place.0)?;
        } else {
            NONCE_COUNT.set(ctx, &place.0, &left)?;
        }
    }
    Ok(())
}

/// The subject agreed: it submits the attestation itself or signed its digest.
fn agreed(state: &dyn Read, chain_id: &str, of: &Attestation, digest: &[u8; 32]) -> Result<(), CodedError> {
    let subject = parse_account("subject", &of.subject)?;
    let unsigned = || Error::Signature("the subject, which has no key on the chain yet,");
    let key = account::account(state, &subject)?.and_then(|account| account.base().pub_key).ok_or_else(unsigned)?;
    let message = consent(chain_id, &of.subject, digest);
    PublicKey::from_any(&key)?
        .verify(&message, &of.account_signature)
        .map_err(|_| Error::Signature("the subject").into())
}

/// Takes a fact. Returns the issuer's organisation and the document's digest.
pub fn accept_fact(
    ctx: &mut Context<'_>,
    attestation: &Attestation,
    submitter: &str,
) -> Result<(Attester, [u8; 32]), CodedError> {
    check(attestation)?;
    if !params::is_fact(attestation.kind()) || attestation.request_id.starts_with(CHALLENGE_PREFIX) {
        return Err(Error::Attestation("it answers a challenge and is no fact to keep").into());
    }
    if attestation.proofs.iter().any(|proof| !proof.passed) {
        return Err(Error::Attestation("one of its proofs failed").into());
    }
    let (attester, digest) = verify(ctx, attestation)?;
    if submitter != attestation.subject {
        agreed(ctx, ctx.chain_id(), attestation, &digest)?;
    }
    let issuer = parse_account("issuer", &attestation.issuer)?;
    consume(ctx, &issuer, attestation)?;
    Ok((attester, digest))
}

/// Takes the answer to a challenge: right issuer, subject, kind and challenge, never used before. Whether its proofs
/// passed is for the caller to judge.
pub fn accept_answer(
    ctx: &mut Context<'_>,
    attestation: &Attestation,
    kind: Kind,
    subject: &Address,
    request_id: &str,
) -> Result<Attester, CodedError> {
    check(attestation)?;
    if attestation.kind() != kind
        || attestation.subject != subject.to_string()
        || attestation.request_id != request_id
        || !request_id.starts_with(CHALLENGE_PREFIX)
    {
        return Err(Error::Attestation("it answers another challenge").into());
    }
    let (attester, _) = verify(ctx, attestation)?;
    let issuer = parse_account("issuer", &attestation.issuer)?;
    consume(ctx, &issuer, attestation)?;
    Ok(attester)
}

/// Whether an attester signed this, whatever became of its key since.
pub fn is_signed(ctx: &Context<'_>, attestation: &Attestation) -> Result<[u8; 32], CodedError> {
    check(attestation)?;
    let issuer = parse_account("issuer", &attestation.issuer)?;
    let key = signer::require(ctx, &issuer, &attestation.key_id)?;
    ctx.gas().consume(SIGNATURE_GAS, "attestation")?;
    let not_canonical = |_| Error::Attestation("its numbers are too large for JSON");
    let signed = signed_bytes(ctx.chain_id(), attestation).map_err(not_canonical)?;
    signer::verify(&key, &signed, &attestation.signature)?;
    Ok(digest(ctx.chain_id(), attestation).map_err(not_canonical)?)
}
