//! Indented `name: value` lines.

use serde_json::Value;

use super::money;

/// Indented `name: value` lines; coins as people read them.
pub fn text(value: &Value) -> String {
    let mut out = String::new();
    write(value, 0, &mut out);
    out
}

fn coin(value: &Value) -> Option<String> {
    let fields = value.as_object().filter(|fields| fields.len() == 2)?;
    Some(money(fields.get("amount")?.as_str()?, fields.get("denom")?.as_str()?))
}

pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some("-".into()),
        // Control characters from the chain must not reach a terminal.
        Value::String(text) => Some(text.chars().filter(|c| !c.is_control() || *c == '\n').collect()),
        Value::Array(items) if items.is_empty() => Some("none".into()),
        Value::Object(fields) if fields.is_empty() => Some("-".into()),
        Value::Array(_) => None,
        Value::Object(_) => coin(value),
        other => Some(other.to_string()),
    }
}

fn write(value: &Value, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    if let Some(line) = scalar(value) {
        out.push_str(&format!("{indent}{line}\n"));
        return;
    }
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match scalar(value) {
                    Some(line) => out.push_str(&format!("{indent}{name}: {line}\n")),
                    None => {
                        out.push_str(&format!("{indent}{name}:\n"));
                        write(value, depth + 1, out);
                    }
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                let mut inner = String::new();
                write(item, depth + 1, &mut inner);
                let start = indent.len() + 2;
                out.push_str(&format!("{indent}- {}", inner.get(start..).unwrap_or(&inner)));
            }
        }
        _ => {}
    }
}
