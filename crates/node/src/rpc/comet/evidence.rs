//! Evidence as relayers and operators submit it in JSON.

use std::str::FromStr;

use base64::{Engine, engine::general_purpose::STANDARD};
use prost::Message;
use prost_types::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};
use ve_proto::tendermint::types::{BlockId, DuplicateVoteEvidence, Evidence, PartSetHeader, Vote, evidence::Sum};

use super::envelope::RpcError;

/// Only a pair of conflicting votes can be submitted; the hash is SHA-256 of its protobuf encoding.
pub fn parse(value: &Value) -> Result<(Evidence, Vec<u8>), RpcError> {
    if value["type"] != "tendermint/DuplicateVoteEvidence" {
        return Err(RpcError::InvalidParams("evidence.type is tendermint/DuplicateVoteEvidence".into()));
    }
    let value = &value["value"];
    let duplicate = DuplicateVoteEvidence {
        vote_a: Some(vote(&value["vote_a"])?),
        vote_b: Some(vote(&value["vote_b"])?),
        total_voting_power: int(&value["TotalVotingPower"], "TotalVotingPower")?,
        validator_power: int(&value["ValidatorPower"], "ValidatorPower")?,
        timestamp: Some(time(&value["Timestamp"], "Timestamp")?),
    };
    let hash = Sha256::digest(duplicate.encode_to_vec()).to_vec();
    Ok((Evidence { sum: Some(Sum::DuplicateVoteEvidence(duplicate)) }, hash))
}

fn vote(value: &Value) -> Result<Vote, RpcError> {
    let id = &value["block_id"];
    let parts = PartSetHeader {
        total: u32::try_from(int(&id["parts"]["total"], "parts.total")?).map_err(|_| wrong("parts.total"))?,
        hash: hex_bytes(&id["parts"]["hash"], "parts.hash")?,
    };
    let small =
        |name: &str| -> Result<i32, RpcError> { i32::try_from(int(&value[name], name)?).map_err(|_| wrong(name)) };
    Ok(Vote {
        r#type: small("type")?,
        height: int(&value["height"], "height")?,
        round: small("round")?,
        block_id: Some(BlockId { hash: hex_bytes(&id["hash"], "block_id.hash")?, part_set_header: Some(parts) }),
        timestamp: Some(time(&value["timestamp"], "timestamp")?),
        validator_address: hex_bytes(&value["validator_address"], "validator_address")?,
        validator_index: small("validator_index")?,
        signature: base64_bytes(&value["signature"], "signature")?,
        extension: base64_bytes(&value["extension"], "extension")?,
        extension_signature: base64_bytes(&value["extension_signature"], "extension_signature")?,
    })
}

fn wrong(name: &str) -> RpcError {
    RpcError::InvalidParams(format!("evidence field {name} is missing or malformed"))
}

fn int(value: &Value, name: &str) -> Result<i64, RpcError> {
    match value {
        Value::Number(number) => number.as_i64().ok_or_else(|| wrong(name)),
        Value::String(text) => text.parse().map_err(|_| wrong(name)),
        _ => Err(wrong(name)),
    }
}

fn time(value: &Value, name: &str) -> Result<Timestamp, RpcError> {
    value.as_str().and_then(|t| Timestamp::from_str(t).ok()).ok_or_else(|| wrong(name))
}

fn hex_bytes(value: &Value, name: &str) -> Result<Vec<u8>, RpcError> {
    value.as_str().and_then(|t| hex::decode(t).ok()).ok_or_else(|| wrong(name))
}

/// Null is empty, as Go prints it.
fn base64_bytes(value: &Value, name: &str) -> Result<Vec<u8>, RpcError> {
    match value {
        Value::Null => Ok(Vec::new()),
        Value::String(text) => STANDARD.decode(text).map_err(|_| wrong(name)),
        _ => Err(wrong(name)),
    }
}
