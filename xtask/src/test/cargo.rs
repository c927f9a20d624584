//! Builds all test executables in one go and runs them: those that start nodes beside the others.
//!
//! They are run directly rather than by `cargo test`: one set of build flags, a limit and a log for each, and the slow
//! tier in the same run.

use std::{
    collections::BTreeMap,
    fs,
    io::BufReader,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use cargo_metadata::{Artifact, Message, MetadataCommand, TargetKind};
use walkdir::WalkDir;

use crate::command::{self, Finished, cargo_command};

use super::{output, report::Outcome};

/// Longest run of one test executable.
const LIMIT: Duration = Duration::from_secs(30 * 60);

/// An executable with tests.
pub struct TestProgram {
    /// `package` for unit tests, `package::target` for the others.
    pub name: String,
    pub program: PathBuf,
    /// Folder of the package's manifest, where cargo runs its tests.
    pub folder: PathBuf,
}

pub struct Built {
    pub tests: Vec<TestProgram>,
    binaries: BTreeMap<String, PathBuf>,
}

impl Built {
    pub fn binary(&self, name: &str) -> Option<&Path> {
        self.binaries.get(name).map(PathBuf::as_path)
    }
}

/// Builds every test of the workspace and the binaries that they start. Examples are looked at by clippy.
pub fn build(root: &Path) -> Result<Built> {
    let mut child = cargo_command(root)
        .args(["test", "--workspace", "--lib", "--bins", "--tests", "--no-run"])
        .arg("--message-format=json-render-diagnostics")
        .stdout(Stdio::piped())
        .spawn()
        .context("run cargo")?;
    let stdout = child.stdout.take().context("cargo's output is piped")?;
    let mut built = Built { tests: Vec::new(), binaries: BTreeMap::new() };
    for message in Message::parse_stream(BufReader::new(stdout)) {
        if let Message::CompilerArtifact(artifact) = message.context("read cargo's messages")? {
            built.take(&artifact);
        }
    }
    if !child.wait().context("wait for cargo")?.success() {
        bail!("the tests do not build, see above");
    }
    built.tests.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(built)
}

impl Built {
    fn take(&mut self, artifact: &Artifact) {
        let Some(program) = &artifact.executable else { return };
        let target = &artifact.target;
        if !artifact.profile.test {
            self.binaries.insert(target.name.clone(), program.clone().into_std_path_buf());
            return;
        }
        let Some(folder) = artifact.manifest_path.parent() else { return };
        let package = package_name(artifact);
        let is_unit = !target.kind.contains(&TargetKind::Test);
        let name = if is_unit { package } else { format!("{package}::{}", target.name) };
        self.tests.push(TestProgram { name, program: program.clone().into(), folder: folder.to_owned().into() });
    }
}

/// Package ids end in `#name@version`, or in `/name#version` when the folder has the package's name.
fn package_name(artifact: &Artifact) -> String {
    let id = artifact.package_id.repr.as_str();
    let (path, fragment) = id.rsplit_once('#').unwrap_or((id, ""));
    match fragment.split_once('@') {
        Some((name, _)) => name.to_owned(),
        None => path.rsplit('/').next().unwrap_or_default().to_owned(),
    }
}

/// Who goes first when two programs want the processor.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    Usual,
    Low,
}

/// Runs one executable; the slow tier is what its authors marked as ignored.
pub fn run_test(test: &TestProgram, built: &Built, fast: bool, priority: Priority) -> Outcome {
    let mut command = match priority {
        Priority::Usual => Command::new(&test.program),
        Priority::Low => {
            let mut command = Command::new("nice");
            command.arg(&test.program);
            command
        }
    };
    command.current_dir(&test.folder).env("CARGO_MANIFEST_DIR", &test.folder).arg("--show-output");
    if !fast {
        command.arg("--include-ignored");
    }
    for (name, path) in &built.binaries {
        command.env(format!("CARGO_BIN_EXE_{name}"), path);
    }
    judge(&test.name, command::run(&mut command, LIMIT))
}

/// Examples in the documentation, of the packages that have some: rustdoc takes longer to find none than to run them.
pub fn run_doc_tests(root: &Path) -> Outcome {
    let packages = match documented(root) {
        Ok(packages) => packages,
        Err(error) => return Outcome::failure("doc", format!("{error:#}")),
    };
    let mut command = cargo_command(root);
    command.args(["test", "--doc", "--quiet"]);
    for package in packages {
        command.args(["--package", &package]);
    }
    judge("doc", command::run(&mut command, LIMIT))
}

/// Packages whose documentation has examples.
fn documented(root: &Path) -> Result<Vec<String>> {
    let metadata = MetadataCommand::new().current_dir(root).no_deps().exec().context("ask cargo for the packages")?;
    let mut packages = Vec::new();
    for package in metadata.packages {
        let sources = package.manifest_path.with_file_name("src");
        for entry in WalkDir::new(sources).sort_by_file_name() {
            let entry = entry.context("list the sources")?;
            let path = entry.path();
            if path.extension().is_some_and(|extension| extension == "rs")
                && has_example(&fs::read_to_string(path).with_context(|| path.display().to_string())?)
            {
                packages.push(package.name.to_string());
                break;
            }
        }
    }
    Ok(packages)
}

/// Whether a documentation comment opens a block that rustdoc would run: one that is not marked as something else.
pub fn has_example(source: &str) -> bool {
    let mut open = false;
    for line in source.lines() {
        let line = line.trim_start();
        let comment = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"));
        let Some(tag) = comment.and_then(|text| text.trim().strip_prefix("```")) else { continue };
        open = !open;
        let run = |word: &str| ["rust", "no_run", "should_panic", "compile_fail"].contains(&word);
        if open && (tag.is_empty() || tag.split(',').any(run)) {
            return true;
        }
    }
    false
}

/// A run that fails without naming a failed test (a crash, a limit) counts as one failure.
pub fn judge(name: &str, finished: Result<Finished>) -> Outcome {
    let finished = match finished {
        Ok(finished) => finished,
        Err(error) => return Outcome::failure(name, format!("{error:#}")),
    };
    let outcome = output::libtest(name, &finished.text);
    if !finished.success && outcome.failed == 0 {
        return Outcome { failed: 1, details: output::excerpt(&finished.text), ..outcome };
    }
    outcome
}
