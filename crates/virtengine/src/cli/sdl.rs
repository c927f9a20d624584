//! `virtengine sdl`: deployment files without a chain.

use std::path::{Path, PathBuf};

use serde_json::json;
use ve_client::{manifest, sdl};

use super::{CliError, Context};

#[derive(Debug, clap::Subcommand)]
pub enum SdlCommand {
    /// Say whether a file can be deployed, and what it asks for
    Check { file: PathBuf },
    /// Rewrite the denominations of an Akash file
    Convert {
        file: PathBuf,
        /// Write here instead of standard output
        #[arg(long, short = 'f', value_name = "FILE")]
        to: Option<PathBuf>,
    },
}

pub fn run(context: &Context, command: SdlCommand) -> Result<(), CliError> {
    match command {
        SdlCommand::Check { file } => {
            let parsed = sdl::parse(&read(&file)?).map_err(|error| refused(&file, &error))?;
            let manifest = manifest::manifest(&parsed);
            let groups = manifest::group_specs(&parsed);
            let group = |group: &manifest::GroupSpec| {
                let units = group.units.iter().map(|unit| {
                    json!({
                        "count": unit.count,
                        "cpu": format!("{}m", unit.resources.cpu_milli),
                        "memory_bytes": unit.resources.memory.to_string(),
                        "storage_bytes": unit.resources.storage.iter().map(|volume| volume.size).sum::<u64>().to_string(),
                        "gpu": unit.resources.gpu_units,
                        "max_price_per_block": {"amount": unit.price.to_string(), "denom": unit.denom},
                    })
                });
                json!({"name": group.name, "resources": units.collect::<Vec<_>>()})
            };
            context.output().print(&json!({
                "valid": true,
                "services": parsed.services.keys().collect::<Vec<_>>(),
                "groups": groups.iter().map(group).collect::<Vec<_>>(),
                "manifest_hash": hex::encode(manifest.hash()),
            }));
        }
        SdlCommand::Convert { file, to } => {
            let converted = sdl::convert(&read(&file)?).map_err(|error| refused(&file, &error))?;
            match to {
                Some(to) => std::fs::write(&to, &converted.text)
                    .map_err(|cause| CliError::File { path: to.display().to_string(), cause: cause.to_string() })?,
                None => print!("{}", converted.text),
            }
            let count = converted.rewritten.len();
            context
                .output()
                .note(&format!("{count} prices now in uve; amounts are unchanged, check that they suit you"));
        }
    }
    Ok(())
}

/// Text of a file, at most as long as the parser takes.
pub fn read(path: &Path) -> Result<String, CliError> {
    let fail = |cause: String| CliError::File { path: path.display().to_string(), cause };
    let length = std::fs::metadata(path).map_err(|cause| fail(cause.to_string()))?.len();
    if length > sdl::MAX_BYTES as u64 {
        return Err(fail(format!("{length} bytes; deployment files have at most {}", sdl::MAX_BYTES)));
    }
    std::fs::read_to_string(path).map_err(|cause| fail(cause.to_string()))
}

pub fn refused(path: &Path, error: &sdl::SdlError) -> CliError {
    CliError::Failed(format!("{}: {error}", path.display()))
}
