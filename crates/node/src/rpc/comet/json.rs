//! Blocks, votes and validators in CometBFT's JSON: 64-bit integers as strings, hashes and addresses in upper hex, other
//! bytes in base64.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use ve_proto::tendermint::{
    crypto::{PublicKey, public_key::Sum},
    p2p::DefaultNodeInfo,
    types::{
        Block, BlockId, BlockIdFlag, Commit, CommitSig, ConsensusParams, DuplicateVoteEvidence, Evidence, Header,
        LightBlock, LightClientAttackEvidence, Validator, Vote, evidence,
    },
};

use crate::rpc::{backend::StoredBlock, time::rfc3339};

pub fn hex_upper(bytes: &[u8]) -> String {
    hex::encode_upper(bytes)
}

pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Go prints an absent byte slice as null.
pub fn base64_or_null(bytes: &[u8]) -> Value {
    if bytes.is_empty() { Value::Null } else { base64(bytes).into() }
}

pub fn block_id(id: Option<&BlockId>) -> Value {
    let empty = BlockId::default();
    let id = id.unwrap_or(&empty);
    let parts = id.part_set_header.clone().unwrap_or_default();
    json!({"hash": hex_upper(&id.hash), "parts": {"total": parts.total, "hash": hex_upper(&parts.hash)}})
}

pub fn header(header: Option<&Header>) -> Value {
    let Some(h) = header else { return Value::Null };
    let version = h.version.unwrap_or_default();
    json!({
        "version": {"block": version.block.to_string(), "app": version.app.to_string()},
        "chain_id": h.chain_id,
        "height": h.height.to_string(),
        "time": rfc3339(h.time.as_ref()),
        "last_block_id": block_id(h.last_block_id.as_ref()),
        "last_commit_hash": hex_upper(&h.last_commit_hash),
        "data_hash": hex_upper(&h.data_hash),
        "validators_hash": hex_upper(&h.validators_hash),
        "next_validators_hash": hex_upper(&h.next_validators_hash),
        "consensus_hash": hex_upper(&h.consensus_hash),
        "app_hash": hex_upper(&h.app_hash),
        "last_results_hash": hex_upper(&h.last_results_hash),
        "evidence_hash": hex_upper(&h.evidence_hash),
        "proposer_address": hex_upper(&h.proposer_address),
    })
}

pub fn commit(commit: Option<&Commit>) -> Value {
    let empty = Commit::default();
    let c = commit.unwrap_or(&empty);
    json!({
        "height": c.height.to_string(),
        "round": c.round,
        "block_id": block_id(c.block_id.as_ref()),
        "signatures": c.signatures.iter().map(commit_sig).collect::<Vec<_>>(),
    })
}

fn commit_sig(sig: &CommitSig) -> Value {
    let absent = sig.block_id_flag == BlockIdFlag::Absent as i32;
    let timestamp = sig.timestamp.as_ref().filter(|_| !absent);
    json!({
        "block_id_flag": sig.block_id_flag,
        "validator_address": hex_upper(&sig.validator_address),
        "timestamp": rfc3339(timestamp),
        "signature": base64_or_null(&sig.signature),
    })
}

pub fn block(block: &Block) -> Value {
    let txs = block.data.iter().flat_map(|d| &d.txs).map(|tx| base64(tx)).collect::<Vec<_>>();
    let evidence = block.evidence.iter().flat_map(|e| &e.evidence).map(evidence_item).collect::<Vec<_>>();
    json!({
        "header": header(block.header.as_ref()),
        "data": {"txs": txs},
        "evidence": {"evidence": evidence},
        "last_commit": commit(block.last_commit.as_ref()),
    })
}

pub fn block_meta(stored: &StoredBlock) -> Value {
    let txs = stored.block.data.as_ref().map_or(0, |d| d.txs.len());
    json!({
        "block_id": block_id(Some(&stored.id)),
        "block_size": stored.size.to_string(),
        "header": header(stored.block.header.as_ref()),
        "num_txs": txs.to_string(),
    })
}

pub fn evidence_item(item: &Evidence) -> Value {
    match &item.sum {
        Some(evidence::Sum::DuplicateVoteEvidence(e)) => {
            json!({"type": "tendermint/DuplicateVoteEvidence", "value": duplicate_vote(e)})
        }
        Some(evidence::Sum::LightClientAttackEvidence(e)) => {
            json!({"type": "tendermint/LightClientAttackEvidence", "value": light_client_attack(e)})
        }
        None => Value::Null,
    }
}

fn duplicate_vote(e: &DuplicateVoteEvidence) -> Value {
    json!({
        "vote_a": e.vote_a.as_ref().map(vote),
        "vote_b": e.vote_b.as_ref().map(vote),
        "TotalVotingPower": e.total_voting_power.to_string(),
        "ValidatorPower": e.validator_power.to_string(),
        "Timestamp": rfc3339(e.timestamp.as_ref()),
    })
}

fn light_client_attack(e: &LightClientAttackEvidence) -> Value {
    json!({
        "ConflictingBlock": e.conflicting_block.as_ref().map(light_block),
        "CommonHeight": e.common_height.to_string(),
        "ByzantineValidators": e.byzantine_validators.iter().map(validator).collect::<Vec<_>>(),
        "TotalVotingPower": e.total_voting_power.to_string(),
        "Timestamp": rfc3339(e.timestamp.as_ref()),
    })
}

fn light_block(block: &LightBlock) -> Value {
    let signed = block.signed_header.clone().unwrap_or_default();
    let set = block.validator_set.clone().unwrap_or_default();
    json!({
        "signed_header": {"header": header(signed.header.as_ref()), "commit": commit(signed.commit.as_ref())},
        "validator_set": {
            "validators": set.validators.iter().map(validator).collect::<Vec<_>>(),
            "proposer": set.proposer.as_ref().map(validator),
        },
    })
}

fn vote(v: &Vote) -> Value {
    json!({
        "type": v.r#type,
        "height": v.height.to_string(),
        "round": v.round,
        "block_id": block_id(v.block_id.as_ref()),
        "timestamp": rfc3339(v.timestamp.as_ref()),
        "validator_address": hex_upper(&v.validator_address),
        "validator_index": v.validator_index,
        "signature": base64_or_null(&v.signature),
        "extension": base64_or_null(&v.extension),
        "extension_signature": base64_or_null(&v.extension_signature),
    })
}

pub fn public_key(key: Option<&PublicKey>) -> Value {
    match key.and_then(|k| k.sum.as_ref()) {
        Some(Sum::Ed25519(bytes)) => json!({"type": "tendermint/PubKeyEd25519", "value": base64(bytes)}),
        Some(Sum::Secp256k1(bytes)) => json!({"type": "tendermint/PubKeySecp256k1", "value": base64(bytes)}),
        None => Value::Null,
    }
}

pub fn validator(v: &Validator) -> Value {
    json!({
        "address": hex_upper(&v.address),
        "pub_key": public_key(v.pub_key.as_ref()),
        "voting_power": v.voting_power.to_string(),
        "proposer_priority": v.proposer_priority.to_string(),
    })
}

pub fn consensus_params(params: &ConsensusParams) -> Value {
    let block = params.block.unwrap_or_default();
    let evidence = params.evidence.unwrap_or_default();
    let age = evidence.max_age_duration.unwrap_or_default();
    let nanos = i128::from(age.seconds) * 1_000_000_000 + i128::from(age.nanos);
    let keys = params.validator.clone().map_or_else(Vec::new, |v| v.pub_key_types);
    json!({
        "block": {"max_bytes": block.max_bytes.to_string(), "max_gas": block.max_gas.to_string()},
        "evidence": {
            "max_age_num_blocks": evidence.max_age_num_blocks.to_string(),
            "max_age_duration": nanos.to_string(),
            "max_bytes": evidence.max_bytes.to_string(),
        },
        "validator": {"pub_key_types": keys},
        "version": {"app": params.version.unwrap_or_default().app.to_string()},
        "abci": {
            "vote_extensions_enable_height":
                params.abci.unwrap_or_default().vote_extensions_enable_height.to_string(),
        },
    })
}

pub fn node_info(info: &DefaultNodeInfo) -> Value {
    let protocol = info.protocol_version.unwrap_or_default();
    let other = info.other.clone().unwrap_or_default();
    json!({
        "protocol_version": {
            "p2p": protocol.p2p.to_string(),
            "block": protocol.block.to_string(),
            "app": protocol.app.to_string(),
        },
        "id": info.default_node_id,
        "listen_addr": info.listen_addr,
        "network": info.network,
        "version": info.version,
        "channels": hex_upper(&info.channels),
        "moniker": info.moniker,
        "other": {"tx_index": other.tx_index, "rpc_address": other.rpc_address},
    })
}
