use ve_proto::ve::veid::v1::{Capture, CaptureMetadata, CaptureQuality};

use super::*;

fn metadata() -> CaptureMetadata {
    CaptureMetadata {
        device_fp: vec![0xab; 2],
        client_id: "app".into(),
        client_version: "1.2.0".into(),
        session_id: "session-1".into(),
        doc_type: "passport".into(),
        quality: Some(CaptureQuality { face_confidence: 9_000, sharpness: 5_000, ..CaptureQuality::default() }),
        capture_ts: 1_750_000_000,
        geo_country: "DE".into(),
        origin_proof_hash: vec![1],
        liveness_script: vec!["blink".into(), "turn".into()],
    }
}

#[test]
fn the_metadata_has_one_canonical_form() {
    let text = String::from_utf8(canonical_json(&metadata())).expect("it is text");
    assert!(
        text.starts_with(r#"{"capture_ts":1750000000,"client_id":"app","client_version":"1.2.0","device_fp":"abab","#)
    );
    assert!(text.contains(r#""liveness_script":["blink","turn"],"#), "{text}");
    assert!(text.ends_with(r#""session_id":"session-1"}"#), "{text}");
}

#[test]
fn every_field_of_the_metadata_changes_the_payload_hash() {
    let original = payload_hash(b"sealed", &metadata());
    let changes: [fn(&mut CaptureMetadata); 6] = [
        |data| data.device_fp.push(0),
        |data| data.client_version = "1.2.1".into(),
        |data| data.session_id = "session-2".into(),
        |data| data.capture_ts += 1,
        |data| data.liveness_script.truncate(1),
        |data| data.quality = None,
    ];
    for change in changes {
        let mut changed = metadata();
        change(&mut changed);
        assert_ne!(payload_hash(b"sealed", &changed), original);
    }
    assert_ne!(payload_hash(b"sealee", &metadata()), original);
}

#[test]
fn the_binding_holds_salt_device_session_nonce_and_time_together() {
    let capture =
        Capture { salt: vec![1; 32], device_id: vec![2; 16], metadata: Some(metadata()), ..Capture::default() };
    let nonce = nonce("ve-1", &[7; 32], "ve1a", "session-1");
    let original = binding_hash("ve-1", &capture, &nonce);
    assert_ne!(binding_hash("ve-2", &capture, &nonce), original, "another chain");
    assert_ne!(binding_hash("ve-1", &capture, &super::nonce("ve-1", &[8; 32], "ve1a", "session-1")), original);
    assert_ne!(binding_hash("ve-1", &Capture { salt: vec![3; 32], ..capture.clone() }, &nonce), original);
    assert_ne!(binding_hash("ve-1", &Capture { device_id: vec![2; 17], ..capture }, &nonce), original);
}

#[test]
fn a_wallet_id_is_half_of_a_digest_in_hex() {
    let id = wallet_id("ve19rl4cm2hmr8afy4kldpxz3fka4jguq0aqakfsa");
    assert_eq!(id.len(), 32);
    assert_eq!(id, wallet_id("ve19rl4cm2hmr8afy4kldpxz3fka4jguq0aqakfsa"));
    assert_ne!(id, wallet_id("ve1am058pdux3hyulcmfgj4m3hhrlfn8nzmm68nqg"));
}

#[test]
fn names_need_no_escaping() {
    assert!(is_name("com.example:app-1_x".trim_end_matches("_x")));
    for bad in ["", "a b", "a\"b", "é", &"x".repeat(65)] {
        assert!(!is_name(bad), "{bad:?}");
    }
}
