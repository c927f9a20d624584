//! The two commands of the README are the ones that are run.

use super::{Violation, exceptions::Exceptions, tree::Tree};

const TEST_COMMAND: &str = "cargo xtask test";

/// `.ci/run` runs the README's test command, and a test reads the other one out of the README and runs it.
pub fn commands(tree: &Tree, _: &Exceptions) -> Vec<Violation> {
    let violation = |path: &str, message: &str| Violation {
        path: path.to_owned(),
        line: 0,
        rule: "readme",
        message: message.to_owned(),
    };
    let Some(readme) = tree.text("README.md") else { return Vec::new() };
    let shown = shell_lines(readme);
    let mut found = Vec::new();
    if !shown.contains(&TEST_COMMAND) {
        found.push(violation("README.md", "does not show `cargo xtask test`"));
    }
    if !tree.text(".ci/run").is_some_and(|script| script.lines().any(|line| line.trim() == TEST_COMMAND)) {
        found.push(violation(".ci/run", "does not run exactly `cargo xtask test`"));
    }
    let starts = shown.iter().filter(|line| line.starts_with("cargo run ")).count();
    let reads_readme = tree.written().any(|(file, text)| file.is_test() && text.contains("README.md"));
    if starts != 1 {
        found.push(violation("README.md", "shows one command that starts the product, no more and no less"));
    }
    if !reads_readme {
        found.push(violation("README.md", "no test reads the command out of the README and runs it"));
    }
    found
}

/// Lines inside ```sh fences.
fn shell_lines(markdown: &str) -> Vec<&str> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in markdown.lines() {
        match line.trim() {
            "```sh" => inside = true,
            "```" => inside = false,
            command if inside => found.push(command),
            _ => {}
        }
    }
    found
}
