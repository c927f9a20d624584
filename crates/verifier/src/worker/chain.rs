//! What a worker needs of the chain.

use std::future::Future;

use prost::Message;
use ve_client::{ClientError, TxClient};
use ve_proto::Any;

/// Why the chain did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// It refused a message.
    #[error("the chain refused ({codespace} {code}): {log}")]
    Refused {
        /// Who refused.
        codespace: String,
        /// Why, as a number.
        code: u32,
        /// Why, in words.
        log: String,
    },
    /// No node answered, or not in time. The next round tries again.
    #[error("the chain cannot be reached: {0}")]
    Unreachable(String),
}

/// Asks the chain and sends messages of the member's account.
pub trait Chain {
    /// Id of the chain.
    fn chain_id(&self) -> &str;

    /// One query, by its path.
    fn query<Q: Message, A: Message + Default>(
        &self,
        path: &str,
        request: &Q,
    ) -> impl Future<Output = Result<A, ChainError>>;

    /// Sends messages, all of them or none, and waits until a block has them.
    fn send(&self, messages: Vec<Any>) -> impl Future<Output = Result<(), ChainError>>;
}

impl Chain for TxClient {
    fn chain_id(&self) -> &str {
        TxClient::chain_id(self)
    }

    async fn query<Q: Message, A: Message + Default>(&self, path: &str, request: &Q) -> Result<A, ChainError> {
        self.rpc().query(path, request).await.map_err(told)
    }

    async fn send(&self, messages: Vec<Any>) -> Result<(), ChainError> {
        TxClient::send(self, messages).await.map(|_| ()).map_err(told)
    }
}

fn told(error: ClientError) -> ChainError {
    match error {
        ClientError::Rejected { codespace, code, log, .. } | ClientError::Query { codespace, code, log, .. } => {
            ChainError::Refused { codespace, code, log }
        }
        other => ChainError::Unreachable(other.to_string()),
    }
}
