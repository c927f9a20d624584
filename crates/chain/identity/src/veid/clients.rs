//! Approved clients: who may capture evidence, and whose keys of installations are taken (identity spec section 3).

use ve_base::{CodedError, capture};
use ve_proto::ve::veid::v1::{
    Assurance, CaptureMetadata, Client, ClientState, InstallCertificate, Params, Platform, Scope, SigningKey,
};
use ve_sdk::Context;
use ve_store::Read;

use super::error::Error;
use super::keys::CLIENTS;

pub const MAX_NAME: usize = 100;
const MAX_APP_IDS: usize = 16;
const MAX_APP_ID: usize = 200;

pub fn require<R: Read + ?Sized>(state: &R, client_id: &str) -> Result<Client, CodedError> {
    let unknown = || Error::ClientNotFound(client_id.chars().take(capture::MAX_NAME).collect());
    Ok(CLIENTS.get(state, client_id)?.ok_or_else(unknown)?)
}

/// Whether a scope came through a client while that was in foreign hands: it counts no longer.
pub fn is_compromised<R: Read + ?Sized>(state: &R, scope: &Scope) -> Result<bool, CodedError> {
    let client = require(state, &scope.client_id)?;
    let since = client.compromised_since;
    Ok(client.state() == ClientState::Revoked && since > 0 && scope.uploaded_at >= since)
}

/// Three numbers of a version, `1.20.3`.
pub fn version(text: &str) -> Option<[u32; 3]> {
    let mut parts = text.split('.').map(|part| {
        let plain = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let canonical = part == "0" || !part.starts_with('0');
        if plain && canonical { part.parse().ok() } else { None }
    });
    let numbers = [parts.next()??, parts.next()??, parts.next()??];
    if parts.next().is_some() { None } else { Some(numbers) }
}

/// The fields that governance gives are well-formed.
pub fn check(client: &Client) -> Result<(), CodedError> {
    let refused = |cause: &str| -> Result<(), CodedError> { Err(Error::Input(format!("client: {cause}")).into()) };
    if !capture::is_name(&client.client_id) {
        return refused("its id has 1 to 64 letters, digits and `._:-`");
    }
    let printable = |text: &str, most: usize| {
        let length = text.chars().count();
        (1..=most).contains(&length) && !text.chars().any(char::is_control)
    };
    if !printable(&client.name, MAX_NAME) {
        return refused("its name has 1 to 100 printable characters");
    }
    if Platform::try_from(client.platform).unwrap_or_default() == Platform::Unspecified {
        return refused("name its platform");
    }
    let ids = &client.app_ids;
    if ids.is_empty() || ids.len() > MAX_APP_IDS || !ids.iter().all(|id| printable(id, MAX_APP_ID)) {
        return refused("give 1 to 16 identifiers of its application, each of 1 to 200 printable characters");
    }
    if version(&client.min_version).is_none() {
        return refused("min_version is three numbers joined by points");
    }
    capture::public_key(&client.authority_key.clone().unwrap_or_default())?;
    Ok(())
}

/// The state that a client is in at `now`: a start that has come needs no transaction.
pub fn state_at(client: &Client, now: u64) -> ClientState {
    match client.state() {
        ClientState::Pending if client.active_from <= now => ClientState::Active,
        state => state,
    }
}

/// Code 1005: a client that may upload now, in a version that is new enough.
pub fn approved(ctx: &Context<'_>, metadata: &CaptureMetadata, now: u64) -> Result<Client, CodedError> {
    let refused = |cause: &str| Error::ClientNotApproved(cause.into());
    let client = CLIENTS.get(ctx, &metadata.client_id)?.ok_or_else(|| refused("it is not registered"))?;
    match state_at(&client, now) {
        ClientState::Active | ClientState::Deprecated => {}
        ClientState::Pending => return Err(refused("it starts later").into()),
        ClientState::Revoked | ClientState::Unspecified => return Err(refused("it is revoked").into()),
    }
    match (version(&metadata.client_version), version(&client.min_version)) {
        (Some(given), Some(least)) if given >= least => Ok(client),
        _ => Err(refused(&format!("version {} at least is needed; update the application", client.min_version)).into()),
    }
}

/// Code 1006: a certificate of this client's authority for the key of an installation, in force at `now`.
pub fn certified(
    chain_id: &str,
    client: &Client,
    certificate: &InstallCertificate,
    now: u64,
    params: &Params,
) -> Result<ve_base::keys::PublicKey, Error> {
    let refused = |cause: &str| Error::InstallKey(cause.into());
    if certificate.client_id != client.client_id {
        return Err(refused("it is of another client"));
    }
    let life = certificate.expires_at.checked_sub(certificate.issued_at).unwrap_or(u64::MAX);
    if life > params.certificate_seconds {
        return Err(refused("it is given for too long, or ends before it begins"));
    }
    let begun = certificate.issued_at <= now.saturating_add(params.capture_future_seconds);
    if !begun || certificate.expires_at <= now {
        return Err(refused("it is not in force; let the application certify its key again"));
    }
    if client.state() == ClientState::Deprecated && certificate.issued_at > client.deprecated_at {
        return Err(refused("the client takes no new installations"));
    }
    if certificate.assurance() == Assurance::Unspecified {
        return Err(refused("it names no assurance"));
    }
    let previous = client.previous_key.iter().filter(|_| now < client.previous_until);
    let signed = capture::install_certificate(chain_id, certificate);
    let by = |key: &SigningKey| {
        capture::public_key(key).is_ok_and(|public| public.verify(&signed, &certificate.signature).is_ok())
    };
    if !client.authority_key.iter().chain(previous).any(by) {
        return Err(refused("the client's authority did not sign it"));
    }
    let key = certificate.install_key.clone().unwrap_or_default();
    capture::public_key(&key).map_err(|error| Error::InstallKey(error.to_string()))
}
