//! The node, its application, genesis, parameters and peers.

use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use ve_proto::tendermint::crypto::{PublicKey, public_key::Sum};

use super::blocks;
use crate::rpc::{
    backend::{NodeView, Peer, StoredBlock},
    comet::{
        Comet,
        envelope::RpcError,
        json::{self, base64, base64_or_null, hex_upper},
        params::Params,
    },
    status::Status,
    time::rfc3339,
};

const CHUNK_BYTES: usize = 16 * 1024 * 1024;

pub fn status(comet: &Comet) -> Result<Value, RpcError> {
    let view = comet.backend.view.as_ref();
    let key = view.validator_key();
    let address = &Sha256::digest(key)[..20];
    let next = view.validators(view.latest_height() + 1)?.unwrap_or_default();
    let power = next.iter().find(|v| v.address == address).map_or(0, |v| v.voting_power);
    let public = PublicKey { sum: Some(Sum::Ed25519(key.to_vec())) };
    Ok(json!({
        "node_info": json::node_info(&view.node_info()),
        "sync_info": sync_info(view)?,
        "validator_info": {
            "address": hex_upper(address),
            "pub_key": json::public_key(Some(&public)),
            "voting_power": power.to_string(),
        },
    }))
}

fn sync_info(view: &dyn NodeView) -> Result<Value, RpcError> {
    let mut info = serde_json::Map::new();
    for (prefix, height) in [("latest", view.latest_height()), ("earliest", view.earliest_height())] {
        let stored: Option<StoredBlock> = if height == 0 { None } else { view.block(height)? };
        let header = stored.as_ref().and_then(|s| s.block.header.clone()).unwrap_or_default();
        let hash = stored.as_ref().map_or(&[][..], |s| &s.id.hash);
        info.insert(format!("{prefix}_block_hash"), hex_upper(hash).into());
        info.insert(format!("{prefix}_app_hash"), hex_upper(&header.app_hash).into());
        info.insert(format!("{prefix}_block_height"), height.to_string().into());
        info.insert(format!("{prefix}_block_time"), rfc3339(header.time.as_ref()).into());
    }
    info.insert("catching_up".into(), view.catching_up().into());
    Ok(info.into())
}

pub fn abci_info(comet: &Comet) -> Value {
    let info = comet.backend.view.app().info();
    json!({"response": {
        "data": info.name,
        "version": info.version,
        "app_version": info.app_version.to_string(),
        "last_block_height": info.last_height.to_string(),
        "last_block_app_hash": base64(&info.last_app_hash),
    }})
}

pub async fn abci_query(comet: &Comet, params: &Params) -> Result<Value, RpcError> {
    let path = params.text("path")?;
    let data = Bytes::from(params.hex("data")?);
    let height = u64::try_from(params.int("height")?.unwrap_or(0))
        .map_err(|_| RpcError::Internal("height cannot be negative".into()))?;
    let answer = comet.services.abci_query(&path, data, height, params.bool("prove")?).await;
    let response = match answer {
        Ok(result) => {
            let ops: Vec<Value> = result
                .proof_ops
                .iter()
                .map(|(kind, key, data)| json!({"type": kind, "key": base64(key), "data": base64(data)}))
                .collect();
            json!({
                "code": 0, "log": result.log, "info": "", "index": "0",
                "key": base64_or_null(&result.key),
                "value": base64_or_null(&result.value),
                "proofOps": if ops.is_empty() { Value::Null } else { json!({"ops": ops}) },
                "height": result.height.to_string(),
                "codespace": "",
            })
        }
        Err(status) => refused(comet, &path, height, &status),
    };
    Ok(json!({"response": response}))
}

/// A gRPC path answers with the status text that wallets search; a raw store path with the application's own text.
fn refused(comet: &Comet, path: &str, height: u64, status: &Status) -> Value {
    let raw = path.trim_start_matches('/').starts_with("store/");
    let height = if height == 0 { comet.backend.view.latest_height() } else { height };
    json!({
        "code": status.abci_code,
        "log": if raw { status.message.clone() } else { status.abci_log() },
        "info": "", "index": "0", "key": null, "value": null, "proofOps": null,
        "height": height.to_string(),
        "codespace": status.codespace,
    })
}

pub fn genesis(comet: &Comet) -> Result<Value, RpcError> {
    let bytes = comet.backend.view.genesis_len()?;
    if bytes > CHUNK_BYTES as u64 {
        return Err(RpcError::Internal(format!(
            "genesis has {bytes} bytes, too large for one answer; use the genesis_chunked method"
        )));
    }
    let text = comet.backend.view.genesis_part(0, CHUNK_BYTES)?;
    let document: Value =
        serde_json::from_slice(&text).map_err(|error| RpcError::Internal(format!("the genesis file: {error}")))?;
    Ok(json!({"genesis": document}))
}

pub fn genesis_chunked(comet: &Comet, params: &Params) -> Result<Value, RpcError> {
    let total = comet.backend.view.genesis_len()?.div_ceil(CHUNK_BYTES as u64).max(1);
    let asked = params.int("chunk")?.unwrap_or(0);
    let chunk = u64::try_from(asked).ok().filter(|c| *c < total).ok_or_else(|| {
        RpcError::Internal(format!("there are {total} chunks counted from 0; chunk {asked} does not exist"))
    })?;
    let part = comet.backend.view.genesis_part(chunk * CHUNK_BYTES as u64, CHUNK_BYTES)?;
    Ok(json!({"chunk": chunk.to_string(), "total": total.to_string(), "data": base64(&part)}))
}

pub fn consensus_params(comet: &Comet, params: &Params) -> Result<Value, RpcError> {
    let height = blocks::height(comet, params, comet.backend.view.latest_height() + 1)?;
    let missing = || RpcError::Internal(format!("could not find consensus params for height #{height}"));
    let found = comet.backend.view.consensus_params(height)?.ok_or_else(missing)?;
    Ok(json!({"block_height": height.to_string(), "consensus_params": json::consensus_params(&found)}))
}

pub fn net_info(comet: &Comet) -> Value {
    let peers: Vec<Value> = comet.backend.view.peers().iter().map(peer).collect();
    let listeners = comet.backend.view.listeners();
    json!({
        "listening": !listeners.is_empty(),
        "listeners": listeners,
        "n_peers": peers.len().to_string(),
        "peers": peers,
    })
}

fn peer(peer: &Peer) -> Value {
    json!({
        "node_info": json::node_info(&peer.info),
        "is_outbound": peer.outbound,
        "connection_status": {
            "Duration": "0",
            "SendMonitor": unmeasured(),
            "RecvMonitor": unmeasured(),
            "Channels": [],
        },
        "remote_ip": peer.remote_ip,
    })
}

/// The transport keeps no traffic counters per peer; `Active` false says that nothing is measured.
fn unmeasured() -> Value {
    json!({
        "Active": false, "Start": "0001-01-01T00:00:00Z", "Duration": "0", "Idle": "0", "Bytes": "0", "Samples": "0",
        "InstRate": "0", "CurRate": "0", "AvgRate": "0", "PeakRate": "0", "BytesRem": "0", "TimeRem": "0",
        "Progress": 0,
    })
}

pub fn consensus_state(comet: &Comet) -> Result<Value, RpcError> {
    let view = comet.backend.view.as_ref();
    let state = view.round_state();
    let last = if view.latest_height() == 0 { None } else { view.block(view.latest_height())? };
    let started = last.and_then(|s| s.block.header).and_then(|h| h.time);
    let proposer = view.round_proposer();
    let set = view.validators(state.height)?.unwrap_or_default();
    let index = proposer.and_then(|address| set.iter().position(|v| v.address == address)).unwrap_or(0);
    Ok(json!({"round_state": {
        "height/round/step": format!("{}/{}/{}", state.height, state.round, state.step),
        "start_time": rfc3339(started.as_ref()),
        "proposal_block_hash": "",
        "locked_block_hash": "",
        "valid_block_hash": "",
        "height_vote_set": [],
        "proposer": {"address": proposer.map(|a| hex_upper(&a)).unwrap_or_default(), "index": index},
    }}))
}

pub fn dump_consensus_state(comet: &Comet) -> Value {
    let state = comet.backend.view.round_state();
    let peers: Vec<Value> = comet
        .backend
        .view
        .peers()
        .iter()
        .map(|p| json!({"node_address": format!("{}@{}", p.info.default_node_id, p.remote_ip)}))
        .collect();
    json!({
        "round_state": {"height": state.height.to_string(), "round": state.round, "step": state.step},
        "peers": peers,
    })
}
