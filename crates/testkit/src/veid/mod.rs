//! What a user's client does before it sends something.

pub mod members;

use std::cell::Cell;

use ve_base::capture;
use ve_base::envelope::{self, Content, PublicEncryptionKey, Recipients, Subject};
use ve_base::keys::{PublicKey, SecretKey};
use ve_chain_identity::veid::committee::Member;
use ve_proto::Message;
use ve_proto::ve::encryption::v1::{Envelope, Mode};
use ve_proto::ve::veid::v1::*;
use ve_sdk::application::TxResult;

use crate::chain::{CHAIN_ID, TestChain};
use crate::committee;

pub const DAY: u64 = 86_400;
pub const CLIENT: &str = "veid-app";

pub fn signing_key(secret: &SecretKey) -> SigningKey {
    let PublicKey::Secp256k1(bytes) = secret.public_key() else { panic!("account keys are secp256k1") };
    SigningKey { algorithm: KeyAlgorithm::Secp256k1.into(), public_key: bytes.to_vec() }
}

fn secret(byte: u8) -> SecretKey {
    SecretKey::from_bytes([byte; 32]).expect("a valid secret")
}

pub fn authority() -> SecretKey {
    secret(21)
}

pub fn installation() -> SecretKey {
    secret(22)
}

pub fn client() -> Client {
    Client {
        client_id: CLIENT.into(),
        name: "VirtEngine Identity".into(),
        platform: Platform::Android.into(),
        app_ids: vec!["com.virtengine.identity".into()],
        authority_key: Some(signing_key(&authority())),
        min_version: "1.2.0".into(),
        state: ClientState::Active.into(),
        ..Client::default()
    }
}

/// Twelve accounts and an approved client.
pub fn chain() -> TestChain {
    chain_with(|_| {})
}

pub fn chain_with(change: impl FnOnce(&mut serde_json::Value)) -> TestChain {
    TestChain::with_genesis(12, |state| {
        state["veid"]["clients"] = vec![ve_sdk::json::to_json(&client()).expect("it has a schema")].into();
        change(state);
    })
}

pub fn name(chain: &TestChain, of: usize) -> String {
    chain.accounts[of].address.to_string()
}

pub fn create(chain: &TestChain, of: usize) -> MsgCreateWallet {
    let owner = name(chain, of);
    let key = &chain.accounts[of].key;
    MsgCreateWallet {
        binding_key: Some(signing_key(key)),
        binding_signature: key.sign(&capture::wallet_binding(CHAIN_ID, &owner)).to_vec(),
        owner,
    }
}

pub fn agree(chain: &TestChain, of: usize, version: u32) -> MsgUpdateConsent {
    MsgUpdateConsent {
        owner: name(chain, of),
        version,
        flags: None,
        grants: vec![ConsentGrant {
            purpose: "verification".into(),
            scope_types: (1..=16).collect(),
            recipients: Vec::new(),
            expires_at: 0,
            notice_hash: vec![5; 32],
        }],
        withdraw: Vec::new(),
    }
}

/// A wallet that agreed to verification with everything.
pub fn open_wallet(chain: &mut TestChain, of: usize) {
    let message = create(chain, of);
    accept(chain, of, &message);
    rest(chain);
    let message = agree(chain, of, 1);
    accept(chain, of, &message);
    rest(chain);
}

/// Until an account may operate again.
pub fn rest(chain: &mut TestChain) {
    chain.wait(10);
}

pub fn accept<M: Message + ve_proto::Name>(chain: &mut TestChain, of: usize, message: &M) {
    let result = chain.deliver(of, message);
    assert_eq!(result.code, 0, "{}", result.log);
}

/// Codespace and code of a refusal.
pub fn code(result: &TxResult) -> (String, u32) {
    (result.codespace.clone(), result.code)
}

pub fn veid(code: u32) -> (String, u32) {
    ("veid".to_owned(), code)
}

pub fn wallet(chain: &TestChain, of: usize) -> Wallet {
    let request = QueryWalletRequest { owner: name(chain, of) };
    let response: QueryWalletResponse = chain.query("/ve.veid.v1.Query/Wallet", &request).expect("it has a wallet");
    response.wallet.expect("the response has the wallet")
}

pub fn scopes(chain: &TestChain, of: usize) -> Vec<Scope> {
    let request = QueryScopesRequest { owner: name(chain, of), ..QueryScopesRequest::default() };
    let response: QueryScopesResponse = chain.query("/ve.veid.v1.Query/Scopes", &request).expect("it answers");
    response.scopes
}

/// An upload in the making: change it, then sign it.
pub struct Upload {
    pub scope_id: String,
    pub kind: ScopeType,
    pub epoch: u64,
    pub members: usize,
    pub plaintext: Vec<u8>,
    pub inline: bool,
    pub salt: Vec<u8>,
    pub session_id: String,
    pub version: String,
    pub client_id: String,
    /// Seconds between the capture and now.
    pub age: i64,
    pub authority: SecretKey,
    pub installation: SecretKey,
    pub certificate: InstallCertificate,
    pub consent_version: u32,
    pub not_after: u64,
}

thread_local! {
    static FRESH: Cell<u8> = const { Cell::new(0) };
}

/// Different in every call.
fn fresh(length: usize) -> Vec<u8> {
    let turn = FRESH.with(|fresh| {
        fresh.set(fresh.get().wrapping_add(1));
        fresh.get()
    });
    (0..length).map(|at| u8::try_from(at % 251).expect("below 251") ^ turn).collect()
}

impl Upload {
    pub fn new(chain: &TestChain, of: usize, scope_id: &str, kind: ScopeType) -> Self {
        let now = chain.time.unix();
        Self {
            scope_id: scope_id.into(),
            kind,
            epoch: committee::EPOCH,
            members: usize::MAX,
            plaintext: b"sealed for the enclaves".to_vec(),
            inline: true,
            salt: fresh(32),
            session_id: "session-1".into(),
            version: "1.2.0".into(),
            client_id: CLIENT.into(),
            age: 0,
            authority: authority(),
            installation: installation(),
            certificate: InstallCertificate {
                client_id: CLIENT.into(),
                install_key: Some(signing_key(&installation())),
                issued_at: now,
                expires_at: now + 10 * DAY,
                assurance: Assurance::Device.into(),
                signature: Vec::new(),
            },
            consent_version: wallet(chain, of).consent_version,
            not_after: 0,
        }
    }

    /// The envelope and its ciphertext, which it only carries where that is kept on the chain.
    pub fn seal(&self, chain: &TestChain, of: usize) -> (Envelope, Vec<u8>) {
        let owner = name(chain, of);
        let object_id = format!("scope/{}", self.scope_id);
        let subject = Subject { chain_id: CHAIN_ID, module: "veid", object_id: &object_id, owner: &owner };
        let public = |member: Member| {
            let key = PublicEncryptionKey::new(member.suite, &member.sealing_key).expect("a valid key");
            (member.key_id, key)
        };
        let keys = committee::members(self.epoch).into_iter().take(self.members).map(public).collect();
        let recipients = Recipients { mode: Mode::Committee, epoch: self.epoch, keys };
        let content = Content {
            plaintext: &self.plaintext,
            content_type: "application/octet-stream",
            data_class: 4,
            retention_seconds: 7 * DAY,
        };
        let mut entropy = |buffer: &mut [u8]| buffer.copy_from_slice(&fresh(buffer.len()));
        let key = &chain.accounts[of].key;
        if self.inline {
            let envelope = envelope::seal(&subject, &recipients, &content, key, &mut entropy).expect("it seals");
            let ciphertext = envelope.ciphertext.clone();
            return (envelope, ciphertext);
        }
        let sealed = envelope::seal_detached(&subject, &recipients, &content, key, &mut entropy).expect("it seals");
        (sealed.envelope, sealed.ciphertext)
    }

    /// The message, all of it signed, after `change` touched the capture before its signatures.
    pub fn sign_changed(self, chain: &TestChain, of: usize, change: impl FnOnce(&mut Capture)) -> MsgUploadScope {
        let sealed = self.seal(chain, of);
        self.sign_sealed(chain, of, sealed, change)
    }

    /// As [`Self::sign_changed`] of something that was sealed before.
    pub fn sign_sealed(
        mut self,
        chain: &TestChain,
        of: usize,
        (envelope, ciphertext): (Envelope, Vec<u8>),
        change: impl FnOnce(&mut Capture),
    ) -> MsgUploadScope {
        let owner = name(chain, of);
        let request = QueryCaptureContextRequest {};
        let context: QueryCaptureContextResponse =
            chain.query("/ve.veid.v1.Query/CaptureContext", &request).expect("a committee is in office");
        let block = context.block.expect("a block has been");
        let certified = capture::install_certificate(CHAIN_ID, &self.certificate);
        self.certificate.signature = self.authority.sign(&certified).to_vec();
        // The next block comes five seconds after the last.
        let at = i64::try_from(chain.time.unix() + 5).expect("a time") - self.age;
        let metadata = CaptureMetadata {
            device_fp: vec![3; 32],
            client_id: self.client_id.clone(),
            client_version: self.version.clone(),
            session_id: self.session_id.clone(),
            doc_type: "passport".into(),
            quality: Some(CaptureQuality { sharpness: 6_000, ..CaptureQuality::default() }),
            capture_ts: u64::try_from(at).expect("a time"),
            geo_country: "DE".into(),
            origin_proof_hash: vec![4; 32],
            liveness_script: vec!["blink".into(), "turn".into()],
        };
        let nonce = capture::nonce(CHAIN_ID, &block.hash, &owner, &self.session_id);
        let mut made = Capture {
            protocol_version: capture::VERSION,
            salt: self.salt.clone(),
            device_id: vec![6; 16],
            block_height: block.height,
            payload_hash: capture::payload_hash(&ciphertext, &metadata).to_vec(),
            metadata: Some(metadata),
            certificate: Some(self.certificate.clone()),
            ..Capture::default()
        };
        made.binding_hash = capture::binding_hash(CHAIN_ID, &made, &nonce).to_vec();
        change(&mut made);
        made.client_signature = self.installation.sign(&capture::client_signed(CHAIN_ID, &made)).to_vec();
        let hash = ring::digest::digest(&ring::digest::SHA256, &envelope.encode_to_vec());
        let signed = capture::user_signed(CHAIN_ID, &made, hash.as_ref(), self.consent_version);
        made.user_signature = chain.accounts[of].key.sign(&signed).to_vec();
        MsgUploadScope {
            owner,
            scope_id: self.scope_id,
            r#type: self.kind.into(),
            schema_version: 1,
            size: ciphertext.len() as u64,
            envelope: Some(envelope),
            capture: Some(made),
            consent_version: self.consent_version,
            not_after: self.not_after,
        }
    }

    pub fn sign(self, chain: &TestChain, of: usize) -> MsgUploadScope {
        self.sign_changed(chain, of, |_| {})
    }
}
