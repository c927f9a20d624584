//! Store keys: declared in one file per module, never twice.

use std::collections::BTreeMap;

use super::{
    Violation,
    exceptions::Exceptions,
    tokens::{Kind, Token},
    tree::Tree,
};

/// The typed tables of `ve_store`.
const TABLES: &[&str] = &["Item", "Map", "Index", "UniqueIndex", "IndexedMap"];

/// Two tables of one module and tag would write over each other.
pub fn store_keys(tree: &Tree, _: &Exceptions) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut declared: BTreeMap<(String, String), String> = BTreeMap::new();
    for (file, code) in tree.rust().filter(|(file, _)| file.is_chain() && !file.path.starts_with("crates/store/")) {
        for window in code.tokens.windows(8).filter(|window| !window[0].in_test) {
            let Some((module, tag)) = declaration(window) else { continue };
            let mut add = |message| {
                let (path, line) = (file.path.clone(), window[0].line);
                found.push(Violation { path, line, rule: "store-keys", message });
            };
            if !file.path.ends_with("/keys.rs") {
                add("tables are declared in the module's keys.rs".to_owned());
            }
            if let Some(earlier) = declared.insert((module.clone(), tag.clone()), file.path.clone()) {
                add(format!("tag {tag} of {module} is taken in {earlier}; choose another"));
            }
        }
    }
    found
}

/// Module and tag of `Map::new("module", tag`.
fn declaration(tokens: &[Token]) -> Option<(String, String)> {
    let text: Vec<&str> = tokens.iter().map(|token| token.text.as_str()).collect();
    let is_table = TABLES.contains(&text[0]) && text[1..5] == [":", ":", "new", "("] && text[6] == ",";
    let literals = tokens[5].kind == Kind::Literal && tokens[7].kind == Kind::Literal;
    (is_table && literals).then(|| (text[5].to_owned(), text[7].to_owned()))
}
