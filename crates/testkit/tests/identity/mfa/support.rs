//! A chain with attesters, a software passkey, and the steps of a proof.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prost::{Message, Name};
use prost_types::Any;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use ve_base::keys::{ConsensusSecret, SecretKey};
use ve_base::{attestation, mfa};
use ve_proto::cosmos::base::abci::v1beta1::TxMsgData;
use ve_proto::ve::attester::v1::{Attestation, Kind, Proof as Checked};
use ve_proto::ve::mfa::v1::*;
use ve_sdk::application::TxResult;
use ve_testkit::chain::{Account, CHAIN_ID, TestChain, any, sign_changed};

/// The account that has factors, a friend of it, and somebody else.
pub const OWNER: usize = 0;
pub const FRIEND: usize = 1;
pub const THIEF: usize = 2;
/// The first of the accounts that attest; each is an organisation of its own.
const ATTESTERS: u32 = 3;
pub const ATTESTER_COUNT: u32 = 6;
const ACCOUNTS: u32 = ATTESTERS + ATTESTER_COUNT;
pub const ORIGIN: &str = "http://localhost:7717";
const GENESIS: u64 = 1_750_000_000;

pub fn name(of: usize) -> String {
    Account::number(u32::try_from(of).expect("few accounts")).address.to_string()
}

pub fn signer(of: u32) -> ConsensusSecret {
    ConsensusSecret::from_seed([100 + u8::try_from(of).expect("few"); 32])
}

pub fn attester(of: u32) -> String {
    Account::number(ATTESTERS + of).address.to_string()
}

fn attesters(state: &mut Value) {
    let kinds = ["KIND_EMAIL", "KIND_SMS", "KIND_CALL", "KIND_TOTP", "KIND_BIOMETRIC", "KIND_CERTIFICATE_STATUS"];
    let one = |of: u32| {
        json!({
            "address": attester(of), "name": "attester", "organisation": format!("org {of}"), "kinds": kinds,
            "state": "ATTESTER_STATE_ACTIVE", "bond": "0", "slashed": "0",
        })
    };
    let key = |of: u32| {
        let public = signer(of).public();
        json!({
            "attester": attester(of), "key_id": attestation::key_id(&public), "state": "KEY_STATE_ACTIVE",
            "public_key": base64::engine::general_purpose::STANDARD.encode(public),
            "added_at": GENESIS.to_string(), "active_at": GENESIS.to_string(),
            "expires_at": (GENESIS + 90 * 86_400).to_string(),
        })
    };
    state["attester"]["attesters"] = (0..ATTESTER_COUNT).map(one).collect();
    state["attester"]["keys"] = (0..ATTESTER_COUNT).map(key).collect();
}

pub fn chain() -> TestChain {
    chain_with(|_| {})
}

pub fn chain_with(change: impl FnOnce(&mut Value)) -> TestChain {
    TestChain::with_genesis(ACCOUNTS, |state| {
        attesters(state);
        // Who these accounts are is not what is tested.
        let rows = state.pointer_mut("/veid/params/capabilities").and_then(Value::as_array_mut);
        for row in rows.into_iter().flatten() {
            row["enforced"] = false.into();
        }
        change(state);
    })
}

#[track_caller]
pub fn ok(result: &TxResult) {
    assert_eq!(result.code, 0, "{}", result.log);
}

#[track_caller]
pub fn refused(result: &TxResult, code: u32) {
    assert_eq!((result.codespace.as_str(), result.code), ("mfa", code), "{}", result.log);
}

/// The response of the first message.
#[track_caller]
pub fn response<R: Message + Default>(result: &TxResult) -> R {
    ok(result);
    let data = TxMsgData::decode(result.data.clone()).expect("message responses");
    R::decode(data.msg_responses[0].value.as_slice()).expect("a response of this type")
}

/// The key that signs the use of sessions.
pub fn client() -> ConsensusSecret {
    ConsensusSecret::from_seed([77; 32])
}

pub fn client_any() -> Any {
    client().public_key().to_any()
}

pub fn account(chain: &TestChain, of: usize) -> QueryAccountResponse {
    chain.query("/ve.mfa.v1.Query/Account", &QueryAccountRequest { address: name(of) }).expect("it answers")
}

pub fn jump(chain: &mut TestChain, seconds: u64) {
    chain.time = chain.time.plus_seconds(seconds);
    chain.run(Vec::new());
}

/// A passkey in software with an Ed25519 key.
pub struct Passkey {
    key: ConsensusSecret,
    id: Vec<u8>,
    pub counter: u32,
}

fn client_data(kind: &str, challenge: &[u8]) -> String {
    let challenge = URL_SAFE_NO_PAD.encode(challenge);
    format!(r#"{{"type":"{kind}","challenge":"{challenge}","origin":"{ORIGIN}","crossOrigin":false}}"#)
}

impl Passkey {
    pub fn new(seed: u8) -> Self {
        Self { key: ConsensusSecret::from_seed([seed; 32]), id: vec![seed; 16], counter: 0 }
    }

    fn data(&self, flags: u8) -> Vec<u8> {
        [Sha256::digest("localhost").as_slice(), &[flags], &self.counter.to_be_bytes()].concat()
    }

    pub fn enrollment(&self, of: usize) -> MsgEnrollFactor {
        let cose = [&[0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21, 0x58, 0x20], &self.key.public()[..]].concat();
        let data = [&self.data(0x45)[..], &[0; 16], &[0, 16], &self.id, &cose].concat();
        let length = u8::try_from(data.len()).expect("short");
        let object = [&b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58"[..], &[length], &data].concat();
        let challenge = mfa::registration(CHAIN_ID, &name(of));
        MsgEnrollFactor {
            address: name(of),
            r#type: FactorType::Webauthn.into(),
            label: "passkey".into(),
            attestation_object: object,
            client_data_json: client_data("webauthn.create", &challenge).into_bytes(),
            ..MsgEnrollFactor::default()
        }
    }

    pub fn answer(&mut self, challenge: &[u8]) -> Proof {
        self.counter += 1;
        let (authenticator_data, client_data) = (self.data(0x05), client_data("webauthn.get", challenge));
        let message = [&authenticator_data[..], &Sha256::digest(&client_data)].concat();
        Proof {
            signature: self.key.sign(&message).to_vec(),
            authenticator_data,
            client_data_json: client_data.into_bytes(),
            ..Proof::default()
        }
    }
}

/// The statement of attester `of` in answer to a challenge of this account.
pub fn statement(chain: &TestChain, of: u32, kind: Kind, address: &str, challenge: &[u8]) -> Attestation {
    let now = chain.time.unix();
    let key = signer(of);
    Attestation {
        schema: attestation::SCHEMA.into(),
        kind: kind.into(),
        issuer: attester(of),
        key_id: attestation::key_id(&key.public()),
        subject: address.into(),
        request_id: mfa::request_id(challenge),
        nonce: Sha256::new().chain_update(challenge).chain_update(now.to_be_bytes()).finalize().to_vec(),
        issued_at: now,
        expires_at: now + 300,
        proofs: vec![Checked { r#type: "code".into(), passed: true, time: now, ..Checked::default() }],
        ..Attestation::default()
    }
}

pub fn signed(mut of: Attestation) -> Attestation {
    let number = (0..ATTESTER_COUNT).find(|number| attester(*number) == of.issuer).expect("one of the attesters");
    of.signature = signer(number).sign(&attestation::signed_bytes(CHAIN_ID, &of).expect("canonical")).to_vec();
    of
}

/// Two organisations say that the number or address behind `upstream` answered.
pub fn contact_proof(chain: &TestChain, kind: Kind, upstream: [u8; 32], address: &str, challenge: &[u8]) -> Proof {
    let one = |of: u32| {
        let mut statement = statement(chain, of, kind, address, challenge);
        statement.upstream = upstream.to_vec();
        signed(statement)
    };
    Proof { attestations: vec![one(0), one(1)], ..Proof::default() }
}

/// What every attester says that was drawn for this challenge.
pub fn face_proof(chain: &TestChain, address: &str, challenge: &[u8], change: impl Fn(&mut Attestation)) -> Proof {
    let seed: [u8; 32] = Sha256::digest(challenge).into();
    let mut drawn: Vec<u32> = (0..ATTESTER_COUNT).collect();
    drawn.sort_by_key(|of| Sha256::new().chain_update(seed).chain_update(attester(*of)).finalize().to_vec());
    let now = chain.time.unix();
    let score = |kind: &str, score_bp| Checked {
        r#type: kind.into(),
        score_bp,
        threshold_bp: 7500,
        passed: true,
        time: now,
        ..Checked::default()
    };
    let one = |of: &u32| {
        let mut statement = statement(chain, *of, Kind::Biometric, address, challenge);
        statement.proofs = vec![score("face_match", 9000), score("pad", 8000)];
        change(&mut statement);
        signed(statement)
    };
    Proof { attestations: drawn.iter().take(5).map(one).collect(), ..Proof::default() }
}

/// Asks for a challenge in the name of `by` about account `of`.
pub fn ask(
    chain: &mut TestChain,
    by: usize,
    of: usize,
    factor_id: u64,
    action: Action,
    intent_hash: &[u8],
) -> TxResult {
    let message = MsgCreateChallenge {
        sender: name(by),
        address: name(of),
        factor_id,
        action: action.into(),
        intent_hash: intent_hash.to_vec(),
        client_key: Some(client_any()),
    };
    chain.deliver(by, &message)
}

#[track_caller]
pub fn challenge(
    chain: &mut TestChain,
    by: usize,
    of: usize,
    factor_id: u64,
    action: Action,
    intent: &[u8],
) -> (u64, Vec<u8>) {
    let made: MsgCreateChallengeResponse = response(&ask(chain, by, of, factor_id, action, intent));
    (made.challenge_id, made.bytes_to_sign)
}

pub fn submit(chain: &mut TestChain, by: usize, challenge_id: u64, proof: Proof) -> TxResult {
    chain.deliver(by, &MsgSubmitFactorProof { sender: name(by), challenge_id, proof: Some(proof) })
}

pub fn confirm(chain: &mut TestChain, by: usize, challenge_id: u64, proof: Proof) -> TxResult {
    chain.deliver(by, &MsgConfirmEnrollment { address: name(by), challenge_id, proof: Some(proof) })
}

pub fn issue(chain: &mut TestChain, by: usize, challenge_ids: Vec<u64>) -> TxResult {
    chain.deliver(by, &MsgIssueSession { sender: name(by), challenge_ids })
}

/// Enrols a passkey as the first factor of an account; returns its number.
#[track_caller]
pub fn enroll_passkey(chain: &mut TestChain, of: usize, passkey: &mut Passkey) -> u64 {
    let enrolled: MsgEnrollFactorResponse = response(&chain.deliver(of, &passkey.enrollment(of)));
    let (id, bytes) = challenge(chain, of, of, enrolled.factor_id, Action::FactorConfirmation, &[]);
    let proof = passkey.answer(&bytes);
    let confirmed: MsgConfirmEnrollmentResponse = response(&confirm(chain, of, id, proof));
    assert!(confirmed.verified);
    enrolled.factor_id
}

/// A session by a passkey alone.
#[track_caller]
pub fn passkey_session(
    chain: &mut TestChain,
    of: usize,
    factor_id: u64,
    passkey: &mut Passkey,
    action: Action,
    intent: &[u8],
) -> u64 {
    let (id, bytes) = challenge(chain, of, of, factor_id, action, intent);
    let proof = passkey.answer(&bytes);
    let submitted: MsgSubmitFactorProofResponse = response(&submit(chain, of, id, proof));
    assert!(submitted.verified);
    response::<MsgIssueSessionResponse>(&issue(chain, of, vec![id])).session_id
}

/// A transaction of `from` that uses sessions, signed by `client`.
pub fn with_sessions(
    chain: &mut TestChain,
    from: usize,
    messages: Vec<Any>,
    sessions: &[u64],
    client: &ConsensusSecret,
) -> TxResult {
    let account = chain.account(&chain.accounts[from].address);
    let signer = &chain.accounts[from];
    let used = sessions.iter().map(|id| UsedSession {
        session_id: *id,
        signature: client.sign(&mfa::session_use(CHAIN_ID, *id, &messages, account.sequence)).to_vec(),
    });
    let option = any(&SessionUse { sessions: used.collect() });
    let tx = sign_changed(signer, account.account_number, account.sequence, messages, |body, _| {
        body.non_critical_extension_options.push(option);
    });
    chain.run(vec![tx]).tx_results.remove(0)
}

#[track_caller]
pub fn deliver_with<M: Message + Name>(chain: &mut TestChain, from: usize, message: &M, sessions: &[u64]) -> TxResult {
    with_sessions(chain, from, vec![any(message)], sessions, &client())
}

pub fn intent<M: Message + Name>(of: usize, message: &M) -> [u8; 32] {
    mfa::intent(CHAIN_ID, &name(of), &any(message))
}

/// A fresh account key with its proof for account `of`.
pub fn new_key(seed: u8, of: usize) -> (SecretKey, Any, Vec<u8>) {
    let secret = SecretKey::from_bytes([seed; 32]).expect("a key");
    let key = secret.public_key().to_any();
    let proof = secret.sign(&mfa::new_key(CHAIN_ID, &name(of), &key)).to_vec();
    (secret, key, proof)
}

pub fn send(from: usize, to: usize, amount: u64) -> ve_proto::cosmos::bank::v1beta1::MsgSend {
    ve_proto::cosmos::bank::v1beta1::MsgSend {
        from_address: name(from),
        to_address: name(to),
        amount: vec![ve_proto::cosmos::base::v1beta1::Coin { denom: "uve".into(), amount: amount.to_string() }],
    }
}

/// An account with a passkey (1), the person (2) and an e-mail address (3), each enrolled as anybody would.
pub struct Owner {
    pub passkey: Passkey,
    pub email: [u8; 32],
}

pub const PASSKEY: u64 = 1;
pub const FACE: u64 = 2;
pub const EMAIL: u64 = 3;

/// A further factor, allowed by the passkey; not confirmed yet.
#[track_caller]
pub fn enroll_more(chain: &mut TestChain, of: usize, passkey: &mut Passkey, message: &MsgEnrollFactor) -> u64 {
    let intent = intent(of, message);
    let session = passkey_session(chain, of, PASSKEY, passkey, Action::FactorEnrollment, &intent);
    response::<MsgEnrollFactorResponse>(&deliver_with(chain, of, message, &[session])).factor_id
}

impl Owner {
    pub fn enrolled(chain: &mut TestChain) -> Self {
        let mut owner = Self { passkey: Passkey::new(9), email: [5; 32] };
        assert_eq!(enroll_passkey(chain, OWNER, &mut owner.passkey), PASSKEY);
        let face = MsgEnrollFactor {
            address: name(OWNER),
            r#type: FactorType::Biometric.into(),
            ..MsgEnrollFactor::default()
        };
        assert_eq!(enroll_more(chain, OWNER, &mut owner.passkey, &face), FACE);
        let (id, bytes) = challenge(chain, OWNER, OWNER, FACE, Action::FactorConfirmation, &[]);
        let proof = face_proof(chain, &name(OWNER), &bytes, |_| {});
        assert!(response::<MsgConfirmEnrollmentResponse>(&confirm(chain, OWNER, id, proof)).verified);
        let email = MsgEnrollFactor {
            address: name(OWNER),
            r#type: FactorType::Email.into(),
            public_part: owner.email.to_vec(),
            ..MsgEnrollFactor::default()
        };
        assert_eq!(enroll_more(chain, OWNER, &mut owner.passkey, &email), EMAIL);
        let (id, bytes) = challenge(chain, OWNER, OWNER, EMAIL, Action::FactorConfirmation, &[]);
        let proof = contact_proof(chain, Kind::Email, owner.email, &name(OWNER), &bytes);
        assert!(response::<MsgConfirmEnrollmentResponse>(&confirm(chain, OWNER, id, proof)).verified);
        owner
    }

    /// A session of these factors, asked for by `by`.
    #[track_caller]
    pub fn session(&mut self, chain: &mut TestChain, by: usize, factors: &[u64], action: Action, intent: &[u8]) -> u64 {
        let mut ids = Vec::new();
        for factor in factors {
            let (id, bytes) = challenge(chain, by, OWNER, *factor, action, intent);
            let proof = match *factor {
                PASSKEY => self.passkey.answer(&bytes),
                FACE => face_proof(chain, &name(OWNER), &bytes, |_| {}),
                _ => contact_proof(chain, Kind::Email, self.email, &name(OWNER), &bytes),
            };
            assert!(response::<MsgSubmitFactorProofResponse>(&submit(chain, by, id, proof)).verified);
            ids.push(id);
        }
        response::<MsgIssueSessionResponse>(&issue(chain, by, ids)).session_id
    }
}
