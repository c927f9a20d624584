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

#[test]
fn a_composite_score_follows_from_a_description_of_the_evidence() {
    let home = Home::new();
    // The worked example of the identity specification.
    let account = br#"{
        "document": {"tamper": 9200, "format": 9600, "template": 9000, "security": 8000},
        "face": {"similarity": 9100, "confidence": 9700, "quality": 8800},
        "liveness": {"liveness": 9000, "antispoof": 9300, "blink": true, "head_turn": true},
        "consistency": {"name": 9500, "birth": 10000, "cross": 9000},
        "history": {"new": {"days": 120}},
        "risk": {"fraud": 9000, "device_fingerprint": 8000, "device_integrity": 9500, "ip": 8000, "geo": 9000,
            "velocity_failed": false, "device_attested": true},
        "trust_bp": 8400,
        "proofs": [
            {"upstream": "UP1", "email": {"organisational": true, "years": 0}},
            {"upstream": "UP2", "sms": {"mobile": true, "years": 0}},
            {"upstream": "UP3", "login": "microsoft"}]
    }"#;
    let text = String::from_utf8_lossy(account).replace("UP", &"0".repeat(63));
    let file = home.write("account", text.as_bytes());
    let result = json(&home.run(&["verifier", "composite", "--output", "json", &file]));
    assert_eq!((&result["score"], &result["core"]), (&91.into(), &8196.into()));
    assert_eq!(result["reasons"], serde_json::json!(["SUCCESS"]));
    let odd = home.write("odd", text.replace("\"trust_bp\"", "\"trusted\"").as_bytes());
    assert!(!home.run(&["verifier", "composite", &odd]).status.success());
}

#[test]
fn what_a_committee_agreed_on_can_be_computed_anew() {
    let home = Home::new();
    // Six of seven members, alike but for the confidence in one field (feature 16).
    let features = |value: u16| {
        let mut bytes = b"VF2\0".to_vec();
        bytes.extend((1u64 << 16 | 1).to_be_bytes());
        let values = (0..64u16).flat_map(|at| if at == 0 { 10_000 } else { value * u16::from(at == 16) }.to_be_bytes());
        bytes.extend(values);
        hex::encode(bytes)
    };
    let reveals: Vec<Value> = [8210, 8240, 8260, 8300, 8320, 9000]
        .into_iter()
        .enumerate()
        .map(|(at, value)| {
            serde_json::json!({"member": format!("m{at}"), "nonce": format!("{at:064}"), "features": features(value)})
        })
        .collect();
    let run = |reveals: &[Value]| {
        let file =
            home.write("run", serde_json::json!({"committee_size": 7, "reveals": reveals}).to_string().as_bytes());
        home.run(&["verifier", "agree", "--output", "json", &file])
    };
    let agreed = json(&run(&reveals));
    assert_eq!(agreed["members"], serde_json::json!(["m0", "m1", "m2", "m3", "m4"]));
    assert_eq!(agreed["features"].as_str(), Some(features(8250).as_str()));
    let refused = run(&reveals[1..]);
    assert!(!refused.status.success() && error(&refused).contains("4 members agree and 5 must"), "{}", error(&refused));
    let twice = run(&[&reveals[..], &reveals[..1]].concat());
    assert!(!twice.status.success() && error(&twice).contains("twice"), "{}", error(&twice));
}

#[test]
fn the_keys_of_each_enclave_are_new_and_never_over_others() {
    let home = Home::new();
    let made = json(&home.run(&["verifier", "keygen", "--first", "--output", "json"]));
    for half in ["signing_key", "sealing_key"] {
        assert_eq!(made[half].as_str().map(str::len), Some(64), "{half}");
    }
    let folder = std::path::PathBuf::from(made["folder"].as_str().expect("a folder"));
    let documents = std::fs::read(folder.join("documents.key")).expect("the first member has it");
    let again = home.run(&["verifier", "keygen", "--first"]);
    assert!(!again.status.success());
    assert_eq!(std::fs::read(folder.join("documents.key")).expect("it is still there"), documents);
    let next = json(&home.run(&["verifier", "keygen", "--output", "json"]));
    assert_ne!(next["signing_key"], made["signing_key"]);
    assert_eq!(next["documents_tag"], made["documents_tag"], "the network has one key for documents");
    assert_eq!(std::fs::read_dir(&folder).expect("the folder").count(), 5);
}

#[test]
fn a_verifier_without_keys_says_which_file_it_misses() {
    let home = Home::new();
    let ended = home.run(&["verifier", "run", "--keys", "/nowhere"]);
    assert!(!ended.status.success() && error(&ended).contains("/nowhere"), "{}", error(&ended));
}
