//! Each rule is shown catching a violation and letting clean code pass.

use std::fs;

use super::{check, tree::Tree};

const CHAIN: &str = "crates/chain/core/src/bank/ledger.rs";
const CLEAN: &str = "//! Balances.\n\nfn add(a: u64, b: u64) -> Option<u64> {\n    a.checked_add(b)\n}\n";

/// Rules broken by a tree of these files.
fn rules(files: &[(&str, &str)]) -> Vec<&'static str> {
    let dir = tempfile::tempdir().expect("a temporary directory can be made");
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().expect("files lie in the directory")).expect("a folder can be made");
        fs::write(path, text).expect("a file can be written");
    }
    let tree = Tree::read(dir.path()).expect("the tree can be read");
    let mut rules: Vec<_> = check(&tree).expect("the rules run").into_iter().map(|violation| violation.rule).collect();
    rules.dedup();
    rules
}

fn assert_refused(path: &str, text: &str, rule: &str) {
    assert_eq!(rules(&[(path, text)]), [rule], "{path}: {text}");
}

fn assert_clean(path: &str, text: &str) {
    assert_eq!(rules(&[(path, text)]), [""; 0], "{path}: {text}");
}

#[test]
fn clean_code_passes() {
    assert_clean(CHAIN, CLEAN);
}

#[test]
fn white_space_at_the_end_of_a_line_or_file_is_refused() {
    assert_refused(CHAIN, "//! Balances. \n", "whitespace");
    assert_refused(CHAIN, "//! Balances.", "whitespace");
    assert_refused(CHAIN, "//! Balances.\n\n", "whitespace");
    assert_refused(CHAIN, "mod a {\n\tmod b {}\n}\n", "whitespace");
    assert_refused(CHAIN, "// a\r\n", "whitespace");
}

#[test]
fn emoji_are_refused_and_arrows_are_not() {
    assert_refused(CHAIN, "//! Balances \u{1F680}\n", "emoji");
    assert_refused(CHAIN, "//! Balances \u{2728}\n", "emoji");
    assert_clean(CHAIN, "//! order → bid → lease ≤ 5\n");
}

#[test]
fn words_of_unfinished_code_are_refused() {
    for text in ["TODO: more", "FIXME", "enough for now", "a simplified copy", "a stub", "fixes #12", "see issue #7"] {
        assert_refused(CHAIN, &format!("// {text}\n"), "banned-words");
    }
    assert_clean(CHAIN, "// A stubborn todolist is formed nowhere.\n");
}

#[test]
fn pretending_is_for_tests_only() {
    assert_refused(CHAIN, "struct FakeClock;\nfn fake() {}\n", "banned-words");
    assert_clean("crates/chain/core/src/bank/ledger_tests.rs", "fn fake() {}\n");
    assert_clean("crates/testkit/src/lib.rs", "fn fake() {}\n");
}

#[test]
fn promises_in_comments_and_documents_are_refused() {
    assert_refused(CHAIN, "// Pagination will be added.\n", "promises");
    assert_refused("docs/book/src/start.md", "Snapshots are coming soon.\n", "promises");
    assert_refused("docs/book/src/start.md", "Slashing is not yet implemented.\n", "promises");
    assert_clean(CHAIN, "// A version that is not yet durable cannot be proven.\n");
}

#[test]
fn paths_of_one_machine_are_refused() {
    assert_refused(CHAIN, "// see /home/alice/notes\n", "machine-paths");
    assert_refused("docs/book/src/a.md", "open `/Users/Bob`\n", "machine-paths");
    assert_clean(CHAIN, "// the container's /root and /home\n");
}

#[test]
fn long_files_are_refused() {
    let line = "// One reason.\n";
    assert_refused(CHAIN, &line.repeat(801), "file-length");
    assert_clean(CHAIN, &line.repeat(800));
}

#[test]
fn large_files_need_a_reason() {
    let large = format!("{}\n", "a".repeat(1 << 20));
    assert_refused("examples/a.bin", &large, "file-size");
    let reason = "[large_files]\n\"examples/a.bin\" = \"the image that the test runs\"\n";
    assert_eq!(rules(&[("examples/a.bin", &large), ("xtask/tidy.toml", reason)]), [""; 0]);
}

#[test]
fn documents_have_few_places_and_are_no_diaries() {
    assert_refused("crates/base/STATUS.md", "Done.\n", "stray-documents");
    assert_refused("docs/plan.md", "Next.\n", "stray-documents");
    assert_refused("docs/SUMMARY.md", "All.\n", "stray-documents");
    assert_refused("crates/base/thoughts.md", "Hm.\n", "stray-documents");
    assert_clean("docs/book/src/SUMMARY.md", "# Contents\n");
    assert_clean("docs/adr/0001-engine.md", "# Engine\n");
}

#[test]
fn lock_files_name_no_hosts_and_no_foreign_sources() {
    assert_refused("tests/js/package-lock.json", "{ \"resolved\": \"https://example.org/a.tgz\" }\n", "lock-files");
    assert_refused("Cargo.lock", "source = \"git+https://example.org/a\"\n", "lock-files");
    assert_clean("Cargo.lock", "source = \"registry+https://github.com/rust-lang/crates.io-index\"\n");
}

#[test]
fn package_sources_stay_the_default() {
    assert_refused("tests/js/.npmrc", "registry=https://example.org\n", "package-sources");
    assert_refused(".cargo/config.toml", "[source.crates-io]\nreplace-with = \"mirror\"\n", "package-sources");
    assert_clean("tests/js/.npmrc", "omit-lockfile-registry-resolved=true\n");
}

#[test]
fn crates_take_over_the_shared_lints() {
    assert_refused("crates/base/Cargo.toml", "[package]\nname = \"ve-base\"\n", "shared-lints");
    assert_clean("crates/base/Cargo.toml", "[package]\nname = \"ve-base\"\n\n[lints]\nworkspace = true\n");
}

#[test]
fn arithmetic_stays_checked_in_release_builds() {
    assert_refused("Cargo.toml", "[workspace]\n\n[profile.release]\ndebug = true\n", "overflow-checks");
    assert_clean("Cargo.toml", "[workspace]\n\n[profile.release]\noverflow-checks = true\n");
}

fn function_of(lines: usize) -> String {
    format!("fn long() {{\n{}}}\n", "    step();\n".repeat(lines - 2))
}

#[test]
fn functions_longer_than_a_screen_are_refused() {
    assert_refused(CHAIN, &function_of(71), "function-length");
    assert_clean(CHAIN, &function_of(70));
}

#[test]
fn a_recorded_long_function_may_shrink_but_not_grow_and_its_entry_goes_when_it_fits() {
    let entry = format!("[long_functions]\n\"{CHAIN}::long\" = 80\n");
    let with = |lines| rules(&[(CHAIN, function_of(lines).as_str()), ("xtask/tidy.toml", entry.as_str())]);
    assert_eq!(with(80), [""; 0]);
    assert_eq!(with(81), ["function-length"]);
    assert_eq!(with(75), ["function-length"]);
    assert_eq!(with(60), ["exceptions"]);
}

#[test]
fn what_differs_between_validators_is_refused_in_chain_crates() {
    for text in [
        "use std::collections::HashMap;\n",
        "fn f() -> std::time::SystemTime { todo() }\n",
        "fn f(x: f64) {}\n",
        "const RATE: u64 = 1.5 as u64;\n",
        "const RATE: u64 = 1e3 as u64;\n",
        "fn f() { rand::random::<u8>(); }\n",
        "fn f() { std::thread::yield_now(); }\n",
        "fn f() { std::env::var(\"A\").ok(); }\n",
        "fn f(a: u64) -> u64 { a.wrapping_add(1) }\n",
    ] {
        assert_refused(CHAIN, text, "chain-determinism");
        assert_clean("crates/node/src/a.rs", text);
    }
    assert_clean(
        CHAIN,
        "// A HashMap would differ; 1.5 too.\nconst A: usize = 0xE1 + 0usize + 1_0u8;\nconst B: &str = \"f64\";\n",
    );
    assert_clean(CHAIN, "fn f(a: T) { let b = V { env: a.0.1, c: env!(\"A\") }; b.wrapping_msg(); }\n");
}

#[test]
fn panics_are_refused_in_chain_crates_outside_tests() {
    for call in ["a.unwrap()", "a.expect(\"is some\")", "panic!(\"no\")", "unreachable!()"] {
        assert_refused(CHAIN, &format!("fn f() {{ {call}; }}\n"), "chain-failures");
        assert_clean(CHAIN, &format!("#[cfg(test)]\nmod tests {{\n    fn f() {{ {call}; }}\n}}\n"));
        assert_clean("crates/chain/core/src/bank/tests/send.rs", &format!("fn f() {{ {call}; }}\n"));
    }
    let after_tests = "#[cfg(test)]\nmod tests;\n\nfn f() { a.unwrap(); }\n";
    assert_refused(CHAIN, after_tests, "chain-failures");
    assert_refused(CHAIN, "#[cfg(not(test))]\nfn f() { a.unwrap(); }\n", "chain-failures");
    assert_clean(CHAIN, "fn f() { a.unwrap_or(1); }\n");
}

#[test]
fn two_tables_cannot_share_a_tag() {
    let keys = "crates/chain/core/src/bank/keys.rs";
    let table = |tag: u8| format!("const T{tag}: Map<u8, u8> = Map::new(\"bank\", {tag});\n");
    assert_clean(keys, &(table(1) + &table(2)));
    assert_refused(keys, &(table(1) + &table(1)), "store-keys");
    let other = "crates/chain/core/src/auth/keys.rs";
    assert_eq!(rules(&[(keys, &table(1)), (other, &table(1))]), ["store-keys"]);
}

#[test]
fn tables_are_declared_in_the_keys_file_only() {
    assert_refused(CHAIN, "const T: Item<u8> = Item::new(\"bank\", 9);\n", "store-keys");
    assert_clean(CHAIN, "fn f() { let a = Item::new(1); }\n");
}

#[test]
fn an_exception_needs_its_file_and_name_and_must_still_be_needed() {
    let code = "use std::collections::HashMap;\n";
    let entry = format!("[chain.\"{CHAIN}\"]\nHashMap = \"never iterated\"\n");
    assert_eq!(rules(&[(CHAIN, code), ("xtask/tidy.toml", entry.as_str())]), [""; 0]);
    assert_eq!(rules(&[(CHAIN, CLEAN), ("xtask/tidy.toml", entry.as_str())]), ["exceptions"]);
}

#[test]
fn acceptance_rows_name_tests_that_exist() {
    let row = |test: &str| format!("[[row]]\nsystem = \"Bank\"\nacceptance = \"sums hold\"\ntests = [\"{test}\"]\n");
    let test = ("crates/base/tests/sums.rs", "#[test]\nfn sums_hold() {}\n");
    let with = |named: &str| rules(&[("tests/acceptance.toml", row(named).as_str()), test]);
    assert_eq!(with("crates/base/tests/sums.rs::sums_hold"), [""; 0]);
    assert_eq!(with("crates/base/tests/sums.rs::sums_held"), ["acceptance"]);
    assert_eq!(with("crates/base/tests/other.rs::sums_hold"), ["acceptance"]);
    let empty = "[[row]]\nsystem = \"Bank\"\nacceptance = \"sums hold\"\ntests = []\n";
    assert_refused("tests/acceptance.toml", empty, "acceptance");
}

#[test]
fn the_readme_shows_what_is_run() {
    let readme = "```sh\ncargo run -- localnet\n```\n\n```sh\ncargo xtask test\n```\n";
    let script = "#!/bin/sh\ncargo xtask test\n";
    let test = ("tests/js/readme.test.mjs", "read('README.md');\n");
    assert_eq!(rules(&[("README.md", readme), (".ci/run", script), test]), [""; 0]);
    assert_eq!(rules(&[("README.md", readme), (".ci/run", "cargo test\n"), test]), ["readme"]);
    assert_eq!(rules(&[("README.md", "Hello.\n"), (".ci/run", script), test]), ["readme"]);
    assert_eq!(rules(&[("README.md", readme), (".ci/run", script)]), ["readme"]);
}

#[test]
fn links_in_documents_lead_somewhere() {
    let from = |text: &str| rules(&[("docs/book/src/a.md", text), ("docs/adr/0001-b.md", "# B\n")]);
    assert_eq!(from("See [b](../../adr/0001-b.md), [all](../../adr) and [rust](https://rust-lang.org).\n"), [""; 0]);
    assert_eq!(from("See [b](../adr/0001-b.md).\n"), ["links"]);
    assert_eq!(from("See [c](c.md#part).\n"), ["links"]);
}

#[test]
fn every_crate_stands_in_the_architecture() {
    let manifest = ("crates/chain/core/Cargo.toml", "[package]\n\n[lints]\nworkspace = true\n");
    let with = |tree: &str| rules(&[("ARCHITECTURE.md", tree), manifest]);
    assert_eq!(with("```\ncrates/\n  chain/core  L3  accounts\n```\n"), [""; 0]);
    assert_eq!(with("```\ncrates/\n  base  L0  addresses\n```\n"), ["architecture"]);
}
