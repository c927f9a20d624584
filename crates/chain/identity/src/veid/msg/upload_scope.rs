//! `MsgUploadScope`: sealed evidence with the proofs of its capture. The chain sees no plaintext, only that everything
//! around it is in order.

use ve_base::{Address, CodedError, parse_account};
use ve_proto::ve::veid::v1::{MsgUploadScope, MsgUploadScopeResponse, Params, Scope, ScopeStatus, ScopeType, Wallet};
use ve_sdk::{Context, transient};

use crate::veid::error::Error;
use crate::veid::keys::{CURRENT_SCOPES, ENVELOPES, SCOPES};
use crate::veid::{capture, event, params, wallet};

const MIN_ID: usize = 16;
const MAX_SCHEMA: u32 = 1_000;

pub fn check(msg: &MsgUploadScope) -> Result<(), CodedError> {
    parse_account("owner", &msg.owner)?;
    let refused = |cause: &str| -> Result<(), CodedError> { Err(Error::Input(cause.into()).into()) };
    if !ve_base::capture::is_name(&msg.scope_id) || msg.scope_id.len() < MIN_ID {
        return refused("a scope id has 16 to 64 letters, digits and `._:-`");
    }
    if ScopeType::try_from(msg.r#type).unwrap_or_default() == ScopeType::Unspecified {
        return refused("name the type of the scope");
    }
    if msg.schema_version == 0 || msg.schema_version > MAX_SCHEMA {
        return refused("schema_version is from 1 to 1000");
    }
    let Some(envelope) = &msg.envelope else {
        return Err(Error::EnvelopeInvalid("it is missing".into()).into());
    };
    let inline = envelope.ciphertext.len() as u64;
    if msg.size == 0 || (inline > 0 && inline != msg.size) {
        return Err(Error::EnvelopeInvalid("size is the length of the ciphertext".into()).into());
    }
    if capture::is_image(msg.r#type()) && envelope.cid.is_empty() {
        return Err(Error::EnvelopeInvalid("images stay off the chain: give the ciphertext's cid".into()).into());
    }
    let capture = msg.capture.as_ref().and_then(|capture| capture.metadata.as_ref());
    match capture {
        Some(metadata) => capture::check_form(metadata),
        None => refused("the capture or its metadata is missing"),
    }
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgUploadScope) -> Result<MsgUploadScopeResponse, CodedError> {
    let owner = parse_account("owner", &msg.owner)?;
    let params = params::load(ctx)?;
    let mut wallet = wallet::operated(ctx, &owner, &params)?;
    limits(ctx, &owner, msg, &wallet, &params)?;
    capture::validate(ctx, &owner, msg, &wallet, &params)?;
    let scope = scope(ctx, msg, &params)?;
    let key = (owner.clone(), msg.scope_id.clone());
    SCOPES.set(ctx, &key, &scope)?;
    ENVELOPES.set(ctx, &key, &msg.envelope.clone().unwrap_or_default())?;
    wallet.scope_count = wallet.scope_count.saturating_add(1);
    wallet::save(ctx, &owner, wallet, &params)?;
    event::scope(ctx, "scope_uploaded", &scope);
    Ok(MsgUploadScopeResponse { envelope_hash: scope.envelope_hash, expires_at: scope.expires_at })
}

/// How many scopes an account may have and upload.
fn limits(
    ctx: &mut Context<'_>,
    owner: &Address,
    msg: &MsgUploadScope,
    wallet: &Wallet,
    params: &Params,
) -> Result<(), CodedError> {
    let mine = transient::count(ctx, "veid", &[&b"uploads/"[..], owner.as_bytes()].concat())?;
    let all = transient::count(ctx, "veid", b"uploads")?;
    if mine > params.uploads_per_account_block.into() || all > params.uploads_per_block.into() {
        return Err(Error::RateLimited("this block takes no more uploads; send it again".into()).into());
    }
    if SCOPES.has(ctx, &(owner.clone(), msg.scope_id.clone()))? {
        return Err(Error::ScopeExists(msg.scope_id.clone()).into());
    }
    if wallet.scope_count >= params.max_scopes {
        return Err(Error::ScopeLimit(params.max_scopes).into());
    }
    let most = usize::try_from(params.max_scopes_per_type).unwrap_or(usize::MAX);
    let place = (owner.clone(), msg.r#type.unsigned_abs());
    if CURRENT_SCOPES.scan().prefix(&place).keys(ctx).take(most).count() >= most {
        return Err(Error::ScopeLimit(params.max_scopes_per_type).into());
    }
    if msg.size > params.max_evidence_bytes {
        return Err(Error::EnvelopeInvalid(format!("at most {} bytes are taken", params.max_evidence_bytes)).into());
    }
    Ok(())
}

fn scope(ctx: &Context<'_>, msg: &MsgUploadScope, params: &Params) -> Result<Scope, CodedError> {
    let now = ctx.time().unix();
    let envelope = msg.envelope.clone().unwrap_or_default();
    let given = msg.capture.clone().unwrap_or_default();
    let metadata = given.metadata.unwrap_or_default();
    let mut expires_at = now.saturating_add(params::validity_of(params, msg.r#type()));
    if msg.not_after != 0 {
        if msg.not_after <= now {
            return Err(Error::Input("the evidence ended before it was uploaded".into()).into());
        }
        expires_at = expires_at.min(msg.not_after);
    }
    Ok(Scope {
        scope_id: msg.scope_id.clone(),
        r#type: msg.r#type,
        schema_version: msg.schema_version,
        owner: msg.owner.clone(),
        envelope_hash: capture::envelope_hash(&envelope),
        cid: envelope.cid,
        size: msg.size,
        status: ScopeStatus::Pending.into(),
        client_id: metadata.client_id,
        client_version: metadata.client_version,
        assurance: given.certificate.unwrap_or_default().assurance,
        payload_hash: given.payload_hash,
        salt_hash: capture::digest(&given.salt),
        capture_ts: metadata.capture_ts,
        uploaded_at: now,
        expires_at,
        ..Scope::default()
    })
}
