//! The file: beginning it, changing it, its hash.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use ve_node::genesis::Genesis;

use super::{Target, failed};
use crate::cli::{CliError, Context};

#[derive(Debug, clap::Args)]
pub struct InitArgs {
    /// When the chain begins, such as 2026-01-31T12:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    time: Option<String>,
    /// Parameters other than the defaults: a JSON object with `app_state`, `consensus_params` or both, holding only what
    /// differs
    #[arg(long, value_name = "FILE")]
    parameters: Option<PathBuf>,
    #[command(flatten)]
    target: Target,
}

/// `{name}-{revision}`, at most 50 bytes.
pub fn check_chain_id(chain_id: &str) -> Result<(), CliError> {
    let revision = chain_id.rsplit_once('-').filter(|(name, _)| !name.is_empty()).map(|(_, revision)| revision);
    let number = revision.and_then(|text| text.parse::<u64>().ok()).filter(|number| *number > 0);
    let plain = chain_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if number.is_some() && plain && chain_id.len() <= 50 {
        return Ok(());
    }
    Err(CliError::Usage(format!("{chain_id:?} is no chain id; write a name and a number, such as ve-testnet-1")))
}

pub fn read(path: &Path) -> Result<Value, CliError> {
    let fail = |cause: String| CliError::File { path: path.display().to_string(), cause };
    let bytes = std::fs::read(path).map_err(|cause| fail(cause.to_string()))?;
    serde_json::from_slice(&bytes).map_err(|cause| fail(format!("it is not JSON: {cause}")))
}

/// Writes beside and renames, so that nobody reads half a file. Returns the SHA-256.
pub fn write(path: &Path, document: &Value) -> Result<String, CliError> {
    let fail = |cause: std::io::Error| CliError::File { path: path.display().to_string(), cause: cause.to_string() };
    let mut bytes = serde_json::to_vec_pretty(document).map_err(failed)?;
    bytes.push(b'\n');
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(fail)?;
    }
    let beside = path.with_extension("json.new");
    std::fs::write(&beside, &bytes).map_err(fail)?;
    std::fs::rename(&beside, path).map_err(fail)?;
    Ok(hex::encode(Sha256::digest(&bytes)))
}

/// The state of a chain on which nothing has happened.
pub fn empty_state() -> Value {
    let parts = ve_app::modules().into_iter().map(|module| (module.name().to_owned(), module.default_genesis()));
    Value::Object(parts.collect::<Map<_, _>>())
}

/// Replaces what `changes` names. What does not exist cannot be changed: it would be a slip that nobody notices.
fn merge(target: &mut Value, changes: &Value, at: &str) -> Result<(), CliError> {
    match (target, changes) {
        (Value::Object(target), Value::Object(changes)) => {
            for (name, change) in changes {
                let at = format!("{at}.{name}");
                let part = target.get_mut(name).ok_or_else(|| {
                    CliError::Usage(format!("the parameters name {}, which does not exist", at.trim_start_matches('.')))
                })?;
                merge(part, change, &at)?;
            }
            Ok(())
        }
        (target, changes) => {
            *target = changes.clone();
            Ok(())
        }
    }
}

pub fn init(context: &Context, arguments: &InitArgs) -> Result<(), CliError> {
    let path = arguments.target.path(context);
    if path.exists() {
        return Err(CliError::Usage(format!("{} is there already; choose another --home", path.display())));
    }
    let chain_id = context.global.chain_id.clone().ok_or_else(|| {
        CliError::Usage("name the new network with --chain-id, such as --chain-id ve-testnet-1".into())
    })?;
    check_chain_id(&chain_id)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(failed)?.as_secs();
    let genesis = Genesis::new(&chain_id, i64::try_from(now).map_err(failed)?, empty_state(), Vec::new());
    let mut document = genesis.to_json().map_err(failed)?;
    if let Some(time) = &arguments.time {
        document["genesis_time"] = time.as_str().into();
    }
    if let Some(parameters) = &arguments.parameters {
        let changes = read(parameters)?;
        let named = |name: &String| !["app_state", "consensus_params"].contains(&name.as_str());
        if let Some(other) = changes.as_object().and_then(|object| object.keys().find(|name| named(name))) {
            return Err(CliError::Usage(format!(
                "{other} is no part of parameters; app_state and consensus_params are"
            )));
        }
        merge(&mut document, &changes, "")?;
    }
    let sha256 = write(&path, &document)?;
    // Read as a node reads it, so that a wrong time or parameter shows here.
    Genesis::load(&path).map_err(|cause| failed(format!("{cause:#}")))?;
    context.output().print(&json!({"genesis": path.display().to_string(), "chain_id": chain_id, "sha256": sha256}));
    Ok(())
}
