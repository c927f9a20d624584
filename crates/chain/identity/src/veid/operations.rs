//! Random operations for the simulation. Binding keys follow from their owners, and the simulated network has one client
//! whose authority key is known here, so that generators can sign captures.

use ve_base::envelope::{self, Content, PublicEncryptionKey, Recipients, Subject};
use ve_base::keys::{PublicKey, SecretKey};
use ve_base::{Address, capture};
use ve_proto::ve::encryption::v1::{Envelope, Mode};
use ve_proto::ve::veid::v1::*;
use ve_sdk::QueryContext;
use ve_sdk::simulation::{Draw, Expect, Operation, Proposed, pick};

#[path = "operations_appeals.rs"]
mod appeals;
#[path = "operations_members.rs"]
mod members;

pub use members::simulated_enclave;

use super::keys::{BLOCKS, CLIENTS, CONSENTS, LIVE_SCOPES, WALLETS};
use super::{capture as checks, committee, consent, params};

pub fn all() -> Vec<Operation> {
    vec![
        Operation { message: "/ve.veid.v1.MsgCreateWallet", weight: 4, generate: create },
        Operation { message: "/ve.veid.v1.MsgRebindWallet", weight: 2, generate: rebind },
        Operation { message: "/ve.veid.v1.MsgRevokeWallet", weight: 1, generate: revoke_wallet },
        Operation { message: "/ve.veid.v1.MsgUpdateConsent", weight: 4, generate: update_consent },
        Operation { message: "/ve.veid.v1.MsgUploadScope", weight: 8, generate: upload },
        Operation { message: "/ve.veid.v1.MsgRevokeScope", weight: 2, generate: revoke_scope },
        Operation { message: "/ve.veid.v1.MsgRequestVerification", weight: 6, generate: members::request },
        Operation { message: "/ve.veid.v1.MsgCommitFeatures", weight: 12, generate: members::commit },
        Operation { message: "/ve.veid.v1.MsgRevealFeatures", weight: 12, generate: members::reveal },
        Operation { message: "/ve.veid.v1.MsgAttestScore", weight: 12, generate: members::attest },
        Operation { message: "/ve.veid.v1.MsgReportRunFailure", weight: 2, generate: members::fail },
        Operation { message: "/ve.veid.v1.MsgChallengeScore", weight: 2, generate: members::challenge },
        Operation { message: "/ve.veid.v1.MsgCompleteSecondary", weight: 1, generate: appeals::complete },
        Operation { message: "/ve.veid.v1.MsgSubmitAppeal", weight: 1, generate: appeals::submit },
        Operation { message: "/ve.veid.v1.MsgClaimAppeal", weight: 1, generate: appeals::claim },
        Operation { message: "/ve.veid.v1.MsgResolveAppeal", weight: 1, generate: appeals::resolve },
        Operation { message: "/ve.veid.v1.MsgWithdrawAppeal", weight: 1, generate: appeals::withdraw },
        Operation { message: "/ve.veid.v1.MsgRegisterClient", weight: 1, generate: usurped_client },
        Operation { message: "/ve.veid.v1.MsgUpdateClient", weight: 1, generate: usurped_update },
        Operation { message: "/ve.veid.v1.MsgRevokeClient", weight: 1, generate: usurped_revocation },
        Operation { message: "/ve.veid.v1.MsgUpdateParams", weight: 1, generate: usurped_params },
    ]
}

fn secret(of: &[u8]) -> Option<SecretKey> {
    let bytes: [u8; 32] = checks::digest(of).try_into().ok()?;
    SecretKey::from_bytes(bytes).ok()
}

fn signing_key(secret: &SecretKey) -> SigningKey {
    let public_key = match secret.public_key() {
        PublicKey::Secp256k1(bytes) => bytes.to_vec(),
        other => other.to_bytes(),
    };
    SigningKey { algorithm: KeyAlgorithm::Secp256k1.into(), public_key }
}

/// The key of an owner's wallet before (`turn` 0) and after (1) it was bound anew.
fn binding_key(owner: &Address, turn: u8) -> Option<SecretKey> {
    secret(&[owner.as_bytes(), &[turn]].concat())
}

/// The key that a wallet is bound to now.
fn bound_key(wallet: &Wallet, owner: &Address) -> Option<(SecretKey, u8)> {
    (0..2).find_map(|turn| {
        let key = binding_key(owner, turn)?;
        (wallet.binding_key.as_ref() == Some(&signing_key(&key))).then_some((key, turn))
    })
}

pub fn any_wallet(draw: &mut dyn Draw, ctx: &QueryContext<'_>) -> Option<(Address, Wallet)> {
    let known: Vec<_> = WALLETS.scan().entries(ctx).take(100).filter_map(Result::ok).collect();
    let active: Vec<_> = known.iter().filter(|(_, wallet)| wallet.status() == WalletStatus::Active).cloned().collect();
    let from = if active.is_empty() || draw.below(10) == 0 { &known } else { &active };
    pick(draw, from).cloned()
}

/// One in eight signatures is spoiled.
fn create(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let owner = pick(draw, accounts)?;
    let key = binding_key(owner, 0)?;
    let mut signature = key.sign(&capture::wallet_binding(ctx.chain_id(), &owner.to_string())).to_vec();
    let good = draw.below(8) != 0;
    if !good {
        signature[0] ^= 1;
    }
    let message = MsgCreateWallet {
        owner: owner.to_string(),
        binding_key: Some(signing_key(&key)),
        binding_signature: signature,
    };
    Some(Proposed::new(owner, &message, if good { Expect::Either } else { Expect::Refused }))
}

fn rebind(draw: &mut dyn Draw, ctx: &QueryContext<'_>, _: &[Address]) -> Option<Proposed> {
    let (owner, wallet) = any_wallet(draw, ctx)?;
    let (old, turn) = bound_key(&wallet, &owner)?;
    let good = draw.below(4) != 0;
    let new = binding_key(&owner, if good { 1u8.saturating_sub(turn) } else { turn })?;
    let (name, new_key) = (owner.to_string(), signing_key(&new));
    let message = MsgRebindWallet {
        new_signature: new.sign(&capture::wallet_binding(ctx.chain_id(), &name)).to_vec(),
        old_signature: old.sign(&capture::wallet_rebinding(ctx.chain_id(), &name, &new_key)).to_vec(),
        owner: name,
        new_key: Some(new_key),
    };
    Some(Proposed::new(&owner, &message, if good { Expect::Either } else { Expect::Refused }))
}

fn revoke_wallet(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let owner = match any_wallet(draw, ctx) {
        Some((owner, _)) if draw.below(3) == 0 => owner,
        _ => pick(draw, accounts)?.clone(),
    };
    // An account without a wallet may make one in the same block.
    Some(Proposed::new(&owner, &MsgRevokeWallet { owner: owner.to_string() }, Expect::Either))
}

fn update_consent(draw: &mut dyn Draw, ctx: &QueryContext<'_>, _: &[Address]) -> Option<Proposed> {
    let (owner, wallet) = any_wallet(draw, ctx)?;
    let last = CONSENTS.scan().prefix(&owner).reverse().first(ctx).ok().flatten();
    let withdraw = last.filter(|_| draw.below(5) == 0).map(|((_, consent_id), _)| consent_id);
    let grant = ConsentGrant {
        purpose: consent::VERIFICATION.into(),
        scope_types: (1..=params::TYPES).collect(),
        recipients: Vec::new(),
        expires_at: 0,
        notice_hash: vec![1; 32],
    };
    let crossed = draw.below(8) == 0;
    let message = MsgUpdateConsent {
        owner: owner.to_string(),
        version: if crossed { wallet.consent_version.saturating_add(9) } else { wallet.consent_version },
        flags: None,
        grants: if withdraw.is_some() { Vec::new() } else { vec![grant] },
        withdraw: withdraw.into_iter().collect(),
    };
    Some(Proposed::new(&owner, &message, if crossed { Expect::Refused } else { Expect::Either }))
}

pub fn random(draw: &mut dyn Draw, length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        bytes.extend(draw.next_u64().to_be_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// An envelope to the committee in office.
fn sealed(
    draw: &mut dyn Draw,
    ctx: &QueryContext<'_>,
    owner: &Address,
    key: &SecretKey,
    scope_id: &str,
) -> Option<Envelope> {
    let hooks = ctx.registry().hooks();
    let epoch = committee::epoch(hooks, ctx).ok()?;
    let members = committee::members(hooks, ctx, epoch).ok()?;
    let keys = members
        .iter()
        .map(|member| Some((member.key_id.clone(), PublicEncryptionKey::new(member.suite, &member.sealing_key).ok()?)));
    let recipients = Recipients { mode: Mode::Committee, epoch, keys: keys.collect::<Option<_>>()? };
    let (owner, object_id) = (owner.to_string(), checks::object_id(scope_id));
    let subject = Subject { chain_id: ctx.chain_id(), module: "veid", object_id: &object_id, owner: &owner };
    let content = Content {
        plaintext: b"evidence",
        content_type: "application/octet-stream",
        data_class: 4,
        retention_seconds: 7 * params::DAY,
    };
    let mut entropy = |buffer: &mut [u8]| {
        let bytes = random(draw, buffer.len());
        buffer.copy_from_slice(&bytes);
    };
    envelope::seal(&subject, &recipients, &content, key, &mut entropy).ok()
}

/// Evidence that is no image, complete, or in one of eight cases with a spoiled signature.
fn upload(draw: &mut dyn Draw, ctx: &QueryContext<'_>, _: &[Address]) -> Option<Proposed> {
    let (owner, wallet) = any_wallet(draw, ctx)?;
    let (key, _) = bound_key(&wallet, &owner)?;
    let client = CLIENTS.scan().first(ctx).ok().flatten()?.1;
    let kind = *pick(draw, &[ScopeType::Email, ScopeType::Sms, ScopeType::Sso, ScopeType::GovData])?;
    let scope_id = format!("scope-{:016x}", draw.next_u64());
    let envelope = sealed(draw, ctx, &owner, &key, &scope_id)?;
    let mut capture = captured(draw, ctx, &owner, &client, &envelope)?;
    let signed =
        capture::user_signed(ctx.chain_id(), &capture, &checks::envelope_hash(&envelope), wallet.consent_version);
    capture.user_signature = key.sign(&signed).to_vec();
    let good = draw.below(8) != 0;
    if !good {
        capture.user_signature[0] ^= 1;
    }
    let message = MsgUploadScope {
        owner: owner.to_string(),
        scope_id,
        r#type: kind.into(),
        schema_version: 1,
        size: envelope.ciphertext.len() as u64,
        envelope: Some(envelope),
        capture: Some(capture),
        consent_version: wallet.consent_version,
        not_after: 0,
    };
    Some(Proposed::new(&owner, &message, if good { Expect::Either } else { Expect::Refused }))
}

/// A capture by an installation of the simulated client, without the user's signature.
fn captured(
    draw: &mut dyn Draw,
    ctx: &QueryContext<'_>,
    owner: &Address,
    client: &Client,
    envelope: &Envelope,
) -> Option<Capture> {
    let (authority, install) = (secret(SIMULATED_CLIENT)?, secret(b"simulated installation")?);
    let block = BLOCKS.scan().reverse().first(ctx).ok().flatten()?.1;
    let now = ctx.time().unix();
    let metadata = CaptureMetadata {
        device_fp: vec![1; 32],
        client_id: client.client_id.clone(),
        client_version: client.min_version.clone(),
        session_id: format!("session-{}", draw.below(1_000)),
        doc_type: "none".into(),
        capture_ts: now,
        ..CaptureMetadata::default()
    };
    let mut certificate = InstallCertificate {
        client_id: client.client_id.clone(),
        install_key: Some(signing_key(&install)),
        issued_at: now.saturating_sub(60),
        expires_at: now.saturating_add(params::DAY),
        assurance: Assurance::Device.into(),
        signature: Vec::new(),
    };
    certificate.signature = authority.sign(&capture::install_certificate(ctx.chain_id(), &certificate)).to_vec();
    let nonce = capture::nonce(ctx.chain_id(), &block.hash, &owner.to_string(), &metadata.session_id);
    let mut made = Capture {
        protocol_version: capture::VERSION,
        salt: random(draw, 32),
        device_id: vec![2; 16],
        block_height: block.height,
        payload_hash: capture::payload_hash(&envelope.ciphertext, &metadata).to_vec(),
        metadata: Some(metadata),
        certificate: Some(certificate),
        ..Capture::default()
    };
    made.binding_hash = capture::binding_hash(ctx.chain_id(), &made, &nonce).to_vec();
    made.client_signature = install.sign(&capture::client_signed(ctx.chain_id(), &made)).to_vec();
    Some(made)
}

/// SHA-256 of this is the secret of the simulated client's authority.
const SIMULATED_CLIENT: &[u8] = b"simulated client";

/// A client that generators can sign for, for the genesis of a simulated network.
pub fn simulated_client() -> Option<Client> {
    Some(Client {
        client_id: "simulated".into(),
        name: "simulated client".into(),
        platform: Platform::Web.into(),
        app_ids: vec!["simulated".into()],
        authority_key: Some(signing_key(&secret(SIMULATED_CLIENT)?)),
        min_version: "1.0.0".into(),
        state: ClientState::Active.into(),
        ..Client::default()
    })
}

fn revoke_scope(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let live: Vec<_> = LIVE_SCOPES.scan().keys(ctx).take(100).filter_map(Result::ok).collect();
    let (owner, (_, scope_id)) = pick(draw, &live)?.clone();
    let signer = if draw.below(4) == 0 { pick(draw, accounts)?.clone() } else { owner.clone() };
    let message = MsgRevokeScope { owner: signer.to_string(), scope_id, reason: "simulated".into() };
    Some(Proposed::new(&signer, &message, if signer == owner { Expect::Either } else { Expect::Refused }))
}

/// Nobody but governance approves clients.
fn usurped_client(draw: &mut dyn Draw, _: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let signer = pick(draw, accounts)?;
    let client = simulated_client()?;
    let message = MsgRegisterClient {
        authority: signer.to_string(),
        client_id: "usurped".into(),
        name: client.name,
        platform: client.platform,
        app_ids: client.app_ids,
        authority_key: client.authority_key,
        min_version: client.min_version,
        active_from: 0,
    };
    Some(Proposed::new(signer, &message, Expect::Refused))
}

fn usurped_update(draw: &mut dyn Draw, _: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let signer = pick(draw, accounts)?;
    let message = MsgUpdateClient {
        authority: signer.to_string(),
        client_id: "simulated".into(),
        min_version: "2.0.0".into(),
        ..MsgUpdateClient::default()
    };
    Some(Proposed::new(signer, &message, Expect::Refused))
}

fn usurped_revocation(draw: &mut dyn Draw, _: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let signer = pick(draw, accounts)?;
    let message = MsgRevokeClient {
        authority: signer.to_string(),
        client_id: "simulated".into(),
        reason: "usurped".into(),
        compromised_since: 1,
    };
    Some(Proposed::new(signer, &message, Expect::Refused))
}

fn usurped_params(draw: &mut dyn Draw, _: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let signer = pick(draw, accounts)?;
    let message = MsgUpdateParams { authority: signer.to_string(), params: Some(params::default()) };
    Some(Proposed::new(signer, &message, Expect::Refused))
}
