use ve_proto::ve::veid::v1::ScoreAttestation;

use std::collections::BTreeMap;

use ve_proto::ve::encryption::v1::{Mode, Suite};

use super::*;

fn key(byte: u8) -> EncryptionKey {
    EncryptionKey::from_bytes(Suite::X25519, [byte; 32]).expect("a known suite")
}

fn id(key: &EncryptionKey) -> String {
    envelope::key_id(key.public().expect("a valid key").bytes(), 1)
}

fn recipients(keys: &[u8]) -> Recipients {
    let entry = |byte: &u8| (id(&key(*byte)), key(*byte).public().expect("a valid key"));
    Recipients { mode: Mode::Committee, epoch: 4, keys: keys.iter().map(entry).collect::<BTreeMap<_, _>>() }
}

const SUBJECT: RunSubject<'_> = RunSubject { chain_id: "ve-1", run_id: &[7; 32], owner: "ve1owner" };

#[test]
fn every_member_opens_the_same_features() {
    let (all, opened) = (recipients(&[11, 12, 13]), Opened { nonce: [5; 32], features: [6; 140] });
    let sealed = seal_opened(&SUBJECT, &all, &opened).expect("it seals");
    for byte in [11, 12, 13] {
        let read = open_opened(&SUBJECT, &all, &sealed, &id(&key(byte)), &key(byte));
        assert!(read.is_ok_and(|read| read == opened));
    }
    assert!(open_opened(&SUBJECT, &all, &sealed, &id(&key(14)), &key(14)).is_err(), "no member");
    let other = RunSubject { run_id: &[8; 32], ..SUBJECT };
    assert!(open_opened(&other, &all, &sealed, &id(&key(11)), &key(11)).is_err(), "another run");
}

#[test]
fn features_that_only_some_members_can_read_are_refused_by_all() {
    let (all, opened) = (recipients(&[11, 12, 13]), Opened { nonce: [5; 32], features: [6; 140] });
    let mut sealed = seal_opened(&SUBJECT, &all, &opened).expect("it seals");
    sealed.recipients[2].wrapped_dek[0] ^= 1;
    for byte in [11, 12, 13] {
        assert!(open_opened(&SUBJECT, &all, &sealed, &id(&key(byte)), &key(byte)).is_err());
    }
}

#[test]
fn every_draw_is_a_run_of_its_own() {
    let request = request_id("ve1a", 1);
    assert_eq!(request.len(), 64);
    assert_ne!(request, request_id("ve1a", 2));
    let first = run_id(&request, 3, 1);
    assert_ne!(first, run_id(&request, 3, 2));
    assert_ne!(first, run_id(&request, 4, 1));
    assert_ne!(first, run_id(&request_id("ve1b", 1), 3, 1));
}

#[test]
fn attestations_are_equal_when_all_their_fields_are() {
    let one = ScoreAttestation { score: 60, ..ScoreAttestation::default() };
    let digest = attestation_digest(&[1; 32], &one);
    assert_eq!(digest, attestation_digest(&[1; 32], &one.clone()));
    assert_ne!(digest, attestation_digest(&[2; 32], &one), "another run");
    let changes: [fn(&mut ScoreAttestation); 4] = [
        |attestation| attestation.score = 61,
        |attestation| attestation.bp = 1,
        |attestation| attestation.reason_codes.push("SUCCESS".into()),
        |attestation| attestation.assured_scopes.push("scope".into()),
    ];
    for change in changes {
        let mut changed = one.clone();
        change(&mut changed);
        assert_ne!(attestation_digest(&[1; 32], &changed), digest);
    }
}

#[test]
fn a_signature_serves_one_member_run_and_purpose() {
    let commit = commit_signed("ve-1", &[1; 32], "ve1a", &[2; 32]);
    assert_ne!(commit, commit_signed("ve-1", &[1; 32], "ve1b", &[2; 32]));
    assert_ne!(commit, commit_signed("ve-2", &[1; 32], "ve1a", &[2; 32]));
    assert_ne!(commit, reveal_signed("ve-1", &[1; 32], "ve1a", &[2; 32], &[]));
    assert_ne!(attestation_signed("ve-1", "ve1a", &[1; 32]), attestation_signed("ve-1", "ve1b", &[1; 32]));
    assert_ne!(
        failure_signed("ve-1", &[1; 32], "ve1a", "A", &[]),
        failure_signed("ve-1", &[1; 32], "ve1a", "", b"A"),
        "fields do not run into each other"
    );
}
