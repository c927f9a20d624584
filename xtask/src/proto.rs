//! Generates `crates/proto/src/gen` from `proto/`: one Rust file per package, the module tree, and `descriptors.bin`.
//!
//! The compiler is `protox`, so no `protoc` is needed. `descriptors.bin` keeps every option (routes, signers, amino
//! names), because the gRPC, REST and command-line layers are driven by it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use prost::Message;
use prost_types::FileDescriptorSet;

/// Fields whose bytes are kept as `bytes::Bytes`: whole transactions pass from network to block store without a copy.
const ZERO_COPY: &[&str] =
    &[".tendermint.types.Data.txs", ".tendermint.abci.ExecTxResult.data", ".tendermint.abci.TxResult.tx"];

/// Writes the generated files; with `check` compares them with what is checked in and fails on any difference.
pub fn run(check: bool) -> Result<()> {
    generate_into(&crate::workspace::root()?, check)
}

/// As [`run`] for the repository at `root`.
pub fn generate_into(root: &Path, check: bool) -> Result<()> {
    let target = root.join("crates/proto/src/gen");
    let scratch = tempfile::tempdir().context("create a temporary directory")?;
    generate(&root.join("proto"), scratch.path())?;
    let fresh = read_dir(scratch.path())?;
    if !check {
        return replace(&target, &fresh);
    }
    let differing = differences(&read_dir(&target)?, &fresh);
    if differing.is_empty() {
        return Ok(());
    }
    bail!("generated code is stale: {}; run `cargo xtask proto` and commit the result", differing.join(", "));
}

fn generate(proto: &Path, out: &Path) -> Result<()> {
    let files = proto_files(proto, proto)?;
    let mut compiler = protox::Compiler::new([proto]).context("open the proto folder")?;
    compiler.include_imports(true).include_source_info(true);
    compiler.open_files(&files).map_err(|e| anyhow::anyhow!(e.to_string()))?;
    let set = compiler.file_descriptor_set();
    fs::write(out.join("descriptors.bin"), strip_source_info(&compiler.encode_file_descriptor_set())?)?;
    prost_build::Config::new()
        .out_dir(out)
        .include_file("mod.rs")
        .enable_type_names()
        .btree_map(["."])
        .bytes(ZERO_COPY)
        .compile_fds(set)
        .context("generate Rust from the descriptors")
}

/// Source positions serve only the comments in the generated Rust. Works on the encoded form: decoding a file's options
/// into `prost_types` would drop the extensions.
fn strip_source_info(encoded: &[u8]) -> Result<Vec<u8>> {
    const SOURCE_CODE_INFO: u32 = 9;
    let mut out = Vec::with_capacity(encoded.len() / 2);
    for (_, file) in fields(encoded)? {
        let mut kept = Vec::new();
        for (number, payload) in fields(file)? {
            if number != SOURCE_CODE_INFO {
                prost::encoding::encode_key(number, prost::encoding::WireType::LengthDelimited, &mut kept);
                prost::encoding::encode_varint(payload.len() as u64, &mut kept);
                kept.extend_from_slice(payload);
            }
        }
        prost::encoding::encode_key(1, prost::encoding::WireType::LengthDelimited, &mut out);
        prost::encoding::encode_varint(kept.len() as u64, &mut out);
        out.extend(kept);
    }
    FileDescriptorSet::decode(out.as_slice()).context("stripped descriptors decode")?;
    Ok(out)
}

/// Splits a message all of whose fields are length-delimited, as `FileDescriptorSet` and proto3 `FileDescriptorProto` are.
fn fields(mut bytes: &[u8]) -> Result<Vec<(u32, &[u8])>> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let (number, wire) = prost::encoding::decode_key(&mut bytes)?;
        if wire != prost::encoding::WireType::LengthDelimited {
            bail!("descriptor field {number} has wire type {wire:?}; weak and public imports are not used here");
        }
        let len = usize::try_from(prost::encoding::decode_varint(&mut bytes)?)?;
        let (payload, rest) = bytes.split_at_checked(len).context("descriptor ends early")?;
        found.push((number, payload));
        bytes = rest;
    }
    Ok(found)
}

/// Paths relative to `base`, sorted, so that the output does not depend on the file system's order.
fn proto_files(base: &Path, dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| format!("read {}", dir.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(proto_files(base, &path)?);
        } else if path.extension().is_some_and(|e| e == "proto") {
            found.push(path.strip_prefix(base)?.to_path_buf());
        }
    }
    found.sort();
    Ok(found)
}

fn read_dir(dir: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    if !dir.exists() {
        return Ok(files);
    }
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().context("a file has a name")?.to_string_lossy().into_owned();
        files.insert(name, fs::read(&path)?);
    }
    Ok(files)
}

fn differences(old: &BTreeMap<String, Vec<u8>>, new: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
    let mut names: Vec<String> =
        old.keys().chain(new.keys()).filter(|name| old.get(*name) != new.get(*name)).cloned().collect();
    names.sort();
    names.dedup();
    names
}

/// Unchanged files keep their modification time, so that generating twice rebuilds nothing.
fn replace(target: &Path, fresh: &BTreeMap<String, Vec<u8>>) -> Result<()> {
    fs::create_dir_all(target)?;
    let old = read_dir(target)?;
    for name in differences(&old, fresh) {
        match fresh.get(&name) {
            // Renamed into place: a build that runs at the same time never reads half a file.
            Some(content) => {
                let partial = target.join(format!(".{name}.{}", std::process::id()));
                fs::write(&partial, content)?;
                fs::rename(&partial, target.join(&name))?;
            }
            None => fs::remove_file(target.join(&name))?,
        }
    }
    Ok(())
}
