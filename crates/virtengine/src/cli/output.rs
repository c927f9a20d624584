//! Results for people and for scripts.

use std::io::Write as _;

use serde_json::Value;
use ve_base::{Amount, Dec};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    #[default]
    Text,
    Json,
}

impl Output {
    /// Prints a result; a closed pipe ends the output silently.
    pub fn print(self, value: &Value) {
        let text = match self {
            Self::Json => value.to_string(),
            Self::Text => text(value),
        };
        let _ = writeln!(std::io::stdout().lock(), "{}", text.trim_end());
    }

    /// A progress line for people; JSON output has none.
    pub fn note(self, line: &str) {
        if self == Self::Text {
            eprintln!("{line}");
        }
    }
}

/// `1.5 VE` for native amounts, `12 uvcc` for others.
pub fn money(amount: &str, denom: &str) -> String {
    if denom != ve_base::BASE_DENOM {
        return format!("{amount} {denom}");
    }
    let micro = if amount.contains('.') { amount.parse::<Dec>().ok() } else { whole(amount) };
    let shown = micro.and_then(|micro| micro.quo_int(Amount::from(1_000_000u64), ve_base::Rounding::Truncate).ok());
    match shown {
        Some(shown) if !amount.contains('.') => {
            let text = shown.to_string();
            // Whole micro-units have six decimals at most.
            let end = text.find('.').map_or(text.len(), |point| (point + 7).min(text.len()));
            format!("{} VE", &text[..end])
        }
        // Prices per block are often far below a micro-unit: every digit counts.
        _ => format!("{} uve", amount.parse::<Dec>().map_or_else(|_| amount.to_owned(), |dec| format!("{dec:#}"))),
    }
}

fn whole(amount: &str) -> Option<Dec> {
    amount.parse::<Amount>().ok().and_then(|amount| Dec::from_amount(amount).ok())
}

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

fn scalar(value: &Value) -> Option<String> {
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

#[cfg(test)]
#[path = "output_tests.rs"]
mod tests;
