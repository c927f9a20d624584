//! Transactions between nodes: an own libp2p swarm on a second port, one gossipsub topic per chain. A message is a batch.
//! Messages go on to other peers only after this node's own check; senders of rubbish lose score and are cut off.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::StreamExt as _;
use libp2p::gossipsub::{self, IdentTopic, MessageAcceptance, MessageAuthenticity, MessageId, ValidationMode};
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, PeerId, Swarm, allow_block_list, connection_limits};
use prost::Message as _;
use sha2::{Digest, Sha256};
use tokio::sync::{mpsc, watch};

use super::Mempool;
use crate::metrics::Metrics;
use crate::rpc::backend::SubmitError;

/// Transactions of one message, and how long the first of them waits for others.
const BATCH: usize = 50;
const LINGER: Duration = Duration::from_millis(10);
/// Largest message; a transaction may be as large as a block's share of it.
const MAX_MESSAGE: usize = 2 << 20;
/// Received messages that wait for their check; more are not passed on.
const MAX_UNCHECKED: usize = 256;
/// Per peer and second (platform spec section 3.4).
const MAX_MESSAGES: u32 = 100;
const MAX_BYTES: usize = 10 << 20;
/// A peer with so many messages that no honest node sends is cut off for [`BAN`].
const MAX_FAULTS: u32 = 10;
const BAN: Duration = Duration::from_secs(3600);
/// Peers that are remembered for rates and bans.
const MAX_KNOWN: usize = 1_024;
const REDIAL: Duration = Duration::from_secs(3);
/// What still waits is sent again so often: for peers that came late.
const REPEAT: Duration = Duration::from_secs(15);
const REPEATED: usize = 500;

/// The wire format: `repeated bytes txs = 1`.
#[derive(Clone, PartialEq, prost::Message)]
struct Batch {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    txs: Vec<Bytes>,
}

#[derive(NetworkBehaviour)]
struct Behaviour {
    limits: connection_limits::Behaviour,
    blocked: allow_block_list::Behaviour<allow_block_list::BlockedPeers>,
    gossip: gossipsub::Behaviour,
}

/// How to reach other nodes.
#[derive(Clone, Debug)]
pub struct GossipConfig {
    pub chain_id: String,
    pub listen: Multiaddr,
    /// Addresses that are dialled again whenever the connection is lost.
    pub peers: Vec<Multiaddr>,
    pub max_inbound: u32,
    pub max_outbound: u32,
}

#[derive(Debug, thiserror::Error)]
#[error("transaction gossip: {0}")]
pub struct GossipError(String);

fn failed(cause: impl ToString) -> GossipError {
    GossipError(cause.to_string())
}

#[derive(Debug)]
struct Peer {
    window: Instant,
    messages: u32,
    bytes: usize,
    faults: u32,
    banned_until: Option<Instant>,
}

impl Peer {
    fn new(now: Instant) -> Self {
        Self { window: now, messages: 0, bytes: 0, faults: 0, banned_until: None }
    }

    /// Whether one more message is within the peer's rate.
    fn admit(&mut self, now: Instant, bytes: usize) -> bool {
        if now.duration_since(self.window) >= Duration::from_secs(1) {
            (self.window, self.messages, self.bytes) = (now, 0, 0);
        }
        self.messages = self.messages.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
        self.messages <= MAX_MESSAGES && self.bytes <= MAX_BYTES
    }
}

/// Verdict over a received batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Checked {
    /// Something in it was new and good, or everything was known.
    Good,
    /// Nothing in it can be used here, though an honest node may have sent it.
    Useless,
    /// No honest node sends this.
    Rubbish,
}

/// Checks each transaction of an encoded batch and keeps the good ones. Blocks.
fn receive(pool: &Mempool, data: &[u8]) -> Checked {
    let Ok(batch) = Batch::decode(data) else { return Checked::Rubbish };
    if batch.txs.is_empty() || batch.txs.len() > BATCH || batch.encoded_len() != data.len() {
        return Checked::Rubbish;
    }
    let mut verdict = Checked::Useless;
    for tx in batch.txs {
        match pool.submit(tx) {
            Ok(checked) if checked.result.code == 0 => verdict = Checked::Good,
            // sdk 2: bytes that are no transaction. Everything else may be a difference in timing.
            Ok(checked) if checked.result.codespace == "sdk" && checked.result.code == 2 => return Checked::Rubbish,
            Err(SubmitError::AlreadyKnown) => verdict = Checked::Good,
            Err(SubmitError::TooLarge { .. }) => return Checked::Rubbish,
            Ok(_) | Err(_) => {}
        }
    }
    verdict
}

fn encode(txs: Vec<Bytes>) -> Vec<u8> {
    Batch { txs }.encode_to_vec()
}

fn scores(topic: &IdentTopic) -> (gossipsub::PeerScoreParams, gossipsub::PeerScoreThresholds) {
    // Without the topic's own parameters a rejected message would cost nothing.
    let of_topic = gossipsub::TopicScoreParams {
        // Transactions come when they come: silence is no fault.
        mesh_message_deliveries_weight: 0.0,
        mesh_failure_penalty_weight: 0.0,
        invalid_message_deliveries_weight: -10.0,
        invalid_message_deliveries_decay: 0.9,
        ..gossipsub::TopicScoreParams::default()
    };
    let params = gossipsub::PeerScoreParams {
        topics: [(topic.hash(), of_topic)].into_iter().collect(),
        // Several nodes behind one address are usual in test networks; the connection limits bound them.
        ip_colocation_factor_weight: 0.0,
        ..gossipsub::PeerScoreParams::default()
    };
    (params, gossipsub::PeerScoreThresholds::default())
}

fn behaviour(config: &GossipConfig, topic: &IdentTopic) -> Result<Behaviour, GossipError> {
    let settings = gossipsub::ConfigBuilder::default()
        .validate_messages()
        .validation_mode(ValidationMode::Anonymous)
        .message_id_fn(|message| MessageId::from(Sha256::digest(&message.data).to_vec()))
        .max_transmit_size(MAX_MESSAGE)
        .build()
        .map_err(failed)?;
    // Who sent a transaction first is nobody's business: messages carry no author.
    let mut gossip = gossipsub::Behaviour::new(MessageAuthenticity::Anonymous, settings).map_err(failed)?;
    let (params, thresholds) = scores(topic);
    gossip.with_peer_score(params, thresholds).map_err(failed)?;
    gossip.subscribe(topic).map_err(failed)?;
    let limits = connection_limits::ConnectionLimits::default()
        .with_max_pending_incoming(Some(10))
        .with_max_established_incoming(Some(config.max_inbound))
        .with_max_established_outgoing(Some(config.max_outbound))
        .with_max_established_per_peer(Some(2));
    Ok(Behaviour {
        limits: connection_limits::Behaviour::new(limits),
        blocked: allow_block_list::Behaviour::default(),
        gossip,
    })
}

fn swarm(seed: [u8; 32], behaviour: Behaviour) -> Result<Swarm<Behaviour>, GossipError> {
    let mut seed = seed;
    let key = libp2p::identity::Keypair::ed25519_from_bytes(&mut seed).map_err(failed)?;
    let swarm = libp2p::SwarmBuilder::with_existing_identity(key)
        .with_tokio()
        .with_tcp(
            libp2p::tcp::Config::default().nodelay(true),
            libp2p::noise::Config::new,
            libp2p::yamux::Config::default,
        )
        .map_err(failed)?
        .with_behaviour(|_| behaviour)
        .map_err(failed)?
        .with_swarm_config(|config| config.with_idle_connection_timeout(Duration::from_secs(60)))
        .build();
    Ok(swarm)
}

struct Task {
    swarm: Swarm<Behaviour>,
    topic: IdentTopic,
    pool: Arc<Mempool>,
    metrics: Arc<Metrics>,
    config: GossipConfig,
    known: BTreeMap<PeerId, Peer>,
    /// Configured addresses with the peer found there.
    connected: BTreeMap<PeerId, Multiaddr>,
    unchecked: mpsc::Sender<(MessageId, PeerId, Vec<u8>)>,
    batch: Vec<Bytes>,
    batch_bytes: usize,
}

/// Starts gossip on the given key. Runs until `stop` becomes true.
pub fn start(
    config: GossipConfig,
    seed: [u8; 32],
    pool: Arc<Mempool>,
    metrics: Arc<Metrics>,
    admitted: mpsc::Receiver<Bytes>,
    stop: watch::Receiver<bool>,
) -> Result<tokio::task::JoinHandle<()>, GossipError> {
    let topic = IdentTopic::new(format!("/ve/{}/txs/1", config.chain_id));
    let mut swarm = swarm(seed, behaviour(&config, &topic)?)?;
    swarm.listen_on(config.listen.clone()).map_err(failed)?;
    let (unchecked, to_check) = mpsc::channel(MAX_UNCHECKED);
    let (verdicts, checked) = mpsc::channel(MAX_UNCHECKED);
    spawn_checker(pool.clone(), to_check, verdicts);
    let task = Task {
        swarm,
        topic,
        pool,
        metrics,
        config,
        known: BTreeMap::new(),
        connected: BTreeMap::new(),
        unchecked,
        batch: Vec::new(),
        batch_bytes: 0,
    };
    Ok(tokio::spawn(task.run(admitted, checked, stop)))
}

/// Checks batches one after the other, so that an account's transactions keep the order in which they came.
fn spawn_checker(
    pool: Arc<Mempool>,
    mut to_check: mpsc::Receiver<(MessageId, PeerId, Vec<u8>)>,
    verdicts: mpsc::Sender<(MessageId, PeerId, Checked)>,
) {
    tokio::task::spawn_blocking(move || {
        while let Some((id, peer, data)) = to_check.blocking_recv() {
            let verdict = receive(&pool, &data);
            if verdicts.blocking_send((id, peer, verdict)).is_err() {
                return;
            }
        }
    });
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // A closed channel means that whoever could ask for a stop is gone: that is one too.
    let _ = stop.wait_for(|stopped| *stopped).await;
}

impl Task {
    async fn run(
        mut self,
        mut admitted: mpsc::Receiver<Bytes>,
        mut checked: mpsc::Receiver<(MessageId, PeerId, Checked)>,
        mut stop: watch::Receiver<bool>,
    ) {
        let mut redial = tokio::time::interval(REDIAL);
        let mut repeat = tokio::time::interval(REPEAT);
        let mut flush = tokio::time::interval(LINGER);
        flush.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stopped(&mut stop) => return,
                event = self.swarm.select_next_some() => self.on_event(event),
                Some((id, peer, verdict)) = checked.recv() => self.on_verdict(&id, &peer, verdict),
                Some(tx) = admitted.recv() => self.enqueue(tx),
                _ = flush.tick(), if !self.batch.is_empty() => self.publish(),
                _ = redial.tick() => self.dial(),
                _ = repeat.tick() => self.repeat(),
            }
        }
    }

    fn enqueue(&mut self, tx: Bytes) {
        let bytes = tx.len() + 8;
        if self.batch_bytes + bytes > MAX_MESSAGE / 2 {
            self.publish();
        }
        self.batch_bytes += bytes;
        self.batch.push(tx);
        if self.batch.len() >= BATCH {
            self.publish();
        }
    }

    fn publish(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        self.batch_bytes = 0;
        let data = encode(std::mem::take(&mut self.batch));
        match self.swarm.behaviour_mut().gossip.publish(self.topic.clone(), data) {
            Ok(_) | Err(gossipsub::PublishError::Duplicate | gossipsub::PublishError::NoPeersSubscribedToTopic) => {}
            Err(error) => tracing::debug!(%error, "transactions were not sent; they are sent again later"),
        }
    }

    fn repeat(&mut self) {
        if self.connected.is_empty() && self.swarm.connected_peers().next().is_none() {
            return;
        }
        for tx in self.pool.view(REPEATED).txs {
            self.enqueue(tx);
        }
        self.publish();
    }

    fn dial(&mut self) {
        let now = Instant::now();
        let released: Vec<PeerId> = self
            .known
            .iter_mut()
            .filter(|(_, peer)| peer.banned_until.is_some_and(|until| until <= now))
            .map(|(id, peer)| {
                *peer = Peer::new(now);
                *id
            })
            .collect();
        for id in released {
            self.swarm.behaviour_mut().blocked.unblock_peer(id);
        }
        let missing: VecDeque<Multiaddr> = self
            .config
            .peers
            .iter()
            .filter(|address| !self.connected.values().any(|connected| connected == *address))
            .cloned()
            .collect();
        for address in missing {
            let options = DialOpts::unknown_peer_id().address(address.clone()).build();
            if let Err(error) = self.swarm.dial(options) {
                tracing::debug!(%address, %error, "cannot dial a transaction peer");
            }
        }
    }

    fn on_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(BehaviourEvent::Gossip(gossipsub::Event::Message {
                propagation_source,
                message_id,
                message,
            })) => self.on_message(propagation_source, message_id, message.data),
            SwarmEvent::Behaviour(BehaviourEvent::Gossip(gossipsub::Event::Subscribed { .. })) => self.repeat(),
            SwarmEvent::ConnectionEstablished { peer_id, endpoint, .. } => {
                if endpoint.is_dialer() {
                    self.connected.insert(peer_id, without_peer(endpoint.get_remote_address()));
                }
                self.count();
            }
            SwarmEvent::ConnectionClosed { peer_id, num_established: 0, .. } => {
                self.connected.remove(&peer_id);
                self.count();
            }
            SwarmEvent::NewListenAddr { address, .. } => tracing::info!(%address, "taking transactions from peers"),
            _ => {}
        }
    }

    fn count(&self) {
        self.metrics.tx_peers(self.swarm.connected_peers().count());
    }

    fn on_message(&mut self, source: PeerId, id: MessageId, data: Vec<u8>) {
        let now = Instant::now();
        if self.known.len() >= MAX_KNOWN && !self.known.contains_key(&source) {
            let swarm = &self.swarm;
            self.known.retain(|id, peer| peer.banned_until.is_some() || swarm.is_connected(id));
        }
        let peer = self.known.entry(source).or_insert_with(|| Peer::new(now));
        if !peer.admit(now, data.len()) {
            self.report(&id, &source, MessageAcceptance::Ignore);
            return;
        }
        if self.unchecked.try_send((id.clone(), source, data)).is_err() {
            tracing::debug!("more transactions than this node can check; some are not passed on");
            self.report(&id, &source, MessageAcceptance::Ignore);
        }
    }

    fn report(&mut self, id: &MessageId, source: &PeerId, acceptance: MessageAcceptance) {
        self.swarm.behaviour_mut().gossip.report_message_validation_result(id, source, acceptance);
    }

    fn on_verdict(&mut self, id: &MessageId, source: &PeerId, verdict: Checked) {
        let acceptance = match verdict {
            Checked::Good => MessageAcceptance::Accept,
            Checked::Useless => MessageAcceptance::Ignore,
            Checked::Rubbish => MessageAcceptance::Reject,
        };
        self.report(id, source, acceptance);
        if verdict != Checked::Rubbish {
            return;
        }
        let now = Instant::now();
        let peer = self.known.entry(*source).or_insert_with(|| Peer::new(now));
        peer.faults = peer.faults.saturating_add(1);
        if peer.faults >= MAX_FAULTS {
            peer.banned_until = Some(now + BAN);
            tracing::warn!(peer = %source, "cut off for an hour: it sends what is no transaction");
            self.swarm.behaviour_mut().blocked.block_peer(*source);
        }
    }
}

fn without_peer(address: &Multiaddr) -> Multiaddr {
    address.iter().filter(|part| !matches!(part, libp2p::multiaddr::Protocol::P2p(_))).collect()
}

/// The key that this node is known by among its transaction peers, derived from its node key.
pub fn identity_seed(node_seed: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update(b"VE|tx-gossip|v1|").chain_update(node_seed).finalize().into()
}
