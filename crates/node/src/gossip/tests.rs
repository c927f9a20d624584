//! A node's gossip beside peers that behave and peers that do not, over real connections.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::StreamExt as _;
use libp2p::gossipsub::IdentTopic;
use libp2p::swarm::SwarmEvent;
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::{Multiaddr, Swarm};
use tokio::sync::{mpsc, watch};
use ve_sdk::application::ConsensusParams;

use super::messages::encode_txs;
use super::network::{self, Behaviour};
use super::{GossipConfig, Sources, start};
use crate::core::Core;
use crate::core::test_app::StoreApp;
use crate::core::test_chain::{self, CHAIN};

const BAN: Duration = Duration::from_secs(2);
const LIMIT: Duration = Duration::from_secs(60);

fn config(port: u16) -> GossipConfig {
    GossipConfig {
        chain_id: CHAIN.into(),
        listen: address(port),
        peers: Vec::new(),
        max_inbound: 25,
        max_outbound: 25,
        ban: BAN,
    }
}

fn address(port: u16) -> Multiaddr {
    format!("/ip4/127.0.0.1/tcp/{port}").parse().expect("an address")
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("bound").port()
}

/// Another node, as far as this one can see.
struct Peer {
    swarm: Swarm<Behaviour>,
    topic: IdentTopic,
    node: Multiaddr,
    connected: bool,
    dialled: Option<Instant>,
}

impl Peer {
    fn new(number: u8, port: u16) -> Self {
        let topic = IdentTopic::new(format!("/ve/{CHAIN}/txs/1"));
        let swarm = network::swarm(&config(0), [number; 32], std::slice::from_ref(&topic)).expect("a swarm");
        Self { swarm, topic, node: address(port), connected: false, dialled: None }
    }

    /// Lives for a while; dials again whenever the connection is lost.
    async fn live(&mut self, time: Duration) {
        let end = tokio::time::Instant::now() + time;
        while let Ok(event) = tokio::time::timeout_at(end, self.swarm.select_next_some()).await {
            match event {
                SwarmEvent::ConnectionEstablished { .. } => self.connected = true,
                SwarmEvent::ConnectionClosed { num_established: 0, .. } => self.connected = false,
                _ => {}
            }
        }
        let lately = self.dialled.is_some_and(|dialled| dialled.elapsed() < Duration::from_millis(500));
        if !self.connected && !lately {
            self.dialled = Some(Instant::now());
            // A refused peer is told so only after the connection stands.
            let _ = self.swarm.dial(DialOpts::unknown_peer_id().address(self.node.clone()).build());
        }
    }

    async fn until(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        let deadline = Instant::now() + LIMIT;
        while !done(self) {
            assert!(Instant::now() < deadline, "not in time: {what}");
            self.live(Duration::from_millis(100)).await;
        }
    }

    /// Whether there was somebody to send it to.
    fn say(&mut self, data: Vec<u8>) -> bool {
        self.swarm.behaviour_mut().gossip.publish(self.topic.clone(), data).is_ok()
    }

    /// Sends a transaction until the node has it.
    async fn delivers(&mut self, core: &Core, tx: &str) {
        let mut turn = 0;
        self.until("the transaction arrives", |peer| {
            // A message is sent once: each try has another companion.
            turn += 1;
            let companion = Bytes::from(format!("{tx}{turn}"));
            peer.say(encode_txs(vec![Bytes::copy_from_slice(tx.as_bytes()), companion]));
            core.mempool.view(10_000).txs.iter().any(|waiting| waiting == tx.as_bytes())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_rubbish_is_cut_off_the_others_are_heard_and_after_its_time_it_may_come_back() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let app = Arc::new(StoreApp::open(&home.path().join("state")));
    let genesis = test_chain::genesis(1, ConsensusParams::default());
    let core = Arc::new(test_chain::open(home.path(), app, &genesis, 0).expect("opens").core);
    let port = free_port();
    let (stop, stopped) = watch::channel(false);
    let ((_admit, admitted), (_report, reported)) = (mpsc::channel(8), mpsc::channel(8));
    let sources = Sources { core: core.clone(), admitted, reported };
    let node = start(config(port), [1; 32], sources, stopped).expect("starts");

    let (mut honest, mut hostile) = (Peer::new(2, port), Peer::new(3, port));
    honest.delivers(&core, "before=1").await;
    hostile.delivers(&core, "harmless=1").await;
    let mut sent = 0u32;
    hostile
        .until("the node cuts it off", |peer| {
            if peer.connected && peer.say(format!("rubbish {sent}").into_bytes()) {
                sent += 1;
            }
            sent > 0 && !peer.connected
        })
        .await;
    assert!((5..=12).contains(&sent), "cut off after {sent} messages");
    let banned = Instant::now();
    honest.delivers(&core, "meanwhile=1").await;
    // Its connections are closed at once, so nothing of it arrives. Only for half the time: the node counts from an
    // earlier moment.
    while banned.elapsed() < BAN / 2 {
        hostile.say(encode_txs(vec!["smuggled=1".into()]));
        hostile.live(Duration::from_millis(100)).await;
    }
    let arrived = |tx: &str| core.mempool.view(10_000).txs.iter().any(|waiting| waiting == tx.as_bytes());
    assert!(!arrived("smuggled=1"));
    hostile.delivers(&core, "after=1").await;
    honest.delivers(&core, "afterwards=1").await;
    stop.send_replace(true);
    node.await.expect("it ends");
}
