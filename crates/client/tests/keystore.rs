//! Keys and certificates on disk.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use ve_base::keys::{Multisig, hd};
use ve_client::cert::{self, CertError, Identity, Role};
use ve_client::keystore::{KeyStore, KeyStoreError, is_sealed};

const WORDS: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";
const PASSPHRASE: &str = "correct horse";

fn store() -> (tempfile::TempDir, KeyStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = KeyStore::open(&dir.path().join("keys")).unwrap();
    (dir, store)
}

#[test]
fn a_key_comes_back_with_its_passphrase_only() {
    let (_dir, store) = store();
    let info = store.add("alice", &hd::derive(WORDS, 0, 0).unwrap(), PASSPHRASE).unwrap();
    assert_eq!(info.address.to_string(), "ve19rl4cm2hmr8afy4kldpxz3fka4jguq0aqakfsa");
    assert_eq!(store.load("alice", PASSPHRASE).unwrap().public_key(), info.public_key);
    assert!(matches!(store.load("alice", "correct horsf"), Err(KeyStoreError::Passphrase(_))));
    assert_eq!(store.list().unwrap(), [info]);
    store.delete("alice").unwrap();
    assert!(matches!(store.load("alice", PASSPHRASE), Err(KeyStoreError::Unknown(_))));
}

#[test]
fn an_exported_key_is_imported_elsewhere_with_its_passphrase_only() {
    let (_dir, store) = store();
    let info = store.add("alice", &hd::derive(WORDS, 0, 0).unwrap(), PASSPHRASE).unwrap();
    let text = store.export("alice").unwrap();
    assert!(text.lines().all(|line| line.len() <= 64), "{text}");
    let (_other_dir, other) = self::store();
    assert!(matches!(other.import("a", &text, "correct horsf"), Err(KeyStoreError::Passphrase(_))));
    assert!(matches!(other.import("a", &text.replacen("A", "B", 1), PASSPHRASE), Err(KeyStoreError::Armour(_))));
    assert!(matches!(other.import("a", "-----BEGIN", PASSPHRASE), Err(KeyStoreError::Armour(_))));
    assert!(other.list().unwrap().is_empty());
    let mailed = format!("> here it is\n\n{}\n-- \nAlice", text.replace('\n', "\r\n"));
    assert_eq!(other.import("a", &mailed, PASSPHRASE).unwrap().address, info.address);
    assert_eq!(other.load("a", PASSPHRASE).unwrap().to_bytes(), hd::derive(WORDS, 0, 0).unwrap().to_bytes());
    assert!(matches!(other.import("a", &text, PASSPHRASE), Err(KeyStoreError::Exists(_))));
}

#[test]
fn a_multisig_is_kept_without_a_secret() {
    let (_dir, store) = store();
    let zoo = "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong";
    let members = [WORDS, zoo].map(|words| hd::derive(words, 0, 0).unwrap().public_key());
    let key = Multisig::new(2, members.to_vec()).unwrap();
    let info = store.add_multisig("shared", &key).unwrap();
    assert_eq!(info.address.to_string(), "ve1dtvtk8vzh7yv3t2sq3aynp49rsemxwu3fj2tpd");
    assert_eq!(store.list().unwrap(), std::slice::from_ref(&info));
    assert!(matches!(store.load("shared", PASSPHRASE), Err(KeyStoreError::NoSecret(_))));
    let text = store.export("shared").unwrap();
    assert!(!is_sealed(&text).unwrap());
    assert_eq!(store.import("copy", &text, "").unwrap().public_key, info.public_key);
    let path = store.dir().join("shared.key");
    let swapped = std::fs::read_to_string(&path).unwrap().replace("\"threshold\": 2", "\"threshold\": 1");
    std::fs::write(&path, swapped).unwrap();
    assert!(matches!(store.show("shared"), Err(KeyStoreError::Malformed { .. })));
}

#[test]
fn a_changed_key_file_is_refused() {
    let (_dir, store) = store();
    store.add("a", &hd::derive(WORDS, 0, 0).unwrap(), PASSPHRASE).unwrap();
    store.add("b", &hd::derive(WORDS, 0, 1).unwrap(), PASSPHRASE).unwrap();
    let path = |name: &str| store.dir().join(format!("{name}.key"));
    let (a, b) = (std::fs::read_to_string(path("a")).unwrap(), std::fs::read_to_string(path("b")).unwrap());
    let field = |text: &str, name: &str| {
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        value[name].as_str().unwrap().to_owned()
    };
    // Alice's secret under Bob's address.
    let forged = a.replace(&field(&a, "address"), &field(&b, "address"));
    std::fs::write(path("a"), forged).unwrap();
    assert!(matches!(store.load("a", PASSPHRASE), Err(KeyStoreError::Passphrase(_))));
    assert!(matches!(store.show("a"), Err(KeyStoreError::Malformed { .. })));
    std::fs::write(path("b"), b.replace("m=65536", "m=4294967295")).unwrap();
    assert!(matches!(store.load("b", PASSPHRASE), Err(KeyStoreError::Passphrase(_))));
}

#[test]
fn names_that_leave_the_folder_and_short_passphrases_are_refused() {
    let (_dir, store) = store();
    let key = hd::derive(WORDS, 0, 0).unwrap();
    for name in ["", "../a", "a/b", ".a", "a b", &"a".repeat(65)] {
        assert!(matches!(store.add(name, &key, PASSPHRASE), Err(KeyStoreError::Name(_))), "{name:?}");
    }
    assert!(matches!(store.add("a", &key, "1234567"), Err(KeyStoreError::ShortPassphrase)));
    store.add("a", &key, PASSPHRASE).unwrap();
    assert!(matches!(store.add("a", &key, PASSPHRASE), Err(KeyStoreError::Exists(_))));
}

#[test]
fn files_that_others_can_read_are_refused() {
    let (_dir, store) = store();
    store.add("a", &hd::derive(WORDS, 0, 0).unwrap(), PASSPHRASE).unwrap();
    let path = store.dir().join("a.key");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(store.load("a", PASSPHRASE), Err(KeyStoreError::Permissions { mode: 0o640, .. })));
    std::fs::set_permissions(store.dir(), std::fs::Permissions::from_mode(0o755)).unwrap();
    assert!(matches!(KeyStore::open(store.dir()), Err(KeyStoreError::Permissions { .. })));
}

#[test]
fn a_certificate_names_its_owner_and_is_short_lived() {
    let owner = hd::derive(WORDS, 0, 0).unwrap().public_key().address();
    let ten_years = Duration::from_secs(10 * 365 * 86_400);
    let identity = Identity::generate(&owner, &Role::Client, ten_years).unwrap();
    let facts = identity.facts().unwrap();
    assert_eq!(facts.owner, owner.to_string());
    assert!((29..=32).contains(&facts.serial.len()), "{}", facts.serial);
    assert_eq!(facts.not_after - facts.not_before, cert::MAX_VALIDITY.as_secs());
    assert!(identity.certificate.len() < cert::MAX_DER);
    let other = Identity::generate(&owner, &Role::Client, ten_years).unwrap();
    assert_ne!(other.facts().unwrap().serial, facts.serial);
    assert!(matches!(cert::facts(b"no certificate"), Err(CertError::Malformed(_))));
}

#[test]
fn an_identity_survives_on_disk_sealed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("client.identity");
    assert!(Identity::load(&path, PASSPHRASE).unwrap().is_none());
    let owner = hd::derive(WORDS, 0, 0).unwrap().public_key().address();
    let identity = Identity::generate(&owner, &Role::Client, cert::MAX_VALIDITY).unwrap();
    identity.save(&path, PASSPHRASE).unwrap();
    let loaded = Identity::load(&path, PASSPHRASE).unwrap().unwrap();
    assert_eq!((loaded.certificate, loaded.key), (identity.certificate, identity.key));
    assert!(matches!(Identity::load(&path, "another one"), Err(CertError::Passphrase)));
}
