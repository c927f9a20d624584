//! JSON-RPC 2.0: requests, identifiers, answers and error codes.

use serde_json::{Value, json};

use crate::{index::IndexError, rpc::backend::ViewError};

/// Requests in one batch; CosmJS sends 20.
pub const MAX_BATCH: usize = 20;

/// One request of a body. Without an id it is a notification and gets no answer.
#[derive(Clone, Debug)]
pub struct Request {
    pub id: Option<Value>,
    pub method: String,
    /// An object, an array or null.
    pub params: Value,
}

#[derive(Clone, Debug, PartialEq)]
pub enum RpcError {
    Parse(String),
    InvalidRequest(String),
    MethodNotFound(String),
    InvalidParams(String),
    Internal(String),
}

impl RpcError {
    pub fn code(&self) -> i32 {
        match self {
            Self::Parse(_) => -32700,
            Self::InvalidRequest(_) => -32600,
            Self::MethodNotFound(_) => -32601,
            Self::InvalidParams(_) => -32602,
            Self::Internal(_) => -32603,
        }
    }

    fn message(&self) -> &'static str {
        match self {
            Self::Parse(_) => "Parse error. Invalid JSON",
            Self::InvalidRequest(_) => "Invalid Request",
            Self::MethodNotFound(_) => "Method not found",
            Self::InvalidParams(_) => "Invalid params",
            Self::Internal(_) => "Internal error",
        }
    }

    fn data(&self) -> &str {
        match self {
            Self::Parse(data)
            | Self::InvalidRequest(data)
            | Self::MethodNotFound(data)
            | Self::InvalidParams(data)
            | Self::Internal(data) => data,
        }
    }
}

impl From<ViewError> for RpcError {
    fn from(error: ViewError) -> Self {
        Self::Internal(error.0)
    }
}

impl From<IndexError> for RpcError {
    fn from(error: IndexError) -> Self {
        Self::Internal(error.to_string())
    }
}

/// A request, or why it is none and the id to answer to (null when it cannot be told).
pub type Parsed = Result<Request, (Value, RpcError)>;

/// Splits a body into its requests; each may be malformed on its own. The flag says whether the answer is an array.
pub fn parse_body(body: &[u8]) -> Result<(Vec<Parsed>, bool), RpcError> {
    let value: Value = serde_json::from_slice(body).map_err(|e| RpcError::Parse(e.to_string()))?;
    match value {
        Value::Array(items) if items.is_empty() => Err(RpcError::InvalidRequest("the batch is empty".into())),
        Value::Array(items) if items.len() > MAX_BATCH => Err(RpcError::InvalidRequest(format!(
            "batch of {} requests; the limit is {MAX_BATCH}, split it",
            items.len()
        ))),
        Value::Array(items) => Ok((items.into_iter().map(parse).collect(), true)),
        single => Ok((vec![parse(single)], false)),
    }
}

pub fn parse(value: Value) -> Parsed {
    let Value::Object(mut object) = value else {
        return Err((Value::Null, RpcError::InvalidRequest("a request is a JSON object".into())));
    };
    let id = match object.remove("id") {
        None => None,
        Some(id @ (Value::Number(_) | Value::String(_) | Value::Null)) => Some(id),
        Some(_) => return Err((Value::Null, RpcError::InvalidRequest("id is a number or a string".into()))),
    };
    let answer_to = || id.clone().unwrap_or(Value::Null);
    if object.get("jsonrpc").is_some_and(|v| v != "2.0") {
        return Err((answer_to(), RpcError::InvalidRequest("jsonrpc is \"2.0\"".into())));
    }
    let Some(Value::String(method)) = object.remove("method") else {
        return Err((answer_to(), RpcError::InvalidRequest("method is missing or not a string".into())));
    };
    match object.remove("params").unwrap_or(Value::Null) {
        params @ (Value::Null | Value::Object(_) | Value::Array(_)) => Ok(Request { id, method, params }),
        _ => Err((answer_to(), RpcError::InvalidParams("params is an object or an array".into()))),
    }
}

pub fn answer(id: &Value, result: Result<Value, RpcError>) -> Value {
    match result {
        Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
        Err(error) => json!({
            "jsonrpc": "2.0",
            "id": id,
            "error": {"code": error.code(), "message": error.message(), "data": error.data()},
        }),
    }
}
