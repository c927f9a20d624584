use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{MARKER, TABLE, with_module, write};

fn put(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().expect("files lie in the directory")).expect("a folder can be made");
    fs::write(path, text).expect("a file can be written");
}

fn small_tree() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary directory can be made");
    put(dir.path(), "crates/chain/market/src/lib.rs", "//! Market.\n\npub mod cert;\npub mod provider;\n");
    put(dir.path(), TABLE, &format!("vec![\n        Box::new(ve_chain_market::cert::Cert),\n{MARKER}]\n"));
    dir
}

#[test]
fn a_module_gets_schema_folder_declaration_and_row() {
    let dir = small_tree();
    write(dir.path(), "market", "offering").expect("the module is written");
    let text = |path: &str| fs::read_to_string(dir.path().join(path)).expect("the file exists");
    assert!(text(TABLE).contains("        Box::new(ve_chain_market::offering::Offering),\n        // new-module"));
    assert_eq!(
        text("crates/chain/market/src/lib.rs"),
        "//! Market.\n\npub mod cert;\npub mod offering;\npub mod provider;\n"
    );
    assert!(text("proto/ve/offering/v1/tx.proto").contains("package ve.offering.v1;"));
    assert!(text("crates/chain/market/src/offering/mod.rs").contains("pub struct Offering;"));
    assert!(!text("crates/chain/market/src/offering/keys.rs").contains('@'));
}

#[test]
fn a_declaration_finds_its_place_at_the_end_too() {
    assert_eq!(with_module("pub mod a;\npub mod b;\n", "c"), "pub mod a;\npub mod b;\npub mod c;\n");
    assert_eq!(with_module("//! Empty.\n", "c"), "//! Empty.\npub mod c;\n");
}

#[test]
fn bad_names_taken_names_and_unknown_groups_are_refused_and_change_nothing() {
    let dir = small_tree();
    let table = fs::read_to_string(dir.path().join(TABLE)).expect("the table exists");
    put(dir.path(), "crates/chain/market/src/cert/mod.rs", "");
    for (group, name) in [
        ("market", "Offering"),
        ("market", "a"),
        ("market", "1st"),
        ("market", "a_b"),
        ("market", "cert"),
        ("none", "offering"),
    ] {
        assert!(write(dir.path(), group, name).is_err(), "{group} {name}");
    }
    assert_eq!(fs::read_to_string(dir.path().join(TABLE)).expect("the table exists"), table);
    assert!(!dir.path().join("proto").exists());
}

/// Copies what a build of the chain needs. Always to the same place beside this program: cargo tells crates apart by their
/// path, so that another place each time would leave another set of build products behind each time.
fn copy_of_the_tree() -> PathBuf {
    let program = std::env::current_exe().expect("a test knows its program");
    let copy = program.parent().expect("it lies in a folder").join("new-module-tree");
    let _ = fs::remove_dir_all(&copy);
    let root = crate::workspace::root().expect("this is the repository");
    for file in ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", "rustfmt.toml", "clippy.toml"] {
        put(&copy, file, &fs::read_to_string(root.join(file)).expect("the file exists"));
    }
    for folder in ["crates", "proto", "xtask", "examples"] {
        let status = Command::new("cp").arg("-a").arg(root.join(folder)).arg(&copy).status();
        assert!(status.is_ok_and(|status| status.success()), "{folder} can be copied");
    }
    copy
}

fn cargo(root: &Path, args: &[&str]) {
    let output = crate::command::cargo_command(root).args(args).output().expect("cargo runs");
    assert!(output.status.success(), "cargo {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
#[ignore = "slow: compiles a copy of the chain crates"]
fn a_new_module_compiles_in_the_application_and_passes_its_own_tests() {
    let copy = copy_of_the_tree();
    write(&copy, "core", "sample").expect("the module is written");
    crate::proto::generate_into(&copy, false).expect("the schema compiles");
    cargo(&copy, &["fmt", "--all", "--check", "--", "crates/chain/core/src/sample/mod.rs"]);
    cargo(&copy, &["check", "--quiet", "--offline", "-p", "ve-app"]);
    cargo(&copy, &["test", "--quiet", "--offline", "-p", "ve-chain-core", "--lib", "sample"]);
    let _ = fs::remove_dir_all(&copy);
}
