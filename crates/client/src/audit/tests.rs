use std::convert::Infallible;

use sha2::{Digest, Sha256};
use ve_base::audit::merkle::{self, Hash, Nodes};
use ve_base::audit::{FIRST, entry_hash};
use ve_proto::ve::audit::v1::{Entry, Outcome};

use super::{Format, Manifest, ManifestProof, ManifestRoot, verify};

const FORMATS: [Format; 3] = [Format::Jsonl, Format::Csv, Format::Cef];

/// A log with texts that every form must escape.
fn log(count: u64) -> Vec<Entry> {
    let mut previous = FIRST;
    let mut entries = Vec::new();
    for seq in 0..count {
        let mut entry = Entry {
            seq,
            height: 7 + seq,
            time: 1_700_000_000 + seq,
            actor: "ve1actor".into(),
            module: "roles".into(),
            action: "role_assigned".into(),
            resource_id: format!("a \"quoted\", part=1|2\\3 veDetails=x/{seq}"),
            outcome: Outcome::Done.into(),
            metadata_hash: if seq % 2 == 0 { vec![3; 32] } else { Vec::new() },
            details_ref: "action/1".into(),
            prev_hash: previous.to_vec(),
            hash: Vec::new(),
        };
        previous = entry_hash(&previous, &entry);
        entry.hash = previous.to_vec();
        entries.push(entry);
    }
    entries
}

struct Tree(Vec<Hash>);

impl Nodes for Tree {
    type Error = Infallible;

    fn get(&self, level: u32, index: u64) -> Result<Hash, Infallible> {
        let at = usize::try_from(index).expect("small");
        if level == 0 {
            return Ok(merkle::leaf(&self.0[at]));
        }
        let Ok(left) = self.get(level - 1, index * 2);
        let Ok(right) = self.get(level - 1, index * 2 + 1);
        Ok(merkle::node(&left, &right))
    }
}

fn export(all: &[Entry], chosen: &[Entry], format: Format) -> (Vec<u8>, Manifest) {
    let tree = Tree(all.iter().map(|entry| entry.hash.clone().try_into().expect("32 bytes")).collect());
    let size = all.len() as u64;
    let Ok(root) = merkle::root(&tree, size);
    let complete = chosen.windows(2).all(|pair| pair[0].seq + 1 == pair[1].seq);
    let proven = if complete { &chosen[chosen.len() - 1..] } else { chosen };
    let proof = |entry: &Entry| {
        let Ok(path) = merkle::inclusion(&tree, entry.seq, size);
        ManifestProof { seq: entry.seq, path: path.iter().map(hex::encode).collect() }
    };
    let bytes = format.write(chosen);
    let manifest = Manifest {
        chain_id: "ve-test-1".into(),
        format,
        first_seq: chosen[0].seq,
        last_seq: chosen[chosen.len() - 1].seq,
        count: chosen.len() as u64,
        sha256: hex::encode(Sha256::digest(&bytes)),
        complete,
        root: ManifestRoot { size, hash: hex::encode(root) },
        proofs: proven.iter().map(proof).collect(),
    };
    (bytes, manifest)
}

#[test]
fn every_form_reads_back_to_the_same_entries_and_verifies() {
    let all = log(23);
    for format in FORMATS {
        assert_eq!(format.read(&format.write(&all)).expect("it reads"), all, "{format:?}");
        let (bytes, manifest) = export(&all, &all[4..19], format);
        let report = verify(&bytes, &manifest).expect("it is whole");
        assert_eq!((report.count, report.first_seq, report.last_seq, report.complete), (15, 4, 18, true));
        let chosen: Vec<Entry> = all.iter().filter(|entry| entry.seq % 3 == 0).cloned().collect();
        let (bytes, manifest) = export(&all, &chosen, format);
        assert!(!verify(&bytes, &manifest).expect("a part is proven entry by entry").complete);
    }
}

/// Repairs everything that a forger can repair without the chain.
fn forge(bytes: &[u8], manifest: &Manifest, change: impl Fn(&mut Vec<Entry>)) -> (Vec<u8>, Manifest) {
    let mut entries = manifest.format.read(bytes).expect("it reads");
    change(&mut entries);
    let bytes = manifest.format.write(&entries);
    let mut manifest = manifest.clone();
    manifest.sha256 = hex::encode(Sha256::digest(&bytes));
    manifest.count = entries.len() as u64;
    (manifest.first_seq, manifest.last_seq) = (entries[0].seq, entries[entries.len() - 1].seq);
    (bytes, manifest)
}

#[test]
fn an_altered_missing_added_or_reordered_line_shows_even_with_a_new_manifest() {
    let all = log(23);
    let changes: [fn(&mut Vec<Entry>); 6] = [
        |entries| entries[2].actor = "ve1other".into(),
        |entries| {
            entries.remove(2);
        },
        |entries| entries.swap(1, 2),
        |entries| entries.push(entries[1].clone()),
        |entries| {
            entries.pop();
        },
        |entries| {
            // Hashed anew: the chain and the tree still tell.
            let previous = entries[2].prev_hash.clone().try_into().expect("32 bytes");
            entries[2].action = "role_revoked".into();
            entries[2].hash = entry_hash(&previous, &entries[2]).to_vec();
        },
    ];
    for format in FORMATS {
        for chosen in [all[4..19].to_vec(), all.iter().filter(|entry| entry.seq % 3 == 0).cloned().collect()] {
            let (bytes, manifest) = export(&all, &chosen, format);
            for (at, change) in changes.iter().enumerate() {
                let (bytes, manifest) = forge(&bytes, &manifest, change);
                assert!(verify(&bytes, &manifest).is_err(), "{format:?}, change {at}");
            }
            let mut damaged = bytes.clone();
            damaged[30] ^= 1;
            assert!(verify(&damaged, &manifest).is_err());
        }
    }
}

#[test]
fn files_of_another_form_are_refused() {
    let all = log(2);
    for written in FORMATS {
        for read in FORMATS.into_iter().filter(|read| *read != written) {
            assert!(read.read(&written.write(&all)).is_err(), "{written:?} as {read:?}");
        }
    }
}
