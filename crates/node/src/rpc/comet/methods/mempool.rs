//! Sending transactions and evidence, and looking at what waits.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::broadcast;
use ve_sdk::application::{CheckKind, TxResult};

use crate::evidence::EvidenceError;
use crate::rpc::{
    backend::{CommittedBlock, SubmitError},
    comet::{
        Comet,
        envelope::RpcError,
        evidence,
        json::{base64, hex_upper},
        params::Params,
        results,
    },
};

/// How long `broadcast_tx_commit` waits for a block.
pub const COMMIT_TIMEOUT: Duration = Duration::from_secs(10);
/// Transactions in one `unconfirmed_txs` answer.
const MAX_SHOWN: i64 = 100;

fn transaction(params: &Params) -> Result<Bytes, RpcError> {
    let tx = params.base64("tx")?;
    if tx.is_empty() {
        // Relayers look for this text.
        return Err(RpcError::InvalidParams("invalid empty tx".into()));
    }
    Ok(tx.into())
}

fn sent(hash: &[u8], result: &TxResult) -> Value {
    json!({
        "code": result.code,
        "data": hex_upper(&result.data),
        "log": result.log,
        "codespace": result.codespace,
        "hash": hex_upper(hash),
    })
}

fn refused(error: SubmitError) -> RpcError {
    RpcError::Internal(error.to_string())
}

/// Answers before the check; its outcome shows only in `tx`.
pub fn broadcast_async(comet: &Comet, params: &Params) -> Result<Value, RpcError> {
    let tx = transaction(params)?;
    let hash = Sha256::digest(&tx);
    let view = comet.backend.view.clone();
    tokio::spawn(async move {
        if let Err(error) = view.submit_tx(tx).await {
            tracing::debug!(%error, "asynchronous broadcast refused");
        }
    });
    Ok(sent(&hash, &TxResult::default()))
}

pub async fn broadcast_sync(comet: &Comet, params: &Params) -> Result<Value, RpcError> {
    let tx = transaction(params)?;
    let hash = Sha256::digest(&tx);
    let checked = comet.backend.view.submit_tx(tx).await.map_err(refused)?;
    Ok(sent(&hash, &checked.result))
}

/// [`broadcast_sync`] of each, in order, in one go.
pub async fn broadcast_sync_all(comet: &Comet, all: Vec<Result<Params, RpcError>>) -> Vec<Result<Value, RpcError>> {
    let txs: Vec<_> = all.into_iter().map(|params| transaction(&params?)).collect();
    let good = txs.iter().filter_map(|tx| tx.as_ref().ok().cloned()).collect();
    let mut submitted = comet.backend.view.submit_txs(good).await.into_iter();
    let answer = |tx: Result<Bytes, RpcError>| {
        let hash = Sha256::digest(&tx?);
        let checked = submitted.next().unwrap_or_else(|| Err(SubmitError::Unavailable("no answer".into())));
        Ok(sent(&hash, &checked.map_err(refused)?.result))
    };
    txs.into_iter().map(answer).collect()
}

pub async fn broadcast_commit(comet: &Comet, params: &Params) -> Result<Value, RpcError> {
    let tx = transaction(params)?;
    let hash: [u8; 32] = Sha256::digest(&tx).into();
    // Before submitting, or the block could pass unseen.
    let mut blocks = comet.backend.view.subscribe();
    let checked = comet.backend.view.submit_tx(tx.clone()).await.map_err(refused)?;
    let check_tx = results::check_result(&checked.result);
    if checked.result.code != 0 {
        let none = results::check_result(&TxResult::default());
        return Ok(json!({"check_tx": check_tx, "tx_result": none, "hash": hex_upper(&hash), "height": "0"}));
    }
    let waited = tokio::time::timeout(COMMIT_TIMEOUT, inclusion(&mut blocks, &tx)).await;
    match waited {
        Ok(Some((height, tx_result))) => Ok(json!({
            "check_tx": check_tx,
            "tx_result": tx_result,
            "hash": hex_upper(&hash),
            "height": height.to_string(),
        })),
        Ok(None) => Err(RpcError::Internal("the node is stopping; look for the tx by its hash later".into())),
        Err(_) => Err(RpcError::Internal("timed out waiting for tx to be included in a block".into())),
    }
}

async fn inclusion(blocks: &mut broadcast::Receiver<Arc<CommittedBlock>>, tx: &Bytes) -> Option<(u64, Value)> {
    loop {
        let block = match blocks.recv().await {
            Ok(block) => block,
            Err(broadcast::error::RecvError::Lagged(_)) => continue,
            Err(broadcast::error::RecvError::Closed) => return None,
        };
        let txs = block.stored.block.data.as_ref().map_or(&[][..], |d| &d.txs);
        let position = txs.iter().position(|candidate| candidate == tx);
        if let Some(result) = position.and_then(|i| block.results.tx_results.get(i)) {
            return Some((block.height(), results::tx_result(result)));
        }
    }
}

/// Runs the check without keeping the transaction.
pub fn check_tx(comet: &Comet, params: &Params) -> Result<Value, RpcError> {
    let checked = comet.backend.view.app().check_tx(&transaction(params)?, CheckKind::New);
    Ok(results::check_result(&checked.result))
}

pub fn unconfirmed(comet: &Comet, params: &Params) -> Result<Value, RpcError> {
    let limit = match params.int("limit")? {
        None => 30,
        Some(n) if n < 1 => 30,
        Some(n) => n.min(MAX_SHOWN),
    };
    let waiting = comet.backend.view.mempool(usize::try_from(limit).unwrap_or(0));
    Ok(json!({
        "n_txs": waiting.txs.len().to_string(),
        "total": waiting.total.to_string(),
        "total_bytes": waiting.total_bytes.to_string(),
        "txs": waiting.txs.iter().map(|tx| base64(tx)).collect::<Vec<_>>(),
    }))
}

pub fn unconfirmed_count(comet: &Comet) -> Value {
    let waiting = comet.backend.view.mempool(0);
    json!({
        "n_txs": waiting.total.to_string(),
        "total": waiting.total.to_string(),
        "total_bytes": waiting.total_bytes.to_string(),
        "txs": null,
    })
}

/// Refusals name the code of [`EvidenceError`].
pub fn broadcast_evidence(comet: &Comet, params: &Params) -> Result<Value, RpcError> {
    let (evidence, hash) = evidence::parse(&params.json("evidence")?)?;
    let refused =
        |error: EvidenceError| RpcError::Internal(format!("evidence refused, code {}: {error}", error.code()));
    comet.backend.view.submit_evidence(&evidence).map_err(refused)?;
    Ok(json!({"hash": hex_upper(&hash)}))
}
