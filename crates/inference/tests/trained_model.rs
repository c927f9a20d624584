//! The model that `ml/` trains: its manifest, and vectors that Python computed.

use std::{fs, path::Path};

use sha2::{Digest, Sha256};
use ve_inference::{
    Features, Findings, Model, Rules, Scorer,
    c1::Weights,
    manifest::{Bundle, Manifest, ModelType},
    score,
    tsm::Tsm,
};

const VECTORS: &str = include_str!("vectors/trust-score.vectors");

fn models() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ml/models")
}

fn bundle() -> Bundle {
    let files = fs::read_dir(models().join("trust-score")).expect("the model's folder").map(|entry| {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        (name, fs::read(&path).expect("a file"))
    });
    Bundle::new(files).expect("a bundle")
}

fn network() -> Tsm {
    Tsm::load(bundle().file("model.tsm").expect("the network")).expect("a valid network")
}

#[test]
fn the_bundle_is_exactly_what_its_manifest_says() {
    let text = fs::read_to_string(models().join("trust-score.manifest")).expect("the manifest");
    let manifest = Manifest::parse(&text).expect("a canonical manifest");
    assert_eq!(manifest.to_text(), text);
    assert_eq!((manifest.name.as_str(), manifest.kind), ("trust-score", ModelType::TrustScore));
    manifest.verify(&bundle()).expect("every file as the manifest says");
    let entry = manifest.files.iter().find(|entry| entry.path == "model.tsm").expect("the network");
    assert_eq!(network().sha256(), entry.sha256);
}

#[test]
fn every_stage_of_every_vector_is_what_python_computed() {
    let rules = Rules { evidence_cap: 100, ..Rules::default() };
    let network = network();
    let model = |scorer| Model::new(scorer, rules).expect("a model for the schema");
    let (c1, trained) = (model(Scorer::C1(Weights::default())), model(Scorer::Tsm(Box::new(network.clone()))));
    let mut count = 0;
    for line in VECTORS.lines().filter(|line| !line.starts_with('#')) {
        let mut fields = line.split(' ');
        let mut next = || fields.next().expect("six fields");
        let features = Features::decode(&hex::decode(next()).expect("hexadecimal")).expect("a valid vector");
        let findings = Findings::from_bits(next().parse().expect("a number")).expect("five bits");
        let stages: Vec<u8> =
            network.activations(features.values()).concat().iter().flat_map(|number| number.to_be_bytes()).collect();
        assert_eq!(hex::encode(Sha256::digest(stages)), next(), "activations of {line}");
        assert_eq!(network.evaluate(features.values()).to_string(), next(), "basis points of {line}");
        assert_eq!(hex::encode(score(&features, findings, &c1).hash()), next(), "outcome of C1 for {line}");
        assert_eq!(hex::encode(score(&features, findings, &trained).hash()), next(), "outcome for {line}");
        count += 1;
    }
    assert!(count >= 100, "{count} vectors");
}
