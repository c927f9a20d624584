//! `cargo xtask test`: sets up what the tests need, runs every check and test, adds up what all runners report.

mod cargo;

mod javascript;
mod output;
mod python;
mod report;
mod setup;

#[cfg(test)]
mod tests;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;

use crate::command;
use cargo::Built;
use report::{Outcome, Report};

/// What to run.
#[derive(clap::Args)]
pub struct Args {
    /// Leave out the slow tier: tests marked `#[ignore]` and everything that starts a network.
    #[arg(long)]
    fast: bool,
    /// Run only checks and tests whose name contains this: `tidy`, `ve-store`, `ve-store::versions`, `js`.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
}

/// Runs everything that `args` selects. The last line on stdout is `N passed, N failed, N skipped`.
pub fn run(args: &Args) -> ExitCode {
    let mut report = Report::new(std::env::var("CI").is_ok_and(|value| value == "true"));
    if let Err(error) = (Run { args, report: &mut report }).all() {
        report.add(Outcome::failure("xtask", format!("{error:#}")));
    }
    report.finish()
}

struct Run<'a> {
    args: &'a Args,
    report: &'a mut Report,
}

impl Run<'_> {
    fn all(&mut self) -> Result<()> {
        let root = crate::workspace::root()?;
        self.check("tidy", crate::tidy::run);
        self.check("layers", crate::layers::run);
        self.check("deny", crate::deny::run);
        self.check("proto", || crate::proto::run(true));
        self.check("setup-rust", || setup::rust(&root));
        self.check("fmt", || command::cargo(&root, &["fmt", "--all", "--check"]));
        self.check("clippy", || {
            command::cargo(&root, &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])
        });
        // Needs no build, so that it can be run alone in a minute.
        self.python(&root);
        if self.only_checks() {
            return self.nothing_selected();
        }
        let Some(built) = self.build(&root) else { return Ok(()) };
        for test in &built.tests {
            if self.selected(&test.name) {
                self.report.start(&test.name);
                self.report.add(cargo::run_test(test, &built, self.args.fast));
            }
        }
        if self.selected("doc") {
            self.report.start("doc");
            self.report.add(cargo::run_doc_tests(&root));
        }
        self.javascript(&root, &built);
        self.nothing_selected()
    }

    /// A check is one test: it passes or fails as a whole.
    fn check(&mut self, name: &str, check: impl FnOnce() -> Result<()>) {
        if !self.selected(name) {
            return;
        }
        self.report.start(name);
        self.report.add(match check() {
            Ok(()) => Outcome::success(name),
            Err(error) => Outcome::failure(name, format!("{error:#}")),
        });
    }

    fn build(&mut self, root: &std::path::Path) -> Option<Built> {
        self.report.start("build");
        match cargo::build(root) {
            Ok(built) => Some(built),
            Err(error) => {
                self.report.add(Outcome::failure("build", format!("{error:#}")));
                None
            }
        }
    }

    fn javascript(&mut self, root: &std::path::Path, built: &Built) {
        let suite: PathBuf = root.join("tests/js");
        if !self.selected("js") || !suite.is_dir() {
            return;
        }
        self.report.start("js");
        self.report.add(if self.args.fast {
            Outcome::skip("js", "slow tier, left out by --fast")
        } else {
            javascript::run(&suite, built.binary("virtengine"))
        });
    }

    fn python(&mut self, root: &std::path::Path) {
        if !self.selected("ml") || !root.join("ml").is_dir() {
            return;
        }
        self.report.start("ml");
        self.report.add(if self.args.fast {
            Outcome::skip("ml", "slow tier, left out by --fast")
        } else {
            python::run(root)
        });
    }

    fn selected(&self, name: &str) -> bool {
        self.args.only.as_deref().is_none_or(|part| name.contains(part))
    }

    /// Whether `--only` names one of the checks or what needs no build, so that nothing needs to be built.
    fn only_checks(&self) -> bool {
        const CHECKS: &[&str] = &["tidy", "layers", "deny", "proto", "setup-rust", "fmt", "clippy", "ml"];
        self.args.only.as_deref().is_some_and(|part| CHECKS.contains(&part))
    }

    fn nothing_selected(&mut self) -> Result<()> {
        match (&self.args.only, self.report.is_empty()) {
            (Some(name), true) => anyhow::bail!("no check and no test has a name with `{name}`"),
            _ => Ok(()),
        }
    }
}
