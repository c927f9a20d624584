//! That evidence is fresh, from an approved client, of this account and agreed to: the ten checks of the capture protocol
//! in their fixed order, each with its own code (identity spec section 3).

use sha2::{Digest, Sha256};
use ve_base::envelope::Subject;
use ve_base::{Address, CodedError, capture};
use ve_proto::Message;
use ve_proto::ve::encryption::v1::{Envelope, Mode};
use ve_proto::ve::veid::v1::{Capture, CaptureMetadata, MsgUploadScope, Params, ScopeType, UsedDigest, Wallet};
use ve_sdk::Context;

use super::error::Error;
use super::keys::{BLOCKS, USED};
use super::{clients, committee, consent};
use crate::encryption;

/// Gas of one signature.
const SIGNATURE_GAS: u64 = 1_000;
const HASH_LEN: usize = 32;
const MAX_SCRIPT: usize = 8;

pub fn digest(bytes: &[u8]) -> Vec<u8> {
    Sha256::digest(bytes).to_vec()
}

/// SHA-256 of the envelope's one encoding.
pub fn envelope_hash(envelope: &Envelope) -> Vec<u8> {
    digest(&envelope.encode_to_vec())
}

/// What a scope's envelope belongs to.
pub fn object_id(scope_id: &str) -> String {
    format!("scope/{scope_id}")
}

/// Types whose evidence is an image or a film: never in consensus state, not even encrypted.
pub fn is_image(kind: ScopeType) -> bool {
    matches!(
        kind,
        ScopeType::IdDocument
            | ScopeType::Selfie
            | ScopeType::FaceVideo
            | ScopeType::AddressProof
            | ScopeType::VideoInterview
    )
}

/// Texts that are hashed into canonical JSON need no escaping; lengths are bounded.
pub fn check_form(metadata: &CaptureMetadata) -> Result<(), CodedError> {
    let refused = |cause: &str| -> Result<(), CodedError> { Err(Error::Input(format!("capture: {cause}")).into()) };
    let names = [&metadata.client_id, &metadata.client_version, &metadata.session_id, &metadata.doc_type];
    if !names.into_iter().chain(&metadata.liveness_script).all(|name| capture::is_name(name)) {
        return refused("names have 1 to 64 letters, digits and `._:-`");
    }
    if metadata.liveness_script.len() > MAX_SCRIPT {
        return refused("at most 8 gestures");
    }
    let country = &metadata.geo_country;
    let is_code = country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase());
    if !country.is_empty() && !is_code {
        return refused("geo_country is two capital letters or empty");
    }
    let hash = |bytes: &[u8]| bytes.is_empty() || bytes.len() == HASH_LEN;
    if metadata.device_fp.len() != HASH_LEN || !hash(&metadata.origin_proof_hash) {
        return refused("device_fp has 32 bytes, origin_proof_hash 32 or none");
    }
    Ok(())
}

/// All checks of an upload that concern its capture, in the order of the protocol's codes.
pub fn validate(
    ctx: &mut Context<'_>,
    owner: &Address,
    msg: &MsgUploadScope,
    wallet: &Wallet,
    params: &Params,
) -> Result<(), CodedError> {
    let now = ctx.time().unix();
    let capture = msg.capture.clone().unwrap_or_default();
    let metadata = capture.metadata.clone().unwrap_or_default();
    let envelope = msg.envelope.clone().unwrap_or_default();
    if capture.protocol_version != capture::VERSION {
        return Err(Error::CaptureVersion(capture.protocol_version).into());
    }
    salt(&capture.salt, params)?;
    binding(ctx, &msg.owner, &capture, &envelope, params)?;
    if metadata.capture_ts.saturating_add(params.capture_window_seconds) < now {
        return Err(Error::CaptureExpired(params.capture_window_seconds).into());
    }
    if metadata.capture_ts > now.saturating_add(params.capture_future_seconds) {
        return Err(Error::CaptureFuture(params.capture_future_seconds).into());
    }
    let once = [digest(&capture.salt), digest(&capture.client_signature)];
    for digest in &once {
        if USED.has(ctx, digest)? {
            return Err(Error::Replayed.into());
        }
    }
    signatures(ctx, msg, &capture, &envelope, wallet, params)?;
    if msg.consent_version != wallet.consent_version {
        return Err(Error::ConsentVersion { have: wallet.consent_version, given: msg.consent_version }.into());
    }
    consent::require(ctx, owner, msg.r#type(), consent::VERIFICATION, now)?;
    sealed_to_committee(ctx, msg, &envelope, wallet)?;
    // Twice the time in which the capture would be fresh, so that nobody waits for the record to go.
    let window = params.capture_window_seconds.saturating_add(params.capture_future_seconds);
    let until = now.saturating_add(window.saturating_mul(2));
    for digest in once {
        USED.set(ctx, &digest, &UsedDigest { digest: digest.clone(), until })?;
    }
    Ok(())
}

fn salt(salt: &[u8], params: &Params) -> Result<(), Error> {
    let (least, most) = (params.min_salt_bytes, params.max_salt_bytes);
    if salt.len() < as_usize(least) || salt.len() > as_usize(most) {
        return Err(Error::Salt(format!("it has {} bytes; {least} to {most} are taken", salt.len())));
    }
    if salt.iter().all(|byte| salt.first() == Some(byte)) {
        return Err(Error::Salt("all its bytes are equal; draw it at random".into()));
    }
    Ok(())
}

fn as_usize(value: u32) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// Code 1004: nonce of a recent block, binding and payload belong together.
fn binding(
    ctx: &Context<'_>,
    owner: &str,
    capture: &Capture,
    envelope: &Envelope,
    params: &Params,
) -> Result<(), CodedError> {
    let refused = |cause: &str| Error::CaptureBinding(cause.into());
    let metadata = capture.metadata.clone().unwrap_or_default();
    if !(16..=64).contains(&capture.device_id.len()) {
        return Err(refused("device_id has 16 to 64 bytes").into());
    }
    let block = BLOCKS.get(ctx, &capture.block_height)?;
    let fresh = block.filter(|block| {
        block.time.saturating_add(params.capture_block_seconds) >= ctx.time().unix() && block.height < ctx.height()
    });
    let block = fresh.ok_or_else(|| refused("its block is not among the recent ones; capture again"))?;
    let nonce = capture::nonce(ctx.chain_id(), &block.hash, owner, &metadata.session_id);
    if capture::binding_hash(ctx.chain_id(), capture, &nonce)[..] != capture.binding_hash[..] {
        return Err(refused("binding_hash is of another salt, device, session, block or time").into());
    }
    // What is kept elsewhere, the enclaves compare.
    let here = !envelope.ciphertext.is_empty();
    if capture.payload_hash.len() != HASH_LEN
        || (here && capture::payload_hash(&envelope.ciphertext, &metadata)[..] != capture.payload_hash[..])
    {
        return Err(refused("payload_hash is of another ciphertext or metadata").into());
    }
    Ok(())
}

/// Codes 1005 to 1008.
fn signatures(
    ctx: &Context<'_>,
    msg: &MsgUploadScope,
    capture: &Capture,
    envelope: &Envelope,
    wallet: &Wallet,
    params: &Params,
) -> Result<(), CodedError> {
    let now = ctx.time().unix();
    let metadata = capture.metadata.clone().unwrap_or_default();
    let client = clients::approved(ctx, &metadata, now)?;
    ctx.gas().consume(SIGNATURE_GAS.saturating_mul(4), "signatures of a capture")?;
    let certificate = capture.certificate.clone().unwrap_or_default();
    let install_key = clients::certified(ctx.chain_id(), &client, &certificate, now, params)?;
    install_key
        .verify(&capture::client_signed(ctx.chain_id(), capture), &capture.client_signature)
        .map_err(|_| Error::ClientSignature)?;
    let signed = capture::user_signed(ctx.chain_id(), capture, &envelope_hash(envelope), msg.consent_version);
    let user_key = capture::public_key(&wallet.binding_key.clone().unwrap_or_default())?;
    Ok(user_key.verify(&signed, &capture.user_signature).map_err(|_| Error::UserSignature)?)
}

/// The committee of this epoch or the one before, all of it and nobody else.
fn sealed_to_committee(
    ctx: &Context<'_>,
    msg: &MsgUploadScope,
    envelope: &Envelope,
    wallet: &Wallet,
) -> Result<(), CodedError> {
    let epoch = committee::epoch(ctx.hooks(), ctx)?;
    if envelope.mode() != Mode::Committee {
        return Err(Error::EnvelopeInvalid("seal evidence to the committee".into()).into());
    }
    if envelope.epoch != epoch && Some(envelope.epoch) != epoch.checked_sub(1) {
        return Err(Error::EnvelopeInvalid(format!("epoch {epoch} or the one before it is taken")).into());
    }
    let members = committee::members(ctx.hooks(), ctx, envelope.epoch)?;
    let mut ids: Vec<String> = members.into_iter().map(|member| member.key_id).collect();
    ids.sort();
    let sender = capture::public_key(&wallet.binding_key.clone().unwrap_or_default())?;
    let object_id = object_id(&msg.scope_id);
    let subject = Subject { chain_id: ctx.chain_id(), module: "veid", object_id: &object_id, owner: &msg.owner };
    encryption::accept_for_committee(ctx, envelope, &subject, &ids, &sender)
}
