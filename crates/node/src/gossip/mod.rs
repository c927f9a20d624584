//! Transactions and evidence between nodes: an own libp2p swarm on a second port, one gossipsub topic per chain and kind.
//! A message is a batch. Messages go on to other peers only after this node's own check; senders of rubbish lose score and
//! are cut off.

mod gate;
mod messages;
mod network;
mod peers;
mod serving;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::StreamExt as _;
use libp2p::gossipsub::{self, IdentTopic, MessageAcceptance, MessageId};
use libp2p::swarm::SwarmEvent;
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::{Multiaddr, PeerId, Swarm};
use libp2p_request_response as request_response;
use sha2::{Digest, Sha256};
use tokio::sync::{mpsc, watch};
use ve_proto::tendermint::types::Evidence;

use self::messages::{BATCH, Checked, Topic, encode_evidence, encode_txs, receive};
use self::network::{Behaviour, BehaviourEvent, MAX_MESSAGE};
pub use self::peers::BAN;
use self::peers::Peer;
use self::serving::Answered;
use crate::core::Core;

/// How long the first transaction of a batch waits for others.
const LINGER: Duration = Duration::from_millis(10);
/// Received messages that wait for their check; more are not passed on.
const MAX_UNCHECKED: usize = 256;
/// Peers that are remembered for rates and bans.
const MAX_KNOWN: usize = 1_024;
const REDIAL: Duration = Duration::from_secs(3);
/// What still waits is sent again so often: for peers that came late.
const REPEAT: Duration = Duration::from_secs(15);
const REPEATED: usize = 500;

/// How to reach other nodes.
#[derive(Clone, Debug)]
pub struct GossipConfig {
    pub chain_id: String,
    pub listen: Multiaddr,
    /// Addresses that are dialled again whenever the connection is lost.
    pub peers: Vec<Multiaddr>,
    pub max_inbound: u32,
    pub max_outbound: u32,
    /// How long a peer that sends rubbish is cut off.
    pub ban: Duration,
}

#[derive(Debug, thiserror::Error)]
#[error("transaction gossip: {0}")]
pub struct GossipError(String);

fn failed(cause: impl ToString) -> GossipError {
    GossipError(cause.to_string())
}

/// What is sent, and who checks what is received.
pub struct Sources {
    pub core: Arc<Core>,
    /// Transactions that this node admitted.
    pub admitted: mpsc::Receiver<Bytes>,
    /// Evidence that this node took.
    pub reported: mpsc::Receiver<Evidence>,
}

type Unchecked = (Topic, MessageId, PeerId, Vec<u8>);

struct Task {
    swarm: Swarm<Behaviour>,
    txs: IdentTopic,
    evidence: IdentTopic,
    core: Arc<Core>,
    config: GossipConfig,
    known: BTreeMap<PeerId, Peer>,
    /// Configured addresses with the peer found there.
    connected: BTreeMap<PeerId, Multiaddr>,
    unchecked: mpsc::Sender<Unchecked>,
    batch: Vec<Bytes>,
    batch_bytes: usize,
    /// Where answers to nodes that sync come from.
    answers: mpsc::Sender<Answered>,
    answering: usize,
}

/// Starts gossip on the key made from `seed`. Runs until `stop` becomes true.
pub fn start(
    config: GossipConfig,
    seed: [u8; 32],
    sources: Sources,
    stop: watch::Receiver<bool>,
) -> Result<tokio::task::JoinHandle<()>, GossipError> {
    let Sources { core, admitted, reported } = sources;
    let topic = |kind: &str| IdentTopic::new(format!("/ve/{}/{kind}/1", config.chain_id));
    let (txs, evidence) = (topic("txs"), topic("evidence"));
    let mut swarm = network::swarm(&config, seed, &[txs.clone(), evidence.clone()])?;
    swarm.listen_on(config.listen.clone()).map_err(failed)?;
    let (unchecked, to_check) = mpsc::channel(MAX_UNCHECKED);
    let (verdicts, checked) = mpsc::channel(MAX_UNCHECKED);
    spawn_checker(core.clone(), to_check, verdicts);
    let (answers, answered) = mpsc::channel(MAX_UNCHECKED);
    let task = Task {
        swarm,
        txs,
        evidence,
        core,
        config,
        known: BTreeMap::new(),
        connected: BTreeMap::new(),
        unchecked,
        batch: Vec::new(),
        batch_bytes: 0,
        answers,
        answering: 0,
    };
    Ok(tokio::spawn(task.run(admitted, reported, checked, answered, stop)))
}

/// Checks batches one after the other, so that an account's transactions keep the order in which they came.
fn spawn_checker(
    core: Arc<Core>,
    mut to_check: mpsc::Receiver<Unchecked>,
    verdicts: mpsc::Sender<(MessageId, PeerId, Checked)>,
) {
    tokio::task::spawn_blocking(move || {
        while let Some((topic, id, peer, data)) = to_check.blocking_recv() {
            let verdict = receive(&core, topic, &data);
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
        mut reported: mpsc::Receiver<Evidence>,
        mut checked: mpsc::Receiver<(MessageId, PeerId, Checked)>,
        mut answered: mpsc::Receiver<Answered>,
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
                Some(answer) = answered.recv() => self.on_answered(answer),
                Some(tx) = admitted.recv() => self.enqueue(tx),
                Some(evidence) = reported.recv() => self.publish_evidence(&[evidence]),
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
        let data = encode_txs(std::mem::take(&mut self.batch));
        self.send(self.txs.clone(), data);
    }

    fn publish_evidence(&mut self, evidence: &[Evidence]) {
        for data in encode_evidence(evidence) {
            self.send(self.evidence.clone(), data);
        }
    }

    fn send(&mut self, topic: IdentTopic, data: Vec<u8>) {
        match self.swarm.behaviour_mut().gossip.publish(topic, data) {
            Ok(_) | Err(gossipsub::PublishError::Duplicate | gossipsub::PublishError::NoPeersSubscribedToTopic) => {}
            Err(error) => tracing::debug!(%error, "a message was not sent; its contents are sent again later"),
        }
    }

    fn repeat(&mut self) {
        if self.swarm.connected_peers().next().is_none() {
            return;
        }
        for tx in self.core.mempool.view(REPEATED).txs {
            self.enqueue(tx);
        }
        self.publish();
        match self.core.evidence.pending() {
            Ok(pending) => self.publish_evidence(&pending),
            Err(error) => tracing::warn!(%error, "cannot read the waiting evidence"),
        }
    }

    fn dial(&mut self) {
        let now = Instant::now();
        let released: Vec<PeerId> =
            self.known.iter_mut().filter_map(|(id, peer)| peer.release(now).then_some(*id)).collect();
        for id in released {
            self.swarm.behaviour_mut().blocked.unblock_peer(id);
        }
        let missing: Vec<Multiaddr> = self
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
            })) => self.on_message(propagation_source, message_id, message),
            SwarmEvent::Behaviour(BehaviourEvent::Gossip(gossipsub::Event::Subscribed { .. })) => self.repeat(),
            SwarmEvent::Behaviour(BehaviourEvent::Serve(request_response::Event::Message {
                peer,
                message: request_response::Message::Request { request, channel, .. },
                ..
            })) => self.on_question(peer, request, channel),
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
        self.core.metrics.tx_peers(self.swarm.connected_peers().count());
    }

    fn on_message(&mut self, source: PeerId, id: MessageId, message: gossipsub::Message) {
        let topic = if message.topic == self.evidence.hash() { Topic::Evidence } else { Topic::Txs };
        let known = self.known(source);
        let admitted = known.admit(Instant::now(), message.data.len());
        if known.floods() {
            self.blame(source);
        }
        if !admitted {
            self.report(&id, &source, MessageAcceptance::Ignore);
            return;
        }
        if self.unchecked.try_send((topic, id.clone(), source, message.data)).is_err() {
            tracing::debug!("more messages than this node can check; some are not passed on");
            self.report(&id, &source, MessageAcceptance::Ignore);
        }
    }

    /// What is remembered of a peer. Those that are gone without a ban make room.
    fn known(&mut self, peer: PeerId) -> &mut Peer {
        if self.known.len() >= MAX_KNOWN && !self.known.contains_key(&peer) {
            let swarm = &self.swarm;
            self.known.retain(|id, known| known.is_banned() || swarm.is_connected(id));
        }
        self.known.entry(peer).or_insert_with(|| Peer::new(Instant::now()))
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
        self.blame(*source);
    }
}

impl Task {
    /// Counts a fault of a peer and cuts it off after too many.
    fn blame(&mut self, peer: PeerId) {
        let score = self.swarm.behaviour().gossip.peer_score(&peer).unwrap_or(0.0);
        let ban = self.config.ban;
        if self.known(peer).blame(Instant::now(), score, ban) {
            tracing::warn!(%peer, score, seconds = ban.as_secs(), "cut off: it sends what no honest node sends");
            self.swarm.behaviour_mut().blocked.block_peer(peer);
        }
    }
}

pub(crate) fn without_peer(address: &Multiaddr) -> Multiaddr {
    address.iter().filter(|part| !matches!(part, libp2p::multiaddr::Protocol::P2p(_))).collect()
}

/// The key that this node is known by among its transaction peers, derived from its node key.
pub fn identity_seed(node_seed: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update(b"VE|tx-gossip|v1|").chain_update(node_seed).finalize().into()
}
