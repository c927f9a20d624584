//! Trains the trust score model again and compares every byte with what is committed.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, bail};

use crate::command;

use super::{report::Outcome, setup};

const INSTALL_LIMIT: Duration = Duration::from_secs(5 * 60);
const LIMIT: Duration = Duration::from_secs(10 * 60);
const NAME: &str = "ml";

/// Runs the one command of `ml/` into a folder of its own; one test.
pub fn run(root: &Path) -> Outcome {
    if let Err(error) = setup::python() {
        return Outcome::skip(NAME, &format!("{error:#}"));
    }
    match retrain(root) {
        Ok(()) => Outcome::success(NAME),
        Err(error) => Outcome::failure(NAME, format!("{error:#}")),
    }
}

fn retrain(root: &Path) -> Result<()> {
    let folder = root.join("ml");
    let environment = folder.join(".venv");
    let python = environment.join("bin/python");
    if !python.is_file() {
        finish(Command::new("python3").args(["-m", "venv"]).arg(&environment), INSTALL_LIMIT)?;
    }
    let pinned = ["-m", "pip", "install", "--quiet", "--require-hashes", "--only-binary=:all:", "-r"];
    finish(Command::new(&python).args(pinned).arg(folder.join("requirements.txt")), INSTALL_LIMIT)?;
    let out = environment.join("again");
    let _ = fs::remove_dir_all(&out);
    let (models, vectors) = (out.join("models"), out.join("vectors"));
    let mut train = Command::new(&python);
    train.args(["-B", "-m", "trust_score", "--out"]).arg(&models).arg("--vectors").arg(&vectors).current_dir(&folder);
    finish(&mut train, LIMIT)?;
    same(&models, &folder.join("models"))?;
    same(&vectors, &root.join("crates/inference/tests/vectors"))
}

fn finish(command: &mut Command, limit: Duration) -> Result<()> {
    let finished = command::run(command, limit)?;
    if finished.success { Ok(()) } else { bail!("{command:?} failed:\n{}", finished.text) }
}

/// Both folders have the same files with the same bytes.
fn same(made: &Path, committed: &Path) -> Result<()> {
    let (made, committed) = (files(made)?, files(committed)?);
    let names = |files: &[(PathBuf, Vec<u8>)]| files.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>();
    if names(&made) != names(&committed) {
        bail!("training wrote {:?}, committed are {:?}", names(&made), names(&committed));
    }
    match made.iter().zip(&committed).find(|(made, committed)| made.1 != committed.1) {
        Some(((path, _), _)) => {
            bail!("{} came out otherwise; run `make -C ml` and commit what it writes", path.display())
        }
        None => Ok(()),
    }
}

/// Every file below a folder by its path there, in order.
fn files(folder: &Path) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut found = Vec::new();
    let mut left = vec![folder.to_owned()];
    while let Some(next) = left.pop() {
        for entry in fs::read_dir(&next).with_context(|| format!("read {}", next.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                left.push(path);
            } else {
                found.push((path.strip_prefix(folder)?.to_owned(), fs::read(&path)?));
            }
        }
    }
    found.sort();
    Ok(found)
}
