use std::{
    process::{Command, ExitCode},
    time::Duration,
};

use crate::command::{self, Finished};

use super::{
    cargo::{has_example, judge},
    output,
    report::{Outcome, Report},
};

#[test]
fn libtest_counts_are_added_over_several_runs() {
    let text = "test a ... ok\ntest result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s\n\
                test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s\n";
    let outcome = output::libtest("x", text);
    assert_eq!((outcome.passed, outcome.failed, outcome.skipped.len()), (5, 1, 0));
}

#[test]
fn a_test_that_prints_why_it_cannot_run_counts_as_skipped_not_as_passed() {
    let text = "successes:\n\n---- a stdout ----\nskipped: no user namespaces\n\n\
                test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s\n";
    let outcome = output::libtest("x", text);
    assert_eq!((outcome.passed, outcome.skipped), (1, vec!["no user namespaces".to_owned()]));
}

#[test]
fn ignored_tests_are_skipped_with_their_reason() {
    let text = "test a ... ignored, slow: starts four nodes\ntest b ... ignored\ntest c ... ok\n\
                test result: ok. 1 passed; 0 failed; 3 ignored; 0 measured; 0 filtered out; finished in 0.1s\n";
    let outcome = output::libtest("x", text);
    assert_eq!(outcome.passed, 1);
    let reasons = ["a: slow: starts four nodes", "b: ignored without a reason", "ignored without a reason"];
    assert_eq!(outcome.skipped, reasons);
}

#[test]
fn tap_counts_and_skip_reasons_are_read() {
    let text = "ok 1 - connects\nok 2 - streams # SKIP no socket\n# tests 4\n# pass 2\n# fail 1\n# cancelled 0\n# skipped 1\n# todo 0\n";
    let outcome = output::tap("js", text);
    assert_eq!((outcome.passed, outcome.failed, outcome.skipped), (2, 1, vec!["no socket".to_owned()]));
    assert!(outcome.details.contains("ok 1 - connects"));
}

#[test]
fn a_crash_without_a_summary_is_one_failure() {
    let outcome = judge("x", Ok(Finished { success: false, text: "fatal signal\n".to_owned() }));
    assert_eq!((outcome.failed, outcome.details.as_str()), (1, "fatal signal"));
}

#[test]
fn a_child_beyond_its_limit_is_killed_and_its_output_kept() {
    let mut command = Command::new("sh");
    command.args(["-c", "echo started; sleep 60"]);
    let finished = command::run(&mut command, Duration::from_millis(300)).expect("sh starts");
    assert!(!finished.success);
    assert!(finished.text.starts_with("started\nkilled after"), "{}", finished.text);
}

fn exit_code(skips_fail: bool, outcomes: Vec<Outcome>) -> String {
    let mut report = Report::new(skips_fail);
    outcomes.into_iter().for_each(|outcome| report.add(outcome, Duration::ZERO));
    format!("{:?}", report.finish())
}

#[test]
fn the_run_fails_on_a_failure_on_nothing_run_and_in_ci_on_a_skip() {
    let (good, bad) = (format!("{:?}", ExitCode::SUCCESS), format!("{:?}", ExitCode::FAILURE));
    let skip = || Outcome::skip("b", "no node");
    assert_eq!(exit_code(false, vec![Outcome::success("a"), skip()]), good);
    assert_eq!(exit_code(true, vec![Outcome::success("a")]), good);
    assert_eq!(exit_code(true, vec![Outcome::success("a"), skip()]), bad);
    assert_eq!(exit_code(false, vec![Outcome::success("a"), Outcome::failure("b", String::new())]), bad);
    assert_eq!(exit_code(false, Vec::new()), bad);
}

#[test]
fn only_blocks_that_rustdoc_would_run_count_as_examples() {
    assert!(has_example("/// Adds.\n/// ```\n/// add(1);\n/// ```\n"));
    assert!(has_example("//! ```rust,no_run\n//! serve();\n//! ```\n"));
    assert!(!has_example("//! ```text\n//! a -> b\n//! ```\n"), "the closing fence opens nothing");
    assert!(!has_example("let fence = \"```\";\n"));
}
