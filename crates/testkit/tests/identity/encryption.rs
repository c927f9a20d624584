//! Encryption keys and envelopes through the whole application.

use std::collections::BTreeMap;

use ve_base::envelope::{self, Content, EncryptionKey, PublicEncryptionKey, Recipients, Subject};
use ve_base::keys::SecretKey;
use ve_proto::ve::encryption::v1::*;
use ve_sdk::application::FinalizeBlockResponse;
use ve_testkit::chain::{CHAIN_ID, TestChain};

const DAY: u64 = 86_400;

fn secret(seed: u8, suite: Suite) -> EncryptionKey {
    EncryptionKey::from_bytes(suite, [seed; 32]).expect("a known suite")
}

fn owner(chain: &TestChain, of: usize) -> String {
    chain.accounts[of].address.to_string()
}

fn register(chain: &TestChain, of: usize, key: &EncryptionKey) -> MsgRegisterKey {
    let owner = owner(chain, of);
    MsgRegisterKey {
        suite: key.suite().into(),
        public_key: key.public().expect("a valid key").bytes().to_vec(),
        proof_of_possession: key.prove(CHAIN_ID, &owner, &[1; 64]).expect("it proves").to_vec(),
        label: "laptop".into(),
        owner,
    }
}

fn rotate(chain: &TestChain, of: usize, old: &str, key: &EncryptionKey) -> MsgRotateKey {
    let MsgRegisterKey { owner, suite, public_key, proof_of_possession, label } = register(chain, of, key);
    MsgRotateKey { owner, old_key_id: old.into(), suite, public_key, proof_of_possession, label }
}

fn keys(chain: &TestChain, of: usize) -> Vec<RecipientKey> {
    let request = QueryKeysRequest { owner: owner(chain, of), ..QueryKeysRequest::default() };
    let response: QueryKeysResponse = chain.query("/ve.encryption.v1.Query/Keys", &request).expect("it answers");
    response.keys
}

fn id(key: &EncryptionKey, version: u32) -> String {
    envelope::key_id(key.public().expect("a valid key").bytes(), version)
}

/// One block after a long time without any.
fn jump(chain: &mut TestChain, seconds: u64) -> FinalizeBlockResponse {
    chain.time = chain.time.plus_seconds(seconds);
    chain.run(Vec::new())
}

fn states(chain: &TestChain, of: usize) -> Vec<KeyState> {
    keys(chain, of).iter().map(RecipientKey::state).collect()
}

#[test]
fn a_key_is_registered_once_with_a_proof_for_its_owner() {
    for suite in [Suite::X25519, Suite::XWing] {
        let mut chain = TestChain::new(2);
        let key = secret(1, suite);
        let good = register(&chain, 0, &key);
        let mut stolen = good.clone();
        stolen.owner = owner(&chain, 1);
        assert_eq!(chain.deliver(1, &stolen).code, 6, "a proof of one owner does not serve another");
        let mut unproven = good.clone();
        unproven.proof_of_possession.clear();
        assert_eq!(chain.deliver(0, &unproven).code, 6);
        assert_eq!(chain.deliver(0, &good).code, 0);
        assert_eq!(chain.deliver(0, &good).code, 22, "the same key twice");
        assert_eq!(chain.deliver(1, &register(&chain, 1, &key)).code, 22, "a key of another owner");
        let known = keys(&chain, 0);
        assert_eq!(known.len(), 1);
        assert_eq!((known[0].version, known[0].state()), (1, KeyState::Active));
        assert_eq!(known[0].expires_at, known[0].registered_at + 365 * DAY);
        let request = QueryKeyByFingerprintRequest { fingerprint: known[0].fingerprint.clone() };
        let found: QueryKeyByFingerprintResponse =
            chain.query("/ve.encryption.v1.Query/KeyByFingerprint", &request).expect("it is known");
        assert_eq!(found.key.as_ref(), known.first());
    }
}

#[test]
fn keys_of_low_order_of_unknown_suites_and_with_long_labels_are_refused() {
    let mut chain = TestChain::new(1);
    let good = register(&chain, 0, &secret(1, Suite::X25519));
    let low = MsgRegisterKey { public_key: vec![0; 32], ..good.clone() };
    assert_eq!(chain.deliver(0, &low).code, 8);
    for suite in [0, 2, 9] {
        assert_eq!(chain.deliver(0, &MsgRegisterKey { suite, ..good.clone() }).code, 2);
    }
    assert_eq!(chain.deliver(0, &MsgRegisterKey { label: "x".repeat(65), ..good.clone() }).code, 25);
    assert_eq!(chain.deliver(0, &good).code, 0);
}

#[test]
fn an_owner_has_five_live_keys_and_makes_room_by_revoking() {
    let mut chain = TestChain::new(1);
    for seed in 1..=5 {
        assert_eq!(chain.deliver(0, &register(&chain, 0, &secret(seed, Suite::X25519))).code, 0);
    }
    let sixth = register(&chain, 0, &secret(6, Suite::X25519));
    assert_eq!(chain.deliver(0, &sixth).code, 23);
    let revoke = MsgRevokeKey { owner: owner(&chain, 0), key_id: id(&secret(1, Suite::X25519), 1) };
    assert_eq!(chain.deliver(0, &revoke).code, 0);
    assert_eq!(chain.deliver(0, &sixth).code, 0);
}

#[test]
fn a_rotated_key_is_deprecated_and_rotates_no_further() {
    let mut chain = TestChain::new(2);
    let (first, second, third) = (secret(1, Suite::X25519), secret(2, Suite::XWing), secret(3, Suite::X25519));
    assert_eq!(chain.deliver(0, &register(&chain, 0, &first)).code, 0);
    assert_eq!(chain.deliver(1, &rotate(&chain, 1, &id(&first, 1), &third)).code, 24, "another owner's key");
    assert_eq!(chain.deliver(0, &rotate(&chain, 0, &id(&first, 9), &second)).code, 21, "another version");
    assert_eq!(chain.deliver(0, &rotate(&chain, 0, &id(&first, 1), &second)).code, 0);
    assert_eq!(states(&chain, 0), [KeyState::Deprecated, KeyState::Active]);
    assert_eq!(chain.deliver(0, &rotate(&chain, 0, &id(&first, 1), &third)).code, 20);
}

#[test]
fn a_revoked_key_stays_visible_for_a_week_and_never_comes_back() {
    let mut chain = TestChain::new(2);
    let key = secret(1, Suite::X25519);
    assert_eq!(chain.deliver(0, &register(&chain, 0, &key)).code, 0);
    let foreign = MsgRevokeKey { owner: owner(&chain, 1), key_id: id(&key, 1) };
    assert_eq!(chain.deliver(1, &foreign).code, 24);
    let revoke = MsgRevokeKey { owner: owner(&chain, 0), key_id: id(&key, 1) };
    assert_eq!(chain.deliver(0, &revoke).code, 0);
    assert_eq!(chain.deliver(0, &revoke).code, 26);
    jump(&mut chain, 7 * DAY - 60);
    assert_eq!(states(&chain, 0), [KeyState::Revoked]);
    jump(&mut chain, 120);
    assert!(keys(&chain, 0).is_empty());
    assert_eq!(chain.deliver(0, &register(&chain, 0, &key)).code, 22);
    let next = secret(2, Suite::X25519);
    assert_eq!(chain.deliver(0, &register(&chain, 0, &next)).code, 0);
    assert_eq!(keys(&chain, 0)[0].version, 2, "versions are never used again");
}

#[test]
fn an_owner_is_warned_a_week_and_a_day_before_a_key_expires() {
    let mut chain = TestChain::new(1);
    assert_eq!(chain.deliver(0, &register(&chain, 0, &secret(1, Suite::X25519))).code, 0);
    let expires = keys(&chain, 0)[0].expires_at;
    let mut seen = Vec::new();
    for before in [8 * DAY, 7 * DAY - 60, 2 * DAY, DAY - 60, 0] {
        let now = chain.time.unix();
        let response = jump(&mut chain, expires - before - now);
        let kinds = response.events.iter().map(|event| event.kind.as_str()).filter(|kind| kind.starts_with("key_"));
        seen.push(kinds.map(str::to_owned).collect::<Vec<_>>().join(","));
    }
    assert_eq!(seen, ["", "key_expiry_warning", "", "key_expiry_warning", "key_expired"]);
    assert_eq!(states(&chain, 0), [KeyState::Expired]);
}

fn seal(chain: &TestChain, from: usize, to: &[(&EncryptionKey, u32)], object_id: &str) -> Envelope {
    let owner = owner(chain, from);
    let subject = Subject { chain_id: CHAIN_ID, module: "market", object_id, owner: &owner };
    let public = |key: &EncryptionKey| -> PublicEncryptionKey { key.public().expect("a valid key") };
    let keys: BTreeMap<_, _> = to.iter().map(|(key, version)| (id(key, *version), public(key))).collect();
    let content = Content { plaintext: b"{}", content_type: "application/json", data_class: 2, retention_seconds: 0 };
    let sender: &SecretKey = &chain.accounts[from].key;
    let mut filler = 0u8;
    let mut entropy = |buffer: &mut [u8]| {
        filler = filler.wrapping_add(1);
        buffer.fill(filler);
    };
    let recipients = Recipients { mode: Mode::Specific, epoch: 0, keys };
    envelope::seal(&subject, &recipients, &content, sender, &mut entropy).expect("it seals")
}

fn validate(chain: &TestChain, from: usize, envelope: &Envelope, object_id: &str) -> u32 {
    let request = QueryValidateEnvelopeRequest {
        envelope: Some(envelope.clone()),
        module: "market".into(),
        object_id: object_id.into(),
        owner: owner(chain, from),
    };
    let response: QueryValidateEnvelopeResponse =
        chain.query("/ve.encryption.v1.Query/ValidateEnvelope", &request).expect("it answers");
    assert_eq!(response.valid, response.code == 0, "{}", response.cause);
    response.code
}

#[test]
fn an_envelope_is_valid_for_active_recipients_its_object_and_its_sender_only() {
    let mut chain = TestChain::new(3);
    let (mine, other, stranger) = (secret(1, Suite::X25519), secret(2, Suite::X25519), secret(3, Suite::X25519));
    assert_eq!(chain.deliver(0, &register(&chain, 0, &mine)).code, 0);
    assert_eq!(chain.deliver(1, &register(&chain, 1, &other)).code, 0);

    let good = seal(&chain, 0, &[(&mine, 1), (&other, 1)], "order-1");
    assert_eq!(validate(&chain, 0, &good, "order-1"), 0);
    assert_eq!(validate(&chain, 0, &good, "order-2"), 6, "sealed for another object");
    assert_eq!(validate(&chain, 1, &good, "order-1"), 6, "sealed for another owner");
    assert_eq!(validate(&chain, 0, &seal(&chain, 0, &[(&stranger, 1)], "order-1"), "order-1"), 21);
    assert_eq!(validate(&chain, 2, &seal(&chain, 2, &[(&mine, 1)], "order-1"), "order-1"), 6, "never signed anything");
    assert_eq!(validate(&chain, 0, &Envelope::default(), "order-1"), 7);

    let revoke = MsgRevokeKey { owner: owner(&chain, 1), key_id: id(&other, 1) };
    assert_eq!(chain.deliver(1, &revoke).code, 0);
    assert_eq!(validate(&chain, 0, &good, "order-1"), 20, "sealed to a revoked key");
}
