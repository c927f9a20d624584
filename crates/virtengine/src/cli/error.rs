//! Failures of commands: exit code, stable name, cause and remedy.

use std::process::ExitCode;

use serde_json::json;
use ve_client::ClientError;
use ve_client::cert::CertError;
use ve_client::deploy::DeployError;
use ve_client::gateway::GatewayError;
use ve_client::keystore::KeyStoreError;
use ve_client::tx::file::TxFileError;

use super::Output;

#[derive(Debug, thiserror::Error)]
pub enum CliError {
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    Failed(String),
    /// What was waited for did not come in time.
    #[error("{0}")]
    Late(String),
    #[error("{path}: {cause}")]
    File { path: String, cause: String },
    #[error("the command in the container ended with {0}")]
    Remote(i32),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    #[error(transparent)]
    Keys(#[from] KeyStoreError),
    #[error(transparent)]
    Certificate(#[from] CertError),
    #[error(transparent)]
    Deploy(#[from] DeployError),
    #[error(transparent)]
    Transaction(#[from] TxFileError),
}

impl CliError {
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Remote(code) => u8::try_from(*code).unwrap_or(1).max(1),
            Self::Late(_) => 4,
            Self::Deploy(DeployError::NoBid { .. } | DeployError::NotRunning { .. }) => 4,
            other => other.client().map_or(1, client_code),
        }
    }

    fn client(&self) -> Option<&ClientError> {
        match self {
            Self::Client(error)
            | Self::Gateway(GatewayError::Chain(error))
            | Self::Deploy(DeployError::Chain(error) | DeployError::Gateway(GatewayError::Chain(error))) => Some(error),
            _ => None,
        }
    }

    /// On standard error, so that standard output holds results only.
    pub fn print(&self, output: Output) {
        let kind = match self {
            Self::Remote(_) => "remote",
            other => kind(other.exit_code()),
        };
        print(output, kind, &self.to_string(), self.client());
    }
}

fn client_code(error: &ClientError) -> u8 {
    match error {
        ClientError::Usage(_) => 2,
        ClientError::Rejected { .. } => 3,
        ClientError::Timeout { .. } => 4,
        _ => 1,
    }
}

/// The failure of a daemon's command, in the same form and with the same exit codes.
pub fn report(error: &anyhow::Error, output: Output) -> ExitCode {
    let client = error.chain().find_map(|cause| cause.downcast_ref::<ClientError>());
    let code = client.map_or(1, client_code);
    print(output, kind(code), &format!("{error:#}"), client);
    ExitCode::from(code)
}

fn kind(code: u8) -> &'static str {
    match code {
        2 => "usage",
        3 => "rejected",
        4 => "timeout",
        _ => "error",
    }
}

fn print(output: Output, kind: &str, message: &str, client: Option<&ClientError>) {
    if !output.is_json() {
        eprintln!("error: {message}");
        return;
    }
    let mut object = json!({"error": {"kind": kind, "message": message}});
    if let Some((codespace, code)) = client.and_then(ClientError::chain_code) {
        object["error"]["codespace"] = codespace.into();
        object["error"]["code"] = code.into();
    }
    eprintln!("{object}");
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
