//! What ran, what it said, and the sum of it.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

/// Counts of one runner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub name: String,
    pub passed: usize,
    pub failed: usize,
    /// Why each skipped test did not run.
    pub skipped: Vec<String>,
    /// Shown when something failed.
    pub details: String,
}

impl Outcome {
    pub fn success(name: &str) -> Self {
        Self { name: name.to_owned(), passed: 1, ..Self::default() }
    }

    pub fn failure(name: &str, details: String) -> Self {
        Self { name: name.to_owned(), failed: 1, details, ..Self::default() }
    }

    pub fn skip(name: &str, reason: &str) -> Self {
        Self { name: name.to_owned(), skipped: vec![reason.to_owned()], ..Self::default() }
    }
}

pub struct Report {
    /// In CI everything that the tests need is there, so a skipped test is a mistake.
    skips_fail: bool,
    started: Instant,
    outcomes: Vec<Outcome>,
}

impl Report {
    pub fn new(skips_fail: bool) -> Self {
        Self { skips_fail, started: Instant::now(), outcomes: Vec::new() }
    }

    pub fn is_empty(&self) -> bool {
        self.outcomes.is_empty()
    }

    /// Shows that `name` runs now.
    pub fn start(&self, name: &str) {
        println!("[{}] {name} ...", clock(self.started.elapsed()));
    }

    /// Takes over the counts of what ran for so long, and shows them.
    pub fn add(&mut self, outcome: Outcome, took: Duration) {
        let Outcome { name, passed, failed, skipped, details } = &outcome;
        let verdict = if *failed == 0 { "ok" } else { "FAILED" };
        let now = clock(self.started.elapsed());
        println!("[{now}] {name} {verdict}: {passed} passed, {failed} failed ({})", clock(took));
        for reason in skipped {
            println!("    skipped: {reason}");
        }
        if *failed > 0 {
            for line in details.lines() {
                println!("    {line}");
            }
        }
        self.outcomes.push(outcome);
    }

    /// Repeats the names of what failed and prints the sums as the last line.
    pub fn finish(self) -> ExitCode {
        let failed_runs: Vec<&str> = self.outcomes.iter().filter(|o| o.failed > 0).map(|o| o.name.as_str()).collect();
        if !failed_runs.is_empty() {
            println!("failed: {}; run one again with `cargo xtask test --only NAME`", failed_runs.join(", "));
        }
        let sum = |count: fn(&Outcome) -> usize| self.outcomes.iter().map(count).sum::<usize>();
        let (passed, mut failed, mut skipped) = (sum(|o| o.passed), sum(|o| o.failed), sum(|o| o.skipped.len()));
        if self.skips_fail && skipped > 0 {
            println!("{skipped} skipped tests count as failed because CI=true");
            failed += skipped;
            skipped = 0;
        }
        println!("{passed} passed, {failed} failed, {skipped} skipped");
        if failed == 0 && passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

fn clock(elapsed: Duration) -> String {
    format!("{:>6.1}s", elapsed.as_secs_f64())
}
