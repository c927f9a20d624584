//! Transactions as the Cosmos SDK shows them.

use prost::Message;
use sha2::{Digest, Sha256};
use ve_proto::{
    any::pack,
    cosmos::{
        base::abci::v1beta1::TxResponse,
        tx::v1beta1::{AuthInfo, Tx, TxBody, TxRaw},
    },
    tendermint::abci::ExecTxResult,
};
use ve_sdk::application::TxResult;

use crate::comet::abci;
use crate::rpc::{status::Status, time::whole_seconds};

/// The structured form of raw transaction bytes.
pub fn parse_tx(raw: &[u8]) -> Result<Tx, Status> {
    let malformed = |e: prost::DecodeError| Status::invalid(format!("transaction does not decode: {e}"));
    let raw = TxRaw::decode(raw).map_err(malformed)?;
    Ok(Tx {
        body: Some(TxBody::decode(raw.body_bytes.as_slice()).map_err(malformed)?),
        auth_info: Some(AuthInfo::decode(raw.auth_info_bytes.as_slice()).map_err(malformed)?),
        signatures: raw.signatures,
    })
}

pub fn encode_tx(tx: &Tx) -> Vec<u8> {
    TxRaw {
        body_bytes: tx.body.as_ref().map(Message::encode_to_vec).unwrap_or_default(),
        auth_info_bytes: tx.auth_info.as_ref().map(Message::encode_to_vec).unwrap_or_default(),
        signatures: tx.signatures.clone(),
    }
    .encode_to_vec()
}

pub fn hash(raw: &[u8]) -> String {
    hex::encode_upper(Sha256::digest(raw))
}

/// An executed transaction; `seconds` is its block's time.
pub fn executed(raw: &[u8], tx: &Tx, result: &ExecTxResult, height: u64, seconds: i64) -> TxResponse {
    TxResponse {
        height: height as i64,
        txhash: hash(raw),
        codespace: result.codespace.clone(),
        code: result.code,
        data: hex::encode_upper(&result.data),
        raw_log: result.log.clone(),
        info: result.info.clone(),
        gas_wanted: result.gas_wanted,
        gas_used: result.gas_used,
        tx: Some(pack(tx)),
        timestamp: whole_seconds(seconds),
        events: result.events.clone(),
        ..Default::default()
    }
}

/// A transaction that was checked but not included yet.
pub fn checked(raw: &[u8], result: &TxResult) -> TxResponse {
    TxResponse {
        txhash: hash(raw),
        codespace: result.codespace.clone(),
        code: result.code,
        data: hex::encode_upper(&result.data),
        raw_log: result.log.clone(),
        gas_wanted: result.gas_wanted,
        gas_used: result.gas_used,
        events: result.events.iter().cloned().map(abci::event).collect(),
        ..Default::default()
    }
}
