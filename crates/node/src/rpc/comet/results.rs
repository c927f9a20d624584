//! Execution results and events in CometBFT's JSON, and the event maps of subscriptions.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use ve_proto::tendermint::{
    abci::{Event, EventAttribute, ExecTxResult, ResponseFinalizeBlock, ValidatorUpdate},
    crypto::public_key::Sum,
};
use ve_sdk::application::TxResult;

use super::json::{base64, base64_or_null, consensus_params};
use crate::comet::abci;

pub fn events(events: &[Event]) -> Value {
    events
        .iter()
        .map(|event| {
            let attributes: Vec<Value> =
                event.attributes.iter().map(|a| json!({"key": a.key, "value": a.value, "index": a.index})).collect();
            json!({"type": event.r#type, "attributes": attributes})
        })
        .collect()
}

/// Null when there are none, as Go prints an absent slice.
pub fn events_or_null(list: &[Event]) -> Value {
    if list.is_empty() { Value::Null } else { events(list) }
}

pub fn tx_result(result: &ExecTxResult) -> Value {
    json!({
        "code": result.code,
        "data": base64_or_null(&result.data),
        "log": result.log,
        "info": result.info,
        "gas_wanted": result.gas_wanted.to_string(),
        "gas_used": result.gas_used.to_string(),
        "events": events(&result.events),
        "codespace": result.codespace,
    })
}

/// A mempool check in the same shape.
pub fn check_result(result: &TxResult) -> Value {
    tx_result(&abci::tx_result(result.clone()))
}

fn list_or_null<T>(items: &[T], show: impl Fn(&T) -> Value) -> Value {
    if items.is_empty() { Value::Null } else { items.iter().map(show).collect() }
}

fn validator_update(update: &ValidatorUpdate) -> Value {
    let key = match update.pub_key.as_ref().and_then(|k| k.sum.as_ref()) {
        Some(Sum::Ed25519(bytes)) => {
            json!({"Sum": {"type": "tendermint.crypto.PublicKey_Ed25519", "value": {"ed25519": base64(bytes)}}})
        }
        Some(Sum::Secp256k1(bytes)) => {
            json!({"Sum": {"type": "tendermint.crypto.PublicKey_Secp256K1", "value": {"secp256k1": base64(bytes)}}})
        }
        None => Value::Null,
    };
    json!({"pub_key": key, "power": update.power.to_string()})
}

pub fn block_results(height: u64, results: &ResponseFinalizeBlock) -> Value {
    json!({
        "height": height.to_string(),
        "txs_results": list_or_null(&results.tx_results, tx_result),
        "finalize_block_events": events_or_null(&results.events),
        "validator_updates": list_or_null(&results.validator_updates, validator_update),
        "consensus_param_updates": results.consensus_param_updates.as_ref().map(consensus_params),
        "app_hash": hex::encode_upper(&results.app_hash),
    })
}

/// `result_finalize_block` of a NewBlock message.
pub fn finalize_block(results: &ResponseFinalizeBlock) -> Value {
    json!({
        "events": events(&results.events),
        "tx_results": results.tx_results.iter().map(tx_result).collect::<Vec<_>>(),
        "validator_updates": list_or_null(&results.validator_updates, validator_update),
        "consensus_param_updates": results.consensus_param_updates.as_ref().map(consensus_params),
        "app_hash": base64(&results.app_hash),
    })
}

/// A made-up event that lets queries name the block or transaction itself, e.g. `tx.height`.
pub fn reserved(kind: &str, key: &str, value: impl ToString) -> Event {
    let attribute = EventAttribute { key: key.into(), value: value.to_string(), index: true };
    Event { r#type: kind.into(), attributes: vec![attribute] }
}

/// `type.attribute` to its values, in order of emission.
pub fn event_map(events: &[Event]) -> BTreeMap<String, Vec<&str>> {
    let mut map: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for event in events {
        for attribute in &event.attributes {
            map.entry(format!("{}.{}", event.r#type, attribute.key)).or_default().push(&attribute.value);
        }
    }
    map
}
