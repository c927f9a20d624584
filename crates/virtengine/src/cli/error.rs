//! Failures of commands: exit code, stable name, cause and remedy.

use serde_json::json;
use ve_client::ClientError;
use ve_client::cert::CertError;
use ve_client::deploy::DeployError;
use ve_client::gateway::GatewayError;
use ve_client::keystore::KeyStoreError;

use super::Output;

#[derive(Debug, thiserror::Error)]
pub enum CliError {
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    Failed(String),
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
}

impl CliError {
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Remote(code) => u8::try_from(*code).unwrap_or(1).max(1),
            other => match other.client() {
                Some(ClientError::Rejected { .. }) => 3,
                Some(ClientError::Timeout { .. }) => 4,
                Some(ClientError::Usage(_)) => 2,
                _ if matches!(other, Self::Deploy(DeployError::NoBid { .. } | DeployError::NotRunning { .. })) => 4,
                _ => 1,
            },
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

    fn kind(&self) -> &'static str {
        match self.exit_code() {
            2 => "usage",
            3 => "rejected",
            4 => "timeout",
            _ => "error",
        }
    }

    /// On standard error, so that standard output holds results only.
    pub fn print(&self, output: Output) {
        match output {
            Output::Text => eprintln!("error: {self}"),
            Output::Json => {
                let chain = self.client().and_then(ClientError::chain_code);
                let mut object = json!({"error": {"kind": self.kind(), "message": self.to_string()}});
                if let Some((codespace, code)) = chain {
                    object["error"]["codespace"] = codespace.into();
                    object["error"]["code"] = code.into();
                }
                eprintln!("{object}");
            }
        }
    }
}
