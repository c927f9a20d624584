//! Installs what tests need and this machine lacks. Nothing is touched that is already there.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

/// Static example images are built for this target.
const MUSL: &str = "x86_64-unknown-linux-musl";

/// Formatter, linter and the target of the example images.
pub fn rust(root: &Path) -> Result<()> {
    if !answers("rustup", &["--version"]) {
        // A toolchain without rustup has to come complete.
        return Ok(());
    }
    for (tool, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if !answers("cargo", &[tool, "--version"]) {
            rustup(root, &["component", "add", component])?;
        }
    }
    let targets = Command::new("rustup").args(["target", "list", "--installed"]).current_dir(root).output();
    let installed = targets.context("run rustup")?.stdout;
    if !String::from_utf8_lossy(&installed).lines().any(|line| line == MUSL) {
        rustup(root, &["target", "add", MUSL])?;
    }
    Ok(())
}

/// Node.js with its package manager. `Err` has the reason why they cannot be had.
pub fn node() -> Result<()> {
    if answers("node", &["--version"]) && answers("npm", &["--version"]) {
        return Ok(());
    }
    apt(&["nodejs", "npm"])
}

/// Python with its environments. `Err` has the reason why they cannot be had.
pub fn python() -> Result<()> {
    if answers("python3", &["-c", "import ensurepip, venv"]) {
        return Ok(());
    }
    apt(&["python3", "python3-venv"])
}

/// Installs Debian packages without asking anything.
fn apt(packages: &[&str]) -> Result<()> {
    let names = packages.join(" ");
    if !nix::unistd::geteuid().is_root() || !answers("apt-get", &["--version"]) {
        bail!("{names} missing and only root on Debian can install them here; run `apt-get install {names}`");
    }
    println!("    installing {names}");
    for args in [&["update", "-q"][..], &[&["install", "-q", "-y", "--no-install-recommends"], packages].concat()] {
        let status = Command::new("apt-get")
            .args(args)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .context("run apt-get")?;
        if !status.success() {
            bail!("`apt-get {}` failed, see above", args.join(" "));
        }
    }
    Ok(())
}

fn rustup(root: &Path, args: &[&str]) -> Result<()> {
    let status =
        Command::new("rustup").args(args).current_dir(root).stdin(Stdio::null()).status().context("run rustup")?;
    if status.success() { Ok(()) } else { bail!("`rustup {}` failed, see above", args.join(" ")) }
}

fn answers(program: &str, args: &[&str]) -> bool {
    let command =
        Command::new(program).args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    command.is_ok_and(|status| status.success())
}
