//! Finding a snapshot and fetching its chunks: from several peers at once, onto the disk, into the application in order.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use libp2p::PeerId;
use ve_sdk::application::{ChunkVerdict, Fatal, MAX_CHUNK_BYTES, OfferVerdict, StateSnapshot};

use super::client::Peers;
use super::light::Signed;
use super::wire::{Ask, AskChunk, Offered, Told};
use super::{MAX_STEPS, PAUSE, Sync, broken};
use crate::core::Halt;

/// Chunks on their way at once: memory holds no more of them.
const PARALLEL: usize = 4;
/// Between two lines of progress.
const PROGRESS: Duration = Duration::from_secs(2);
/// After a peer said that too much was asked.
const BUSY_PAUSE: Duration = Duration::from_millis(300);
/// Snapshots of one peer that are looked at.
const MAX_OFFERS: usize = 8;
/// Times that this node looks for somebody who has a chunk.
const MAX_LOOKS: usize = 30;

/// A snapshot and who has it.
struct Found {
    snapshot: StateSnapshot,
    holders: Vec<PeerId>,
}

enum End {
    Whole,
    /// Chunks and list agree, and still it is not the chain's state.
    False(String),
    /// Nobody has the rest any more.
    Gone,
}

/// Chunks on disk, a file each.
struct Shelf(PathBuf);

impl Shelf {
    fn open(&self) -> std::io::Result<()> {
        std::fs::create_dir_all(&self.0)
    }

    fn path(&self, index: u32) -> PathBuf {
        self.0.join(format!("{index:06}"))
    }

    /// A file appears whole: what a kill left behind has another name.
    fn put(&self, index: u32, bytes: &[u8]) -> std::io::Result<()> {
        let temporary = self.0.join(format!("{index:06}.new"));
        std::fs::write(&temporary, bytes)?;
        std::fs::rename(temporary, self.path(index))
    }

    fn take(&self, index: u32) -> Option<Bytes> {
        std::fs::read(self.path(index)).ok().map(Bytes::from)
    }

    fn has(&self, index: u32) -> bool {
        self.path(index).exists()
    }

    fn drop(&self, index: u32) {
        let _ = std::fs::remove_file(self.path(index));
    }
}

fn disk(error: std::io::Error) -> Halt {
    broken(format!("cannot keep a chunk: {error}; free or repair the disk, then start again"))
}

impl Sync {
    /// Brings the newest provable snapshot into the application; its height.
    pub(super) async fn fetch_state(&self, trusted: &Signed) -> Result<u64, Halt> {
        let mut refused: BTreeSet<[u8; 32]> = BTreeSet::new();
        for attempt in 0..MAX_STEPS {
            if attempt > 0 {
                tokio::time::sleep(PAUSE).await;
            }
            let Some(found) = self.offered(trusted.height(), |snapshot| !refused.contains(&snapshot.hash)).await else {
                if attempt % 10 == 0 {
                    tracing::info!(trust_height = trusted.height(), "no peer has a snapshot after the trusted height");
                }
                continue;
            };
            let (height, hash) = (found.snapshot.height, found.snapshot.hash);
            // A peer may claim any height: what no other one has is left to time.
            let Some(after) = self.agreed(trusted, height + 1).await? else { continue };
            match self.restore(found, &after).await? {
                End::Whole => return Ok(height),
                End::Gone => tracing::warn!(height, "nobody has the rest of the snapshot now"),
                End::False(reason) => {
                    tracing::warn!(height, reason, "a snapshot is not used");
                    refused.insert(hash);
                }
            }
        }
        Err(broken("no snapshot could be restored; see the log above, and the trusted height"))
    }

    fn shelf(&self, snapshot: &StateSnapshot) -> Shelf {
        Shelf(self.parts.directory.join(hex::encode(snapshot.hash)))
    }

    /// The best snapshot that peers have: one that was begun, else the newest.
    async fn offered(&self, trust_height: u64, wanted: impl Fn(&StateSnapshot) -> bool) -> Option<Found> {
        let mut found: Vec<Found> = Vec::new();
        for peer in self.peers.connected() {
            let Some(Told::Snapshots(list)) = self.peers.ask(peer, Ask::Snapshots(true)).await else { continue };
            for snapshot in list.snapshots.into_iter().take(MAX_OFFERS).filter_map(Offered::parse) {
                if snapshot.height.saturating_add(1) < trust_height || !wanted(&snapshot) {
                    continue;
                }
                match found.iter_mut().find(|known| known.snapshot == snapshot) {
                    Some(known) => known.holders.push(peer),
                    None => found.push(Found { snapshot, holders: vec![peer] }),
                }
            }
        }
        let rank = |found: &Found| {
            let begun = self.shelf(&found.snapshot).0.exists();
            (begun, found.snapshot.height, found.holders.len())
        };
        found.into_iter().max_by_key(rank)
    }

    async fn restore(&self, found: Found, after: &Signed) -> Result<End, Halt> {
        let Found { snapshot, holders } = found;
        let (app, offer, hash) = (self.parts.app.clone(), snapshot.clone(), after.header.app_hash.clone());
        let verdict = blocking(move || app.offer_snapshot(&offer, &hash)).await?;
        if let OfferVerdict::Reject(reason) = verdict {
            return Ok(End::False(reason));
        }
        let shelf = self.shelf(&snapshot);
        shelf.open().map_err(disk)?;
        let missing: VecDeque<u32> = (0..snapshot.chunks).filter(|index| !shelf.has(*index)).collect();
        tracing::info!(
            height = snapshot.height,
            chunks = snapshot.chunks,
            on_disk = snapshot.chunks as usize - missing.len(),
            peers = holders.len(),
            "restoring a snapshot"
        );
        let fetch = Fetch { sync: self, snapshot, shelf, holders, missing, senders: BTreeMap::new(), applied: 0 };
        fetch.run().await
    }
}

/// A restore under way.
struct Fetch<'a> {
    sync: &'a Sync,
    snapshot: StateSnapshot,
    shelf: Shelf,
    holders: Vec<PeerId>,
    /// Chunks that are neither here nor on their way.
    missing: VecDeque<u32>,
    /// Who sent the chunks of this run; those of an earlier one have no sender.
    senders: BTreeMap<u32, PeerId>,
    applied: u32,
}

type Coming<'a> = FuturesUnordered<BoxFuture<'a, (u32, PeerId, Option<Told>)>>;

impl<'a> Fetch<'a> {
    async fn run(mut self) -> Result<End, Halt> {
        let mut coming: Coming<'a> = FuturesUnordered::new();
        let (mut told, mut bytes, started) = (Instant::now(), 0u64, Instant::now());
        loop {
            if let Some(end) = self.apply().await? {
                return Ok(end);
            }
            if told.elapsed() >= PROGRESS {
                told = Instant::now();
                let rate = bytes as f64 / started.elapsed().as_secs_f64() / 1e6;
                tracing::info!(applied = self.applied, of = self.snapshot.chunks, "restoring, {rate:.1} MB/s");
            }
            while coming.len() < PARALLEL
                && let Some(index) = self.missing.pop_front()
            {
                let Some(peer) = self.holder(index).await else { return Ok(End::Gone) };
                coming.push(Box::pin(ask(self.sync.peers.clone(), peer, self.snapshot.clone(), index)));
            }
            match coming.next().await {
                Some((index, peer, Some(Told::Chunk(chunk)))) if chunk.len() <= MAX_CHUNK_BYTES => {
                    self.shelf.put(index, &chunk).map_err(disk)?;
                    self.senders.insert(index, peer);
                    bytes += chunk.len() as u64;
                }
                Some((index, _, Some(Told::Busy(_)))) => self.missing.push_front(index),
                Some((index, peer, _)) => {
                    self.holders.retain(|holder| *holder != peer);
                    self.missing.push_front(index);
                }
                None => {
                    // Nothing is on its way, and what was on disk is not any more.
                    self.missing = (self.applied..self.snapshot.chunks).filter(|at| !self.shelf.has(*at)).collect();
                }
            }
        }
    }

    /// Gives the application what is here of what is due.
    async fn apply(&mut self) -> Result<Option<End>, Halt> {
        while self.applied < self.snapshot.chunks {
            let index = self.applied;
            let Some(chunk) = self.shelf.take(index) else { return Ok(None) };
            let app = self.sync.parts.app.clone();
            match blocking(move || app.apply_snapshot_chunk(index, &chunk)).await? {
                ChunkVerdict::Accept => self.applied += 1,
                ChunkVerdict::Refetch => {
                    self.shelf.drop(index);
                    self.missing.push_front(index);
                    if let Some(liar) = self.senders.remove(&index) {
                        self.sync.peers.ban(liar, &format!("a false chunk {index}")).await;
                        self.holders.retain(|holder| *holder != liar);
                    }
                    return Ok(None);
                }
                ChunkVerdict::RejectSnapshot(reason) => {
                    let _ = std::fs::remove_dir_all(&self.shelf.0);
                    for holder in std::mem::take(&mut self.holders) {
                        self.sync.peers.ban(holder, "a snapshot of a state that the chain never had").await;
                    }
                    return Ok(Some(End::False(reason)));
                }
            }
        }
        Ok(Some(End::Whole))
    }

    /// Whom to ask for a chunk; when all holders are gone, whoever has the snapshot now.
    async fn holder(&mut self, index: u32) -> Option<PeerId> {
        for _ in 0..MAX_LOOKS {
            let connected = self.sync.peers.connected();
            let here: Vec<PeerId> = self.holders.iter().filter(|peer| connected.contains(peer)).copied().collect();
            if !here.is_empty() {
                return here.get(index as usize % here.len()).copied();
            }
            let same = |snapshot: &StateSnapshot| *snapshot == self.snapshot;
            if let Some(found) = self.sync.offered(0, same).await {
                self.holders = found.holders;
            } else {
                tokio::time::sleep(PAUSE).await;
            }
        }
        None
    }
}

async fn ask(peers: Peers, peer: PeerId, snapshot: StateSnapshot, index: u32) -> (u32, PeerId, Option<Told>) {
    let StateSnapshot { height, format, .. } = snapshot;
    let told = peers.ask(peer, Ask::Chunk(AskChunk { height, format, index })).await;
    if matches!(told, Some(Told::Busy(_))) {
        tokio::time::sleep(BUSY_PAUSE).await;
    }
    (index, peer, told)
}

/// The application reads and writes the disk.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Fatal> + Send + 'static) -> Result<T, Halt> {
    tokio::task::spawn_blocking(work).await.map_err(broken)?.map_err(broken)
}
