//! The peers of a node that has no chain yet: a swarm that only asks. Whoever lies is cut off.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt as _;
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, PeerId, Swarm, allow_block_list, connection_limits};
use libp2p_request_response::{self as request_response, Message, OutboundRequestId, ProtocolSupport};
use tokio::sync::{mpsc, oneshot, watch};

use super::wire::{Ask, Codec, Request, Told, protocol};

const REDIAL: Duration = Duration::from_secs(3);
/// How long one answer may take; a chunk has ten megabytes.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Questions under way.
const MAX_ASKED: usize = 64;

#[derive(NetworkBehaviour)]
struct Behaviour {
    limits: connection_limits::Behaviour,
    blocked: allow_block_list::Behaviour<allow_block_list::BlockedPeers>,
    ask: request_response::Behaviour<Codec>,
}

enum Command {
    Ask(PeerId, Ask, oneshot::Sender<Option<Told>>),
    Ban(PeerId),
}

/// The way to the peers. The swarm ends when this is dropped.
#[derive(Clone)]
pub struct Peers {
    commands: mpsc::Sender<Command>,
    connected: watch::Receiver<Vec<PeerId>>,
}

struct Task {
    swarm: Swarm<Behaviour>,
    addresses: Vec<Multiaddr>,
    connected: BTreeMap<PeerId, Multiaddr>,
    told: watch::Sender<Vec<PeerId>>,
    asked: BTreeMap<OutboundRequestId, oneshot::Sender<Option<Told>>>,
}

fn swarm(chain_id: &str, seed: [u8; 32]) -> Result<Swarm<Behaviour>, String> {
    let failed = |error: &dyn std::fmt::Display| format!("state sync: {error}");
    let name = protocol(chain_id).ok_or_else(|| failed(&"the chain id cannot name a protocol"))?;
    let settings = request_response::Config::default().with_request_timeout(TIMEOUT);
    let ask = request_response::Behaviour::new([(name, ProtocolSupport::Outbound)], settings);
    let limits = connection_limits::ConnectionLimits::default()
        .with_max_established_incoming(Some(0))
        .with_max_established_per_peer(Some(1));
    let limits = connection_limits::Behaviour::new(limits);
    let mut seed = seed;
    let key = libp2p::identity::Keypair::ed25519_from_bytes(&mut seed).map_err(|error| failed(&error))?;
    let swarm = libp2p::SwarmBuilder::with_existing_identity(key)
        .with_tokio()
        .with_tcp(
            libp2p::tcp::Config::default().nodelay(true),
            libp2p::noise::Config::new,
            libp2p::yamux::Config::default,
        )
        .map_err(|error| failed(&error))?
        .with_behaviour(|_| Behaviour { limits, blocked: allow_block_list::Behaviour::default(), ask })
        .map_err(|error| failed(&error))?
        .with_swarm_config(|config| config.with_idle_connection_timeout(Duration::from_secs(600)))
        .build();
    Ok(swarm)
}

impl Peers {
    /// Dials `addresses` again and again on the identity made from `seed`.
    pub fn connect(chain_id: &str, seed: [u8; 32], addresses: Vec<Multiaddr>) -> Result<Self, String> {
        let (commands, received) = mpsc::channel(MAX_ASKED);
        let (told, connected) = watch::channel(Vec::new());
        let swarm = swarm(chain_id, seed)?;
        let task = Task { swarm, addresses, connected: BTreeMap::new(), told, asked: BTreeMap::new() };
        tokio::spawn(task.run(received));
        Ok(Self { commands, connected })
    }

    pub fn connected(&self) -> Vec<PeerId> {
        self.connected.borrow().clone()
    }

    /// The peer's answer; `None` when there is none or it has nothing to tell.
    pub async fn ask(&self, peer: PeerId, ask: Ask) -> Option<Told> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(Command::Ask(peer, ask, reply)).await.ok()?;
        answer.await.ok()?.filter(|told| !matches!(told, Told::Nothing(_)))
    }

    /// Cuts a peer off for as long as this sync lasts.
    pub async fn ban(&self, peer: PeerId, reason: &str) {
        tracing::warn!(%peer, reason, "cut off: it sends what no honest node sends");
        let _ = self.commands.send(Command::Ban(peer)).await;
        let mut connected = self.connected.clone();
        let gone = connected.wait_for(|peers| !peers.contains(&peer));
        let _ = tokio::time::timeout(REDIAL, gone).await;
    }
}

impl Task {
    async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let mut redial = tokio::time::interval(REDIAL);
        loop {
            tokio::select! {
                command = commands.recv() => match command {
                    None => return,
                    Some(Command::Ask(peer, ask, reply)) => {
                        let id = self.swarm.behaviour_mut().ask.send_request(&peer, Request { ask: Some(ask) });
                        self.asked.insert(id, reply);
                    }
                    Some(Command::Ban(peer)) => {
                        self.swarm.behaviour_mut().blocked.block_peer(peer);
                        let _ = self.swarm.disconnect_peer_id(peer);
                    }
                },
                event = self.swarm.select_next_some() => self.on_event(event),
                _ = redial.tick() => self.dial(),
            }
        }
    }

    fn dial(&mut self) {
        for address in &self.addresses {
            if !self.connected.values().any(|connected| connected == address) {
                let options = DialOpts::unknown_peer_id().address(address.clone()).build();
                if let Err(error) = self.swarm.dial(options) {
                    tracing::debug!(%address, %error, "cannot dial a peer");
                }
            }
        }
    }

    fn on_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::ConnectionEstablished { peer_id, endpoint, .. } => {
                self.connected.insert(peer_id, crate::gossip::without_peer(endpoint.get_remote_address()));
                self.tell();
            }
            SwarmEvent::ConnectionClosed { peer_id, num_established: 0, .. } => {
                self.connected.remove(&peer_id);
                self.tell();
            }
            SwarmEvent::Behaviour(BehaviourEvent::Ask(request_response::Event::Message {
                message: Message::Response { request_id, response },
                ..
            })) => self.answered(&request_id, response.told),
            SwarmEvent::Behaviour(BehaviourEvent::Ask(request_response::Event::OutboundFailure {
                peer,
                request_id,
                error,
                ..
            })) => {
                tracing::debug!(%peer, %error, "a peer gives no answer");
                self.answered(&request_id, None);
            }
            _ => {}
        }
    }

    fn tell(&self) {
        self.told.send_replace(self.connected.keys().copied().collect());
    }

    fn answered(&mut self, id: &OutboundRequestId, told: Option<Told>) {
        if let Some(reply) = self.asked.remove(id) {
            // Whoever asked may have given up.
            let _ = reply.send(told);
        }
    }
}
