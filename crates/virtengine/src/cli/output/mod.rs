//! Results for people and for scripts.

mod table;
mod text;
mod yaml;

use std::io::Write as _;

use serde_json::Value;
use ve_base::{Amount, Dec};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// Indented lines, amounts as people read them
    #[default]
    Text,
    /// One JSON document for each result, also for errors
    Json,
    Yaml,
    /// Lists as rows and columns
    Table,
}

impl Output {
    /// Prints a result; a closed pipe ends the output silently.
    pub fn print(self, value: &Value) {
        let text = match self {
            Self::Json => value.to_string(),
            Self::Yaml => yaml::yaml(value),
            Self::Table => table::table(value),
            Self::Text => text::text(value),
        };
        let _ = writeln!(std::io::stdout().lock(), "{}", text.trim_end());
    }

    /// Whether progress and errors are for scripts too.
    pub fn is_json(self) -> bool {
        self == Self::Json
    }

    /// A progress line for people; JSON output has none.
    pub fn note(self, line: &str) {
        if !self.is_json() {
            eprintln!("{line}");
        }
    }
}

pub use text::text;

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

#[cfg(test)]
mod tests;
