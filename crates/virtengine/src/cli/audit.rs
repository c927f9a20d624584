//! `virtengine audit`: parts of the audit log as files, and their check without a network.

use std::path::{Path, PathBuf};

use serde_json::json;
use ve_client::audit::{self, AuditError, Format, Manifest};
use ve_proto::ve::audit::v1::QueryEntriesRequest;

use super::{CliError, Context};

/// Largest export and manifest that are read, in bytes.
const MAX_FILE: u64 = 64 << 20;

#[derive(Debug, clap::Subcommand)]
pub enum AuditCommand {
    /// Write matching entries with a manifest that proves them
    Export {
        /// File to write; its manifest stands beside it as FILE.manifest.json
        file: PathBuf,
        #[arg(long, value_enum, default_value_t)]
        format: FormatName,
        /// Account that acted, or a module
        #[arg(long, default_value = "")]
        actor: String,
        #[arg(long, default_value = "")]
        module: String,
        #[arg(long, default_value = "")]
        action: String,
        /// What was acted on
        #[arg(long, default_value = "")]
        resource: String,
        /// Not before this time, seconds since 1970
        #[arg(long, default_value_t = 0)]
        since: u64,
        /// Not after this time, seconds since 1970
        #[arg(long, default_value_t = 0)]
        until: u64,
    },
    /// Check an export offline: every altered or missing line shows
    Verify {
        file: PathBuf,
        /// Manifest of the export [default: FILE.manifest.json]
        #[arg(long, value_name = "FILE")]
        manifest: Option<PathBuf>,
        /// Root that the manifest must have, in hex, as the chain keeps it for its size
        #[arg(long, value_name = "HASH")]
        root: Option<String>,
    },
}

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
pub enum FormatName {
    #[default]
    Jsonl,
    Csv,
    Cef,
}

impl From<FormatName> for Format {
    fn from(name: FormatName) -> Self {
        match name {
            FormatName::Jsonl => Self::Jsonl,
            FormatName::Csv => Self::Csv,
            FormatName::Cef => Self::Cef,
        }
    }
}

fn failed(error: AuditError) -> CliError {
    match error {
        AuditError::Client(error) => CliError::Client(error),
        other => CliError::Failed(other.to_string()),
    }
}

fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".manifest.json");
    name.into()
}

fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    let problem = |cause: String| CliError::File { path: path.display().to_string(), cause };
    let length = std::fs::metadata(path).map_err(|error| problem(error.to_string()))?.len();
    if length > MAX_FILE {
        return Err(problem(format!("it has {length} bytes, at most {MAX_FILE}")));
    }
    std::fs::read(path).map_err(|error| problem(error.to_string()))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    let problem = |error: std::io::Error| CliError::File { path: path.display().to_string(), cause: error.to_string() };
    std::fs::write(path, bytes).map_err(problem)
}

pub async fn run(context: &Context, command: AuditCommand) -> Result<(), CliError> {
    match command {
        AuditCommand::Export { file, format, actor, module, action, resource, since, until } => {
            let filter =
                QueryEntriesRequest { actor, module, action, resource_id: resource, since, until, pagination: None };
            export(context, &file, format.into(), &filter).await
        }
        AuditCommand::Verify { file, manifest, root } => {
            verify(context, &file, &manifest.unwrap_or_else(|| beside(&file)), root.as_deref())
        }
    }
}

async fn export(context: &Context, file: &Path, format: Format, filter: &QueryEntriesRequest) -> Result<(), CliError> {
    let (bytes, manifest) = audit::export(&context.rpc()?, filter, format).await.map_err(failed)?;
    let text = serde_json::to_vec_pretty(&manifest).map_err(|error| CliError::Failed(error.to_string()))?;
    write(file, &bytes)?;
    write(&beside(file), &text)?;
    context.output().print(&json!({
        "file": file.display().to_string(),
        "manifest": beside(file).display().to_string(),
        "entries": manifest.count,
        "root": manifest.root.hash,
        "root_size": manifest.root.size,
    }));
    Ok(())
}

fn verify(context: &Context, file: &Path, manifest: &Path, root: Option<&str>) -> Result<(), CliError> {
    let manifest: Manifest =
        serde_json::from_slice(&read(manifest)?).map_err(|error| failed(AuditError::Manifest(error.to_string())))?;
    let report = audit::verify(&read(file)?, &manifest).map_err(failed)?;
    if root.is_some_and(|root| !root.eq_ignore_ascii_case(&manifest.root.hash)) {
        return Err(CliError::Failed("the manifest leads to another root than the one given".into()));
    }
    context.output().print(&json!({
        "verified": true,
        "entries": report.count,
        "first": report.first_seq,
        "last": report.last_seq,
        "complete": report.complete,
        "root": manifest.root.hash,
        "root_size": report.root_size,
    }));
    Ok(())
}
