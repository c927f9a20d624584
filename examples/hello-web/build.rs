//! Compiles the example's web server into one static executable, with nothing but
//! the Rust toolchain that builds everything else.

use std::env;
use std::path::PathBuf;
use std::process::Command;

fn main() {
    let source = "src/server.rs";
    println!("cargo::rerun-if-changed={source}");
    let variable = |name: &str| env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"));
    let output = PathBuf::from(variable("OUT_DIR")).join("hello-web");
    // The workload must be linked statically: its image holds no libraries.
    let status = Command::new(variable("RUSTC"))
        .args(["--edition", "2024", "--crate-name", "hello_web_server"])
        .args(["-C", "target-feature=+crt-static", "-C", "panic=abort"])
        .args(["-C", "opt-level=s", "-C", "strip=symbols"])
        .args(["--target", &variable("TARGET")])
        .arg("-o")
        .arg(&output)
        .arg(source)
        .status()
        .expect("rustc runs: it is running this build");
    assert!(
        status.success(),
        "the example's server cannot be linked statically; install the C library's \
         development files (Debian: libc6-dev)"
    );
}
