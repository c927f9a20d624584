//! Starting from a snapshot of the state instead of from genesis. The operator names one header that he trusts; from it
//! the headers that prove the snapshot are verified as a light client verifies them, with at least two peers in
//! agreement. Chunks are kept on disk until the state is whole, so that a killed node goes on where it was. What headers
//! do not commit to, the order of proposers and the other parameters, is checked against the state itself.
//!
//! The peers' side is in `server`; gossip carries it. The asking side has a swarm of its own, before there is a chain.

mod chunks;
mod client;
mod facts;
pub mod light;
pub(crate) mod server;
pub(crate) mod wire;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use libp2p::{Multiaddr, PeerId};
use prost_types::Timestamp;
use ve_sdk::application::Application;

use self::client::Peers;
use self::light::{LightError, Signed};
use self::wire::{Ask, Told};
use crate::blockstore::BlockStore;
use crate::core::Halt;
use crate::genesis::Genesis;

/// Peers that must tell the same header (platform spec 3.4: at least two servers).
const WITNESSES: usize = 2;
/// Between two looks at the peers while something is missing.
const PAUSE: Duration = Duration::from_secs(1);
/// Headers asked for between a trusted one and the target before this node gives up.
const MAX_STEPS: usize = 256;

/// Where to start from.
#[derive(Clone, Debug)]
pub struct Trust {
    /// A height whose header the operator knows from a source that he trusts.
    pub height: u64,
    pub hash: [u8; 32],
    /// How old the header may be.
    pub period: Duration,
}

/// What a sync needs of the node.
pub struct Parts {
    pub app: Arc<dyn Application>,
    pub store: Arc<BlockStore>,
    pub genesis: Arc<Genesis>,
    /// Chunks lie here until the state is whole.
    pub directory: PathBuf,
    pub peers: Vec<Multiaddr>,
    /// Of the identity among the peers.
    pub seed: [u8; 32],
    pub trust: Trust,
}

struct Sync {
    parts: Parts,
    peers: Peers,
}

fn broken(cause: impl std::fmt::Display) -> Halt {
    Halt::Broken(format!("state sync: {cause}"))
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp { seconds: i64::try_from(since.as_secs()).unwrap_or(0), nanos: 0 }
}

/// Fills the empty application and block store of a node. May be cancelled or killed at any point and started again.
pub async fn run(parts: Parts) -> Result<(), Halt> {
    let peers = Peers::connect(&parts.genesis.chain_id, parts.seed, parts.peers.clone()).map_err(broken)?;
    let sync = Sync { parts, peers };
    sync.wait_for_peers().await;
    let trusted = sync.anchor().await?;
    let height = match sync.parts.app.info().last_height {
        // Killed between the last chunk and the end.
        reached if reached >= sync.parts.genesis.initial_height => {
            sync.prove(&trusted, reached).await?;
            reached
        }
        _ => sync.fetch_state(&trusted).await?,
    };
    sync.finish(&trusted, height).await?;
    if let Err(error) = std::fs::remove_dir_all(&sync.parts.directory) {
        tracing::debug!(%error, "the chunks of the snapshot are not removed");
    }
    tracing::info!(height, "the state is synced; blocks follow");
    Ok(())
}

impl Sync {
    async fn wait_for_peers(&self) {
        let mut waited = 0u32;
        while self.peers.connected().len() < WITNESSES {
            if waited.is_multiple_of(10) {
                let found = self.peers.connected().len();
                tracing::info!(found, needed = WITNESSES, "state sync waits for peers of p2p.tx_peers");
            }
            waited = waited.wrapping_add(1);
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The header that the operator trusts.
    async fn anchor(&self) -> Result<Signed, Halt> {
        let trust = &self.parts.trust;
        let mut asked = 0;
        loop {
            for peer in self.peers.connected() {
                let Some(found) = self.light(peer, trust.height).await else { continue };
                if found.hash != trust.hash {
                    return Err(broken(format!(
                        "the header of height {} has hash {}, not the trusted {}; check state_sync.trust_hash, and that \
                         the peers are of this chain",
                        trust.height,
                        hex::encode_upper(found.hash),
                        hex::encode_upper(trust.hash)
                    )));
                }
                found.is_fresh(now(), trust.period).map_err(|error| {
                    broken(format!("{error}; take a newer height and hash from a source that you trust"))
                })?;
                return Ok(found);
            }
            asked += 1;
            if asked >= MAX_STEPS {
                return Err(broken(format!("no peer has the header of height {}", trust.height)));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// A peer's light block, checked as far as it can be by itself. Whoever sends a false one is cut off.
    async fn light(&self, peer: PeerId, height: u64) -> Option<Signed> {
        let Some(Told::Light(block)) = self.peers.ask(peer, Ask::Light(height)).await else { return None };
        match Signed::parse(&block, &self.parts.genesis.chain_id, height) {
            Ok(signed) => Some(signed),
            Err(error) => {
                self.peers.ban(peer, &error.to_string()).await;
                None
            }
        }
    }

    /// The header of a later height, which follows from `trusted` over as few headers between as can be.
    async fn follow(&self, peer: PeerId, trusted: &Signed, height: u64) -> Result<Option<Signed>, LightError> {
        let mut from = trusted.clone();
        let mut targets = vec![height];
        for _ in 0..MAX_STEPS {
            let Some(target) = targets.last().copied() else { break };
            let Some(next) = self.light(peer, target).await else { return Ok(None) };
            match from.trusts(&next, now()) {
                Ok(()) => {
                    from = next;
                    targets.pop();
                }
                Err(LightError::TooFar) => targets.push(from.height() + (target - from.height()) / 2),
                Err(error) => return Err(error),
            }
        }
        Ok((from.height() == height).then_some(from))
    }

    /// The header of `height` as at least two peers have it.
    async fn agreed(&self, trusted: &Signed, height: u64) -> Result<Option<Signed>, Halt> {
        let mut found: Option<Signed> = None;
        let mut witnesses = 0;
        for peer in self.peers.connected() {
            let verified = if height == trusted.height() {
                Ok(self.light(peer, height).await.filter(|signed| signed.hash == trusted.hash))
            } else {
                self.follow(peer, trusted, height).await
            };
            match (verified, &found) {
                (Err(error), _) => self.peers.ban(peer, &error.to_string()).await,
                (Ok(None), _) => {}
                (Ok(Some(signed)), Some(other)) if other.hash != signed.hash => {
                    return Err(broken(format!(
                        "two headers of height {height} follow from the trusted one: {} and {}. Validators signed both; \
                         do not go on, and tell the others",
                        hex::encode_upper(other.hash),
                        hex::encode_upper(signed.hash)
                    )));
                }
                (Ok(Some(signed)), _) => {
                    witnesses += 1;
                    found = Some(signed);
                }
            }
            if witnesses >= WITNESSES {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// As [`Sync::agreed`], waiting for a block that is not made yet.
    async fn await_agreed(&self, trusted: &Signed, height: u64) -> Result<Signed, Halt> {
        for _ in 0..MAX_STEPS {
            if let Some(found) = self.agreed(trusted, height).await? {
                return Ok(found);
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(broken(format!("fewer than {WITNESSES} peers have the header of height {height}")))
    }

    /// The header after `height`, which proves the state that the application has.
    async fn prove(&self, trusted: &Signed, height: u64) -> Result<Signed, Halt> {
        if height < trusted.height() {
            return Err(broken(format!(
                "the state is of height {height}, before the trusted height {}; trust an earlier one, or remove \
                 data/state",
                trusted.height()
            )));
        }
        let after = self.await_agreed(trusted, height + 1).await?;
        let info = self.parts.app.info();
        if info.last_height == height && info.last_app_hash != after.header.app_hash {
            return Err(broken("the application's state is not the one that the chain agreed on"));
        }
        Ok(after)
    }
}
