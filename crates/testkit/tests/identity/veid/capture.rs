use ve_base::envelope::{self, Subject};
use ve_proto::ve::veid::v1::*;
use ve_testkit::chain::{CHAIN_ID, TestChain};
use ve_testkit::committee;

use ve_testkit::veid::*;

const ID: &str = "scope-of-mail-001";

fn ready() -> TestChain {
    let mut chain = chain();
    open_wallet(&mut chain, 0);
    chain
}

fn mail(chain: &TestChain) -> Upload {
    Upload::new(chain, 0, ID, ScopeType::Email)
}

/// What becomes of an upload after `change`.
fn outcome(change: impl FnOnce(&mut Upload)) -> (String, u32) {
    let mut chain = ready();
    let mut upload = mail(&chain);
    change(&mut upload);
    let message = upload.sign(&chain, 0);
    code(&chain.deliver(0, &message))
}

/// As [`outcome`] with a change of the capture that is signed all the same.
fn captured(change: impl FnOnce(&mut Capture)) -> (String, u32) {
    let mut chain = ready();
    let message = mail(&chain).sign_changed(&chain, 0, change);
    code(&chain.deliver(0, &message))
}

/// As [`outcome`] with a change after everything was signed.
fn tampered(change: impl FnOnce(&mut MsgUploadScope)) -> (String, u32) {
    let mut chain = ready();
    let mut message = mail(&chain).sign(&chain, 0);
    change(&mut message);
    code(&chain.deliver(0, &message))
}

fn accepted() -> (String, u32) {
    (String::new(), 0)
}

#[test]
fn complete_evidence_becomes_a_pending_scope_that_only_the_committee_opens() {
    let mut chain = ready();
    let message = mail(&chain).sign(&chain, 0);
    accept(&mut chain, 0, &message);
    let scope = scopes(&chain, 0).remove(0);
    assert_eq!((scope.status(), scope.r#type()), (ScopeStatus::Pending, ScopeType::Email));
    assert_eq!(scope.expires_at, chain.time.unix() + 365 * DAY);
    assert_eq!((scope.client_id.as_str(), scope.assurance()), (CLIENT, Assurance::Device));
    let request = QueryEnvelopeRequest { owner: name(&chain, 0), scope_id: ID.into() };
    let kept: QueryEnvelopeResponse = chain.query("/ve.veid.v1.Query/Envelope", &request).expect("it is kept");
    let kept = kept.envelope.expect("the response has the envelope");
    let owner = name(&chain, 0);
    let subject = Subject { chain_id: CHAIN_ID, module: "veid", object_id: "scope/scope-of-mail-001", owner: &owner };
    let members = committee::members(committee::EPOCH);
    let mut opened = 0;
    for number in 0..committee::SIZE {
        let key = committee::sealing_key(number, committee::EPOCH);
        let id = envelope::key_id(key.public().expect("a valid key").bytes(), 1);
        assert!(members.iter().any(|member| member.key_id == id));
        let plain = envelope::open(&kept, &subject, &id, &key).expect("a member opens it");
        assert_eq!(plain.as_slice(), b"sealed for the enclaves");
        opened += 1;
    }
    assert_eq!(opened, 7);
    let outsider = committee::sealing_key(0, 1);
    let id = envelope::key_id(outsider.public().expect("a valid key").bytes(), 1);
    assert!(envelope::open(&kept, &subject, &id, &outsider).is_err());
}

#[test]
fn an_unknown_version_of_the_protocol_is_code_1010() {
    assert_eq!(captured(|capture| capture.protocol_version = 2), veid(1010));
}

#[test]
fn a_malformed_salt_is_code_1001() {
    assert_eq!(outcome(|upload| upload.salt.truncate(31)), veid(1001));
    assert_eq!(outcome(|upload| upload.salt = (0..65).collect()), veid(1001));
    assert_eq!(outcome(|upload| upload.salt = vec![0; 32]), veid(1001));
}

#[test]
fn parts_that_do_not_belong_together_are_code_1004() {
    assert_eq!(captured(|capture| capture.binding_hash[0] ^= 1), veid(1004));
    assert_eq!(captured(|capture| capture.device_id = vec![7; 16]), veid(1004));
    assert_eq!(captured(|capture| capture.device_id = vec![7; 15]), veid(1004));
    assert_eq!(captured(|capture| capture.block_height += 1), veid(1004), "a block of the future");
    assert_eq!(captured(|capture| capture.payload_hash[0] ^= 1), veid(1004));
    let session = |capture: &mut Capture| capture.metadata.get_or_insert_default().session_id = "session-2".into();
    assert_eq!(captured(session), veid(1004));
    assert_eq!(tampered(|message| message.capture.get_or_insert_default().salt[0] ^= 1), veid(1004));
}

#[test]
fn a_nonce_lives_for_250_seconds() {
    let mut chain = ready();
    let message = mail(&chain).sign(&chain, 0);
    chain.time = chain.time.plus_seconds(240);
    let mut late = ready();
    let stale = mail(&late).sign(&late, 0);
    late.time = late.time.plus_seconds(260);
    assert_eq!(code(&chain.deliver(0, &message)), accepted());
    assert_eq!(code(&late.deliver(0, &stale)), veid(1004));
}

#[test]
fn a_capture_older_than_five_minutes_is_code_1002_and_one_from_the_future_1009() {
    assert_eq!(outcome(|upload| upload.age = 301), veid(1002));
    assert_eq!(outcome(|upload| upload.age = 300), accepted());
    assert_eq!(outcome(|upload| upload.age = -31), veid(1009));
    assert_eq!(outcome(|upload| upload.age = -30), accepted());
}

#[test]
fn a_salt_serves_once_also_for_another_account() {
    let mut chain = ready();
    open_wallet(&mut chain, 1);
    let first = mail(&chain);
    let salt = first.salt.clone();
    let message = first.sign(&chain, 0);
    accept(&mut chain, 0, &message);
    let mut again = Upload::new(&chain, 1, "scope-of-mail-002", ScopeType::Email);
    again.salt.clone_from(&salt);
    let message = again.sign(&chain, 1);
    assert_eq!(code(&chain.deliver(1, &message)), veid(1003));
    // After twice the window the record goes; the capture itself is stale by then.
    chain.time = chain.time.plus_seconds(700);
    chain.run(Vec::new());
    assert_eq!(code(&chain.deliver(1, &message)), veid(1004));
}

#[test]
fn a_client_that_is_unknown_revoked_or_old_is_code_1005() {
    assert_eq!(outcome(|upload| upload.client_id = "another-app".into()), veid(1005));
    assert_eq!(outcome(|upload| upload.version = "1.1.9".into()), veid(1005));
    assert_eq!(outcome(|upload| upload.version = "newest".into()), veid(1005));
    assert_eq!(outcome(|upload| upload.version = "1.10.0".into()), accepted(), "versions are numbers, not texts");
}

#[test]
fn a_certificate_that_is_forged_stale_or_of_another_client_is_code_1006() {
    assert_eq!(outcome(|upload| upload.authority = installation()), veid(1006));
    assert_eq!(outcome(|upload| upload.certificate.client_id = "another-app".into()), veid(1006));
    assert_eq!(outcome(|upload| upload.certificate.expires_at -= 10 * DAY), veid(1006), "expired");
    assert_eq!(outcome(|upload| upload.certificate.expires_at += 21 * DAY), veid(1006), "for more than 30 days");
    assert_eq!(outcome(|upload| upload.certificate.issued_at += 60), veid(1006), "not begun");
    assert_eq!(outcome(|upload| upload.certificate.set_assurance(Assurance::Unspecified)), veid(1006));
    let tamper = |message: &mut MsgUploadScope| {
        let capture = message.capture.get_or_insert_default();
        capture.certificate.get_or_insert_default().expires_at += 1;
    };
    assert_eq!(tampered(tamper), veid(1006));
}

#[test]
fn another_installations_signature_is_code_1007() {
    assert_eq!(outcome(|upload| upload.installation = authority()), veid(1007));
    assert_eq!(tampered(|message| message.capture.get_or_insert_default().client_signature[0] ^= 1), veid(1007));
}

#[test]
fn a_signature_that_is_not_the_users_is_code_1008() {
    assert_eq!(tampered(|message| message.capture.get_or_insert_default().user_signature[0] ^= 1), veid(1008));
    assert_eq!(tampered(|message| message.consent_version = 1), veid(1008), "it covers the consent");
    // Another user's payload under one's own name.
    let mut chain = ready();
    open_wallet(&mut chain, 1);
    let mut message = mail(&chain).sign(&chain, 0);
    message.owner = name(&chain, 1);
    assert_eq!(code(&chain.deliver(1, &message)), veid(1004), "the nonce names the owner");
}

#[test]
fn when_several_things_are_wrong_the_first_in_the_protocols_order_is_told() {
    let mut chain = ready();
    // (code, of the capture: version, salt, binding; age, client, authority and installation)
    type Change = fn(&mut Capture);
    let cases: [(u32, Change); 3] = [
        (1010, |capture| {
            capture.protocol_version = 9;
            capture.salt.truncate(8);
            capture.binding_hash = vec![0; 32];
        }),
        (1001, |capture| {
            capture.salt.truncate(8);
            capture.binding_hash = vec![0; 32];
        }),
        (1004, |capture| capture.binding_hash = vec![0; 32]),
    ];
    for (told, change) in cases {
        let mut upload = mail(&chain);
        (upload.age, upload.client_id) = (400, "another-app".into());
        (upload.authority, upload.installation) = (installation(), authority());
        let message = upload.sign_changed(&chain, 0, change);
        assert_eq!(code(&chain.deliver(0, &message)), veid(told));
    }
    let cases = [
        (1002, 400, "another-app", installation(), authority()),
        (1009, -60, "another-app", installation(), authority()),
        (1005, 0, "another-app", installation(), authority()),
        (1006, 0, CLIENT, installation(), authority()),
        (1007, 0, CLIENT, authority(), authority()),
        (1008, 0, CLIENT, authority(), installation()),
    ];
    for (told, age, client, authority_key, install_key) in cases {
        let mut upload = mail(&chain);
        (upload.age, upload.client_id) = (age, client.into());
        (upload.authority, upload.installation) = (authority_key, install_key);
        let mut message = upload.sign(&chain, 0);
        message.capture.get_or_insert_default().user_signature = vec![0; 64];
        assert_eq!(code(&chain.deliver(0, &message)), veid(told));
    }
}

#[test]
fn evidence_of_the_body_or_of_papers_needs_an_explicit_consent() {
    let mut chain = chain();
    let message = create(&chain, 0);
    accept(&mut chain, 0, &message);
    rest(&mut chain);
    let upload = Upload::new(&chain, 0, "scope-of-data-001", ScopeType::GovData).sign(&chain, 0);
    assert_eq!(code(&chain.deliver(0, &upload)), veid(7));
    let implied = mail(&chain).sign(&chain, 0);
    accept(&mut chain, 0, &implied);
    rest(&mut chain);
    let message = agree(&chain, 0, 1);
    accept(&mut chain, 0, &message);
    rest(&mut chain);
    let upload = Upload::new(&chain, 0, "scope-of-data-001", ScopeType::GovData).sign(&chain, 0);
    accept(&mut chain, 0, &upload);
    let withdraw = MsgUpdateConsent { grants: Vec::new(), withdraw: vec![1], ..agree(&chain, 0, 2) };
    accept(&mut chain, 0, &withdraw);
    rest(&mut chain);
    let upload = Upload::new(&chain, 0, "scope-of-data-002", ScopeType::GovData).sign(&chain, 0);
    assert_eq!(code(&chain.deliver(0, &upload)), veid(7), "it was withdrawn");
}

#[test]
fn evidence_is_sealed_to_the_whole_committee_of_this_epoch_or_the_one_before() {
    assert_eq!(outcome(|upload| upload.epoch -= 1), accepted());
    assert_eq!(outcome(|upload| upload.epoch -= 2), veid(6), "too old");
    assert_eq!(outcome(|upload| upload.members = 6), ("encryption".into(), 29), "a member is missing");
    let other = |upload: &mut Upload| upload.scope_id = "scope-of-mail-009".into();
    assert_eq!(outcome(other), accepted());
    let moved = |message: &mut MsgUploadScope| message.scope_id = "scope-of-mail-009".into();
    assert_eq!(tampered(moved), ("encryption".into(), 6), "sealed for another scope");
}

#[test]
fn images_stay_off_the_chain_and_large_evidence_is_named_by_its_hash() {
    let inline = |upload: &mut Upload| upload.kind = ScopeType::IdDocument;
    assert_eq!(outcome(inline), veid(6));
    let mut chain = ready();
    let mut upload = Upload::new(&chain, 0, "scope-of-passport", ScopeType::IdDocument);
    upload.inline = false;
    upload.plaintext = vec![42; 5_000_000];
    upload.not_after = chain.time.unix() + 20 * DAY;
    let message = upload.sign(&chain, 0);
    accept(&mut chain, 0, &message);
    let scope = scopes(&chain, 0).remove(0);
    assert!(scope.size > 5_000_000 && !scope.cid.is_empty());
    assert_eq!(scope.expires_at, message.not_after, "no longer than the document");
    let mut large = Upload::new(&chain, 0, "scope-of-passport2", ScopeType::IdDocument);
    large.inline = false;
    let mut message = large.sign(&chain, 0);
    message.size = 10 * 1024 * 1024 + 1;
    rest(&mut chain);
    assert_eq!(code(&chain.deliver(0, &message)), veid(6));
}

#[test]
fn what_is_no_scope_is_refused_before_anything_is_paid() {
    assert_eq!(tampered(|message| message.scope_id = "short".into()), veid(19));
    assert_eq!(tampered(|message| message.scope_id = "scope with spaces".into()), veid(19));
    assert_eq!(tampered(|message| message.r#type = 17), veid(19));
    assert_eq!(tampered(|message| message.schema_version = 0), veid(19));
    assert_eq!(tampered(|message| message.envelope = None), veid(6));
    assert_eq!(tampered(|message| message.size += 1), veid(6));
    assert_eq!(tampered(|message| message.capture = None), veid(19));
    let quoted = |message: &mut MsgUploadScope| {
        let capture = message.capture.get_or_insert_default();
        capture.metadata.get_or_insert_default().doc_type = "pass\"port".into();
    };
    assert_eq!(tampered(quoted), veid(19));
}

#[test]
fn a_scope_id_is_used_once_and_a_type_has_five_places() {
    let mut chain = ready();
    for number in 1..=5 {
        let upload = Upload::new(&chain, 0, &format!("scope-of-mail-{number:03}"), ScopeType::Email);
        let message = upload.sign(&chain, 0);
        accept(&mut chain, 0, &message);
        rest(&mut chain);
    }
    let sixth = Upload::new(&chain, 0, "scope-of-mail-006", ScopeType::Email).sign(&chain, 0);
    assert_eq!(code(&chain.deliver(0, &sixth)), veid(4));
    let revoke = MsgRevokeScope { owner: name(&chain, 0), scope_id: ID.into(), reason: "moved".into() };
    assert_eq!(code(&chain.deliver(1, &MsgRevokeScope { owner: name(&chain, 1), ..revoke.clone() })), veid(3));
    accept(&mut chain, 0, &revoke);
    assert_eq!(code(&chain.deliver(0, &revoke)), veid(16), "revoking is final");
    rest(&mut chain);
    let reused = Upload::new(&chain, 0, ID, ScopeType::Email).sign(&chain, 0);
    assert_eq!(code(&chain.deliver(0, &reused)), veid(5));
    rest(&mut chain);
    let sixth = Upload::new(&chain, 0, "scope-of-mail-006", ScopeType::Email).sign(&chain, 0);
    accept(&mut chain, 0, &sixth);
    let request = QueryEnvelopeRequest { owner: name(&chain, 0), scope_id: ID.into() };
    let gone: Result<QueryEnvelopeResponse, String> = chain.query("/ve.veid.v1.Query/Envelope", &request);
    assert!(gone.is_err(), "a revoked scope's ciphertext leaves state");
}

#[test]
fn an_account_uploads_three_scopes_in_a_block() {
    let mut chain = ready();
    let mut txs = Vec::new();
    let sequence = chain.account(&chain.accounts[0].address).sequence;
    for number in 0..4u64 {
        let upload = Upload::new(&chain, 0, &format!("scope-of-many-{number:03}"), ScopeType::Email);
        let message = ve_testkit::chain::any(&upload.sign(&chain, 0));
        txs.push(chain.tx_with(0, sequence + number, vec![message]));
    }
    let codes: Vec<_> = chain.run(txs).tx_results.iter().map(code).collect();
    assert_eq!(codes, [accepted(), accepted(), accepted(), veid(12)]);
}
