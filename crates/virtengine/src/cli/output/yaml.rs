//! YAML as a plain rendering of JSON: block style, text always in double quotes, so that no word is taken for a number
//! or a truth value.

use serde_json::Value;

pub fn yaml(value: &Value) -> String {
    let mut out = String::new();
    match scalar(value) {
        Some(line) => out.push_str(&format!("{line}\n")),
        None => write(value, 0, &mut out),
    }
    out
}

/// What fits on one line. JSON's quoting is YAML's, and it leaves no control character as it is.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Object(fields) if !fields.is_empty() => None,
        Value::Array(items) if !items.is_empty() => None,
        other => Some(other.to_string()),
    }
}

/// Keys are names of fields, except in maps of the chain.
fn key(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    let word = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&name);
    if plain && !word { name.to_owned() } else { Value::from(name).to_string() }
}

fn write(value: &Value, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match scalar(value) {
                    Some(line) => out.push_str(&format!("{indent}{}: {line}\n", key(name))),
                    None => {
                        out.push_str(&format!("{indent}{}:\n", key(name)));
                        write(value, depth + 1, out);
                    }
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                let inner = match scalar(item) {
                    Some(line) => format!("{line}\n"),
                    None => {
                        let mut inner = String::new();
                        write(item, depth + 1, &mut inner);
                        inner.split_off(indent.len() + 2)
                    }
                };
                out.push_str(&format!("{indent}- {inner}"));
            }
        }
        _ => {}
    }
}
