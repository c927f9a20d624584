//! Exports of the audit log are checked without a node.

use ring::digest::{SHA256, digest};
use ve_base::audit::{FIRST, entry_hash, merkle};
use ve_client::audit::{Format, Manifest, ManifestProof, ManifestRoot};
use ve_proto::ve::audit::v1::{Entry, Outcome};

use super::support::{Home, error, json};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A log of two entries, exported whole.
fn export(home: &Home, format: Format) -> (String, Vec<u8>) {
    let mut entries: Vec<Entry> = Vec::new();
    for seq in 0..2 {
        let previous = entries.last().map_or(FIRST, |entry| entry.hash.clone().try_into().unwrap());
        let mut entry = Entry {
            seq,
            height: 3,
            time: 1_700_000_000,
            actor: "ve1actor".into(),
            module: "roles".into(),
            action: "account_state_changed".into(),
            resource_id: "ve1target".into(),
            outcome: Outcome::Done.into(),
            details_ref: "action/1".into(),
            prev_hash: previous.to_vec(),
            ..Entry::default()
        };
        entry.hash = entry_hash(&previous, &entry).to_vec();
        entries.push(entry);
    }
    let leaf = |at: usize| merkle::leaf(&entries[at].hash.clone().try_into().unwrap());
    let bytes = format.write(&entries);
    let manifest = Manifest {
        chain_id: "ve-local-1".into(),
        format,
        first_seq: 0,
        last_seq: 1,
        count: 2,
        sha256: hex(digest(&SHA256, &bytes).as_ref()),
        complete: true,
        root: ManifestRoot { size: 2, hash: hex(&merkle::node(&leaf(0), &leaf(1))) },
        proofs: vec![ManifestProof { seq: 1, path: vec![hex(&leaf(0))] }],
    };
    let file = home.write("log", &bytes);
    home.write("log.manifest.json", &serde_json::to_vec(&manifest).unwrap());
    (file, bytes)
}

#[test]
fn a_whole_export_verifies_offline_and_an_altered_one_does_not() {
    let home = Home::new();
    for format in [Format::Jsonl, Format::Csv, Format::Cef] {
        let (file, mut bytes) = export(&home, format);
        let whole = home.run(&["audit", "verify", &file, "--output", "json"]);
        assert!(whole.status.success(), "{}", error(&whole));
        assert_eq!(json(&whole)["entries"], 2);
        let root = json(&whole)["root"].as_str().unwrap().to_owned();
        assert!(home.run(&["audit", "verify", &file, "--root", &root]).status.success());
        let other = home.run(&["audit", "verify", &file, "--root", &"0".repeat(64)]);
        assert_eq!(other.status.code(), Some(1));
        let at = bytes.len() / 2;
        bytes[at] = bytes[at].wrapping_add(1);
        home.write("log", &bytes);
        let altered = home.run(&["audit", "verify", &file]);
        assert_eq!(altered.status.code(), Some(1), "{}", error(&altered));
    }
    let missing = home.run(&["audit", "verify", "nowhere"]);
    assert_eq!(missing.status.code(), Some(1));
}
