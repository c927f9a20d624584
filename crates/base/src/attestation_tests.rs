use ve_proto::ve::attester::v1::{Attestation, Evidence, Kind, Proof};

use super::*;

fn attestation() -> Attestation {
    Attestation {
        schema: SCHEMA.into(),
        kind: Kind::Email.into(),
        issuer: "ve1issuer".into(),
        key_id: "00".into(),
        subject: "ve1subject".into(),
        nonce: vec![0xab; 16],
        issued_at: 1_750_000_000,
        expires_at: 1_750_000_600,
        proofs: vec![Proof { r#type: "otp".into(), passed: true, ..Proof::default() }],
        ..Attestation::default()
    }
}

#[test]
fn the_document_names_issuer_and_subject_by_did_and_leaves_signatures_out() {
    let mut signed = attestation();
    (signed.signature, signed.account_signature) = (vec![1; 64], vec![2; 64]);
    let bytes = jcs::canonical(&document("ve-1", &signed)).expect("it is canonical");
    let text = String::from_utf8(bytes).expect("UTF-8");
    assert_eq!(
        text,
        "{\"confidence_bp\":0,\"expires_at\":1750000600,\"issued_at\":1750000000,\"issuer\":\"did:ve:ve-1:ve1issuer\",\
         \"key_id\":\"00\",\"model\":\"\",\"nonce\":\"abababababababababababababababab\",\"proofs\":[{\
         \"content_commit\":\"\",\"counter\":0,\"passed\":true,\"score_bp\":0,\"threshold_bp\":0,\"ts\":0,\
         \"type\":\"otp\"}],\"request_id\":\"\",\"schema\":\"1.0.0\",\"scope_id\":\"\",\"score_bp\":0,\
         \"subject\":\"did:ve:ve-1:ve1subject\",\"type\":\"email\",\"upstream\":\"\"}"
    );
}

#[test]
fn every_field_and_the_chain_change_what_is_signed() {
    let base = attestation();
    let changes: [fn(&mut Attestation); 14] = [
        |a| a.kind = Kind::Sms.into(),
        |a| a.issuer.push('x'),
        |a| a.key_id.push('x'),
        |a| a.subject.push('x'),
        |a| a.scope_id.push('x'),
        |a| a.request_id.push('x'),
        |a| a.nonce[0] ^= 1,
        |a| a.issued_at += 1,
        |a| a.expires_at += 1,
        |a| a.proofs[0].passed = false,
        |a| a.proofs[0].counter = 1,
        |a| a.score_bp = 1,
        |a| a.evidence = Some(Evidence::default()),
        |a| a.upstream = vec![1; 32],
    ];
    let signed = signed_bytes("ve-1", &base).expect("it is canonical");
    assert_eq!(signed.len(), 64);
    assert_ne!(signed_bytes("ve-2", &base).expect("it is canonical"), signed);
    for (at, change) in changes.iter().enumerate() {
        let mut other = base.clone();
        change(&mut other);
        assert_ne!(signed_bytes("ve-1", &other).expect("it is canonical"), signed, "change {at}");
    }
}

#[test]
fn a_time_beyond_exact_integers_is_refused() {
    assert!(signed_bytes("ve-1", &Attestation { issued_at: u64::MAX, ..attestation() }).is_err());
}
