use std::collections::BTreeSet;

use serde_json::{Value, json};
use ve_base::capture;
use ve_proto::cosmos::authz::v1beta1::{GenericAuthorization, Grant, MsgExec, MsgGrant};
use ve_proto::cosmos::bank::v1beta1::MsgSend;
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_proto::ve::encryption::v1::Envelope;
use ve_proto::ve::veid::v1::*;
use ve_testkit::chain::{Account, CHAIN_ID, TestChain, any};

use ve_testkit::veid::*;

/// A wallet that was verified before the first block, with its scopes and its history.
fn verified(state: &mut Value, of: u32, score: u32, kinds: &[ScopeType]) {
    let account = Account::number(of);
    let owner = account.address.to_string();
    let expires_at = 1_900_000_000;
    let mut counted = Vec::new();
    for (index, kind) in kinds.iter().enumerate() {
        let scope_id = format!("scope-of-genesis-{index}");
        let envelope = Envelope { cid: format!("cid-{of}-{index}"), ..Envelope::default() };
        let hash = ring::digest::digest(&ring::digest::SHA256, &ve_proto::Message::encode_to_vec(&envelope));
        let scope = Scope {
            scope_id: scope_id.clone(),
            r#type: (*kind).into(),
            schema_version: 1,
            owner: owner.clone(),
            envelope_hash: hash.as_ref().to_vec(),
            cid: envelope.cid.clone(),
            status: ScopeStatus::Verified.into(),
            client_id: CLIENT.into(),
            salt_hash: format!("{of}-{index}").into_bytes(),
            expires_at,
            ..Scope::default()
        };
        push(state, "scopes", &scope);
        push(
            state,
            "envelopes",
            &ScopeEnvelope { owner: owner.clone(), scope_id: scope_id.clone(), envelope: Some(envelope) },
        );
        counted.push(CountedScope { scope_id, r#type: (*kind).into(), expires_at, high_assurance: false });
    }
    let wallet = Wallet {
        wallet_id: capture::wallet_id(&owner),
        owner: owner.clone(),
        status: WalletStatus::Active.into(),
        binding_key: Some(signing_key(&account.key)),
        binding_signature: account.key.sign(&capture::wallet_binding(CHAIN_ID, &owner)).to_vec(),
        state: VerificationState::Verified.into(),
        score_milli: score * 1_000,
        consent_version: 1,
        scope_count: u32::try_from(counted.len()).expect("few"),
        scopes: counted,
        active_at: 1_750_000_000,
        history_length: 1,
        due_at: expires_at,
        ..Wallet::default()
    };
    push(state, "wallets", &wallet);
    let entry = HistoryEntry { number: 1, score_after: score, ..HistoryEntry::default() };
    push(state, "history", &OwnedHistory { owner, entry: Some(entry) });
}

fn push<M: ve_proto::Message + ve_proto::Name>(state: &mut Value, list: &str, message: &M) {
    let value = ve_sdk::json::to_json(message).expect("it has a schema");
    match state["veid"][list].as_array_mut() {
        Some(entries) => entries.push(value),
        None => state["veid"][list] = json!([value]),
    }
}

/// Turns rows of the matrix on.
pub fn enforce(state: &mut Value, capabilities: &[Capability]) {
    for row in state["veid"]["params"]["capabilities"].as_array_mut().expect("the matrix") {
        let named = capabilities.iter().any(|capability| row["capability"] == capability.as_str_name());
        row["enforced"] = named.into();
    }
}

const BASIC: [ScopeType; 2] = [ScopeType::IdDocument, ScopeType::Selfie];

/// Accounts 1 and 2 are verified with 60 and 95 points and basic scopes; transfers are gated.
fn gated() -> TestChain {
    chain_with(|state| {
        verified(state, 1, 60, &BASIC);
        verified(state, 2, 95, &BASIC);
        enforce(state, &[Capability::Transfer]);
    })
}

fn send(chain: &TestChain, from: usize, ve: u64) -> MsgSend {
    MsgSend {
        from_address: name(chain, from),
        to_address: name(chain, 11),
        amount: vec![Coin { denom: "uve".into(), amount: (ve * 1_000_000).to_string() }],
    }
}

#[test]
fn every_message_of_the_chain_has_a_row_and_every_row_a_message() {
    let registry = ve_app::registry().expect("the modules register without a clash");
    let types = registry.message_types().filter(|name| !name.ends_with(".MsgUpdateParams"));
    let known: BTreeSet<String> = types.map(str::to_owned).collect();
    let rows: BTreeSet<String> = ve_chain_identity::veid::gated_messages().collect();
    let without: Vec<_> = known.difference(&rows).collect();
    assert!(without.is_empty(), "add a row to crates/chain/identity/src/veid/actions.rs: {without:?}");
    let package = |name: &str| name.rsplit_once('.').map(|(package, _)| package.to_owned());
    let packages: BTreeSet<_> = known.iter().map(|name| package(name)).collect();
    let handled = |name: &&String| packages.contains(&package(name));
    let stale: Vec<_> = rows.difference(&known).filter(handled).collect();
    assert!(stale.is_empty(), "rows of messages that do not exist: {stale:?}");
}

#[test]
fn an_account_without_identity_sends_nothing_where_transfers_are_gated() {
    let mut chain = gated();
    assert_eq!(code(&chain.deliver(0, &send(&chain, 0, 1))), veid(9));
    assert_eq!(code(&chain.deliver(1, &send(&chain, 1, 1))), (String::new(), 0));
    let mut open = chain_with(|_| {});
    assert_eq!(code(&open.deliver(0, &send(&open, 0, 1))), (String::new(), 0), "off until it is turned on");
}

#[test]
fn a_transfer_inside_an_authorization_is_asked_about_for_its_granter() {
    let mut chain = gated();
    let authorization = any(&GenericAuthorization { msg: "/cosmos.bank.v1beta1.MsgSend".into() });
    for granter in [0, 1] {
        let grant = MsgGrant {
            granter: name(&chain, granter),
            grantee: name(&chain, 2),
            grant: Some(Grant { authorization: Some(authorization.clone()), expiration: None }),
        };
        accept(&mut chain, granter, &grant);
    }
    let through =
        |chain: &TestChain, from: usize| MsgExec { grantee: name(chain, 2), msgs: vec![any(&send(chain, from, 1))] };
    let refused = through(&chain, 0);
    assert_eq!(code(&chain.deliver(2, &refused)), veid(9), "the grantee's tier does not help the granter");
    let allowed = through(&chain, 1);
    assert_eq!(code(&chain.deliver(2, &allowed)), (String::new(), 0));
}

#[test]
fn a_day_has_its_limit_and_the_next_one_its_own() {
    let mut chain = gated();
    let message = send(&chain, 1, 100);
    accept(&mut chain, 1, &message);
    assert_eq!(code(&chain.deliver(1, &send(&chain, 1, 1))), veid(24));
    chain.time = chain.time.plus_seconds(DAY);
    chain.run(Vec::new());
    let message = send(&chain, 1, 100);
    accept(&mut chain, 1, &message);
}

#[test]
fn a_scope_that_ends_takes_its_tier_with_it_from_the_next_block_on() {
    let mut chain = gated();
    let request = QueryScoreRequest { owner: name(&chain, 1) };
    chain.run(Vec::new());
    let score: QueryScoreResponse = chain.query("/ve.veid.v1.Query/Score", &request).expect("it answers");
    assert_eq!((score.score, score.tier), (60, 1));
    let message = send(&chain, 1, 1);
    accept(&mut chain, 1, &message);
    chain.time = ve_base::BlockTime { seconds: 1_900_000_000, nanos: 0 };
    chain.run(Vec::new());
    assert_eq!(wallet(&chain, 1).state(), VerificationState::Expired);
    let ended: Vec<_> = scopes(&chain, 1).iter().map(Scope::status).collect();
    assert_eq!(ended, [ScopeStatus::Expired; 2]);
    assert_eq!(code(&chain.deliver(1, &send(&chain, 1, 1))), veid(9));
}

#[test]
fn a_revoked_document_ends_verification_at_once() {
    let mut chain = gated();
    let revoke =
        MsgRevokeScope { owner: name(&chain, 1), scope_id: "scope-of-genesis-0".into(), reason: "lost".into() };
    accept(&mut chain, 1, &revoke);
    assert_eq!(wallet(&chain, 1).state(), VerificationState::Expired);
    assert_eq!(code(&chain.deliver(1, &send(&chain, 1, 1))), veid(9));
}

#[test]
fn an_account_learns_what_it_lacks() {
    let chain = chain_with(|state| {
        verified(state, 1, 60, &BASIC);
        enforce(state, &[Capability::Sell]);
    });
    let ask = |of: usize, action: &str| -> QueryEligibilityResponse {
        let request = QueryEligibilityRequest { owner: name(&chain, of), action: action.into() };
        chain.query("/ve.veid.v1.Query/Eligibility", &request).expect("it answers")
    };
    let sell = ask(1, "/ve.market.v1.MsgCreateBid");
    assert!(!sell.allowed && sell.enforced);
    assert_eq!(sell.missing, ["score:70", "scope:SCOPE_TYPE_ADDRESS_PROOF", "scope:SCOPE_TYPE_EMAIL"]);
    assert_eq!(sell.points_to_next, 10);
    assert!(ask(1, "CAPABILITY_VOTE").allowed);
    let stranger = ask(0, "CAPABILITY_TRANSFER");
    assert!(stranger.allowed && !stranger.enforced, "the row is not in force");
    assert_eq!(stranger.points_to_next, 50);
    let unknown = QueryEligibilityRequest { owner: name(&chain, 1), action: "anything".into() };
    let refused: Result<QueryEligibilityResponse, String> = chain.query("/ve.veid.v1.Query/Eligibility", &unknown);
    assert!(refused.is_err());
}

#[test]
fn eighty_points_idle_for_seven_months_are_73() {
    let mut chain = chain_with(|state| verified(state, 1, 80, &BASIC));
    let request = QueryScoreRequest { owner: name(&chain, 1) };
    let start = 1_750_000_000;
    let mut score_at = |days: u64| {
        chain.time = ve_base::BlockTime { seconds: i64::try_from(start + days * DAY).expect("a time") - 5, nanos: 0 };
        chain.run(Vec::new());
        let score: QueryScoreResponse = chain.query("/ve.veid.v1.Query/Score", &request).expect("it answers");
        score.score
    };
    assert_eq!([score_at(90), score_at(120), score_at(210)], [80, 78, 73]);
}
