//! Answers of a node, as far as clients of this chain read them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;

use crate::error::ClientError;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeStatus {
    pub chain_id: String,
    pub moniker: String,
    pub version: String,
    pub latest_height: u64,
    pub earliest_height: u64,
    /// RFC 3339.
    pub latest_block_time: String,
    pub catching_up: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AbciEvent {
    pub kind: String,
    pub attributes: Vec<(String, String)>,
}

impl AbciEvent {
    /// The first attribute with this key.
    pub fn attribute(&self, key: &str) -> Option<&str> {
        self.attributes.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TxResult {
    pub code: u32,
    pub codespace: String,
    pub log: String,
    /// Encoded `TxMsgData`; empty for checks.
    pub data: Vec<u8>,
    pub gas_wanted: u64,
    pub gas_used: u64,
    pub events: Vec<AbciEvent>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxInfo {
    pub height: u64,
    pub index: u32,
    pub result: TxResult,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockResults {
    pub height: u64,
    pub txs: Vec<TxResult>,
    /// Begin-block and end-block events, told apart by their attribute `mode`.
    pub block_events: Vec<AbciEvent>,
}

/// Reads fields out of an answer and says which one is missing.
struct Reader<'a> {
    method: &'a str,
    value: &'a Value,
}

impl<'a> Reader<'a> {
    fn fail(&self, what: &str) -> ClientError {
        ClientError::Malformed {
            method: self.method.to_owned(),
            cause: format!("field {what} is missing or malformed"),
        }
    }

    fn get(&self, pointer: &str) -> Result<&'a Value, ClientError> {
        self.value.pointer(pointer).ok_or_else(|| self.fail(pointer))
    }

    fn text(&self, pointer: &str) -> Result<String, ClientError> {
        self.get(pointer)?.as_str().map(str::to_owned).ok_or_else(|| self.fail(pointer))
    }

    /// int64 stands as decimal text, smaller numbers as numbers.
    fn number(&self, pointer: &str) -> Result<u64, ClientError> {
        let value = self.get(pointer)?;
        let number = value.as_u64().or_else(|| value.as_str().and_then(|text| text.parse().ok()));
        number.ok_or_else(|| self.fail(pointer))
    }

    fn code(&self, pointer: &str) -> Result<u32, ClientError> {
        self.number(pointer)?.try_into().map_err(|_| self.fail(pointer))
    }
}

impl NodeStatus {
    pub(super) fn from_json(value: &Value) -> Result<Self, ClientError> {
        let read = Reader { method: "status", value };
        Ok(Self {
            chain_id: read.text("/node_info/network")?,
            moniker: read.text("/node_info/moniker")?,
            version: read.text("/node_info/version")?,
            latest_height: read.number("/sync_info/latest_block_height")?,
            earliest_height: read.number("/sync_info/earliest_block_height")?,
            latest_block_time: read.text("/sync_info/latest_block_time")?,
            catching_up: read.get("/sync_info/catching_up")?.as_bool().unwrap_or(false),
        })
    }
}

pub(super) fn query_value(path: &str, value: &Value) -> Result<Vec<u8>, ClientError> {
    let read = Reader { method: path, value };
    let code = read.code("/response/code")?;
    if code != 0 {
        let text = |pointer: &str| read.text(pointer).unwrap_or_default();
        let (codespace, log) = (text("/response/codespace"), text("/response/log"));
        return Err(ClientError::Query { path: path.to_owned(), codespace, code, log });
    }
    match read.get("/response/value")? {
        Value::Null => Ok(Vec::new()),
        value => value.as_str().and_then(|text| BASE64.decode(text).ok()).ok_or_else(|| read.fail("/response/value")),
    }
}

impl TxResult {
    pub(super) fn from_json(method: &str, value: &Value) -> Result<Self, ClientError> {
        let read = Reader { method, value };
        let optional = |pointer: &str| read.text(pointer).unwrap_or_default();
        Ok(Self {
            code: read.code("/code")?,
            codespace: optional("/codespace"),
            log: optional("/log"),
            data: BASE64.decode(optional("/data")).unwrap_or_default(),
            gas_wanted: read.number("/gas_wanted").unwrap_or(0),
            gas_used: read.number("/gas_used").unwrap_or(0),
            events: value.get("events").map_or(Ok(Vec::new()), |list| events(method, list))?,
        })
    }
}

impl TxInfo {
    pub(super) fn from_json(value: &Value) -> Result<Self, ClientError> {
        let read = Reader { method: "tx", value };
        Ok(Self {
            height: read.number("/height")?,
            index: read.code("/index")?,
            result: TxResult::from_json("tx", read.get("/tx_result")?)?,
        })
    }
}

impl BlockResults {
    pub(super) fn from_json(value: &Value) -> Result<Self, ClientError> {
        let read = Reader { method: "block_results", value };
        let list = |pointer: &str| value.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default();
        let txs = list("/txs_results");
        let txs = txs.iter().map(|tx| TxResult::from_json("block_results", tx));
        Ok(Self {
            height: read.number("/height")?,
            txs: txs.collect::<Result<_, _>>()?,
            block_events: events("block_results", &Value::Array(list("/finalize_block_events")))?,
        })
    }
}

fn events(method: &str, list: &Value) -> Result<Vec<AbciEvent>, ClientError> {
    list.as_array().map(Vec::as_slice).unwrap_or_default().iter().map(|value| event(method, value)).collect()
}

fn event(method: &str, value: &Value) -> Result<AbciEvent, ClientError> {
    let read = Reader { method, value };
    let attributes = value.get("attributes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(AbciEvent {
        kind: read.text("/type")?,
        attributes: attributes.iter().map(|pair| (text(pair, "key"), text(pair, "value"))).collect(),
    })
}
