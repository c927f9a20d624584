//! Trying a genesis file: everything that a node would do with it before its first block.

use std::path::{Path, PathBuf};

use serde_json::json;
use sha2::{Digest as _, Sha256};
use ve_app::{App, Options};
use ve_base::CodedError;
use ve_chain_core::staking;
use ve_node::genesis::Genesis;
use ve_sdk::application::{Application as _, InitChain};

use super::{Target, accounts, failed, file};
use crate::cli::{CliError, Context};

#[derive(Debug, clap::Args)]
pub struct ValidateArgs {
    /// The genesis file [default: the one of the node's home]
    file: Option<PathBuf>,
}

/// A folder that goes with the value.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self, CliError> {
        let mut name = [0u8; 12];
        ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut name)
            .map_err(|_| failed("the operating system gives no random numbers"))?;
        let path = std::env::temp_dir().join(format!("virtengine-genesis-{}", hex::encode(name)));
        std::fs::create_dir(&path)
            .map_err(|cause| CliError::File { path: path.display().to_string(), cause: cause.to_string() })?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left of it only takes space.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What a valid file says.
pub struct Valid {
    pub chain_id: String,
    pub validators: usize,
    pub power: u64,
}

/// Runs the genesis on an empty state and checks what must hold for all states.
pub fn try_genesis(path: &Path) -> Result<Valid, CliError> {
    let genesis = Genesis::load(path).map_err(|cause| failed(format!("{cause:#}")))?;
    file::check_chain_id(&genesis.chain_id)?;
    let scratch = Scratch::new()?;
    let app = App::open(&scratch.0, Options::default()).map_err(failed)?;
    let response = app
        .init_chain(InitChain {
            chain_id: genesis.chain_id.clone(),
            genesis_time: genesis.time(),
            initial_height: genesis.initial_height,
            consensus_params: genesis.params.clone(),
            app_state: genesis.app_state.clone(),
        })
        .map_err(|cause| failed(format!("the genesis file is not valid: {cause}")))?;
    let age = u64::try_from(genesis.params.evidence_max_age_secs).unwrap_or(0);
    let checked = app.read(|ctx| -> Result<(), String> {
        staking::covers_evidence(ctx, age).map_err(|error: CodedError| error.log)?;
        for (module, invariant) in ctx.registry().invariants() {
            (invariant.check)(ctx).map_err(|violation| format!("{module}/{}: {violation}", invariant.name))?;
        }
        Ok(())
    });
    checked.ok_or_else(|| failed("genesis leaves no state"))?.map_err(failed)?;
    let powers = response.validators.iter().map(|validator| validator.power);
    if response.validators.is_empty() {
        return Err(failed("no validator has stake; collect them with `virtengine genesis collect-gentxs`"));
    }
    Ok(Valid { chain_id: genesis.chain_id, validators: response.validators.len(), power: powers.sum() })
}

pub fn validate(context: &Context, arguments: &ValidateArgs) -> Result<(), CliError> {
    let path = Target { genesis: arguments.file.clone() }.path(context);
    let valid = try_genesis(&path)?;
    let bytes = std::fs::read(&path)
        .map_err(|cause| CliError::File { path: path.display().to_string(), cause: cause.to_string() })?;
    let document = file::read(&path)?;
    let balances = document["app_state"]["bank"]["balances"].as_array().cloned().unwrap_or_default();
    context.output().print(&json!({
        "valid": true,
        "chain_id": valid.chain_id,
        "genesis_time": document["genesis_time"],
        "accounts": document["app_state"]["auth"]["accounts"].as_array().map_or(0, Vec::len),
        "supply": format!("{}{}", accounts::supply(&balances), ve_base::BASE_DENOM),
        "validators": valid.validators,
        "power": valid.power.to_string(),
        "sha256": hex::encode(Sha256::digest(&bytes)),
    }));
    Ok(())
}
