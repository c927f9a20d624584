use std::fs::Permissions;

use super::*;

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("it writes");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("it is ours");
    }
    folder
}

fn digits(digit: &str) -> String {
    digit.repeat(64)
}

#[test]
fn keys_of_all_enclaves_are_read_and_found_by_what_the_chain_calls_them() {
    let (one, two) = (digits("1"), digits("2"));
    let folder = folder(&[
        ("signing-1.key", &one),
        ("signing-2.key", &two),
        ("sealing-1.key", &one),
        ("sealing-2.key", &format!("{two}\n")),
        ("documents.key", &one),
        ("notes.txt", "not a key"),
    ]);
    let keys = Keys::read(folder.path()).expect("they are good");
    let signing = ConsensusSecret::from_seed([0x22; 32]).public();
    assert_eq!(keys.signing(&signing).map(ConsensusSecret::public), Some(signing));
    assert!(keys.signing(&[7; 32]).is_none() && keys.signing(&[]).is_none());
    let sealing = EncryptionKey::from_bytes(Suite::X25519, [0x22; 32]).expect("a key").public().expect("a key");
    assert!(keys.sealing(&format!("{}:v4", sealing.fingerprint())).is_some());
    assert!(keys.sealing("").is_none());
}

#[test]
fn the_tag_of_documents_differs_with_the_key_and_does_not_tell_it() {
    let with = |documents| {
        let sealing = EncryptionKey::from_bytes(Suite::X25519, [1; 32]).expect("a key");
        Keys::new(vec![ConsensusSecret::from_seed([1; 32])], vec![sealing], documents).expect("they are good")
    };
    assert_eq!(with([4; 32]).documents_tag(), with([4; 32]).documents_tag());
    assert_ne!(with([4; 32]).documents_tag(), with([5; 32]).documents_tag());
    assert_eq!(with([4; 32]).documents_tag().map(|tag| tag.len()), Some(16));
}

#[test]
fn what_is_missing_malformed_or_readable_by_others_is_named() {
    let one = digits("1");
    let all = [("signing-1.key", one.as_str()), ("sealing-1.key", &one), ("documents.key", &one)];
    let refused = |folder: &tempfile::TempDir| Keys::read(folder.path()).err().map(|error| error.to_string());
    assert_eq!(refused(&folder(&all)), None);
    for missing in 0..all.len() {
        let some: Vec<_> = all.iter().enumerate().filter(|(at, _)| *at != missing).map(|(_, file)| *file).collect();
        assert!(refused(&folder(&some)).is_some(), "without {}", all[missing].0);
    }
    for bad in ["", "1", &digits("g"), &digits("11"), &one[..63], &format!("{one}1"), &format!("{one} {one}")] {
        let told = refused(&folder(&[all[0], all[1], ("documents.key", bad)])).expect("it is refused");
        assert!(told.contains("documents.key") && told.contains("64 hexadecimal digits"), "{told}");
    }
    let open = folder(&all);
    let path = open.path().join("signing-1.key");
    fs::set_permissions(&path, Permissions::from_mode(0o640)).expect("it is ours");
    let told = refused(&open).expect("it is refused");
    assert!(told.contains("chmod 600"), "{told}");
}
