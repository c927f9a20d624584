//! Rules over manifests, lock files and package sources.

use regex::Regex;

use super::{Violation, exceptions::Exceptions, tree::Tree};

/// Where Cargo.lock may take packages from.
const SOURCE: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Lock files name packages and hashes, not the host that served them on somebody's machine.
pub fn lock_files(tree: &Tree, _: &Exceptions) -> Vec<Violation> {
    let mut found = Vec::new();
    let locks = tree.files.iter().filter_map(|file| Some((file, file.text.as_deref()?)));
    for (file, text) in locks {
        let is_cargo = file.path.ends_with("Cargo.lock");
        let is_npm = file.path.ends_with("package-lock.json");
        for (at, line) in text.lines().enumerate() {
            let foreign = is_cargo && line.starts_with("source = ") && line != format!("source = \"{SOURCE}\"");
            let host = is_npm && line.contains("\"resolved\": \"http");
            if foreign || host {
                let message = if is_npm {
                    "download address; run npm with omit-lockfile-registry-resolved".to_owned()
                } else {
                    format!("{line}: packages come from the public registry only")
                };
                found.push(Violation { path: file.path.clone(), line: at + 1, rule: "lock-files", message });
            }
        }
    }
    found
}

/// No mirror and no private registry: whoever clones this builds it with the clients' own defaults.
pub fn package_sources(tree: &Tree, _: &Exceptions) -> Vec<Violation> {
    let setting = Regex::new(concat!(
        r"^\s*(\[source\.|\[registries|replace-with|registry\s*=|@[a-z-]+:registry|index-url|extra-index-url|",
        r"//[^\s]+:_authToken|cafile\s*=|GOPROXY=|export GOPROXY)"
    ))
    .expect("the rule's pattern is valid");
    let mut found = Vec::new();
    for (file, text) in tree.written() {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        let is_setting =
            matches!(name, ".npmrc" | "pip.conf" | "config.toml" | "config" | "run") || name.ends_with(".sh");
        for (at, line) in text.lines().enumerate().filter(|_| is_setting) {
            if setting.is_match(line) {
                let message = format!("`{}` changes where packages come from", line.trim());
                found.push(Violation { path: file.path.clone(), line: at + 1, rule: "package-sources", message });
            }
        }
    }
    found
}

/// Each crate takes over the workspace's lints; otherwise they would silently not apply to it.
pub fn shared_lints(tree: &Tree, _: &Exceptions) -> Vec<Violation> {
    tree.written()
        .filter(|(file, text)| file.path.ends_with("/Cargo.toml") && text.contains("[package]"))
        .filter(|(file, _)| file.path.starts_with("crates/") || file.path.starts_with("xtask/"))
        .filter(|(_, text)| !text.contains("[lints]\nworkspace = true\n"))
        .map(|(file, _)| Violation {
            path: file.path.clone(),
            line: 0,
            rule: "shared-lints",
            message: "add `[lints]` with `workspace = true`".to_owned(),
        })
        .collect()
}

/// An amount that overflows in a release build must stop the operation, not wrap.
pub fn overflow_checks(tree: &Tree, _: &Exceptions) -> Vec<Violation> {
    let root = tree.text("Cargo.toml").filter(|text| text.contains("[workspace]"));
    let release = root.and_then(|text| text.split("[profile.release]\n").nth(1));
    let kept =
        release.is_none_or(|section| section.split("\n[").next().is_some_and(|s| s.contains("overflow-checks = true")));
    if kept {
        return Vec::new();
    }
    vec![Violation {
        path: "Cargo.toml".to_owned(),
        line: 0,
        rule: "overflow-checks",
        message: "[profile.release] needs `overflow-checks = true`".to_owned(),
    }]
}
