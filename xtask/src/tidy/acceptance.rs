//! `tests/acceptance.toml`: which test proves which system.

use serde::Deserialize;

use super::{Violation, exceptions::Exceptions, tree::Tree};

const PATH: &str = "tests/acceptance.toml";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Acceptance {
    row: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    system: String,
    /// What is seen when the system works.
    acceptance: String,
    /// `path::test`, where the test is a Rust function or the title of a JavaScript test.
    tests: Vec<String>,
}

/// A row without a test is open and does not belong in the file; a test that does not exist proves nothing.
pub fn rows_name_tests(tree: &Tree, _: &Exceptions) -> Vec<Violation> {
    let Some(text) = tree.text(PATH) else { return Vec::new() };
    let violation = |line, message| Violation { path: PATH.to_owned(), line, rule: "acceptance", message };
    let rows = match toml::from_str::<Acceptance>(text) {
        Ok(acceptance) => acceptance.row,
        Err(error) => return vec![violation(0, error.to_string())],
    };
    let mut found = Vec::new();
    for row in rows {
        if row.tests.is_empty() || row.acceptance.is_empty() {
            found.push(violation(0, format!("{} names no test or no acceptance", row.system)));
        }
        for test in row.tests.iter().filter(|test| !exists(tree, test)) {
            let line = text.lines().position(|line| line.contains(test.as_str())).map_or(0, |at| at + 1);
            found.push(violation(line, format!("{}: no test {test}", row.system)));
        }
    }
    found
}

fn exists(tree: &Tree, test: &str) -> bool {
    let Some((path, name)) = test.split_once("::") else { return false };
    let Some(file) = tree.file(path) else { return false };
    match file.code() {
        Some(code) => {
            code.has_function(name) || file.text.as_deref().is_some_and(|t| t.contains(&format!("\"{name}\"")))
        }
        None => file.text.as_deref().is_some_and(|text| text.contains(&format!("'{name}'"))),
    }
}
