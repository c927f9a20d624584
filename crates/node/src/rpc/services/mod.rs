//! Calls by gRPC path, whichever interface they came through: the node's own services here, everything else from the
//! application.

mod comet;
mod node;
mod paging;
mod search;
mod tx;
mod tx_response;

#[cfg(test)]
mod services_tests;

use bytes::Bytes;
use prost::Message;
use ve_sdk::application::{Query, QueryResult};

use super::{
    Backend,
    backend::{Found, ViewError},
    status::{Code, Status},
};
use crate::index::IndexError;

/// Metadata (gRPC) and header (REST) with which clients read an older state and learn which one they read.
pub const HEIGHT_HEADER: &str = "x-cosmos-block-height";

/// An encoded response message and the height of the state that it describes.
#[derive(Clone, Debug)]
pub struct Reply {
    pub value: Bytes,
    pub height: u64,
}

pub struct Services {
    backend: Backend,
}

impl Services {
    pub fn new(backend: Backend) -> Self {
        Self { backend }
    }

    /// Answers `/{package.Service}/{Method}`; `height` 0 reads the latest state.
    pub async fn call(&self, path: &str, request: Bytes, height: u64) -> Result<Reply, Status> {
        let (service, method) = path
            .strip_prefix('/')
            .and_then(|p| p.split_once('/'))
            .ok_or_else(|| Status::new(Code::Unimplemented, format!("unknown path {path}")))?;
        let value = match service {
            "cosmos.tx.v1beta1.Service" => tx::call(&self.backend, method, &request).await?,
            "cosmos.base.tendermint.v1beta1.Service" => comet::call(self, method, &request).await?,
            "cosmos.base.node.v1beta1.Service" => node::call(&self.backend, method)?,
            _ => return self.application(path, request, height).await,
        };
        Ok(Reply { value: value.into(), height: self.backend.view.latest_height() })
    }

    async fn application(&self, path: &str, data: Bytes, height: u64) -> Result<Reply, Status> {
        let query = Query { path: path.to_string(), data, height, prove: false };
        let result = self.run(query).await?;
        Ok(Reply { value: result.value, height: result.height })
    }

    /// `abci_query`: a gRPC path, or `store/{name}/key` with an optional proof.
    pub async fn abci_query(&self, path: &str, data: Bytes, height: u64, prove: bool) -> Result<QueryResult, Status> {
        let own = path.strip_prefix('/').is_some_and(is_own);
        if own {
            let reply = self.call(path, data, height).await?;
            return Ok(QueryResult { value: reply.value, height: reply.height, ..QueryResult::default() });
        }
        self.run(Query { path: path.to_string(), data, height, prove }).await
    }

    async fn run(&self, query: Query) -> Result<QueryResult, Status> {
        let app = self.backend.view.app().clone();
        let result = blocking(move || app.query(&query)).await?;
        if result.code == 0 { Ok(result) } else { Err(Status::from_query(&result)) }
    }
}

fn is_own(path: &str) -> bool {
    ["cosmos.tx.v1beta1.Service/", "cosmos.base.tendermint.v1beta1.Service/", "cosmos.base.node.v1beta1.Service/"]
        .iter()
        .any(|service| path.starts_with(service))
}

/// State is read from disk and simulation executes: neither may hold up the network tasks.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Status> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Status::internal("the query handler failed"))
}

fn decode<M: Message + Default>(bytes: &[u8]) -> Result<M, Status> {
    M::decode(bytes).map_err(|e| Status::invalid(format!("request does not decode: {e}")))
}

fn unknown_method(service: &str, method: &str) -> Status {
    Status::new(Code::Unimplemented, format!("unknown method {method} of {service}"))
}

fn required<T>(found: Found<T>, what: impl FnOnce() -> String) -> Result<T, Status> {
    found?.ok_or_else(|| Status::not_found(what()))
}

impl From<ViewError> for Status {
    fn from(error: ViewError) -> Self {
        Self::internal(error.0)
    }
}

impl From<IndexError> for Status {
    fn from(error: IndexError) -> Self {
        match error {
            IndexError::TooBroad => Self::invalid(error.to_string()),
            _ => Self::internal(error.to_string()),
        }
    }
}
