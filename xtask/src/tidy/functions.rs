//! Length of functions.

use super::{Violation, exceptions::Exceptions, tree::Tree};

/// Longest function, in lines.
const LIMIT: usize = 70;

/// Functions fit on a screen. A longer one needs an entry with exactly its length, so that it can shrink but not grow.
pub fn length(tree: &Tree, exceptions: &Exceptions) -> Vec<Violation> {
    let mut found = Vec::new();
    for (file, code) in tree.rust() {
        for function in code.functions.iter().filter(|function| function.lines > LIMIT) {
            let key = format!("{}::{}", file.path, function.name);
            let lines = function.lines;
            let message = match exceptions.long_function(&key) {
                Some(recorded) if recorded == lines => continue,
                Some(recorded) if recorded > lines => format!("{key} shrank to {lines} lines; record that"),
                Some(recorded) => format!("{key} grew from {recorded} to {lines} lines; split it"),
                None => format!("{} has {lines} lines, the limit is {LIMIT}; split it", function.name),
            };
            found.push(Violation { path: file.path.clone(), line: function.line, rule: "function-length", message });
        }
    }
    found
}
