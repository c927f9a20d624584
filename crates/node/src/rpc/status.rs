//! Errors of queries on the way to clients: one failure, shown as a gRPC status, as a REST body or as an ABCI code.

use ve_sdk::application::{QueryResult, TxResult};

/// gRPC status codes that the node answers with (numbers of the gRPC specification).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Code {
    Unknown = 2,
    InvalidArgument = 3,
    NotFound = 5,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
}

impl Code {
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "Unknown",
            Self::InvalidArgument => "InvalidArgument",
            Self::NotFound => "NotFound",
            Self::PermissionDenied => "PermissionDenied",
            Self::ResourceExhausted => "ResourceExhausted",
            Self::Unimplemented => "Unimplemented",
            Self::Internal => "Internal",
            Self::Unavailable => "Unavailable",
        }
    }

    /// Platform spec 2.3.
    pub fn http(self) -> u16 {
        match self {
            Self::InvalidArgument => 400,
            Self::PermissionDenied => 403,
            Self::NotFound => 404,
            Self::ResourceExhausted => 429,
            Self::Unimplemented => 501,
            Self::Unavailable => 503,
            Self::Unknown | Self::Internal => 500,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    pub code: Code,
    pub message: String,
    /// The application's own code, for `abci_query`.
    pub codespace: String,
    pub abci_code: u32,
}

const SDK: &str = "sdk";

impl Status {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        let abci_code = match code {
            Code::NotFound => 22,
            Code::InvalidArgument => 18,
            Code::PermissionDenied => 4,
            Code::Unimplemented => 6,
            Code::ResourceExhausted => 20,
            Code::Unknown | Code::Internal | Code::Unavailable => 38,
        };
        Self { code, message: message.into(), codespace: SDK.to_string(), abci_code }
    }

    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidArgument, message)
    }

    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Code::NotFound, message)
    }

    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Code::Internal, message)
    }

    /// From an application error; the log is the message.
    pub fn from_abci(codespace: &str, code: u32, log: &str) -> Self {
        Self {
            code: classify(codespace, code),
            message: bare(log).to_string(),
            codespace: codespace.to_string(),
            abci_code: code,
        }
    }

    pub fn from_query(result: &QueryResult) -> Self {
        Self::from_abci(&result.codespace, result.code, &result.log)
    }

    pub fn from_tx(result: &TxResult) -> Self {
        Self::from_abci(&result.codespace, result.code, &result.log)
    }

    /// The text that wallets search in `abci_query` answers for a gRPC path.
    pub fn abci_log(&self) -> String {
        format!("rpc error: code = {} desc = {}", self.code.name(), self.message)
    }
}

/// Without the prefix that [`Status::abci_log`] adds.
fn bare(log: &str) -> &str {
    match log.strip_prefix("rpc error: code = ") {
        Some(rest) => rest.split_once(" desc = ").map_or(log, |(_, message)| message),
        None => log,
    }
}

fn classify(codespace: &str, code: u32) -> Code {
    match (codespace, code) {
        (SDK, 6) => Code::Unimplemented,
        (SDK, 9 | 22) => Code::NotFound,
        (SDK, 2 | 7 | 8 | 10 | 12 | 18) => Code::InvalidArgument,
        (SDK, 4) => Code::PermissionDenied,
        (SDK, 20) => Code::ResourceExhausted,
        (SDK, 38) => Code::Internal,
        _ => Code::Unknown,
    }
}
