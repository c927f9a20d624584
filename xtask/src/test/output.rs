//! Reads the counts out of what test runners print.

use super::report::Outcome;

/// Longest excerpt of a failed run, in lines.
const EXCERPT: usize = 300;

/// Output of libtest (also several runs in one text, as with doc tests) or of a harness that prints like it.
///
/// A test that finds that it cannot run here prints a line `skipped: reason` and passes; it is counted as skipped.
pub fn libtest(name: &str, text: &str) -> Outcome {
    let mut outcome = Outcome { name: name.to_owned(), ..Outcome::default() };
    let (mut ignored, mut told, mut printed) = (0, Vec::new(), Vec::new());
    for line in text.lines() {
        if let Some(counts) = line.strip_prefix("test result: ") {
            outcome.passed += count(counts, "passed");
            outcome.failed += count(counts, "failed");
            ignored += count(counts, "ignored");
        } else if let Some(reason) = line.strip_prefix("skipped: ") {
            printed.push(reason.to_owned());
        } else if let Some((test, reason)) = ignored_line(line) {
            told.push(format!("{test}: {reason}"));
        }
    }
    outcome.passed = outcome.passed.saturating_sub(printed.len());
    told.resize(ignored.max(told.len()), "ignored without a reason".to_owned());
    outcome.skipped = [printed, told].concat();
    if outcome.failed > 0 {
        outcome.details = excerpt(text);
    }
    outcome
}

/// Output of `node --test` with the TAP reporter.
pub fn tap(name: &str, text: &str) -> Outcome {
    let sum = |key: &str| {
        let prefix = format!("# {key} ");
        text.lines().filter_map(|line| line.strip_prefix(prefix.as_str())?.trim().parse::<usize>().ok()).sum::<usize>()
    };
    let reasons = text.lines().filter_map(|line| Some(line.split_once("# SKIP")?.1.trim().to_owned()));
    let mut skipped: Vec<String> = reasons.collect();
    skipped.resize(sum("skipped") + sum("todo"), "skipped without a reason".to_owned());
    let failed = sum("fail") + sum("cancelled");
    let details = if failed > 0 { excerpt(text) } else { String::new() };
    Outcome { name: name.to_owned(), passed: sum("pass"), failed, skipped, details }
}

/// The end of a run's output, where failures are told.
pub fn excerpt(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    // libtest prints "failures:" twice: with the output of each, then the names.
    let from = lines.iter().position(|line| *line == "failures:").unwrap_or(0);
    let kept = &lines[from.max(lines.len().saturating_sub(EXCERPT))..];
    kept.join("\n")
}

/// `5` of `ok. 5 passed; 0 failed; …`.
fn count(counts: &str, word: &str) -> usize {
    let end = format!(" {word}");
    let number = counts.split(['.', ';']).find_map(|part| part.trim().strip_suffix(end.as_str())?.parse().ok());
    number.unwrap_or(0)
}

/// Name and reason of `test NAME ... ignored, REASON`.
fn ignored_line(line: &str) -> Option<(&str, &str)> {
    let (test, rest) = line.strip_prefix("test ")?.split_once(" ... ignored")?;
    Some((test, rest.strip_prefix(", ").unwrap_or("ignored without a reason")))
}
