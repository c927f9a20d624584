//! Each factor: enrolled, proven, refused.

use base64::Engine as _;
use ve_base::envelope::{self, Content, EncryptionKey, Recipients, Subject};
use ve_base::keys::ConsensusSecret;
use ve_proto::ve::attester::v1::Kind;
use ve_proto::ve::encryption::v1::{Envelope, Mode, MsgRegisterKey, Suite};
use ve_proto::ve::mfa::v1::*;
use ve_testkit::chain::{CHAIN_ID, TestChain};

use super::support::*;

fn enroll(of: usize, kind: FactorType) -> MsgEnrollFactor {
    MsgEnrollFactor { address: name(of), r#type: kind.into(), ..MsgEnrollFactor::default() }
}

/// Enrols a factor that may be the first of account `of` and asks for its confirmation.
fn begin(chain: &mut TestChain, of: usize, message: &MsgEnrollFactor) -> (u64, Vec<u8>) {
    let enrolled: MsgEnrollFactorResponse = response(&chain.deliver(of, message));
    challenge(chain, of, of, enrolled.factor_id, Action::FactorConfirmation, &[])
}

fn is_confirmed(chain: &mut TestChain, of: usize, id: u64, proof: Proof) -> bool {
    response::<MsgConfirmEnrollmentResponse>(&confirm(chain, of, id, proof)).verified
}

#[test]
fn a_factor_counts_from_its_first_proof_on() {
    let mut chain = chain();
    let mut passkey = Passkey::new(1);
    ok(&chain.deliver(OWNER, &passkey.enrollment(OWNER)));
    ok(&chain.deliver(OWNER, &send(OWNER, FRIEND, 1)));
    refused(&ask(&mut chain, OWNER, OWNER, 1, Action::DataRights, &[]), 12);
    let (id, _) = challenge(&mut chain, OWNER, OWNER, 1, Action::FactorConfirmation, &[]);
    let wrong = passkey.answer(&[0; 32]);
    assert!(!is_confirmed(&mut chain, OWNER, id, wrong));
    assert_eq!(account(&chain, OWNER).factors[0].state(), FactorState::Pending);
    let (id, bytes) = challenge(&mut chain, OWNER, OWNER, 1, Action::FactorConfirmation, &[]);
    let right = passkey.answer(&bytes);
    assert!(is_confirmed(&mut chain, OWNER, id, right));
    refused(&chain.deliver(OWNER, &send(OWNER, THIEF, 1)), 2);
    // Who has the seed alone adds nothing to an account that has a factor.
    refused(&chain.deliver(OWNER, &Passkey::new(2).enrollment(OWNER)), 2);
    refused(&chain.deliver(OWNER, &enroll(OWNER, FactorType::Biometric)), 2);
}

#[test]
fn a_factor_that_is_never_proven_expires() {
    let mut chain = chain();
    ok(&chain.deliver(OWNER, &Passkey::new(1).enrollment(OWNER)));
    jump(&mut chain, 3600);
    assert_eq!(account(&chain, OWNER).factors[0].state(), FactorState::Expired);
}

#[test]
fn a_passkey_of_another_page_or_account_is_refused() {
    let mut chain = chain();
    let mut foreign = Passkey::new(1).enrollment(FRIEND);
    foreign.address = name(OWNER);
    refused(&chain.deliver(OWNER, &foreign), 13);
    let mut page = Passkey::new(1).enrollment(OWNER);
    let text = String::from_utf8(page.client_data_json).expect("UTF-8");
    page.client_data_json = text.replace(ORIGIN, "http://localhost:7718").into_bytes();
    refused(&chain.deliver(OWNER, &page), 13);
    ok(&chain.deliver(OWNER, &Passkey::new(1).enrollment(OWNER)));
    refused(&chain.deliver(OWNER, &Passkey::new(1).enrollment(OWNER)), 15);
}

#[test]
fn a_denied_model_of_authenticator_is_refused() {
    let model = base64::engine::general_purpose::STANDARD.encode([0; 16]);
    let mut chain = chain_with(|state| state["mfa"]["params"]["denied_aaguids"] = vec![model].into());
    refused(&chain.deliver(OWNER, &Passkey::new(1).enrollment(OWNER)), 15);
}

#[test]
fn codes_need_two_organisations_and_the_enrolled_address() {
    let mut chain = chain();
    let mut message = enroll(OWNER, FactorType::Email);
    refused(&chain.deliver(OWNER, &message), 15);
    message.public_part = vec![5; 32];
    let (id, bytes) = begin(&mut chain, OWNER, &message);
    let good = contact_proof(&chain, Kind::Email, [5; 32], &name(OWNER), &bytes);
    let one = Proof { attestations: good.attestations[..1].to_vec(), ..Proof::default() };
    refused(&confirm(&mut chain, OWNER, id, one), 15);
    let other = contact_proof(&chain, Kind::Email, [6; 32], &name(OWNER), &bytes);
    refused(&confirm(&mut chain, OWNER, id, other), 15);
    let kind = contact_proof(&chain, Kind::Sms, [5; 32], &name(OWNER), &bytes);
    assert_eq!(confirm(&mut chain, OWNER, id, kind).codespace, "attester");
    let foreign = contact_proof(&chain, Kind::Email, [5; 32], &name(FRIEND), &bytes);
    assert_eq!(confirm(&mut chain, OWNER, id, foreign).codespace, "attester");
    let stale = contact_proof(&chain, Kind::Email, [5; 32], &name(OWNER), &[0; 32]);
    assert_eq!(confirm(&mut chain, OWNER, id, stale).codespace, "attester");
    let again = good.clone();
    assert!(is_confirmed(&mut chain, OWNER, id, good));
    refused(&confirm(&mut chain, OWNER, id, again), 17);
}

#[test]
fn the_person_needs_four_of_the_five_that_the_challenge_draws() {
    let mut chain = chain();
    let (id, bytes) = begin(&mut chain, OWNER, &enroll(OWNER, FactorType::Biometric));
    let all = face_proof(&chain, &name(OWNER), &bytes, |_| {});
    let three = Proof { attestations: all.attestations[..3].to_vec(), ..Proof::default() };
    refused(&confirm(&mut chain, OWNER, id, three), 15);
    let drawn: Vec<String> = all.attestations.iter().map(|one| one.issuer.clone()).collect();
    let outside = (0..ATTESTER_COUNT).find(|of| !drawn.contains(&attester(*of))).expect("one of six is left");
    let mut swapped = all.clone();
    let mut foreign = all.attestations[0].clone();
    foreign.issuer = attester(outside);
    foreign.key_id = ve_base::attestation::key_id(&signer(outside).public());
    swapped.attestations[0] = signed(foreign);
    refused(&confirm(&mut chain, OWNER, id, swapped), 15);
    let four = Proof { attestations: all.attestations[1..].to_vec(), ..Proof::default() };
    assert!(is_confirmed(&mut chain, OWNER, id, four));
}

#[test]
fn a_weak_match_a_picture_of_a_picture_and_an_old_capture_are_no_person() {
    type Change = fn(&mut ve_proto::ve::attester::v1::Attestation);
    let changes: [(&str, Change); 4] = [
        ("match", |one| one.proofs[0].score_bp = 8499),
        ("liveness", |one| (one.proofs[1].score_bp, one.proofs[1].threshold_bp) = (7499, 7000)),
        ("old", |one| one.proofs[0].time -= 130),
        ("failed", |one| one.proofs[1].passed = false),
    ];
    for (what, change) in changes {
        let mut chain = chain();
        let (id, bytes) = begin(&mut chain, OWNER, &enroll(OWNER, FactorType::Biometric));
        let proof = face_proof(&chain, &name(OWNER), &bytes, change);
        assert!(!is_confirmed(&mut chain, OWNER, id, proof), "{what}");
    }
}

fn code(seed: u8) -> ConsensusSecret {
    ConsensusSecret::from_seed([seed; 32])
}

#[test]
fn each_backup_code_works_once() {
    let mut chain = chain();
    let mut message = enroll(OWNER, FactorType::BackupCode);
    message.codes = vec![vec![1; 32]; 2];
    refused(&chain.deliver(OWNER, &message), 15);
    message.codes = (1..=3).map(|seed| code(seed).public().to_vec()).collect();
    let (id, bytes) = begin(&mut chain, OWNER, &message);
    let with = |number: u32, seed: u8, bytes: &[u8]| Proof {
        signature: code(seed).sign(bytes).to_vec(),
        code: number,
        ..Proof::default()
    };
    assert!(!is_confirmed(&mut chain, OWNER, id, with(0, 2, &bytes)));
    refused(&confirm(&mut chain, OWNER, id, with(9, 1, &bytes)), 15);
    assert!(is_confirmed(&mut chain, OWNER, id, with(0, 1, &bytes)));
    let (id, bytes) = challenge(&mut chain, OWNER, OWNER, 1, Action::Order, &[]);
    refused(&submit(&mut chain, OWNER, id, with(0, 1, &bytes)), 15);
    assert!(response::<MsgSubmitFactorProofResponse>(&submit(&mut chain, OWNER, id, with(1, 2, &bytes))).verified);
}

fn sealing(of: u32) -> EncryptionKey {
    EncryptionKey::from_bytes(Suite::X25519, [of as u8 + 1; 32]).expect("a key")
}

/// Attesters 0 and 1 register keys that secrets are sealed to.
fn with_sealing_keys(chain: &mut TestChain) {
    for of in 0..2 {
        let (key, owner) = (sealing(of), attester(of));
        let message = MsgRegisterKey {
            suite: Suite::X25519.into(),
            public_key: key.public().expect("a key").bytes().to_vec(),
            proof_of_possession: key.prove(CHAIN_ID, &owner, &[1; 64]).expect("it proves").to_vec(),
            label: String::new(),
            owner,
        };
        ok(&chain.deliver(3 + of as usize, &message));
    }
}

fn sealed(chain: &TestChain, to: &[u32]) -> Envelope {
    let owner = name(OWNER);
    let subject = Subject { chain_id: CHAIN_ID, module: "mfa", object_id: "totp", owner: &owner };
    let key = |of: &u32| {
        let public = sealing(*of).public().expect("a key");
        (envelope::key_id(public.bytes(), 1), public)
    };
    let content = Content {
        plaintext: b"12345678901234567890",
        content_type: "application/octet-stream",
        data_class: 4,
        retention_seconds: 0,
    };
    let mut filler = 0u8;
    let mut entropy = |buffer: &mut [u8]| {
        filler = filler.wrapping_add(1);
        buffer.fill(filler);
    };
    let recipients = Recipients { mode: Mode::Specific, epoch: 0, keys: to.iter().map(key).collect() };
    envelope::seal(&subject, &recipients, &content, &chain.accounts[OWNER].key, &mut entropy).expect("it seals")
}

/// What attesters say who found the code of this time step.
fn code_proof(chain: &TestChain, challenge: &[u8], step: u64) -> Proof {
    let one = |of: u32| {
        let mut statement = statement(chain, of, Kind::Totp, &name(OWNER), challenge);
        statement.proofs[0].counter = step;
        signed(statement)
    };
    Proof { attestations: vec![one(0), one(1)], ..Proof::default() }
}

#[test]
fn a_code_of_an_app_is_checked_by_attesters_and_used_once() {
    let mut chain = chain();
    with_sealing_keys(&mut chain);
    // The account has signed once, so that its key is known.
    ok(&chain.deliver(OWNER, &send(OWNER, FRIEND, 1)));
    let mut message = enroll(OWNER, FactorType::Totp);
    refused(&chain.deliver(OWNER, &message), 15);
    message.secret = Some(sealed(&chain, &[0]));
    refused(&chain.deliver(OWNER, &message), 15);
    message.secret = Some(sealed(&chain, &[0, 1]));
    let (id, bytes) = begin(&mut chain, OWNER, &message);
    let step = chain.time.unix() / 30;
    let far = code_proof(&chain, &bytes, step + 3);
    assert!(!is_confirmed(&mut chain, OWNER, id, far));
    let good = code_proof(&chain, &bytes, step);
    assert!(is_confirmed(&mut chain, OWNER, id, good));
    let (id, bytes) = challenge(&mut chain, OWNER, OWNER, 1, Action::FirstOrder, &[]);
    let same = code_proof(&chain, &bytes, step);
    let submitted: MsgSubmitFactorProofResponse = response(&submit(&mut chain, OWNER, id, same));
    assert!(!submitted.verified, "a code of a step that was used");
    jump(&mut chain, 60);
    let next = code_proof(&chain, &bytes, chain.time.unix() / 30);
    assert!(response::<MsgSubmitFactorProofResponse>(&submit(&mut chain, OWNER, id, next)).verified);
}

#[test]
fn a_secret_is_sealed_to_attesters_and_to_nobody_else() {
    let mut chain = chain();
    with_sealing_keys(&mut chain);
    ok(&chain.deliver(OWNER, &send(OWNER, FRIEND, 1)));
    let key = EncryptionKey::from_bytes(Suite::X25519, [3; 32]).expect("a key");
    let register = MsgRegisterKey {
        owner: name(THIEF),
        suite: Suite::X25519.into(),
        public_key: key.public().expect("a key").bytes().to_vec(),
        proof_of_possession: key.prove(CHAIN_ID, &name(THIEF), &[1; 64]).expect("it proves").to_vec(),
        label: String::new(),
    };
    ok(&chain.deliver(THIEF, &register));
    let mut message = enroll(OWNER, FactorType::Totp);
    message.secret = Some(sealed(&chain, &[0, 1, 2]));
    assert_eq!(chain.deliver(OWNER, &message).codespace, "attester", "the third is no attester");
}

#[test]
fn a_revocation_waits_a_day_and_can_be_taken_back() {
    let mut chain = chain();
    // Governance lets a passkey alone weaken the rest, so that the delay is what is tested.
    let row = serde_json::json!({
        "action": "ACTION_MFA_WEAKEN", "min_score": 0, "window_seconds": "300", "single_use": true, "browser": false,
        "combinations": [{"all": [{"any": ["FACTOR_TYPE_WEBAUTHN"]}]}],
    });
    drop(std::mem::replace(&mut chain, chain_with(|state| state["mfa"]["actions"] = vec![row].into())));
    let mut owner = Owner::enrolled(&mut chain);
    let revoke = MsgRevokeFactor { address: name(OWNER), factor_id: EMAIL };
    let ask = |chain: &mut TestChain, owner: &mut Owner| {
        let session = owner.session(chain, OWNER, &[PASSKEY], Action::MfaWeaken, &intent(OWNER, &revoke));
        response::<MsgRevokeFactorResponse>(&deliver_with(chain, OWNER, &revoke, &[session])).change_id
    };
    let change_id = ask(&mut chain, &mut owner);
    refused(&chain.deliver(THIEF, &MsgCancelChange { address: name(THIEF), change_id }), 17);
    ok(&chain.deliver(OWNER, &MsgCancelChange { address: name(OWNER), change_id }));
    jump(&mut chain, 86_400);
    assert_eq!(account(&chain, OWNER).factors[2].state(), FactorState::Active);
    ask(&mut chain, &mut owner);
    jump(&mut chain, 86_300);
    assert_eq!(account(&chain, OWNER).factors[2].state(), FactorState::Active);
    jump(&mut chain, 100);
    assert_eq!(account(&chain, OWNER).factors[2].state(), FactorState::Revoked);
}

#[test]
fn rules_of_an_account_add_to_the_minimum_and_go_only_after_the_delay() {
    let mut chain = chain();
    let mut owner = Owner::enrolled(&mut chain);
    let set = |kind: FactorType| FactorSet { any: vec![kind.into()] };
    let rule = Rule { action: Action::KnownTransfer.into(), all: vec![set(FactorType::Email)] };
    let policy = MsgSetPolicy { address: name(OWNER), rules: vec![rule] };
    refused(&chain.deliver(OWNER, &policy), 2);
    let session = owner.session(&mut chain, OWNER, &[PASSKEY], Action::FactorEnrollment, &intent(OWNER, &policy));
    ok(&deliver_with(&mut chain, OWNER, &policy, &[session]));
    let session = owner.session(&mut chain, OWNER, &[PASSKEY], Action::TransferNewAddress, &[]);
    ok(&deliver_with(&mut chain, OWNER, &send(OWNER, FRIEND, 1), &[session]));
    refused(&chain.deliver(OWNER, &send(OWNER, FRIEND, 1)), 2);
    let session = owner.session(&mut chain, OWNER, &[EMAIL], Action::KnownTransfer, &[]);
    ok(&deliver_with(&mut chain, OWNER, &send(OWNER, FRIEND, 1), &[session]));
    let none = MsgSetPolicy { address: name(OWNER), rules: Vec::new() };
    let session = owner.session(&mut chain, OWNER, &[PASSKEY], Action::FactorEnrollment, &intent(OWNER, &none));
    refused(&deliver_with(&mut chain, OWNER, &none, &[session]), 6);
    let impossible = Rule { action: Action::Order.into(), all: vec![set(FactorType::Totp)] };
    let more = MsgSetPolicy { address: name(OWNER), rules: vec![impossible, policy.rules[0].clone()] };
    let session = owner.session(&mut chain, OWNER, &[PASSKEY], Action::FactorEnrollment, &intent(OWNER, &more));
    refused(&deliver_with(&mut chain, OWNER, &more, &[session]), 15);
}

#[test]
fn a_trusted_browser_signs_in_the_place_of_the_passkey_where_it_may() {
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
    let mut chain = chain();
    let mut owner = Owner::enrolled(&mut chain);
    let random = ring::rand::SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("randomness");
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).expect("a key");
    let point = pair.public_key().as_ref();
    let public_key = [&[2 + (point[64] & 1)], &point[1..33]].concat();
    let add = MsgAddTrustedBrowser { address: name(OWNER), public_key, label: "laptop".into() };
    refused(&chain.deliver(OWNER, &add), 2);
    let session = owner.session(&mut chain, OWNER, &[PASSKEY], Action::FactorEnrollment, &intent(OWNER, &add));
    let browser =
        response::<MsgAddTrustedBrowserResponse>(&deliver_with(&mut chain, OWNER, &add, &[session])).factor_id;
    let session = |chain: &mut TestChain, action: Action| {
        let (id, bytes) = challenge(chain, OWNER, OWNER, browser, action, &[]);
        let signature = pair.sign(&random, &bytes).expect("it signs").as_ref().to_vec();
        let proof = Proof { signature, ..Proof::default() };
        assert!(response::<MsgSubmitFactorProofResponse>(&submit(chain, OWNER, id, proof)).verified);
        response::<MsgIssueSessionResponse>(&issue(chain, OWNER, vec![id])).session_id
    };
    let transfer = session(&mut chain, Action::TransferNewAddress);
    ok(&deliver_with(&mut chain, OWNER, &send(OWNER, FRIEND, 1), &[transfer]));
    let large = session(&mut chain, Action::LargeWithdrawal);
    refused(&deliver_with(&mut chain, OWNER, &send(OWNER, FRIEND, 20_000_000_000), &[large]), 3);
    let last = session(&mut chain, Action::TransferNewAddress);
    ok(&chain.deliver(OWNER, &MsgRemoveTrustedBrowser { address: name(OWNER), factor_id: browser }));
    refused(&deliver_with(&mut chain, OWNER, &send(OWNER, THIEF, 1), &[last]), 5);
    refused(&ask(&mut chain, OWNER, OWNER, browser, Action::TransferNewAddress, &[]), 12);
}

#[test]
fn a_new_address_takes_the_place_of_the_old_one_with_the_person_and_the_old_one() {
    let mut chain = chain();
    let mut owner = Owner::enrolled(&mut chain);
    let mut message = enroll(OWNER, FactorType::Email);
    message.public_part = vec![6; 32];
    let hash = intent(OWNER, &message);
    let weak = owner.session(&mut chain, OWNER, &[PASSKEY], Action::FactorEnrollment, &hash);
    refused(&deliver_with(&mut chain, OWNER, &message, &[weak]), 6);
    let weak = owner.session(&mut chain, OWNER, &[FACE], Action::ContactChange, &hash);
    refused(&deliver_with(&mut chain, OWNER, &message, &[weak]), 3);
    let right = owner.session(&mut chain, OWNER, &[FACE, EMAIL], Action::ContactChange, &hash);
    let id = response::<MsgEnrollFactorResponse>(&deliver_with(&mut chain, OWNER, &message, &[right])).factor_id;
    let (challenge_id, bytes) = challenge(&mut chain, OWNER, OWNER, id, Action::FactorConfirmation, &[]);
    let proof = contact_proof(&chain, Kind::Email, [6; 32], &name(OWNER), &bytes);
    assert!(is_confirmed(&mut chain, OWNER, challenge_id, proof));
    let states: Vec<_> = account(&chain, OWNER).factors.iter().map(Factor::state).collect();
    assert_eq!(states[2..], [FactorState::Revoked, FactorState::Active]);
}

#[test]
fn two_proofs_of_one_factor_count_once() {
    let mut chain = chain();
    let mut owner = Owner::enrolled(&mut chain);
    let ids: Vec<u64> = (0..2)
        .map(|_| {
            let (id, bytes) = challenge(&mut chain, OWNER, OWNER, PASSKEY, Action::DataRights, &[]);
            let proof = owner.passkey.answer(&bytes);
            ok(&submit(&mut chain, OWNER, id, proof));
            id
        })
        .collect();
    refused(&issue(&mut chain, OWNER, ids.clone()), 15);
    refused(&issue(&mut chain, OWNER, vec![ids[0], ids[0]]), 15);
    refused(&issue(&mut chain, THIEF, vec![ids[0]]), 15);
    ok(&issue(&mut chain, OWNER, vec![ids[0]]));
    refused(&issue(&mut chain, OWNER, vec![ids[0]]), 17);
}
