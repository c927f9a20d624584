//! Errors of everything that speaks with a node.

/// Whether trying again later may help is told by [`ClientError::is_transient`].
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("no node answers at {endpoint}: {cause}; check that it runs and the address is right")]
    Unreachable { endpoint: String, cause: String },
    #[error("the node refuses {method}: {message}")]
    Rpc { method: String, code: i64, message: String },
    #[error("the answer to {method} is not understood: {cause}; is this a VirtEngine node of this release?")]
    Malformed { method: String, cause: String },
    #[error("query {path} failed with {codespace} {code}: {log}")]
    Query { path: String, codespace: String, code: u32, log: String },
    /// The hash is empty when the simulation was refused already.
    #[error("the chain rejects the transaction with {codespace} {code}: {log}")]
    Rejected { codespace: String, code: u32, log: String, hash: String },
    #[error("transaction {hash} was sent but is in no block after {seconds} s; look for its hash before sending again")]
    Timeout { hash: String, seconds: u64 },
    #[error("the node serves chain {got}, expected {expected}; use another endpoint")]
    WrongChain { expected: String, got: String },
    #[error(
        "block {height} is no longer kept (earliest is {earliest}); use an archive node or start from the newest state"
    )]
    Pruned { height: u64, earliest: u64 },
    #[error("{0} is no endpoint; write http://HOST:PORT or https://HOST:PORT")]
    Endpoint(String),
    #[error("secure connections cannot be set up: {0}")]
    Tls(String),
    #[error("{0}")]
    Usage(String),
}

impl ClientError {
    /// The same request may succeed later or at another endpoint.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Malformed { .. } | Self::Timeout { .. })
            || matches!(self, Self::Rpc { code, .. } if *code == -32603)
            // Another transaction of the account was faster.
            || crate::tx::sequence::expected(self).is_some()
    }

    /// The chain's code, when the chain itself answered.
    pub fn chain_code(&self) -> Option<(&str, u32)> {
        match self {
            Self::Query { codespace, code, .. } | Self::Rejected { codespace, code, .. } => Some((codespace, *code)),
            _ => None,
        }
    }
}
