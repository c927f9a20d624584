use std::collections::BTreeSet;

use super::{Lists, Package, check, package as parse, satisfied};

const LISTS: &str = r#"
[graph]
targets = ["x86_64-unknown-linux-gnu"]

[licenses]
allow = ["Apache-2.0 WITH LLVM-exception", "MIT"]
exceptions = [{ crate = "resolver", allow = ["MPL-2.0"] }]
clarify = [{ crate = "read@1.0.0", expression = "MIT" }]

[bans]
deny = [{ crate = "openssl", reason = "rustls everywhere" }]
"#;

fn package(name: &str, licence: Option<&str>) -> Package {
    Package { name: name.into(), version: "1.0.0".into(), licence: licence.map(str::to_owned) }
}

/// Problems beside the two packages that make every entry of the lists used.
fn problems(extra: Package) -> Vec<String> {
    let lists: Lists = toml::from_str(LISTS).expect("the lists are valid");
    let mut packages = BTreeSet::from([
        package("a", Some("MIT OR Apache-2.0 WITH LLVM-exception")),
        package("resolver", Some("MPL-2.0")),
        package("read", None),
    ]);
    packages.insert(extra);
    check(&lists, &packages)
}

#[test]
fn allowed_licences_pass_in_every_form_of_expression() {
    for licence in ["MIT", "MIT/Apache-2.0", "GPL-3.0-only OR MIT", "(GPL-3.0-only OR MIT) AND MIT"] {
        assert_eq!(problems(package("b", Some(licence))), [""; 0], "{licence}");
    }
}

#[test]
fn other_licences_unknown_forms_and_missing_ones_are_refused() {
    for licence in ["GPL-3.0-only", "MIT AND GPL-3.0-only", "MPL-2.0", "Apache-2.0", "MIT OR", "(MIT", "MIT MIT"] {
        assert_eq!(problems(package("b", Some(licence))).len(), 1, "{licence}");
    }
    assert!(problems(package("b", None))[0].contains("names no licence"));
}

#[test]
fn a_banned_crate_is_named_with_the_reason() {
    let found = problems(package("openssl", Some("MIT")));
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("openssl 1.0.0 is banned: rustls everywhere"), "{found:?}");
}

#[test]
fn entries_that_allow_nothing_are_refused() {
    let lists: Lists = toml::from_str(LISTS).expect("the lists are valid");
    let found = check(&lists, &BTreeSet::from([package("a", Some("MIT"))]));
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(toml::from_str::<Lists>(&LISTS.replace("[bans]", "[bans]\nskip = []")).is_err());
}

#[test]
fn and_binds_closer_than_or() {
    let mut mit = |licence: &str| licence == "MIT";
    assert_eq!(satisfied("A AND B OR MIT", &mut mit), Ok(true));
    assert_eq!(satisfied("MIT AND (A OR B)", &mut mit), Ok(false));
}

#[test]
fn lines_of_cargo_tree_are_read() {
    let found = parse("hello-web v0.1.0 (/somewhere/with space)|Apache-2.0 (*)").expect("a package");
    assert_eq!(found, Package { version: "0.1.0".into(), ..package("hello-web", Some("Apache-2.0")) });
    assert_eq!(parse("a v1.0.0 (proc-macro)|").expect("a package"), package("a", None));
    assert!(parse("nonsense").is_err());
}
