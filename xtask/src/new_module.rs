//! `cargo xtask new-module GROUP NAME`: schema, folder and row of a new chain module.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

#[cfg(test)]
#[path = "new_module_tests.rs"]
mod tests;

/// Where the row of a new module goes in the table of modules.
const MARKER: &str = "        // new-module: rows above\n";
const TABLE: &str = "crates/app/src/modules.rs";

/// File name and content, with `@name@` and `@Name@` to fill in.
macro_rules! templates {
    ($folder:literal: $($file:literal),* $(,)?) => {
        &[$(($file, include_str!(concat!("../templates/module/", $folder, "/", $file, ".tmpl")))),*]
    };
}

const SCHEMA: &[(&str, &str)] = templates!("proto": "types.proto", "tx.proto", "query.proto");
const SOURCES: &[(&str, &str)] = templates!("src":
    "mod.rs",
    "keys.rs",
    "params.rs",
    "genesis.rs",
    "query.rs",
    "operations.rs",
    "msg/mod.rs",
    "msg/update_params.rs",
    "tests.rs",
);

#[derive(clap::Args)]
pub struct Args {
    /// Folder under `crates/chain` that the module belongs to, for example `market`.
    group: String,
    /// Name of the module in lower case, for example `offering`.
    name: String,
}

/// Writes the module into this repository and generates its code.
pub fn run(args: &Args) -> Result<()> {
    let root = crate::workspace::root()?;
    write(&root, &args.group, &args.name)?;
    crate::proto::generate_into(&root, false)?;
    println!(
        "crates/chain/{}/src/{} is in the table of modules; `cargo check -p ve-app` builds it",
        args.group, args.name
    );
    Ok(())
}

/// Everything but the generated code. Changes nothing when it fails.
fn write(root: &Path, group: &str, name: &str) -> Result<()> {
    check_name(name)?;
    let source = root.join("crates/chain").join(group).join("src");
    if !source.join("lib.rs").is_file() {
        bail!("crates/chain/{group} does not exist; give one of the folders under crates/chain");
    }
    let schema = root.join("proto/ve").join(name).join("v1");
    let folder = source.join(name);
    for taken in [&schema, &folder] {
        if taken.exists() {
            bail!("{} exists already; choose another name", taken.display());
        }
    }
    let table = with_row(&read(&root.join(TABLE))?, group, name)?;
    let library = with_module(&read(&source.join("lib.rs"))?, name);

    for (base, files) in [(&schema, SCHEMA), (&folder, SOURCES)] {
        for (file, template) in files {
            save(&base.join(file), &fill(template, name))?;
        }
    }
    save(&source.join("lib.rs"), &library)?;
    save(&root.join(TABLE), &table)
}

/// The name is a Rust module, a protobuf package, a store prefix and a folder.
fn check_name(name: &str) -> Result<()> {
    let letters = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    if !letters || !name.starts_with(|c: char| c.is_ascii_lowercase()) || !(2..=24).contains(&name.len()) {
        bail!("`{name}` is no module name: 2 to 24 lower-case letters and digits, first a letter");
    }
    Ok(())
}

fn fill(template: &str, name: &str) -> String {
    template.replace("@name@", name).replace("@Name@", &type_name(name))
}

fn type_name(name: &str) -> String {
    name[..1].to_ascii_uppercase() + &name[1..]
}

fn with_row(table: &str, group: &str, name: &str) -> Result<String> {
    if !table.contains(MARKER) {
        bail!("{TABLE} has lost the comment `{}`; put it back at the end of the table", MARKER.trim());
    }
    let row = format!("        Box::new(ve_chain_{group}::{name}::{}),\n", type_name(name));
    Ok(table.replace(MARKER, &(row + MARKER)))
}

/// The declaration stands with its siblings, in order.
fn with_module(library: &str, name: &str) -> String {
    let line = format!("pub mod {name};");
    let mut lines: Vec<&str> = library.lines().collect();
    let at = lines
        .iter()
        .position(|text| is_module_line(text) && *text > line.as_str())
        .or_else(|| lines.iter().rposition(is_module_line).map(|last| last + 1))
        .unwrap_or(lines.len());
    lines.insert(at, &line);
    lines.join("\n") + "\n"
}

fn is_module_line(text: &&str) -> bool {
    text.starts_with("pub mod ")
}

fn read(path: &PathBuf) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("read {}", path.display()))
}

fn save(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().context("files lie in a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    fs::write(path, text).with_context(|| format!("write {}", path.display()))
}
