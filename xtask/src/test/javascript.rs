//! The suites of unmodified JavaScript clients.

use std::{path::Path, process::Command, time::Duration};

use crate::command::{self, Finished};

use super::{output, report::Outcome, setup};

const INSTALL_LIMIT: Duration = Duration::from_secs(5 * 60);
const LIMIT: Duration = Duration::from_secs(15 * 60);
const NAME: &str = "js";

/// Installs the pinned packages and runs all suites of `folder` against networks that they start with `binary`.
pub fn run(folder: &Path, binary: Option<&Path>) -> Outcome {
    let Some(binary) = binary else {
        return Outcome::failure(NAME, "cargo did not build the `virtengine` binary".to_owned());
    };
    if let Err(error) = setup::node() {
        return Outcome::skip(NAME, &format!("{error:#}"));
    }
    // `ci` takes exactly the versions of the lock file.
    let install =
        command::run(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(folder), INSTALL_LIMIT);
    match install {
        Ok(Finished { success: true, .. }) => {}
        Ok(Finished { text, .. }) => return Outcome::failure(NAME, format!("npm ci failed:\n{text}")),
        Err(error) => return Outcome::failure(NAME, format!("{error:#}")),
    }
    let mut node = Command::new("node");
    node.args(["--test", "--test-reporter=tap", "--test-concurrency=1"])
        .current_dir(folder)
        .env("VIRTENGINE_BIN", binary);
    let finished = match command::run(&mut node, LIMIT) {
        Ok(finished) => finished,
        Err(error) => return Outcome::failure(NAME, format!("{error:#}")),
    };
    let outcome = output::tap(NAME, &finished.text);
    if !finished.success && outcome.failed == 0 {
        return Outcome { failed: 1, details: output::excerpt(&finished.text), ..outcome };
    }
    outcome
}
