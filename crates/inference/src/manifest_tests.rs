use proptest::prelude::*;

use super::*;

fn bundle() -> Bundle {
    let files = [("model.tsm", b"TSM1".to_vec()), ("a/card.md", b"card".to_vec())];
    Bundle::new(files.map(|(path, bytes)| (path.to_owned(), bytes))).expect("two good files")
}

fn manifest() -> Manifest {
    let bundle = bundle();
    let files = bundle.0.iter().map(|(path, bytes)| FileEntry {
        path: path.clone(),
        size: bytes.len() as u64,
        sha256: Sha256::digest(bytes).into(),
    });
    Manifest {
        name: "trust-score".into(),
        version: "1.0.0".into(),
        kind: ModelType::TrustScore,
        licence: "Apache-2.0".into(),
        bundle_hash: bundle.hash(),
        training_dataset_hash: [1; 32],
        training_code_hash: [2; 32],
        eval_report_hash: [3; 32],
        model_card_hash: [4; 32],
        files: files.collect(),
    }
}

#[test]
fn the_hash_of_a_bundle_is_over_lengths_paths_and_bytes_in_order() {
    let bytes = [
        &[0, 0, 0, 9][..],
        b"a/card.md",
        &[0, 0, 0, 0, 0, 0, 0, 4],
        b"card",
        &[0, 0, 0, 9],
        b"model.tsm",
        &[0, 0, 0, 0, 0, 0, 0, 4],
        b"TSM1",
    ];
    let expected: [u8; 32] = Sha256::digest(bytes.concat()).into();
    assert_eq!(bundle().hash(), expected);
}

#[test]
fn the_identity_of_a_model_is_of_its_name_version_and_bundle() {
    let manifest = manifest();
    let digest = Sha256::digest([b"trust-score\x001.0.0\0".as_slice(), &manifest.bundle_hash].concat());
    assert_eq!(manifest.model_id(), digest[..16]);
    let moved = Manifest { name: "trust-score1".into(), version: ".0.0".into(), ..manifest.clone() };
    assert_ne!(moved.model_id(), manifest.model_id());
}

#[test]
fn a_manifest_reads_back_and_accepts_exactly_its_bundle() {
    let manifest = manifest();
    assert_eq!(Manifest::parse(&manifest.to_text()), Ok(manifest.clone()));
    assert_eq!(manifest.verify(&bundle()), Ok(()));
    let mut altered = bundle();
    altered.0.get_mut("model.tsm").expect("there")[3] ^= 1;
    let mut surplus = bundle();
    surplus.0.insert("extra".into(), vec![]);
    let mut missing = bundle();
    missing.0.remove("a/card.md");
    for (bundle, path) in [(altered, "model.tsm"), (surplus, "extra"), (missing, "a/card.md")] {
        assert_eq!(manifest.verify(&bundle), Err(ManifestError::HashMismatch(path.into())));
    }
    let other = Manifest { bundle_hash: [9; 32], ..manifest };
    assert!(other.verify(&bundle()).is_err());
}

#[test]
fn paths_that_lead_out_of_a_bundle_are_refused() {
    for path in
        ["", "/etc/passwd", "../model", "a/../../b", "a//b", "./a", "a/", "a\\b", "a b", "\u{e9}", &"x".repeat(129)]
    {
        let refused = Bundle::new([(path.to_owned(), vec![])]);
        assert_eq!(refused, Err(ManifestError::Path(path.to_owned())));
    }
    let twice = [("a".to_owned(), vec![1]), ("a".to_owned(), vec![2])];
    assert_eq!(Bundle::new(twice), Err(ManifestError::Path("a".into())));
    assert_eq!(Bundle::new([]), Err(ManifestError::Files(0)));
    let many = (0..65).map(|at| (format!("f{at}"), vec![]));
    assert_eq!(Bundle::new(many), Err(ManifestError::Files(65)));
}

#[test]
fn a_text_that_is_not_canonical_is_refused() {
    let good = manifest().to_text();
    let changes = [
        ("VE-MODEL 1", "VE-MODEL 2", 1),
        ("name trust-score", "name Trust", 2),
        ("version 1.0.0", "version 1.00.0", 3),
        ("type trust_score", "type oracle", 4),
        ("licence Apache-2.0", "licence  MIT", 5),
        ("training_dataset_hash 01", "training_dataset_hash 0G", 7),
        ("model_card_hash ", "model_card_hash", 10),
        (" 4 a/card.md", " 04 a/card.md", 11),
        ("a/card.md", "z/card.md", 12),
        ("model.tsm", "../odel.tsm", 12),
    ];
    for (from, to, line) in changes {
        assert_eq!(Manifest::parse(&good.replacen(from, to, 1)), Err(ManifestError::Text(line)), "{to}");
    }
    assert_eq!(Manifest::parse(good.trim_end()), Err(ManifestError::Text(12)));
    assert_eq!(Manifest::parse(&format!("{good}\n")), Err(ManifestError::Text(13)));
    assert_eq!(Manifest::parse(&"x".repeat(MAX_TEXT + 1)), Err(ManifestError::Text(0)));
    let bare: String = good.lines().take(10).map(|line| format!("{line}\n")).collect();
    assert_eq!(Manifest::parse(&bare), Err(ManifestError::Files(0)));
}

#[test]
fn hashes_of_sets_do_not_depend_on_order_or_repetition() {
    assert_eq!(pipeline_hash(&[[1; 16], [2; 16]]), pipeline_hash(&[[2; 16], [1; 16], [2; 16]]));
    assert_ne!(pipeline_hash(&[[1; 16]]), pipeline_hash(&[[2; 16]]));
    let set = [(ModelType::TrustScore, [1; 32]), (ModelType::Ocr, [2; 32])];
    assert_eq!(model_set_hash(&set), model_set_hash(&[set[1], set[0]]));
    assert_ne!(model_set_hash(&set), model_set_hash(&[(ModelType::TrustScore, [2; 32]), (ModelType::Ocr, [1; 32])]));
    assert!(ModelType::ALL.iter().all(|kind| ModelType::from_name(kind.name()) == Some(*kind)));
}

proptest! {
    #[test]
    fn any_text_is_a_canonical_manifest_or_is_refused(at in 0usize..900, replacement in "\\PC{0,3}", random in "\\PC{0,200}") {
        prop_assert!(Manifest::parse(&random).is_err());
        let good = manifest().to_text();
        let at = at % good.len();
        let changed = format!("{}{replacement}{}", &good[..at], &good[at + 1..]);
        if let Ok(read) = Manifest::parse(&changed) {
            prop_assert_eq!(read.to_text(), changed);
        }
    }
}
