//! Typed access to a call's parameters, whichever way they came: named, positional, or in a URL (quoted strings, `0x`
//! bytes). Unknown names are ignored, because relayers send some.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::envelope::RpcError;

#[derive(Clone, Debug)]
enum Param {
    Json(Value),
    /// Undecoded text of a URL.
    Url(String),
}

#[derive(Clone, Debug, Default)]
pub struct Params(BTreeMap<String, Param>);

impl Params {
    /// `names` gives positional parameters their names.
    pub fn from_json(params: Value, names: &[&str]) -> Result<Self, RpcError> {
        let pairs: Vec<(String, Value)> = match params {
            Value::Object(object) => object.into_iter().collect(),
            Value::Array(values) if values.len() > names.len() => {
                return Err(RpcError::InvalidParams(format!(
                    "{} positional parameters; the method has {}: {}",
                    values.len(),
                    names.len(),
                    names.join(", ")
                )));
            }
            Value::Array(values) => names.iter().map(ToString::to_string).zip(values).collect(),
            _ => Vec::new(),
        };
        Ok(Self(pairs.into_iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k, Param::Json(v))).collect()))
    }

    pub fn from_url(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(pairs.into_iter().filter(|(_, v)| !v.is_empty()).map(|(k, v)| (k, Param::Url(v))).collect())
    }

    /// Integers come as JSON numbers, as strings, or quoted in a URL.
    pub fn int(&self, name: &str) -> Result<Option<i64>, RpcError> {
        let Some(param) = self.0.get(name) else { return Ok(None) };
        let text = match param {
            Param::Json(Value::Number(number)) => number.to_string(),
            Param::Json(Value::String(text)) => text.clone(),
            Param::Url(text) => unquote(text).to_string(),
            Param::Json(_) => return Err(wrong(name, "an integer")),
        };
        if text.is_empty() {
            return Ok(None);
        }
        text.parse().map(Some).map_err(|_| wrong(name, "an integer"))
    }

    pub fn bool(&self, name: &str) -> Result<bool, RpcError> {
        match self.0.get(name) {
            None => Ok(false),
            Some(Param::Json(Value::Bool(value))) => Ok(*value),
            Some(Param::Url(text)) => unquote(text).parse().map_err(|_| wrong(name, "true or false")),
            Some(Param::Json(_)) => Err(wrong(name, "true or false")),
        }
    }

    /// Empty when absent.
    pub fn text(&self, name: &str) -> Result<String, RpcError> {
        match self.0.get(name) {
            None => Ok(String::new()),
            Some(Param::Json(Value::String(text))) => Ok(text.clone()),
            Some(Param::Url(text)) => Ok(unquote(text).to_string()),
            Some(Param::Json(_)) => Err(wrong(name, "a string")),
        }
    }

    /// Bytes that are base64 in JSON; in a URL `0x` hex or the quoted text itself.
    pub fn base64(&self, name: &str) -> Result<Vec<u8>, RpcError> {
        match self.0.get(name) {
            None => Ok(Vec::new()),
            Some(Param::Json(Value::String(text))) => STANDARD.decode(text).map_err(|_| wrong(name, "base64")),
            Some(Param::Url(text)) => url_bytes(text).ok_or_else(|| wrong(name, "0x and hex digits")),
            Some(Param::Json(_)) => Err(wrong(name, "base64")),
        }
    }

    /// Bytes that are hex in JSON and in a URL, with or without `0x`.
    pub fn hex(&self, name: &str) -> Result<Vec<u8>, RpcError> {
        let text = self.text(name)?;
        hex::decode(text.strip_prefix("0x").unwrap_or(&text)).map_err(|_| wrong(name, "hex digits"))
    }

    /// A 32-byte hash: clients send base64 or hex, which cannot be mistaken for each other at this length.
    pub fn hash(&self, name: &str) -> Result<Vec<u8>, RpcError> {
        let text = self.text(name)?;
        let digits = text.strip_prefix("0x").unwrap_or(&text);
        let bytes = match digits.len() {
            64 => hex::decode(digits).ok(),
            _ => STANDARD.decode(&text).ok(),
        };
        bytes.filter(|b| b.len() == 32).ok_or_else(|| wrong(name, "a 32-byte hash in hex or base64"))
    }

    pub fn json(&self, name: &str) -> Result<Value, RpcError> {
        match self.0.get(name) {
            None => Ok(Value::Null),
            Some(Param::Json(value)) => Ok(value.clone()),
            Some(Param::Url(text)) => serde_json::from_str(text).map_err(|_| wrong(name, "JSON")),
        }
    }
}

fn wrong(name: &str, expected: &str) -> RpcError {
    RpcError::InvalidParams(format!("parameter {name} is not {expected}"))
}

fn unquote(text: &str) -> &str {
    text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text)
}

fn url_bytes(text: &str) -> Option<Vec<u8>> {
    match text.strip_prefix("0x") {
        Some(digits) => hex::decode(digits).ok(),
        None if text.starts_with('"') => Some(unquote(text).as_bytes().to_vec()),
        None => hex::decode(text).ok(),
    }
}
