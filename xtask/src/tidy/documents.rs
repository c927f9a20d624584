//! Documents agree with the tree.

use regex::Regex;

use super::{Violation, exceptions::Exceptions, tree::Tree};

/// A relative link leads to a file or a folder of the tree.
pub fn links(tree: &Tree, _: &Exceptions) -> Vec<Violation> {
    let link = Regex::new(r"\]\(([^)\s#]+)(#[^)\s]*)?\)").expect("the rule's pattern is valid");
    let mut found = Vec::new();
    for (file, text) in tree.written().filter(|(file, _)| file.path.ends_with(".md")) {
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (at, line) in text.lines().enumerate() {
            for target in link.captures_iter(line).map(|found| found[1].to_owned()) {
                if !target.contains("://") && !exists(tree, &resolve(folder, &target)) {
                    let message = format!("{target} leads nowhere");
                    found.push(Violation { path: file.path.clone(), line: at + 1, rule: "links", message });
                }
            }
        }
    }
    found
}

fn resolve(folder: &str, target: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}

fn exists(tree: &Tree, path: &str) -> bool {
    let inside = format!("{path}/");
    tree.files.iter().any(|file| file.path == path || file.path.starts_with(&inside))
}

/// Every crate stands in the tree of ARCHITECTURE.md.
pub fn architecture(tree: &Tree, _: &Exceptions) -> Vec<Violation> {
    let Some(text) = tree.text("ARCHITECTURE.md") else { return Vec::new() };
    let crates = tree.files.iter().filter_map(|file| file.path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml"));
    let named: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next()).collect();
    crates
        .filter(|name| !named.contains(name))
        .map(|name| Violation {
            path: "ARCHITECTURE.md".to_owned(),
            line: 0,
            rule: "architecture",
            message: format!("crates/{name} is not in the tree; say what it is and in which layer"),
        })
        .collect()
}
