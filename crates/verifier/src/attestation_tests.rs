use ed25519_zebra::{SigningKey, VerificationKeyBytes};
use proptest::prelude::*;
use prost_reflect::SerializeOptions;
use ve_base::attestation::key_id;
use ve_proto::ve::attester::v1::Proof;

use super::*;

const NOW: u64 = 1_795_219_200;

fn key() -> SigningKey {
    SigningKey::from([7; 32])
}

fn circumstances() -> Circumstances {
    let public: [u8; 32] = VerificationKeyBytes::from(&key()).into();
    Circumstances {
        now: NOW,
        chain_id: "ve-test-1".into(),
        subject: "ve1subject".into(),
        issuer_keys: [(("ve1issuer".to_owned(), key_id(&public)), public)].into(),
    }
}

fn attestation(kind: Kind, score: u32) -> Attestation {
    let public: [u8; 32] = VerificationKeyBytes::from(&key()).into();
    Attestation {
        schema: SCHEMA.into(),
        kind: kind as i32,
        issuer: "ve1issuer".into(),
        key_id: key_id(&public),
        subject: "ve1subject".into(),
        nonce: vec![1; 32],
        issued_at: NOW - 60,
        expires_at: NOW + 60,
        proofs: vec![Proof {
            r#type: "otp".into(),
            score_bp: 9000,
            threshold_bp: 5000,
            passed: true,
            ..Proof::default()
        }],
        score_bp: score,
        confidence_bp: 9000,
        ..Attestation::default()
    }
}

fn json(attestation: &Attestation) -> Vec<u8> {
    let schema = ve_proto::descriptors().get_message_by_name("ve.attester.v1.Attestation").expect("the schema");
    let message = DynamicMessage::decode(schema, attestation.encode_to_vec().as_slice()).expect("the same schema");
    let mut out = Vec::new();
    let mut writer = serde_json::Serializer::new(&mut out);
    message.serialize_with_options(&mut writer, &SerializeOptions::new()).expect("JSON");
    out
}

fn signed(mut attestation: Attestation) -> Vec<u8> {
    let message = signed_bytes("ve-test-1", &attestation).expect("canonical");
    attestation.signature = key().sign(&message).to_bytes().to_vec();
    json(&attestation)
}

fn read(input: &[u8]) -> Result<Extraction, ExtractError> {
    Attestations.extract(input, &circumstances())
}

#[test]
fn each_kind_gives_the_feature_that_it_is_about() {
    let kinds = [
        (Kind::Device, 50),
        (Kind::Email, 55),
        (Kind::Sms, 56),
        (Kind::Call, 56),
        (Kind::Sso, 57),
        (Kind::EnterpriseSso, 57),
        (Kind::Social, 58),
        (Kind::Domain, 59),
        (Kind::Government, 62),
    ];
    for (kind, feature) in kinds {
        let read = read(&signed(attestation(kind, 8123))).expect("it is signed");
        assert_eq!(read.features, [(feature, 8123)].into(), "{kind:?}");
    }
    assert!(read(&signed(attestation(Kind::Totp, 1))).is_err());
    assert!(read(&signed(attestation(Kind::Unspecified, 1))).is_err());
}

#[test]
fn a_failed_proof_is_worth_nothing() {
    for change in [|proof: &mut Proof| proof.passed = false, |proof: &mut Proof| proof.threshold_bp = 9001] {
        let mut failed = attestation(Kind::Email, 9000);
        change(&mut failed.proofs[0]);
        let read = read(&signed(failed)).expect("it is signed");
        assert_eq!((read.features[&55], read.problems.len()), (0, 1));
    }
}

#[test]
fn what_is_not_signed_for_this_account_at_this_time_does_not_count() {
    let of = |change: fn(&mut Attestation)| {
        let mut changed = attestation(Kind::Email, 9000);
        change(&mut changed);
        read(&signed(changed))
    };
    let untrusted = |result: Result<Extraction, ExtractError>| matches!(result, Err(ExtractError::Untrusted(_)));
    assert!(untrusted(of(|a| a.subject = "ve1other".into())));
    assert!(untrusted(of(|a| a.issuer = "ve1other".into())));
    assert!(untrusted(of(|a| a.key_id = "00".into())));
    assert!(untrusted(of(|a| a.expires_at = NOW)));
    assert!(untrusted(of(|a| a.issued_at = NOW + 301)));
    assert!(untrusted(of(|a| a.schema = "1.0.1".into())));
    assert!(untrusted(of(|a| a.proofs.clear())));
    assert!(of(|a| a.issued_at = NOW + 300).is_ok());
    assert!(of(|a| a.score_bp = 10_001).is_err());
}

#[test]
fn a_signature_is_of_one_document_on_one_chain() {
    let good = signed(attestation(Kind::Email, 9000));
    let text = String::from_utf8(good.clone()).expect("JSON");
    assert!(read(text.replace("9000", "9001").as_bytes()).is_err());
    assert!(read(&json(&attestation(Kind::Email, 9000))).is_err(), "unsigned");
    let elsewhere = Circumstances { chain_id: "ve-test-2".into(), ..circumstances() };
    assert_eq!(Attestations.extract(&good, &elsewhere), Err(ExtractError::Untrusted("the signature is wrong")));
}

#[test]
fn other_documents_are_refused() {
    let text = String::from_utf8(signed(attestation(Kind::Email, 9000))).expect("JSON");
    let surplus = text.replacen('{', "{\"trusted\":true,", 1);
    let twice = format!("{text}{text}");
    for bad in ["", "{}", "null", "[[[[", &surplus, &twice] {
        assert!(read(bad.as_bytes()).is_err(), "{bad}");
    }
    assert!(read("[".repeat(16 << 10).as_bytes()).is_err());
}

proptest! {
    #[test]
    fn a_changed_byte_never_raises_what_an_attestation_is_worth(at in 0usize..2000, byte in any::<u8>()) {
        let mut changed = signed(attestation(Kind::Email, 9000));
        let at = at % changed.len();
        changed[at] = byte;
        if let Ok(read) = read(&changed) {
            prop_assert_eq!(read.features, [(55, 9000)].into());
        }
    }
}
