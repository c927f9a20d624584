//! `xtask/tidy.toml`: the known exceptions.

use std::{cell::RefCell, collections::BTreeMap, collections::BTreeSet};

use anyhow::{Context, Result};
use serde::Deserialize;

use super::{Violation, tree::Tree};

pub const PATH: &str = "xtask/tidy.toml";

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lists {
    /// `path::function` to its length.
    #[serde(default)]
    long_functions: BTreeMap<String, usize>,
    /// Path to (banned name to the reason why it is right there).
    #[serde(default)]
    chain: BTreeMap<String, BTreeMap<String, String>>,
    /// Path to the reason why so large a file is kept.
    #[serde(default)]
    large_files: BTreeMap<String, String>,
}

#[derive(Default)]
pub struct Exceptions {
    lists: Lists,
    used: RefCell<BTreeSet<String>>,
}

impl Exceptions {
    pub fn read(tree: &Tree) -> Result<Self> {
        let lists = match tree.text(PATH) {
            Some(text) => toml::from_str(text).with_context(|| format!("read {PATH}"))?,
            None => Lists::default(),
        };
        Ok(Self { lists, used: RefCell::default() })
    }

    /// The recorded length of a function that is longer than the limit.
    pub fn long_function(&self, key: &str) -> Option<usize> {
        let length = self.lists.long_functions.get(key)?;
        self.mark("long_functions", key, "");
        Some(*length)
    }

    pub fn chain(&self, path: &str, name: &str) -> bool {
        let excused = self.lists.chain.get(path).is_some_and(|names| names.contains_key(name));
        if excused {
            self.mark("chain", path, name);
        }
        excused
    }

    pub fn large_file(&self, path: &str) -> bool {
        let excused = self.lists.large_files.contains_key(path);
        if excused {
            self.mark("large_files", path, "");
        }
        excused
    }

    fn mark(&self, list: &str, key: &str, name: &str) {
        self.used.borrow_mut().insert(format!("{list} {key} {name}"));
    }

    fn entries(&self) -> Vec<(&'static str, String, String)> {
        let lists = &self.lists;
        let functions = lists.long_functions.keys().map(|key| ("long_functions", key.clone(), String::new()));
        let chain = lists.chain.iter().flat_map(|(path, names)| names.keys().map(move |name| (path, name)));
        let chain = chain.map(|(path, name)| ("chain", path.clone(), name.clone()));
        let files = lists.large_files.keys().map(|key| ("large_files", key.clone(), String::new()));
        functions.chain(chain).chain(files).collect()
    }
}

/// An entry that excuses nothing must go. Runs after the other rules.
pub fn all_in_use(_: &Tree, exceptions: &Exceptions) -> Vec<Violation> {
    let used = exceptions.used.borrow();
    let unused =
        exceptions.entries().into_iter().filter(|(list, key, name)| !used.contains(&format!("{list} {key} {name}")));
    unused
        .map(|(list, key, name)| Violation {
            path: PATH.to_owned(),
            line: 0,
            rule: "exceptions",
            message: format!("[{list}] {key} {name} excuses nothing any more; remove it"),
        })
        .collect()
}
