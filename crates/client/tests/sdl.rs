//! Deployment files: those that must parse, those that must not, and what becomes of them.

use std::fmt::Write as _;
use std::path::PathBuf;

use ve_client::manifest::{self, EndpointKind};
use ve_client::sdl;

fn vectors(folder: &str) -> Vec<(String, String)> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/sdl").join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let name = |file: &PathBuf| file.file_stem().unwrap().to_str().unwrap().to_owned();
    files.iter().map(|file| (name(file), std::fs::read_to_string(file).unwrap())).collect()
}

/// Compares with a checked-in file; `UPDATE_VECTORS=1` rewrites it.
fn golden(name: &str, got: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/sdl").join(name);
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::write(&path, got).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    assert_eq!(expected, got, "{name}");
}

#[test]
fn every_valid_file_parses_and_keeps_its_manifest_hash() {
    let mut out = String::new();
    for (name, text) in vectors("valid") {
        let parsed = sdl::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let manifest = manifest::manifest(&parsed);
        let groups = manifest::group_specs(&parsed);
        manifest::check(&manifest, &manifest.hash(), &groups).unwrap();
        assert_eq!(manifest::Manifest::from_json(&manifest.to_json()).unwrap(), manifest);
        writeln!(out, "{name} {} {}", hex::encode(manifest.hash()), groups.len()).unwrap();
    }
    golden("hashes.txt", &out);
}

#[test]
fn every_invalid_file_is_refused_with_place_cause_and_remedy() {
    let mut out = String::new();
    for (name, text) in vectors("invalid") {
        let error = sdl::parse(&text).expect_err(&name);
        assert!(!error.cause.is_empty() && !error.remedy.is_empty(), "{name}");
        writeln!(out, "{name}: {error}").unwrap();
    }
    golden("refusals.txt", &out);
}

#[test]
fn the_nginx_manifest_is_the_vector_of_the_specification() {
    let (_, text) = vectors("valid").into_iter().find(|(name, _)| name == "nginx").unwrap();
    let manifest = manifest::manifest(&sdl::parse(&text).unwrap());
    let json = manifest.to_json();
    assert_eq!(json.len(), 612, "{}", String::from_utf8_lossy(&json));
    assert_eq!(hex::encode(manifest.hash()), "d56cb34bd0d51fb11797386cfe01c66d705c9ebd68b98c197cc225cb6058c9e7");
}

#[test]
fn less_greater_and_ampersand_are_escaped() {
    let value = serde_json::json!({"b": "<a> & b\u{2028}", "a": null});
    assert_eq!(manifest::canonical_json(&value), r#"{"a":null,"b":"\u003ca\u003e \u0026 b\u2028"}"#);
}

fn parse(name: &str) -> sdl::Sdl {
    let (_, text) = vectors("valid").into_iter().find(|(file, _)| file == name).unwrap();
    sdl::parse(&text).unwrap()
}

#[test]
fn services_with_one_profile_share_a_unit() {
    let groups = manifest::group_specs(&parse("chat-stack"));
    assert_eq!(groups.len(), 1);
    let counts: Vec<(u32, u32)> = groups[0].units.iter().map(|unit| (unit.resources.id, unit.count)).collect();
    assert_eq!(counts, [(1, 2), (2, 1)]);
    let kinds: Vec<EndpointKind> =
        groups[0].units[0].resources.endpoints.iter().map(|endpoint| endpoint.kind).collect();
    assert_eq!(kinds, [EndpointKind::SharedHttp, EndpointKind::RandomPort]);
}

#[test]
fn groups_stand_in_the_order_of_their_placements() {
    let groups = manifest::group_specs(&parse("multi-placement"));
    let names: Vec<(&str, u32)> = groups.iter().map(|group| (group.name.as_str(), group.units[0].count)).collect();
    assert_eq!(names, [("east", 3), ("west", 3)]);
}

#[test]
fn prices_per_hour_and_month_become_prices_per_block() {
    let per_block =
        |name: &str, at: &str, profile: &str| parse(name).placements[at].pricing[profile].amount.to_string();
    assert_eq!(per_block("ip-lease", "westcoast", "game"), "3.472222222222222222");
    assert_eq!(per_block("batch-worker", "anywhere", "worker"), "0.015000000000000000");
}

#[test]
fn fractional_sizes_are_exact() {
    assert_eq!(parse("private-registry").compute["api"].storage[0].size, 1_610_612_736);
}

#[test]
fn converting_an_akash_file_changes_the_denomination_and_nothing_else() {
    let (_, text) = vectors("valid").into_iter().find(|(name, _)| name == "wordpress").unwrap();
    let akash = text.replacen("denom: uve", "denom: uakt", 1).replacen("denom: uve", "denom: \"uact\" # price", 1);
    let converted = sdl::convert(&akash).unwrap();
    assert_eq!(converted.rewritten.len(), 2);
    assert_eq!(
        converted.text,
        text.replace("        db:\n          denom: uve", "        db:\n          denom: \"uve\" # price")
    );
    assert_eq!(converted.sdl, sdl::parse(&text).unwrap());
}

#[test]
fn a_file_beyond_the_limit_is_refused_unread() {
    let error = sdl::parse(&"#".repeat(sdl::MAX_BYTES + 1)).unwrap_err();
    assert!(error.cause.contains("262145 bytes"));
}

#[test]
fn a_manifest_that_asks_for_more_than_the_chain_is_refused() {
    let parsed = parse("wordpress");
    let groups = manifest::group_specs(&parsed);
    let honest = manifest::manifest(&parsed);
    let refused = |change: &dyn Fn(&mut manifest::ManifestService)| {
        let mut forged = honest.clone();
        change(&mut forged.0[0].services[0]);
        assert!(manifest::check(&forged, &honest.hash(), &groups).is_err(), "other hash");
        manifest::check(&forged, &forged.hash(), &groups).expect_err("same hash, other resources")
    };
    refused(&|service| service.count = 2);
    refused(&|service| service.count = 0);
    refused(&|service| service.resources.cpu.units = 2000.into());
    refused(&|service| service.resources.memory.size = (2 << 30).into());
    refused(&|service| service.resources.storage[0].size = (2 << 30).into());
    refused(&|service| service.resources.gpu.units = 1.into());
    refused(&|service| service.resources.id = 9);
    refused(&|service| service.expose[0].global = true);
    refused(&|service| service.name = "../db".into());
    let mut fewer = honest.clone();
    fewer.0.clear();
    assert!(manifest::check(&fewer, &fewer.hash(), &groups).is_err());
}

#[test]
fn a_manifest_with_an_unknown_field_is_refused() {
    let text = String::from_utf8(manifest::manifest(&parse("nginx")).to_json()).unwrap();
    let forged = text.replacen("\"image\"", "\"privileged\":true,\"image\"", 1);
    assert!(manifest::Manifest::from_json(forged.as_bytes()).is_err());
}

#[test]
fn groups_go_to_the_chain_and_back_unchanged() {
    for (name, text) in vectors("valid") {
        let parsed = sdl::parse(&text).unwrap();
        for group in manifest::group_specs(&parsed) {
            let wire = group.to_proto(parsed.reclamation_min_window.unwrap_or(0));
            assert_eq!(manifest::GroupSpec::from_proto(&wire).unwrap(), group, "{name}");
        }
    }
    assert!(
        manifest::GroupSpec::from_proto(&{
            let mut wire = manifest::group_specs(&parse("nginx"))[0].to_proto(0);
            wire.resources[0].price = None;
            wire
        })
        .is_err()
    );
}
