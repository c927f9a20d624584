//! What was looked at, what was found, what to do.

use serde_json::json;

use crate::cli::{CliError, Output};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Good,
    Warning,
    Bad,
}

pub struct Report {
    output: Output,
    checks: Vec<serde_json::Value>,
    bad: usize,
}

impl Report {
    pub fn new(output: Output) -> Self {
        Self { output, checks: Vec::new(), bad: 0 }
    }

    /// The remedy is shown unless the verdict is good.
    pub fn add(&mut self, name: &str, verdict: Verdict, found: String, remedy: &str) {
        let word = match verdict {
            Verdict::Good => "ok",
            Verdict::Warning => "warning",
            Verdict::Bad => "failed",
        };
        if verdict == Verdict::Bad {
            self.bad += 1;
        }
        let remedy = if verdict == Verdict::Good { "" } else { remedy };
        if self.output == Output::Text {
            let tail = if remedy.is_empty() { String::new() } else { format!("; {remedy}") };
            println!("{word:>8}  {name}: {found}{tail}");
        }
        self.checks.push(json!({"check": name, "result": word, "found": found, "remedy": remedy}));
    }

    pub fn good(&mut self, name: &str, found: String) {
        self.add(name, Verdict::Good, found, "");
    }

    /// Prints what was not printed as it came; an error when a check failed.
    pub fn finish(self) -> Result<(), CliError> {
        if self.output != Output::Text {
            self.output.print(&json!({"ok": self.bad == 0, "checks": self.checks}));
        }
        match self.bad {
            0 => Ok(()),
            bad => Err(CliError::Failed(format!("{bad} checks failed"))),
        }
    }
}
