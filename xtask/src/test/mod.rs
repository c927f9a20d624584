//! `cargo xtask test`: sets up what the tests need, runs every check and test, adds up what all runners report.

mod cargo;

mod javascript;
mod output;
mod python;
mod report;
mod setup;

#[cfg(test)]
mod tests;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use anyhow::Result;

use crate::command;
use cargo::{Built, Priority, TestProgram};
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

/// Test programs that start nodes and mostly wait for them. They run beside the others, which yield to them.
const NETWORKS: &[&str] = &["ve-node::network", "virtengine::ceremony", "virtengine::cosmrs", "virtengine::network"];

/// Runs everything that `args` selects. The last line on stdout is `N passed, N failed, N skipped`.
pub fn run(args: &Args) -> ExitCode {
    let report = Mutex::new(Report::new(std::env::var("CI").is_ok_and(|value| value == "true")));
    let run = Run { args, report: &report };
    if let Err(error) = run.all() {
        run.step("xtask", || Outcome::failure("xtask", format!("{error:#}")));
    }
    report.into_inner().unwrap_or_else(PoisonError::into_inner).finish()
}

struct Run<'a> {
    args: &'a Args,
    report: &'a Mutex<Report>,
}

impl Run<'_> {
    fn all(&self) -> Result<()> {
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
        if self.only_checks() {
            self.python(&root);
            return self.nothing_selected();
        }
        let Some(built) = self.build(&root) else { return Ok(()) };
        let (networks, others): (Vec<_>, Vec<_>) =
            built.tests.iter().partition(|test| NETWORKS.contains(&test.name.as_str()));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                networks.into_iter().for_each(|test| self.program(test, &built, Priority::Usual));
                self.javascript(&root, &built);
            });
            others.into_iter().for_each(|test| self.program(test, &built, Priority::Low));
            if self.selected("doc") {
                self.step("doc", || cargo::run_doc_tests(&root));
            }
            self.python(&root);
        });
        self.nothing_selected()
    }

    fn report(&self) -> MutexGuard<'_, Report> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work` between its two lines of the report.
    fn step(&self, name: &str, work: impl FnOnce() -> Outcome) {
        let started = Instant::now();
        self.report().start(name);
        let outcome = work();
        self.report().add(outcome, started.elapsed());
    }

    /// A check is one test: it passes or fails as a whole.
    fn check(&self, name: &str, check: impl FnOnce() -> Result<()>) {
        if self.selected(name) {
            self.step(name, || match check() {
                Ok(()) => Outcome::success(name),
                Err(error) => Outcome::failure(name, format!("{error:#}")),
            });
        }
    }

    fn program(&self, test: &TestProgram, built: &Built, priority: Priority) {
        if self.selected(&test.name) {
            self.step(&test.name, || cargo::run_test(test, built, self.args.fast, priority));
        }
    }

    fn build(&self, root: &Path) -> Option<Built> {
        let started = Instant::now();
        self.report().start("build");
        match cargo::build(root) {
            Ok(built) => {
                println!("    built in {} s", started.elapsed().as_secs());
                Some(built)
            }
            Err(error) => {
                self.report().add(Outcome::failure("build", format!("{error:#}")), started.elapsed());
                None
            }
        }
    }

    fn javascript(&self, root: &Path, built: &Built) {
        let suite: PathBuf = root.join("tests/js");
        if !self.selected("js") || !suite.is_dir() {
            return;
        }
        self.step("js", || {
            if self.args.fast {
                Outcome::skip("js", "slow tier, left out by --fast")
            } else {
                javascript::run(&suite, built.binary("virtengine"))
            }
        });
    }

    /// Needs no build, so that it can be run alone in a minute.
    fn python(&self, root: &Path) {
        if !self.selected("ml") || !root.join("ml").is_dir() {
            return;
        }
        self.step("ml", || {
            if self.args.fast { Outcome::skip("ml", "slow tier, left out by --fast") } else { python::run(root) }
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

    fn nothing_selected(&self) -> Result<()> {
        match (&self.args.only, self.report().is_empty()) {
            (Some(name), true) => anyhow::bail!("no check and no test has a name with `{name}`"),
            _ => Ok(()),
        }
    }
}
