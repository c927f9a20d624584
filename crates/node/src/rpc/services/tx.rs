//! `cosmos.tx.v1beta1.Service`: simulate, send, find and recode transactions.

use bytes::Bytes;
use prost::Message;
use ve_proto::cosmos::{
    base::abci::v1beta1::{GasInfo, Result as SimulationResult, TxMsgData},
    tx::v1beta1::{
        BroadcastMode, BroadcastTxRequest, BroadcastTxResponse, SimulateRequest, SimulateResponse, TxDecodeRequest,
        TxDecodeResponse, TxEncodeRequest, TxEncodeResponse,
    },
};
use ve_sdk::application::TxResult;

use super::{
    blocking, decode, search,
    tx_response::{checked, encode_tx, parse_tx},
    unknown_method,
};
use crate::comet::abci;
use crate::rpc::{
    Backend,
    backend::SubmitError,
    status::{Code, Status},
};

pub async fn call(backend: &Backend, method: &str, request: &[u8]) -> Result<Vec<u8>, Status> {
    match method {
        "Simulate" => Ok(simulate(backend, decode(request)?).await?.encode_to_vec()),
        "GetTx" => Ok(search::get_tx(backend, &decode(request)?)?.encode_to_vec()),
        "BroadcastTx" => Ok(broadcast(backend, decode(request)?).await?.encode_to_vec()),
        "GetTxsEvent" => {
            let (backend, request) = (backend.clone(), decode(request)?);
            Ok(blocking(move || search::get_txs_event(&backend, request)).await??.encode_to_vec())
        }
        "GetBlockWithTxs" => Ok(search::get_block_with_txs(backend, &decode(request)?)?.encode_to_vec()),
        "TxDecode" => {
            let request: TxDecodeRequest = decode(request)?;
            Ok(TxDecodeResponse { tx: Some(parse_tx(&request.tx_bytes)?) }.encode_to_vec())
        }
        "TxEncode" => {
            let request: TxEncodeRequest = decode(request)?;
            let tx = request.tx.ok_or_else(|| Status::invalid("invalid empty tx"))?;
            Ok(TxEncodeResponse { tx_bytes: encode_tx(&tx) }.encode_to_vec())
        }
        _ => Err(unknown_method("cosmos.tx.v1beta1.Service", method)),
    }
}

#[allow(deprecated)]
async fn simulate(backend: &Backend, request: SimulateRequest) -> Result<SimulateResponse, Status> {
    let raw = match request.tx {
        Some(tx) => encode_tx(&tx),
        None => request.tx_bytes,
    };
    if raw.is_empty() {
        return Err(Status::invalid("empty txBytes is not allowed"));
    }
    let (app, raw) = (backend.view.app().clone(), Bytes::from(raw));
    let result = blocking(move || app.simulate(&raw)).await?;
    if result.code != 0 {
        return Err(Status::from_tx(&result));
    }
    let msg_responses =
        TxMsgData::decode(result.data.clone()).map_err(|e| Status::internal(e.to_string()))?.msg_responses;
    Ok(SimulateResponse {
        gas_info: Some(GasInfo { gas_wanted: gas(result.gas_wanted), gas_used: gas(result.gas_used) }),
        result: Some(SimulationResult {
            data: result.data.to_vec(),
            log: result.log,
            events: result.events.iter().cloned().map(abci::event).collect(),
            msg_responses,
        }),
    })
}

fn gas(amount: i64) -> u64 {
    amount.max(0) as u64
}

async fn broadcast(backend: &Backend, request: BroadcastTxRequest) -> Result<BroadcastTxResponse, Status> {
    if request.tx_bytes.is_empty() {
        return Err(Status::invalid("invalid empty tx"));
    }
    let raw = Bytes::from(request.tx_bytes);
    let result = match BroadcastMode::try_from(request.mode) {
        Ok(BroadcastMode::Sync) => submitted(backend.view.submit_tx(raw.clone()).await)?,
        Ok(BroadcastMode::Async) => {
            let (view, tx) = (backend.view.clone(), raw.clone());
            tokio::spawn(async move {
                if let Err(error) = view.submit_tx(tx).await {
                    tracing::debug!(%error, "asynchronous broadcast refused");
                }
            });
            TxResult::default()
        }
        _ => {
            return Err(Status::invalid(
                "unsupported broadcast mode; use BROADCAST_MODE_SYNC or BROADCAST_MODE_ASYNC and look the tx up",
            ));
        }
    };
    Ok(BroadcastTxResponse { tx_response: Some(checked(&raw, &result)) })
}

/// Refusals by the mempool have codes of their own, so they are answers, not failures of the call.
fn submitted(outcome: Result<ve_sdk::application::CheckTxResult, SubmitError>) -> Result<TxResult, Status> {
    let code = match &outcome {
        Ok(checked) => return Ok(checked.result.clone()),
        Err(SubmitError::AlreadyKnown) => 19,
        Err(SubmitError::Full { .. }) => 20,
        Err(SubmitError::TooLarge { .. }) => 21,
        Err(error @ SubmitError::Unavailable(_)) => return Err(Status::new(Code::Unavailable, error.to_string())),
    };
    let log = outcome.err().map(|e| e.to_string()).unwrap_or_default();
    Ok(TxResult { code, codespace: "sdk".into(), log, ..TxResult::default() })
}
