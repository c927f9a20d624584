//! The files under version control, read once.

use std::{cell::OnceCell, fs, path::Path, process::Command};

use anyhow::{Context, Result, bail};

use super::tokens::Code;

pub struct Tree {
    pub files: Vec<File>,
}

pub struct File {
    /// Relative to the root, with `/`.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// `None` for binary files.
    pub text: Option<String>,
    code: OnceCell<Option<Code>>,
}

impl Tree {
    /// Tracked and new files of a git work tree; ignored ones are left out. Without git, every file below `root`.
    pub fn read(root: &Path) -> Result<Self> {
        let paths = if root.join(".git").exists() { tracked(root)? } else { walked(root)? };
        let mut files = Vec::new();
        for path in paths {
            // A file deleted in the work tree is still in the index.
            let Ok(bytes) = fs::read(root.join(&path)) else { continue };
            files.push(File {
                path,
                size: bytes.len() as u64,
                text: String::from_utf8(bytes).ok().filter(|text| !text.contains('\0')),
                code: OnceCell::new(),
            });
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { files })
    }

    pub fn text(&self, path: &str) -> Option<&str> {
        self.files.iter().find(|file| file.path == path)?.text.as_deref()
    }

    pub fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Text files written by people, with their text.
    pub fn written(&self) -> impl Iterator<Item = (&File, &str)> {
        self.files.iter().filter(|file| !file.is_generated()).filter_map(|file| Some((file, file.text.as_deref()?)))
    }

    /// Rust sources written by people, with their tokens.
    pub fn rust(&self) -> impl Iterator<Item = (&File, &Code)> {
        self.files.iter().filter(|file| !file.is_generated()).filter_map(|file| Some((file, file.code()?)))
    }
}

impl File {
    /// `None` when this is not Rust or does not even lex; the compiler reports the latter.
    pub fn code(&self) -> Option<&Code> {
        self.code
            .get_or_init(|| {
                if !self.path.ends_with(".rs") {
                    return None;
                }
                Code::parse(self.text.as_deref()?)
            })
            .as_ref()
    }

    pub fn is_generated(&self) -> bool {
        self.path.starts_with("crates/proto/src/gen/")
            || self.path.ends_with("Cargo.lock")
            || self.path.ends_with("package-lock.json")
    }

    /// Code that only tests run.
    pub fn is_test(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        let in_test_folder = self.path.split('/').any(|part| part == "tests" || part == "benches");
        in_test_folder || name == "tests.rs" || name.ends_with("_tests.rs") || self.path.starts_with("crates/testkit/")
    }

    /// Code that measures or shows and is no part of the product.
    fn is_tool(&self) -> bool {
        self.path
            .split('/')
            .any(|part| part == "examples" || part == "bench.rs" || part == "bench" || part == "build.rs")
    }

    /// Code that every validator must run with the same result, and what it is made of.
    pub fn is_chain(&self) -> bool {
        const CHAIN: &[&str] = &["base", "store", "sdk", "chain", "app", "inference"];
        let mut parts = self.path.split('/');
        parts.next() == Some("crates")
            && parts.next().is_some_and(|name| CHAIN.contains(&name))
            && !self.is_test()
            && !self.is_tool()
    }
}

fn tracked(root: &Path) -> Result<Vec<String>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("run git ls-files; install git")?;
    if !output.status.success() {
        bail!("git ls-files failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let names = String::from_utf8(output.stdout).context("file names are UTF-8")?;
    Ok(names.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

fn walked(root: &Path) -> Result<Vec<String>> {
    let mut paths = Vec::new();
    for entry in walkdir::WalkDir::new(root) {
        let entry = entry?;
        if entry.file_type().is_file() {
            let relative = entry.path().strip_prefix(root)?;
            paths.push(relative.to_str().context("file names are UTF-8")?.replace('\\', "/"));
        }
    }
    Ok(paths)
}
