//! Evidence and features on the command line.

use serde_json::Value;

use super::support::{Home, error, json};

const CARD: &str = "IDUTOD231458907<<<<<<<<<<<<<<<\n7408122F3204153UTO<<<<<<<<<<<2\nERIKSSON<<ANNA<MARIA<<<<<<<<<<\n";
const MANIFEST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../ml/models/trust-score.manifest");

#[test]
fn a_zone_gives_features_and_tells_of_the_person_only_when_asked() {
    let home = Home::new();
    let file = home.write("zone", CARD.as_bytes());
    let arguments = ["verifier", "extract", "--kind", "mrz", "--at", "1795219200", "--output", "json", &file];
    let shown = json(&home.run(&arguments));
    assert_eq!(shown["features"]["mrz_check_digits"], 10_000);
    assert_eq!(shown["features"]["not_expired"], 10_000);
    assert_eq!(shown["fields"], Value::Null);
    let revealed = json(&home.run(&[&arguments[..], &["--reveal"]].concat()));
    assert_eq!(revealed["fields"]["given"], "ANNA MARIA");
    let other = home.run(&["verifier", "extract", "--kind", "aamva", &file]);
    assert!(!other.status.success() && error(&other).contains("AAMVA"), "{}", error(&other));
    let unknown = home.run(&["verifier", "extract", "--kind", "oracle", &file]);
    assert_eq!(unknown.status.code(), Some(2));
}

#[test]
fn features_are_scored_by_the_fixed_and_by_the_trained_model() {
    let home = Home::new();
    let file = home.write(
        "features",
        br#"{"email_proof": 8000, "sms_proof": 8000, "sso_proof": 8000,
        "social_proof": 8000, "domain_proof": 8000}"#,
    );
    let score = json(&home.run(&["verifier", "score", "--output", "json", &file]));
    assert_eq!((&score["score"], &score["bp"]), (&24.into(), &2400.into()));
    assert_eq!(score["reasons"][1], "MISSING_DOCUMENT");
    let trained = json(&home.run(&["verifier", "score", "--model", MANIFEST, "--output", "json", &file]));
    assert_eq!(trained["score"], 24);
    assert_ne!(trained["model"], score["model"]);
    let wrong = home.write("wrong", br#"{"email_proof": 10001}"#);
    let refused = home.run(&["verifier", "score", &wrong]);
    assert!(!refused.status.success() && error(&refused).contains("no features"), "{}", error(&refused));
}

#[test]
fn a_model_with_an_altered_byte_is_refused() {
    let home = Home::new();
    let good = json(&home.run(&["verifier", "model", MANIFEST, "--output", "json"]));
    assert_eq!((good["name"].as_str(), good["type"].as_str()), (Some("trust-score"), Some("trust_score")));
    let copy = home.0.path().join("trust-score");
    std::fs::create_dir(&copy).unwrap();
    std::fs::copy(MANIFEST, home.0.path().join("trust-score.manifest")).unwrap();
    for entry in std::fs::read_dir(MANIFEST.trim_end_matches(".manifest")).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
    }
    let manifest = home.0.path().join("trust-score.manifest").display().to_string();
    assert!(home.run(&["verifier", "model", &manifest]).status.success());
    let network = copy.join("model.tsm");
    let mut bytes = std::fs::read(&network).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&network, bytes).unwrap();
    let refused = home.run(&["verifier", "model", &manifest]);
    assert!(!refused.status.success() && error(&refused).contains("model.tsm"), "{}", error(&refused));
}
