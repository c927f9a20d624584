//! House rules that neither the compiler nor clippy knows.
//!
//! A rule is a function from the tree of files to violations. Each has a test that shows it catching one. Exceptions are
//! entries of `xtask/tidy.toml` with a reason; an entry that no longer excuses anything is itself a violation, so the
//! lists can only shrink.

mod acceptance;
mod chain;
mod documents;
mod exceptions;
mod functions;
mod keys;
mod manifest;
mod readme;
mod text;
mod tokens;
mod tree;

#[cfg(test)]
mod tests;

use std::fmt;

use anyhow::{Result, bail};

use exceptions::Exceptions;
use tree::Tree;

/// One broken rule at one place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    pub path: String,
    /// 1-based; 0 when the whole file is meant.
    pub line: usize,
    pub rule: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: [{}] {}", self.path, self.line, self.rule, self.message)
    }
}

type Rule = fn(&Tree, &Exceptions) -> Vec<Violation>;

const RULES: &[Rule] = &[
    text::whitespace,
    text::emoji,
    text::banned_words,
    text::promises,
    text::machine_paths,
    text::file_length,
    text::file_size,
    text::stray_documents,
    manifest::lock_files,
    manifest::package_sources,
    manifest::shared_lints,
    manifest::overflow_checks,
    functions::length,
    chain::determinism,
    chain::failures,
    keys::store_keys,
    acceptance::rows_name_tests,
    readme::commands,
    documents::links,
    documents::architecture,
    exceptions::all_in_use,
];

/// Checks the repository and prints what is wrong.
pub fn run() -> Result<()> {
    let violations = check(&Tree::read(&crate::workspace::root()?)?)?;
    for violation in &violations {
        eprintln!("{violation}");
    }
    match violations.len() {
        0 => Ok(()),
        n => bail!("{n} places break the house rules"),
    }
}

fn check(tree: &Tree) -> Result<Vec<Violation>> {
    let exceptions = Exceptions::read(tree)?;
    let mut found: Vec<Violation> = RULES.iter().flat_map(|rule| rule(tree, &exceptions)).collect();
    found.sort();
    found.dedup();
    Ok(found)
}
