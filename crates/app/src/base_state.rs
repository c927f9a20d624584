//! What the application itself keeps in state: the chain id, the last block, consensus parameters. Also the transient
//! area: block-scoped keys that live in the overlay like any other, so that they roll back with their transaction, and
//! that are dropped before a commit.

use prost::Message;
use ve_base::{BlockTime, CodedError, errors};
use ve_proto::ve::app::v1::ChainInfo;
use ve_sdk::application::ConsensusParams;
use ve_sdk::context::BlockInfo;
use ve_store::{KvError, Read, Write};

/// Length-prefixed like every typed key; no module is named `app`.
const CHAIN_INFO: &[u8] = b"\x03app\x01";

/// The last committed block, as state remembers it. `None` before genesis.
pub fn load<R: Read + ?Sized>(state: &R) -> Result<Option<BlockInfo>, KvError> {
    let Some(bytes) = state.get(CHAIN_INFO)? else { return Ok(None) };
    let info = ChainInfo::decode(bytes.as_slice())
        .map_err(|cause| KvError::Corrupt { key: "app/chain_info".into(), reason: cause.to_string() })?;
    Ok(Some(BlockInfo {
        chain_id: info.chain_id,
        height: info.height,
        time: BlockTime { seconds: info.time_seconds, nanos: info.time_nanos },
        consensus_params: ConsensusParams {
            block_max_bytes: info.block_max_bytes,
            block_max_gas: info.block_max_gas,
            evidence_max_age_blocks: info.evidence_max_age_blocks,
            evidence_max_age_secs: info.evidence_max_age_seconds,
            evidence_max_bytes: info.evidence_max_bytes,
            vote_extensions_enable_height: info.vote_extensions_enable_height,
            app_version: info.app_version,
        },
        proposer_order: info.proposer_order.as_slice().try_into().unwrap_or_default(),
        ..BlockInfo::default()
    }))
}

pub fn save<W: Write + ?Sized>(state: &mut W, block: &BlockInfo) -> Result<(), KvError> {
    let params = &block.consensus_params;
    let info = ChainInfo {
        chain_id: block.chain_id.clone(),
        height: block.height,
        time_seconds: block.time.seconds,
        time_nanos: block.time.nanos,
        block_max_bytes: params.block_max_bytes,
        block_max_gas: params.block_max_gas,
        evidence_max_age_blocks: params.evidence_max_age_blocks,
        evidence_max_age_seconds: params.evidence_max_age_secs,
        evidence_max_bytes: params.evidence_max_bytes,
        vote_extensions_enable_height: params.vote_extensions_enable_height,
        app_version: params.app_version,
        proposer_order: if block.proposer_order == [0; 32] { Vec::new() } else { block.proposer_order.to_vec() },
    };
    state.set(CHAIN_INFO, info.encode_to_vec())
}

pub fn not_ready() -> CodedError {
    errors::sdk::Error::InvalidRequest("the chain has no state yet; wait for the first block".into()).into()
}
