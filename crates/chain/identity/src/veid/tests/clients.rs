use ve_base::keys::{PublicKey, SecretKey};
use ve_base::{Address, CodedError, capture};
use ve_proto::ve::veid::v1::*;
use ve_sdk::Context;

use super::{NOW, with_context};
use crate::veid::keys::{CLIENTS, SCOPES, SWEEPS, WALLETS};
use crate::veid::msg::{register_client, revoke_client, update_client};
use crate::veid::params::{self, DAY};
use crate::veid::{clients, timers};

const ID: &str = "app";

fn secret(byte: u8) -> SecretKey {
    SecretKey::from_bytes([byte; 32]).expect("a valid secret")
}

fn key(of: &SecretKey) -> SigningKey {
    let PublicKey::Secp256k1(bytes) = of.public_key() else { panic!("secp256k1") };
    SigningKey { algorithm: KeyAlgorithm::Secp256k1.into(), public_key: bytes.to_vec() }
}

fn governance() -> String {
    ve_base::module_address("gov").to_string()
}

fn registration() -> MsgRegisterClient {
    MsgRegisterClient {
        authority: governance(),
        client_id: ID.into(),
        name: "Application".into(),
        platform: Platform::Ios.into(),
        app_ids: vec!["team.app".into()],
        authority_key: Some(key(&secret(1))),
        min_version: "1.0.0".into(),
        active_from: 0,
    }
}

fn revocation(compromised_since: u64) -> MsgRevokeClient {
    MsgRevokeClient { authority: governance(), client_id: ID.into(), reason: "key leaked".into(), compromised_since }
}

/// Whether a certificate that `authority` signs is taken `later` seconds from now.
fn taken(ctx: &Context<'_>, authority: &SecretKey, later: u64) -> bool {
    let client = clients::require(ctx, ID).expect("it is registered");
    let mut certificate = InstallCertificate {
        client_id: ID.into(),
        install_key: Some(key(&secret(9))),
        issued_at: NOW,
        expires_at: NOW + 30 * DAY,
        assurance: Assurance::Device.into(),
        signature: Vec::new(),
    };
    certificate.signature = authority.sign(&capture::install_certificate("ve-test-1", &certificate)).to_vec();
    clients::certified("ve-test-1", &client, &certificate, NOW + later, &params::default()).is_ok()
}

fn free<T>(body: impl FnOnce(&mut Context<'_>) -> Result<T, CodedError>) -> Result<T, CodedError> {
    with_context(|ctx| ctx.unmetered(body))
}

#[test]
fn governance_registers_a_client_once_and_well_formed() {
    let outcome = free(|ctx| {
        register_client::execute(ctx, &registration())?;
        assert_eq!(clients::require(ctx, ID)?.state(), ClientState::Active);
        register_client::execute(ctx, &registration())
    });
    assert_eq!(outcome.map(|_| ()).map_err(|error| error.code), Err(15));
    let changes: [fn(&mut MsgRegisterClient); 6] = [
        |message| message.client_id = "an app".into(),
        |message| message.name.clear(),
        |message| message.platform = 0,
        |message| message.app_ids.clear(),
        |message| message.min_version = "1.0".into(),
        |message| message.authority_key = None,
    ];
    for change in changes {
        let mut message = registration();
        change(&mut message);
        assert!(register_client::check(&message).is_err(), "{message:?}");
    }
}

#[test]
fn a_client_begins_at_its_time() {
    free(|ctx| {
        register_client::execute(ctx, &MsgRegisterClient { active_from: NOW + 60, ..registration() })?;
        let client = clients::require(ctx, ID)?;
        assert_eq!(clients::state_at(&client, NOW + 59), ClientState::Pending);
        assert_eq!(clients::state_at(&client, NOW + 60), ClientState::Active);
        Ok(())
    })
    .expect("it is registered");
}

#[test]
fn a_rotated_authority_overlaps_for_seven_days() {
    free(|ctx| {
        register_client::execute(ctx, &registration())?;
        assert!(taken(ctx, &secret(1), 0) && !taken(ctx, &secret(2), 0));
        let rotate = MsgUpdateClient {
            authority: governance(),
            client_id: ID.into(),
            authority_key: Some(key(&secret(2))),
            ..MsgUpdateClient::default()
        };
        update_client::execute(ctx, &rotate)?;
        assert!(taken(ctx, &secret(2), 0));
        assert!(taken(ctx, &secret(1), 7 * DAY - 1));
        assert!(!taken(ctx, &secret(1), 7 * DAY));
        Ok(())
    })
    .expect("it rotates");
}

#[test]
fn a_deprecated_client_takes_no_new_installations_and_a_revoked_one_is_final() {
    free(|ctx| {
        register_client::execute(ctx, &registration())?;
        let deprecate = MsgUpdateClient {
            authority: governance(),
            client_id: ID.into(),
            deprecate: true,
            ..MsgUpdateClient::default()
        };
        update_client::execute(ctx, &deprecate)?;
        assert_eq!(clients::require(ctx, ID)?.state(), ClientState::Deprecated);
        assert_eq!(update_client::execute(ctx, &deprecate).map_err(|error| error.code), Err(16));
        revoke_client::execute(ctx, &revocation(0))?;
        assert!(SWEEPS.scan().first(ctx)?.is_none(), "no compromise, no sweep");
        assert_eq!(revoke_client::execute(ctx, &revocation(0)).map_err(|error| error.code), Err(16));
        assert_eq!(update_client::execute(ctx, &deprecate).map_err(|error| error.code), Err(16));
        Ok(())
    })
    .expect("it ends");
}

fn owner(number: u8) -> Address {
    Address::from([number; 20])
}

/// A verified wallet with a document and a selfie that were uploaded at this time through the client.
fn verified(ctx: &mut Context<'_>, number: u8, uploaded_at: u64) -> Result<(), CodedError> {
    let owner = owner(number);
    let mut counted = Vec::new();
    for (scope_id, kind) in [("document", ScopeType::IdDocument), ("selfie", ScopeType::Selfie)] {
        let scope = Scope {
            scope_id: scope_id.into(),
            r#type: kind.into(),
            owner: owner.to_string(),
            client_id: ID.into(),
            status: ScopeStatus::Verified.into(),
            uploaded_at,
            expires_at: NOW + 100 * DAY,
            ..Scope::default()
        };
        SCOPES.set(ctx, &(owner.clone(), scope_id.to_owned()), &scope)?;
        let expires_at = scope.expires_at;
        counted.push(CountedScope {
            scope_id: scope_id.into(),
            r#type: kind.into(),
            expires_at,
            high_assurance: false,
        });
    }
    let wallet = Wallet {
        owner: owner.to_string(),
        status: WalletStatus::Active.into(),
        state: VerificationState::Verified.into(),
        score_milli: 60_000,
        scopes: counted,
        scope_count: 2,
        active_at: NOW,
        ..Wallet::default()
    };
    Ok(WALLETS.set(ctx, &owner, &wallet)?)
}

fn state(ctx: &Context<'_>, number: u8) -> Result<VerificationState, CodedError> {
    Ok(WALLETS.require(ctx, &owner(number))?.state())
}

#[test]
fn evidence_of_a_compromised_client_is_withdrawn_some_in_each_block() {
    free(|ctx| {
        params::store(ctx, &Params { max_work_per_block: 3, ..params::default() })?;
        register_client::execute(ctx, &registration())?;
        for (number, uploaded_at) in [(1, NOW - 50), (2, NOW - 20), (3, NOW - 10)] {
            verified(ctx, number, uploaded_at)?;
        }
        revoke_client::execute(ctx, &revocation(NOW - 30))?;
        timers::end(ctx)?;
        assert_eq!(state(ctx, 2)?, VerificationState::Expired);
        assert_eq!(state(ctx, 3)?, VerificationState::Verified, "three scopes in a block");
        timers::end(ctx)?;
        assert_eq!(state(ctx, 3)?, VerificationState::Expired);
        assert_eq!(state(ctx, 1)?, VerificationState::Verified, "uploaded before the compromise");
        assert!(SWEEPS.scan().first(ctx)?.is_none(), "the sweep is over");
        assert_eq!(CLIENTS.require(ctx, ID)?.state(), ClientState::Revoked);
        Ok(())
    })
    .expect("it sweeps");
}
