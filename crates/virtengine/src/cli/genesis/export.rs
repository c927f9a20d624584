//! The state of a chain as the beginning of another one.

use std::path::PathBuf;

use serde_json::{Value, json};
use ve_app::{App, Options};
use ve_node::genesis::Genesis;
use ve_sdk::application::Application as _;

use super::{check, failed, file, home};
use crate::cli::{CliError, Context};

#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    /// Count heights from 1 again instead of going on where the chain stopped
    #[arg(long)]
    for_zero_height: bool,
    /// When the new chain begins [default: one second after the last block]
    #[arg(long, value_name = "TIME")]
    time: Option<String>,
    /// Where to write the genesis file
    #[arg(long, value_name = "FILE")]
    output_document: PathBuf,
}

#[derive(Debug, clap::Args)]
pub struct MigrateArgs {
    /// The genesis file of another release
    file: PathBuf,
    /// Where to write that of this one
    #[arg(long, value_name = "FILE")]
    output_document: PathBuf,
}

fn refuse_overwriting(path: &std::path::Path) -> Result<(), CliError> {
    if path.exists() {
        return Err(CliError::Usage(format!("{} is there already; choose another name", path.display())));
    }
    Ok(())
}

/// Writes the file and tries it; one that no node could start with is removed again.
fn finish(context: &Context, path: &std::path::Path, document: &Value, mut result: Value) -> Result<(), CliError> {
    let sha256 = file::write(path, document)?;
    if let Err(cause) = check::try_genesis(path) {
        let _ = std::fs::remove_file(path);
        return Err(cause);
    }
    result["genesis"] = path.display().to_string().into();
    result["sha256"] = sha256.into();
    context.output().print(&result);
    Ok(())
}

pub fn export(context: &Context, arguments: &ExportArgs) -> Result<(), CliError> {
    refuse_overwriting(&arguments.output_document)?;
    let state = home(context).state();
    if !state.exists() {
        return Err(CliError::Usage(format!("{} has no state; name the node's home with --home", state.display())));
    }
    let app = App::open(&state, Options::default())
        .map_err(|cause| failed(format!("{cause}; the node has to be stopped while its state is exported")))?;
    let app_state = app.export().map_err(failed)?;
    let last = app.read(|ctx| ctx.block().clone()).ok_or_else(|| failed("there is no state to export yet"))?;
    let chain_id = context.global.chain_id.clone().unwrap_or_else(|| last.chain_id.clone());
    file::check_chain_id(&chain_id)?;
    let mut genesis = Genesis::new(&chain_id, last.time.seconds.saturating_add(1), app_state, Vec::new());
    genesis.params = last.consensus_params.clone();
    genesis.initial_height = if arguments.for_zero_height { 1 } else { last.height.saturating_add(1) };
    let mut document = genesis.to_json().map_err(failed)?;
    if let Some(time) = &arguments.time {
        document["genesis_time"] = time.as_str().into();
    }
    let result = json!({
        "chain_id": chain_id,
        "exported_height": last.height.to_string(),
        "initial_height": document["initial_height"],
        "genesis_time": document["genesis_time"],
    });
    finish(context, &arguments.output_document, &document, result)
}

/// Modules that are new begin with their own genesis, parts of modules that are gone are left out.
pub fn migrate(context: &Context, arguments: &MigrateArgs) -> Result<(), CliError> {
    refuse_overwriting(&arguments.output_document)?;
    let mut document = file::read(&arguments.file)?;
    let state = document["app_state"].as_object_mut().ok_or_else(|| failed("the file has no app_state"))?;
    let Value::Object(fresh) = file::empty_state() else { return Err(failed("no module has a genesis")) };
    let gone: Vec<String> = state.keys().filter(|name| !fresh.contains_key(*name)).cloned().collect();
    for name in &gone {
        state.remove(name);
    }
    let mut added = Vec::new();
    for (name, part) in fresh {
        if !state.contains_key(&name) {
            added.push(name.clone());
            state.insert(name, part);
        }
    }
    finish(context, &arguments.output_document, &document, json!({"added": added, "removed": gone}))
}
