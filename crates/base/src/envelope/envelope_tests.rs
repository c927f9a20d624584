use std::collections::BTreeMap;

use proptest::prelude::*;
use sha2::{Digest, Sha256};
use ve_proto::ve::encryption::v1::{Envelope, Mode, Suite};

use super::*;
use crate::keys::SecretKey;

const SUBJECT: Subject<'static> =
    Subject { chain_id: "ve-local-1", module: "market", object_id: "order-1", owner: "ve1owner" };

/// Repeatable bytes in the place of the operating system's.
fn entropy(seed: u64) -> impl FnMut(&mut [u8]) {
    let mut counter = 0u64;
    move |buffer: &mut [u8]| {
        for chunk in buffer.chunks_mut(32) {
            counter += 1;
            let block = Sha256::digest([seed.to_be_bytes(), counter.to_be_bytes()].concat());
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
    }
}

fn sender() -> SecretKey {
    SecretKey::from_bytes([7; 32]).unwrap()
}

fn key(suite: Suite, seed: u8) -> (String, EncryptionKey) {
    let key = EncryptionKey::from_bytes(suite, [seed; 32]).unwrap();
    (key_id(key.public().unwrap().bytes(), 1), key)
}

fn limits() -> Limits {
    Limits { max_recipients: 10, max_inline: 16 * 1024, suites: vec![Suite::X25519, Suite::XWing] }
}

fn recipients(keys: &[(String, EncryptionKey)]) -> Recipients {
    let keys = keys.iter().map(|(id, key)| (id.clone(), key.public().unwrap()));
    Recipients { mode: Mode::Specific, epoch: 0, keys: keys.collect() }
}

fn content(plaintext: &[u8]) -> Content<'_> {
    Content { plaintext, content_type: "application/json", data_class: 3, retention_seconds: 0 }
}

fn sealed(keys: &[(String, EncryptionKey)], plaintext: &[u8]) -> Envelope {
    seal(&SUBJECT, &recipients(keys), &content(plaintext), &sender(), &mut entropy(1)).unwrap()
}

#[test]
fn every_recipient_reads_the_same_plaintext_and_nobody_else_does() {
    for suite in [Suite::X25519, Suite::XWing] {
        let keys = [key(suite, 1), key(suite, 2)];
        let envelope = sealed(&keys, b"secret");
        check(&envelope, &limits()).unwrap();
        verify_sender(&envelope, &SUBJECT, &sender().public_key()).unwrap();
        for (id, key) in &keys {
            assert_eq!(open(&envelope, &SUBJECT, id, key).unwrap().as_slice(), b"secret");
        }
        let (id, stranger) = key(suite, 3);
        assert_eq!(open(&envelope, &SUBJECT, &id, &stranger), Err(Error::RecipientUnknown(id)));
        assert_eq!(open(&envelope, &SUBJECT, &keys[0].0, &stranger), Err(Error::CannotOpen));
    }
}

#[test]
fn the_same_inputs_and_randomness_give_the_same_bytes_and_other_randomness_gives_others() {
    let keys = [key(Suite::X25519, 1)];
    assert_eq!(sealed(&keys, b"m"), sealed(&keys, b"m"));
    let other = seal(&SUBJECT, &recipients(&keys), &content(b"m"), &sender(), &mut entropy(2)).unwrap();
    assert_ne!(other.ciphertext, sealed(&keys, b"m").ciphertext);
    assert_ne!(other.recipients[0].enc, sealed(&keys, b"m").recipients[0].enc);
}

#[test]
fn an_envelope_moved_to_another_object_owner_module_or_chain_does_not_open() {
    let keys = [key(Suite::X25519, 1)];
    let envelope = sealed(&keys, b"secret");
    let moved = [
        Subject { chain_id: "ve-1", ..SUBJECT },
        Subject { module: "veid", ..SUBJECT },
        Subject { object_id: "order-2", ..SUBJECT },
        Subject { owner: "ve1thief", ..SUBJECT },
    ];
    for subject in moved {
        assert_eq!(open(&envelope, &subject, &keys[0].0, &keys[0].1), Err(Error::CannotOpen));
        assert!(verify_sender(&envelope, &subject, &sender().public_key()).is_err());
    }
}

#[test]
fn a_changed_field_is_refused_by_the_signature_or_the_opening() {
    let keys = [key(Suite::X25519, 1), key(Suite::X25519, 2)];
    let good = sealed(&keys, b"secret");
    let changes: &[fn(&mut Envelope)] = &[
        |e| e.nonce[0] ^= 1,
        |e| e.ciphertext[0] ^= 1,
        |e| e.ciphertext.truncate(16),
        |e| e.dek_commit[31] ^= 1,
        |e| e.recipients_hash[0] ^= 1,
        |e| e.content_type = "text/plain".into(),
        |e| e.data_class = 0,
        |e| e.retention_seconds = 1,
        |e| e.epoch = 9,
        |e| e.mode = Mode::Committee.into(),
        |e| e.sender_key_id.push('x'),
        |e| e.sender_signature[5] ^= 1,
    ];
    for (at, change) in changes.iter().enumerate() {
        let mut bad = good.clone();
        change(&mut bad);
        assert!(verify_sender(&bad, &SUBJECT, &sender().public_key()).is_err(), "change {at} keeps its signature");
    }
    for field in 0..2 {
        let mut bad = good.clone();
        let entry = bad.recipients.iter_mut().find(|entry| entry.key_id == keys[0].0).unwrap();
        if field == 0 {
            entry.enc[3] ^= 1
        } else {
            entry.wrapped_dek[3] ^= 1
        }
        assert_eq!(open(&bad, &SUBJECT, &keys[0].0, &keys[0].1), Err(Error::CannotOpen));
    }
}

#[test]
fn a_sender_cannot_show_two_recipients_two_plaintexts() {
    let keys = [key(Suite::X25519, 1), key(Suite::X25519, 2)];
    let mut envelope = sealed(&keys, b"one");
    let other = seal(&SUBJECT, &recipients(&keys), &content(b"two"), &sender(), &mut entropy(9)).unwrap();
    envelope.recipients[1] = other.recipients[1].clone();
    let held_by = |id: &str| keys.iter().find(|(known, _)| known == id).unwrap();
    let (id, key) = held_by(&envelope.recipients[1].key_id);
    assert_eq!(open(&envelope, &SUBJECT, id, key), Err(Error::CannotOpen));
}

#[test]
fn a_rewrapped_entry_opens_for_the_new_key_and_keeps_commitment_and_signature() {
    for suite in [Suite::X25519, Suite::XWing] {
        let (old_id, old) = key(suite, 1);
        let (new_id, new) = key(suite, 2);
        let mut envelope = sealed(&[(old_id.clone(), old.clone())], b"secret");
        let public = new.public().unwrap();
        let entry = rewrap(&envelope, &SUBJECT, (&old_id, &old), (&new_id, &public), &mut entropy(5)).unwrap();
        envelope.recipients = vec![entry];
        assert_eq!(open(&envelope, &SUBJECT, &new_id, &new).unwrap().as_slice(), b"secret");
        assert_eq!(open(&envelope, &SUBJECT, &old_id, &old), Err(Error::RecipientUnknown(old_id.clone())));
        verify_sender(&envelope, &SUBJECT, &sender().public_key()).unwrap();
        let outsider = rewrap(&envelope, &SUBJECT, (&new_id, &old), (&old_id, &public), &mut entropy(5));
        assert_eq!(outsider, Err(Error::CannotOpen));
    }
}

#[test]
fn a_ciphertext_kept_apart_opens_only_when_it_is_that_of_the_cid() {
    let keys = [key(Suite::X25519, 1)];
    let large = vec![9; 100_000];
    let mut sealed = seal_detached(&SUBJECT, &recipients(&keys), &content(&large), &sender(), &mut entropy(1)).unwrap();
    check(&sealed.envelope, &limits()).unwrap();
    let (id, key) = &keys[0];
    assert_eq!(*open_detached(&sealed.envelope, &sealed.ciphertext, &SUBJECT, id, key).unwrap(), large);
    sealed.ciphertext[50_000] ^= 1;
    let refused = open_detached(&sealed.envelope, &sealed.ciphertext, &SUBJECT, id, key);
    assert_eq!(refused, Err(Error::CannotOpen));
    // Made with `ipfs add --raw-leaves --cid-version 1` of "hello\n".
    assert_eq!(cid(b"hello\n"), "bafkreicysg23kiwv34eg2d7qweipxwosdo2py4ldv42nbauguluen5v6am");
}

#[test]
fn the_form_of_an_envelope_keeps_plaintext_and_excess_out() {
    let keys = [key(Suite::X25519, 1), key(Suite::X25519, 2)];
    let good = sealed(&keys, b"secret");
    let code = |change: fn(&mut Envelope)| {
        let mut bad = good.clone();
        change(&mut bad);
        check(&bad, &limits()).map_err(|error| error.code())
    };
    assert_eq!(check(&Envelope::default(), &limits()).unwrap_err().code(), 7);
    assert_eq!(code(|e| e.ciphertext.clear()), Err(7));
    assert_eq!(code(|e| e.ciphertext.truncate(15)), Err(7));
    assert_eq!(code(|e| e.suite = 2), Err(2));
    assert_eq!(code(|e| e.version = 2), Err(9));
    assert_eq!(code(|e| e.mode = 0), Err(9));
    assert_eq!(code(|e| e.epoch = 3), Err(9));
    assert_eq!(code(|e| e.recipients.clear()), Err(9));
    assert_eq!(code(|e| e.recipients.swap(0, 1)), Err(9));
    assert_eq!(code(|e| e.recipients[1] = e.recipients[0].clone()), Err(5));
    assert_eq!(code(|e| e.recipients.truncate(1)), Err(9));
    assert_eq!(code(|e| e.recipients[0].wrapped_dek.push(0)), Err(9));
    assert_eq!(code(|e| e.recipients[0].enc.clear()), Err(9));
    assert_eq!(code(|e| e.nonce.push(0)), Err(9));
    assert_eq!(code(|e| e.dek_commit.clear()), Err(9));
    assert_eq!(code(|e| e.cid = "bafkrei".into()), Err(9));
    assert_eq!(code(|e| e.ciphertext.resize(16 * 1024 + 1, 0)), Err(9));
    assert_eq!(code(|e| e.content_type.clear()), Err(9));
    assert_eq!(code(|e| e.data_class = 5), Err(9));
    assert_eq!(code(|_| ()), Ok(()));
    let many: Vec<_> = (0..11).map(|seed| key(Suite::X25519, seed + 10)).collect();
    assert_eq!(check(&sealed(&many, b"m"), &limits()).unwrap_err().code(), 9);
}

#[test]
fn possession_is_proven_by_the_holder_for_one_owner_only() {
    for suite in [Suite::X25519, Suite::XWing] {
        // Both signs of the Edwards point occur among these.
        for seed in 1..12 {
            let (_, key) = key(suite, seed);
            let proof = key.prove("ve-local-1", "ve1owner", &[seed; 64]).unwrap();
            let public = key.public().unwrap();
            public.verify_possession("ve-local-1", "ve1owner", &proof).unwrap();
            assert_eq!(public.verify_possession("ve-local-1", "ve1other", &proof).unwrap_err().code(), 6);
            assert_eq!(public.verify_possession("ve-1", "ve1owner", &proof).unwrap_err().code(), 6);
            let stranger = self::key(suite, seed + 100).1.public().unwrap();
            assert_eq!(stranger.verify_possession("ve-local-1", "ve1owner", &proof).unwrap_err().code(), 6);
        }
    }
}

#[test]
fn low_order_points_twist_points_and_wrong_lengths_are_no_keys() {
    // RFC 7748 section 6.1 and "May the Fourth": points of order 1, 2, 4 and 8 in Montgomery form.
    let low = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];
    for point in low {
        let refused = PublicEncryptionKey::new(Suite::X25519, &hex::decode(point).unwrap()).unwrap_err();
        assert_eq!(refused, Error::LowOrderPoint, "{point}");
    }
    assert_eq!(PublicEncryptionKey::new(Suite::X25519, &[9; 31]).unwrap_err().code(), 9);
    assert_eq!(PublicEncryptionKey::new(Suite::XWing, &[0xff; 1216]).unwrap_err().code(), 9);
    assert_eq!(PublicEncryptionKey::new(Suite::Unspecified, &[9; 32]).unwrap_err().code(), 2);
}

#[test]
fn keys_of_an_account_come_back_with_the_account_and_differ_by_version_and_suite() {
    let public = |suite, version| EncryptionKey::of_account(&sender(), suite, version).unwrap().public().unwrap();
    assert_eq!(public(Suite::X25519, 1), public(Suite::X25519, 1));
    let different: BTreeMap<Vec<u8>, ()> = [(Suite::X25519, 1), (Suite::X25519, 2), (Suite::XWing, 1)]
        .map(|(suite, version)| (public(suite, version).bytes().to_vec(), ()))
        .into();
    assert_eq!(different.len(), 3);
}

proptest! {
    #[test]
    fn whatever_is_sealed_opens_to_the_same(plaintext in proptest::collection::vec(any::<u8>(), 0..2000), seed: u64) {
        let keys = [key(Suite::X25519, 1)];
        let envelope =
            seal(&SUBJECT, &recipients(&keys), &content(&plaintext), &sender(), &mut entropy(seed)).unwrap();
        prop_assert_eq!(&*open(&envelope, &SUBJECT, &keys[0].0, &keys[0].1).unwrap(), &plaintext);
    }

    #[test]
    fn a_flipped_bit_of_the_ciphertext_never_opens(at in 0usize..(200 + 16) * 8) {
        let keys = [key(Suite::X25519, 1)];
        let mut envelope = sealed(&keys, &[42; 200]);
        envelope.ciphertext[at / 8] ^= 1 << (at % 8);
        prop_assert_eq!(open(&envelope, &SUBJECT, &keys[0].0, &keys[0].1), Err(Error::CannotOpen));
    }
}
