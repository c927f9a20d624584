//! The application's answers as the protobuf messages that blocks, indexes and clients have them in.

use ve_proto::tendermint::abci::{
    Event as ProtoEvent, EventAttribute, ExecTxResult, ResponseFinalizeBlock, ValidatorUpdate as ProtoUpdate,
};
use ve_proto::tendermint::types::{
    AbciParams, BlockParams, ConsensusParams, EvidenceParams, ValidatorParams, VersionParams,
};
use ve_sdk::application::{self, Event, FinalizeBlockResponse, TxResult};

use super::validators::public_key;

pub fn params(params: &application::ConsensusParams) -> ConsensusParams {
    ConsensusParams {
        block: Some(BlockParams { max_bytes: params.block_max_bytes, max_gas: params.block_max_gas }),
        evidence: Some(EvidenceParams {
            max_age_num_blocks: params.evidence_max_age_blocks,
            max_age_duration: Some(prost_types::Duration { seconds: params.evidence_max_age_secs, nanos: 0 }),
            max_bytes: params.evidence_max_bytes,
        }),
        validator: Some(ValidatorParams { pub_key_types: vec!["ed25519".into()] }),
        version: Some(VersionParams { app: params.app_version }),
        abci: Some(AbciParams { vote_extensions_enable_height: params.vote_extensions_enable_height }),
    }
}

pub fn event(event: Event) -> ProtoEvent {
    let attribute = |(key, value): (String, String)| EventAttribute { key, value, index: true };
    ProtoEvent { r#type: event.kind, attributes: event.attributes.into_iter().map(attribute).collect() }
}

pub fn tx_result(result: TxResult) -> ExecTxResult {
    ExecTxResult {
        code: result.code,
        data: result.data,
        log: result.log,
        info: String::new(),
        gas_wanted: result.gas_wanted,
        gas_used: result.gas_used,
        events: result.events.into_iter().map(event).collect(),
        codespace: result.codespace,
    }
}

pub fn block_results(response: FinalizeBlockResponse) -> ResponseFinalizeBlock {
    ResponseFinalizeBlock {
        events: response.events.into_iter().map(event).collect(),
        tx_results: response.tx_results.into_iter().map(tx_result).collect(),
        validator_updates: response
            .validator_updates
            .iter()
            .map(|update| ProtoUpdate { pub_key: Some(public_key(&update.pub_key)), power: update.power as i64 })
            .collect(),
        consensus_param_updates: response.consensus_params.as_ref().map(params),
        app_hash: response.app_hash,
    }
}
