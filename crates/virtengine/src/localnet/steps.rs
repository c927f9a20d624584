//! What `localnet` tells its user: one line per step with the elapsed time, or one JSON object per step.

use std::io::{IsTerminal, Write};
use std::time::Instant;

use serde_json::{Map, Value, json};

use crate::cli::Output;

/// Prints steps in the order in which they end. A broken pipe ends printing, not the network.
pub struct Steps {
    output: Output,
    started: Instant,
    colour: bool,
}

impl Steps {
    pub fn new(output: Output) -> Self {
        Self { output, started: Instant::now(), colour: std::io::stdout().is_terminal() }
    }

    /// A step that has been completed. `name` is stable for scripts; `text` is for people; `data` adds fields.
    pub fn done(&self, name: &str, text: &str, data: Value) {
        let elapsed = self.started.elapsed();
        let line = if self.output.is_json() {
            let mut object = Map::new();
            object.insert("step".into(), name.into());
            object.insert("elapsed_ms".into(), json!(elapsed.as_millis() as u64));
            object.insert("message".into(), text.into());
            if let Value::Object(fields) = data {
                object.extend(fields);
            }
            Value::Object(object).to_string()
        } else {
            let mark = if self.colour { "\u{1b}[32m✓\u{1b}[0m" } else { "✓" };
            format!("{:>7.1}s  {mark} {text}", elapsed.as_secs_f64())
        };
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    }

    /// Lines for people only; scripts find the same facts in the steps.
    pub fn note(&self, text: &str) {
        if !self.output.is_json() {
            let _ = writeln!(std::io::stdout().lock(), "{text}");
        }
    }
}
