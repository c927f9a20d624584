//! From the mempool into a block.

use std::time::{Duration, Instant};

use crate::error::ClientError;
use crate::rpc::{RpcClient, TxResult};

use super::{Committed, sha2_hash};

const POLL: Duration = Duration::from_millis(200);
/// A transaction that no block took is sent again after this long.
const RESEND: Duration = Duration::from_secs(4);

/// Hands bytes to the mempool; an error when their check fails.
pub(super) async fn hand_over(rpc: &RpcClient, raw: &[u8]) -> Result<[u8; 32], ClientError> {
    let hash = sha2_hash(raw);
    let checked = rpc.broadcast_sync(raw).await?;
    // 19: the node has these very bytes already, a retry of ours after a lost answer.
    if checked.code == 0 || checked.codespace == "sdk" && checked.code == 19 {
        return Ok(hash);
    }
    Err(rejected(checked, &hash))
}

fn rejected(result: TxResult, hash: &[u8; 32]) -> ClientError {
    let TxResult { codespace, code, log, .. } = result;
    ClientError::Rejected { codespace, code, log, hash: hex::encode_upper(hash) }
}

/// Sends a signed transaction and waits until it is executed in a block.
pub async fn broadcast(rpc: &RpcClient, raw: &[u8], timeout: Duration) -> Result<Committed, ClientError> {
    let hash = hand_over(rpc, raw).await?;
    wait(rpc, &hash, Some(raw), timeout).await
}

/// A node that crashes forgets what waited in its mempool, so the same bytes are sent again from time to time. Their
/// sequence keeps them from being executed twice.
pub(super) async fn wait(
    rpc: &RpcClient,
    hash: &[u8; 32],
    raw: Option<&[u8]>,
    timeout: Duration,
) -> Result<Committed, ClientError> {
    let started = Instant::now();
    let mut sent = started;
    while started.elapsed() < timeout {
        if let Some(raw) = raw.filter(|_| sent.elapsed() >= RESEND) {
            sent = Instant::now();
            if let Err(error) = rpc.broadcast_sync(raw).await {
                tracing::debug!(%error, "sending a transaction again");
            }
        }
        match rpc.tx(hash).await {
            Ok(Some(info)) if info.result.code == 0 => {
                return Ok(Committed { hash: hex::encode_upper(hash), height: info.height, result: info.result });
            }
            Ok(Some(info)) => return Err(rejected(info.result, hash)),
            Ok(None) => {}
            Err(error) if error.is_transient() => tracing::debug!(%error, "asking for a transaction again"),
            Err(error) => return Err(error),
        }
        tokio::time::sleep(POLL).await;
    }
    Err(ClientError::Timeout { hash: hex::encode_upper(hash), seconds: timeout.as_secs() })
}
