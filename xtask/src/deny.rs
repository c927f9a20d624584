//! Licences and banned crates of everything that is built, by the lists of `deny.toml`.
//!
//! The lists have the form that `cargo-deny` reads. It is not used itself: building it takes longer than building the
//! product's tests.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::command::cargo_command;

#[cfg(test)]
#[path = "deny_tests.rs"]
mod tests;

const FILE: &str = "deny.toml";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lists {
    graph: Graph,
    licenses: Licences,
    bans: Bans,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Graph {
    /// Platforms that the product is built for; crates of others are not looked at.
    targets: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Licences {
    /// SPDX names.
    allow: Vec<String>,
    #[serde(default)]
    exceptions: Vec<Exception>,
    #[serde(default)]
    clarify: Vec<Clarification>,
}

/// Somebody read the licence of a package whose manifest names none.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Clarification {
    /// `name@version`: the next version has to be read again.
    #[serde(rename = "crate")]
    package: String,
    expression: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    #[serde(rename = "crate")]
    name: String,
    allow: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

/// A package that is built, with the licence expression of its manifest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Package {
    name: String,
    version: String,
    licence: Option<String>,
}

/// Checks all packages of all platforms and prints what is wrong.
pub fn run() -> Result<()> {
    let root = crate::workspace::root()?;
    let text = std::fs::read_to_string(root.join(FILE)).with_context(|| format!("read {FILE}"))?;
    let lists: Lists = toml::from_str(&text).with_context(|| format!("read {FILE}"))?;
    let mut packages = BTreeSet::new();
    for target in &lists.graph.targets {
        packages.extend(built(&root, target)?);
    }
    let problems = check(&lists, &packages);
    for problem in &problems {
        eprintln!("{problem}");
    }
    if problems.is_empty() { Ok(()) } else { bail!("{} dependencies may not be used as they are", problems.len()) }
}

/// What is built for a platform. `cargo metadata` would also name optional packages that no feature turns on.
fn built(root: &Path, target: &str) -> Result<Vec<Package>> {
    let output = cargo_command(root)
        .args(["tree", "--workspace", "--locked", "--edges", "normal,build,dev", "--target", target])
        .args(["--prefix", "none", "--format", "{p}|{l}"])
        .output()
        .context("run cargo tree")?;
    if !output.status.success() {
        bail!("cargo tree: {}", String::from_utf8_lossy(&output.stderr));
    }
    let text = String::from_utf8(output.stdout).context("cargo writes UTF-8")?;
    text.lines().filter(|line| !line.is_empty()).map(package).collect()
}

/// `name v1.2.3 (where)|licence (*)`; the star marks a package that was listed before.
fn package(line: &str) -> Result<Package> {
    let (package, licence) = line.split_once('|').with_context(|| format!("cargo tree says {line:?}"))?;
    let mut words = package.split_whitespace();
    let (Some(name), Some(version)) = (words.next(), words.next()) else { bail!("cargo tree says {line:?}") };
    let licence = licence.trim_end_matches("(*)").trim();
    Ok(Package {
        name: name.to_owned(),
        version: version.trim_start_matches('v').to_owned(),
        licence: (!licence.is_empty()).then(|| licence.to_owned()),
    })
}

fn check(lists: &Lists, packages: &BTreeSet<Package>) -> Vec<String> {
    let mut problems = Vec::new();
    let mut used = BTreeSet::new();
    for package in packages {
        let Package { name, version, licence } = package;
        if let Some(ban) = lists.bans.deny.iter().find(|ban| ban.name == *name) {
            problems.push(format!("{name} {version} is banned: {}; see `cargo tree -i {name}`", ban.reason));
        }
        let own = lists.licenses.exceptions.iter().filter(|exception| exception.name == *name);
        let own: Vec<&str> = own.flat_map(|exception| &exception.allow).map(String::as_str).collect();
        let mut allowed = |term: &str| {
            let listed = lists.licenses.allow.iter().any(|allow| allow == term) || own.contains(&term);
            if listed {
                used.insert((own.contains(&term).then(|| name.clone()), term.to_owned()));
            }
            listed
        };
        let read = format!("{name}@{version}");
        let clarified = lists.licenses.clarify.iter().find(|entry| entry.package == read);
        let licence = licence.as_deref().or(clarified.map(|entry| entry.expression.as_str()));
        match licence.map(|text| satisfied(text, &mut allowed)) {
            Some(Ok(true)) => {}
            Some(Ok(false)) => problems.push(format!(
                "{name} {version} is under {}; take another crate, or allow the licence in {FILE} if the product may be \
                 under it",
                licence.unwrap_or_default()
            )),
            Some(Err(cause)) => problems.push(format!("{name} {version}: its licence is not understood: {cause}")),
            None => problems.push(format!("{name} {version} names no licence; read it and add {read} to `clarify`")),
        }
    }
    for entry in &lists.licenses.clarify {
        let still = |package: &Package| {
            package.licence.is_none() && entry.package == format!("{}@{}", package.name, package.version)
        };
        if !packages.iter().any(still) {
            problems.push(format!("{FILE}: {} needs no `clarify`; remove it", entry.package));
        }
    }
    problems.extend(unused(&lists.licenses, &used));
    problems
}

/// Entries that allow nothing any more: the lists only shrink.
fn unused(licences: &Licences, used: &BTreeSet<(Option<String>, String)>) -> Vec<String> {
    let mut problems = Vec::new();
    for term in &licences.allow {
        if !used.iter().any(|(_, seen)| seen == term) {
            problems.push(format!("{FILE}: no package needs {term}; remove it"));
        }
    }
    for exception in &licences.exceptions {
        for term in &exception.allow {
            if !used.contains(&(Some(exception.name.clone()), term.clone())) {
                problems.push(format!("{FILE}: {} does not need {term}; remove it", exception.name));
            }
        }
    }
    problems
}

/// Whether the licences that are allowed fulfil an SPDX expression: `OR` (in old manifests `/`), `AND`, `WITH`,
/// brackets. `AND` binds closer. Every alternative is looked at, so that no used entry looks unused.
fn satisfied(expression: &str, allowed: &mut dyn FnMut(&str) -> bool) -> Result<bool, String> {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let result = any_of(&mut rest, allowed)?;
    match rest {
        [] => Ok(result),
        [word, ..] => Err(format!("`{word}` is out of place in `{expression}`")),
    }
}

fn any_of(rest: &mut &[&str], allowed: &mut dyn FnMut(&str) -> bool) -> Result<bool, String> {
    let mut result = all_of(rest, allowed)?;
    while let Some(after) = rest.strip_prefix(&["OR"]) {
        *rest = after;
        result |= all_of(rest, allowed)?;
    }
    Ok(result)
}

fn all_of(rest: &mut &[&str], allowed: &mut dyn FnMut(&str) -> bool) -> Result<bool, String> {
    let mut result = one(rest, allowed)?;
    while let Some(after) = rest.strip_prefix(&["AND"]) {
        *rest = after;
        result &= one(rest, allowed)?;
    }
    Ok(result)
}

fn one(rest: &mut &[&str], allowed: &mut dyn FnMut(&str) -> bool) -> Result<bool, String> {
    match *rest {
        ["(", after @ ..] => {
            *rest = after;
            let result = any_of(rest, allowed)?;
            *rest = rest.strip_prefix(&[")"]).ok_or("a bracket is not closed")?;
            Ok(result)
        }
        [licence, "WITH", exception, after @ ..] => {
            *rest = after;
            Ok(allowed(&format!("{licence} WITH {exception}")))
        }
        [licence, after @ ..] if !["AND", "OR", "WITH", ")"].contains(licence) => {
            *rest = after;
            Ok(allowed(licence))
        }
        _ => Err("a licence is missing".to_owned()),
    }
}
