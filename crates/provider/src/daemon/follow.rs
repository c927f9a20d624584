//! Following the chain from a durable checkpoint, and the pass over orders and leases that its events wake.

use std::time::Duration;

use tokio::time::Instant;
use ve_client::events::Item;
use ve_client::{ClientError, Cursor, EventStream};
use ve_proto::ve::provider::v1::ProviderState;

use super::{Daemon, DaemonError, now};
use crate::bids::BidEngine;
use crate::db::Records;

const CURSOR: Records<String> = Records::new("cursor");
const RETRY: Duration = Duration::from_secs(2);
/// Blocks without anything for us are replayed after a restart rather than each written to disk.
const CHECKPOINT: Duration = Duration::from_secs(10);

impl Daemon {
    /// Follows the chain from the stored cursor. The cursor moves past a block only after its effects are durable.
    pub(super) async fn follow_chain(&self) -> Result<(), DaemonError> {
        let mut bids = BidEngine::default();
        let cursor = match self.db.get(&CURSOR, "chain")?.and_then(|text| text.parse::<Cursor>().ok()) {
            Some(cursor) => cursor,
            None => Cursor::after(self.current_height().await),
        };
        let mut stream = EventStream::from(self.chain.rpc().clone(), &self.config.chain_id, cursor);
        self.settled_pass(&mut bids).await;
        let (mut relevant, mut saved) = (false, Instant::now());
        loop {
            let item = tokio::select! {
                item = stream.next() => item,
                () = self.pass_wanted.notified() => {
                    self.settled_pass(&mut bids).await;
                    continue;
                }
            };
            match item {
                Ok(Item::Event(event)) => relevant |= concerns_us(&event.event.kind),
                Ok(Item::EndOfBlock { height }) => {
                    if relevant {
                        self.settled_pass(&mut bids).await;
                    }
                    if relevant || saved.elapsed() >= CHECKPOINT {
                        self.db.put(&CURSOR, "chain", &Cursor::after(height).to_string())?;
                        saved = Instant::now();
                    }
                    relevant = false;
                    self.counters.heard(height, stream.tip(), now());
                }
                Err(ClientError::Pruned { earliest, .. }) => {
                    // What was missed is found by comparing states.
                    stream =
                        EventStream::from(self.chain.rpc().clone(), &self.config.chain_id, Cursor::before(earliest));
                    self.settled_pass(&mut bids).await;
                }
                Err(error) if error.is_transient() => {
                    tracing::warn!(%error, "the chain does not answer");
                    tokio::time::sleep(RETRY).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn current_height(&self) -> u64 {
        loop {
            match self.chain.rpc().status().await {
                Ok(status) => return status.latest_height,
                Err(error) => {
                    tracing::warn!(%error, "waiting for a node");
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }

    /// Repeats the pass until it went through: the cursor must not move past a block whose effects are missing.
    async fn settled_pass(&self, bids: &mut BidEngine) {
        while let Err(error) = self.pass(bids).await {
            self.counters.pass_errors.add(1);
            tracing::warn!(%error, "pass over orders and leases failed; trying again");
            tokio::time::sleep(RETRY).await;
        }
    }

    pub(crate) async fn pass(&self, bids: &mut BidEngine) -> Result<(), DaemonError> {
        self.reconcile().await?;
        self.expire_manifests().await?;
        if self.may_bid().await? {
            bids.pass(self).await?;
        }
        self.counters.passes.add(1);
        Ok(())
    }

    async fn may_bid(&self) -> Result<bool, DaemonError> {
        let provider = self.chain.provider().await?;
        Ok(provider.is_some_and(|provider| provider.state == ProviderState::Active as i32))
    }
}

/// Events after which orders or leases may have changed.
fn concerns_us(kind: &str) -> bool {
    ["order_", "bid_", "lease_", "deployment_", "group_", "escrow_", "provider_", "lifecycle_", "resource_"]
        .iter()
        .any(|prefix| kind.starts_with(prefix))
}
