//! `cosmos.base.tendermint.v1beta1.Service`: blocks, validator sets and the node's identity.

use bytes::Bytes;
use prost::Message;
use ve_base::{Address, CONSENSUS_PREFIX};
use ve_proto::{
    Any,
    any::pack,
    cosmos::{
        base::tendermint::v1beta1 as api,
        crypto::{ed25519, secp256k1},
    },
    tendermint::{
        crypto::{PublicKey, public_key::Sum},
        types,
    },
};

use super::{Services, decode, paging, required, unknown_method};
use crate::rpc::{backend::StoredBlock, status::Status};

/// Versions whose interfaces this node serves. Relayers refuse a node that does not name them.
const COMPATIBLE: &[(&str, &str)] = &[
    ("github.com/cometbft/cometbft", "v0.38.17"),
    ("github.com/cosmos/cosmos-sdk", SDK_VERSION),
    ("github.com/cosmos/ibc-go/v10", "v10.1.1"),
];
const SDK_VERSION: &str = "v0.50.13";

pub async fn call(services: &Services, method: &str, request: &[u8]) -> Result<Vec<u8>, Status> {
    match method {
        "GetNodeInfo" => Ok(node_info(services).encode_to_vec()),
        "GetSyncing" => {
            let syncing = services.backend.view.catching_up();
            Ok(api::GetSyncingResponse { syncing }.encode_to_vec())
        }
        "GetLatestBlock" => {
            let stored = block(services, services.backend.view.latest_height())?;
            let (block_id, block, sdk_block) = parts(stored)?;
            Ok(api::GetLatestBlockResponse { block_id, block, sdk_block }.encode_to_vec())
        }
        "GetBlockByHeight" => {
            let asked = decode::<api::GetBlockByHeightRequest>(request)?.height;
            let (block_id, block, sdk_block) = parts(block(services, checked(services, asked)?)?)?;
            Ok(api::GetBlockByHeightResponse { block_id, block, sdk_block }.encode_to_vec())
        }
        "GetLatestValidatorSet" => {
            let request = decode::<api::GetLatestValidatorSetRequest>(request)?;
            let height = services.backend.view.latest_height();
            let (validators, pagination) = paging::page(&validators(services, height)?, request.pagination.as_ref())?;
            let (block_height, pagination) = (height as i64, Some(pagination));
            Ok(api::GetLatestValidatorSetResponse { block_height, validators, pagination }.encode_to_vec())
        }
        "GetValidatorSetByHeight" => {
            let request = decode::<api::GetValidatorSetByHeightRequest>(request)?;
            let height = checked(services, request.height)?;
            let (validators, pagination) = paging::page(&validators(services, height)?, request.pagination.as_ref())?;
            let (block_height, pagination) = (height as i64, Some(pagination));
            Ok(api::GetValidatorSetByHeightResponse { block_height, validators, pagination }.encode_to_vec())
        }
        "ABCIQuery" => abci_query(services, decode(request)?).await,
        _ => Err(unknown_method("cosmos.base.tendermint.v1beta1.Service", method)),
    }
}

fn checked(services: &Services, asked: i64) -> Result<u64, Status> {
    let latest = services.backend.view.latest_height();
    match u64::try_from(asked) {
        Ok(height) if (1..=latest).contains(&height) => Ok(height),
        _ => Err(Status::invalid(format!("requested block height {asked} is not in 1..={latest}"))),
    }
}

fn block(services: &Services, height: u64) -> Result<StoredBlock, Status> {
    required(services.backend.view.block(height), || format!("block {height} is not available"))
}

type Parts = (Option<types::BlockId>, Option<types::Block>, Option<api::Block>);

fn parts(stored: StoredBlock) -> Result<Parts, Status> {
    let sdk = sdk_block(&stored.block)?;
    Ok((Some(stored.id), Some(stored.block), Some(sdk)))
}

/// The block with its proposer as a bech32 consensus address.
fn sdk_block(block: &types::Block) -> Result<api::Block, Status> {
    let header = block.header.clone().unwrap_or_default();
    Ok(api::Block {
        header: Some(api::Header {
            version: header.version,
            chain_id: header.chain_id,
            height: header.height,
            time: header.time,
            last_block_id: header.last_block_id,
            last_commit_hash: header.last_commit_hash,
            data_hash: header.data_hash,
            validators_hash: header.validators_hash,
            next_validators_hash: header.next_validators_hash,
            consensus_hash: header.consensus_hash,
            app_hash: header.app_hash,
            last_results_hash: header.last_results_hash,
            evidence_hash: header.evidence_hash,
            proposer_address: consensus_address(&header.proposer_address)?,
        }),
        data: block.data.clone(),
        evidence: block.evidence.clone(),
        last_commit: block.last_commit.clone(),
    })
}

fn consensus_address(bytes: &[u8]) -> Result<String, Status> {
    let address = Address::try_from(bytes).map_err(|e| Status::internal(format!("stored address: {e}")))?;
    Ok(address.to_bech32(CONSENSUS_PREFIX))
}

fn validators(services: &Services, height: u64) -> Result<Vec<api::Validator>, Status> {
    let missing = || format!("validator set of height {height} is not available");
    required(services.backend.view.validators(height), missing)?.iter().map(validator).collect()
}

fn validator(validator: &types::Validator) -> Result<api::Validator, Status> {
    Ok(api::Validator {
        address: consensus_address(&validator.address)?,
        pub_key: validator.pub_key.as_ref().and_then(key),
        voting_power: validator.voting_power,
        proposer_priority: validator.proposer_priority,
    })
}

fn key(key: &PublicKey) -> Option<Any> {
    match key.sum.clone()? {
        Sum::Ed25519(key) => Some(pack(&ed25519::PubKey { key })),
        Sum::Secp256k1(key) => Some(pack(&secp256k1::PubKey { key })),
    }
}

fn node_info(services: &Services) -> api::GetNodeInfoResponse {
    let info = services.backend.view.app().info();
    let build_deps = COMPATIBLE
        .iter()
        .map(|(path, version)| api::Module { path: (*path).into(), version: (*version).into(), sum: String::new() })
        .collect();
    api::GetNodeInfoResponse {
        default_node_info: Some(services.backend.view.node_info()),
        application_version: Some(api::VersionInfo {
            app_name: info.name.clone(),
            name: info.name,
            version: info.version,
            build_deps,
            cosmos_sdk_version: SDK_VERSION.into(),
            ..Default::default()
        }),
    }
}

async fn abci_query(services: &Services, request: api::AbciQueryRequest) -> Result<Vec<u8>, Status> {
    // The service may not be reached through itself: that would recurse without end.
    let path = request.path;
    if path.trim_start_matches('/').starts_with("cosmos.base.tendermint.v1beta1.Service/") {
        return Err(Status::invalid(format!("{path} cannot be asked through ABCIQuery; call it directly")));
    }
    let height = u64::try_from(request.height).map_err(|_| Status::invalid("height cannot be negative"))?;
    let result = Box::pin(services.abci_query(&path, Bytes::from(request.data), height, request.prove)).await?;
    let ops: Vec<api::ProofOp> =
        result.proof_ops.into_iter().map(|(r#type, key, data)| api::ProofOp { r#type, key, data }).collect();
    let response = api::AbciQueryResponse {
        code: result.code,
        log: result.log,
        info: String::new(),
        index: 0,
        key: result.key.to_vec(),
        value: result.value.to_vec(),
        proof_ops: if ops.is_empty() { None } else { Some(api::ProofOps { ops }) },
        height: result.height as i64,
        codespace: result.codespace,
    };
    Ok(response.encode_to_vec())
}
