//! The same vectors give the same outcomes whatever the build, the instruction set and the number of threads.

use std::{fs, path::Path, process::Command};

#[path = "conformance/vectors.rs"]
mod vectors;

/// Hash over the outcomes of all vectors, for the model in `ml/models`.
const EXPECTED: &str = "3e3750b4264401b0d5284e05e829d0bc70be4365ff8b6ea6cb4e7a235d25e7e9";

const MODEL: &[u8] = include_bytes!("../../../ml/models/trust-score/model.tsm");

#[test]
fn ten_thousand_vectors_give_one_hash_on_one_thread_and_on_two() {
    for threads in [1, 2] {
        assert_eq!(hex::encode(vectors::hash(MODEL, threads)), EXPECTED, "{threads} threads");
    }
}

/// A package of its own with nothing but the scorer, so that a build for another instruction set stays small.
fn package(folder: &Path) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = format!(
        "[package]\nname = \"conformance\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n\
         ve-inference = {{ path = {here:?} }}\nsha2 = \"0.10\"\n"
    );
    let main = format!(
        "#[path = {:?}]\nmod vectors;\n\nfn main() {{\n    let threads = std::env::args().nth(1).expect(\"threads\");\n    \
         let model = include_bytes!({:?});\n    let hash = vectors::hash(model, threads.parse().expect(\"a number\"));\n    \
         hash.iter().for_each(|byte| print!(\"{{byte:02x}}\"));\n}}\n",
        here.join("tests/conformance/vectors.rs"),
        here.join("../../ml/models/trust-score/model.tsm"),
    );
    fs::create_dir_all(folder.join("src")).expect("a folder for the package");
    fs::write(folder.join("Cargo.toml"), manifest).expect("write the manifest");
    fs::write(folder.join("src/main.rs"), main).expect("write the program");
    // The versions that the product is built with.
    fs::copy(here.join("../../Cargo.lock"), folder.join("Cargo.lock")).expect("copy the lock file");
}

#[test]
#[ignore = "slow: builds the scorer for two instruction sets"]
fn optimised_builds_for_sse2_and_avx2_give_the_same_hash() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("conformance");
    package(&folder);
    let mut levels = vec!["x86-64"];
    if cfg!(target_arch = "x86_64") && std::arch::is_x86_feature_detected!("avx2") {
        levels.push("x86-64-v3");
    } else {
        println!("skipped: this processor has no AVX2");
    }
    for level in levels {
        let target = folder.join(level);
        let build = Command::new(env!("CARGO"))
            .args(["build", "--release", "--quiet", "--offline", "--target-dir"])
            .arg(&target)
            .current_dir(&folder)
            .env("RUSTFLAGS", format!("-C target-cpu={level}"))
            .env_remove("CARGO_TARGET_DIR")
            .status();
        assert!(build.expect("cargo runs").success(), "the build for {level} failed");
        for threads in ["1", "2"] {
            let run = Command::new(target.join("release/conformance")).arg(threads).output().expect("it runs");
            assert_eq!(String::from_utf8_lossy(&run.stdout), EXPECTED, "{level}, {threads} threads");
        }
    }
}
