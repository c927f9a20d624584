//! The swarm: an identity of its own, connection limits, bans, and gossip that passes on only what was checked.

use std::time::{Duration, Instant};

use libp2p::gossipsub::{self, IdentTopic, MessageAuthenticity, MessageId, ValidationMode};
use libp2p::swarm::NetworkBehaviour;
use libp2p::{Swarm, allow_block_list, connection_limits};
use libp2p_request_response::{self as request_response, ProtocolSupport};
use sha2::{Digest, Sha256};

use super::gate::Gate;
use super::peers::LOWEST_SCORE;
use super::{GossipConfig, GossipError, failed};
use crate::statesync::wire::{Codec, protocol};

/// Largest message; a transaction may be as large as a block's share of it.
pub const MAX_MESSAGE: usize = 2 << 20;

/// Questions of one connection that are answered at once.
const MAX_QUESTIONS: usize = 8;

#[derive(NetworkBehaviour)]
pub struct Behaviour {
    gate: Gate,
    limits: connection_limits::Behaviour,
    pub blocked: allow_block_list::Behaviour<allow_block_list::BlockedPeers>,
    pub gossip: gossipsub::Behaviour,
    /// Questions of nodes that start from a snapshot.
    pub serve: request_response::Behaviour<Codec>,
}

fn scores(topics: &[IdentTopic]) -> (gossipsub::PeerScoreParams, gossipsub::PeerScoreThresholds) {
    // Without the topic's own parameters a rejected message would cost nothing.
    let of_topic = || gossipsub::TopicScoreParams {
        // Transactions come when they come: silence is no fault.
        mesh_message_deliveries_weight: 0.0,
        mesh_failure_penalty_weight: 0.0,
        // Good conduct buys no rubbish: a score never rises above zero.
        time_in_mesh_weight: 0.0,
        first_message_deliveries_weight: 0.0,
        invalid_message_deliveries_weight: -10.0,
        invalid_message_deliveries_decay: 0.9,
        ..gossipsub::TopicScoreParams::default()
    };
    let params = gossipsub::PeerScoreParams {
        topics: topics.iter().map(|topic| (topic.hash(), of_topic())).collect(),
        // Several nodes behind one address are usual in test networks; the connection limits bound them.
        ip_colocation_factor_weight: 0.0,
        ..gossipsub::PeerScoreParams::default()
    };
    // Heard until the score at which a peer is cut off: an ignored one would never fall that far.
    let thresholds = gossipsub::PeerScoreThresholds { graylist_threshold: LOWEST_SCORE, ..Default::default() };
    (params, thresholds)
}

fn behaviour(config: &GossipConfig, topics: &[IdentTopic]) -> Result<Behaviour, GossipError> {
    let settings = gossipsub::ConfigBuilder::default()
        .validate_messages()
        .validation_mode(ValidationMode::Anonymous)
        .message_id_fn(|message| MessageId::from(Sha256::digest(&message.data).to_vec()))
        .max_transmit_size(MAX_MESSAGE)
        .build()
        .map_err(failed)?;
    // Who sent a transaction first is nobody's business: messages carry no author.
    let mut gossip = gossipsub::Behaviour::new(MessageAuthenticity::Anonymous, settings).map_err(failed)?;
    let (params, thresholds) = scores(topics);
    gossip.with_peer_score(params, thresholds).map_err(failed)?;
    for topic in topics {
        gossip.subscribe(topic).map_err(failed)?;
    }
    let limits = connection_limits::ConnectionLimits::default()
        .with_max_pending_incoming(Some(10))
        .with_max_established_incoming(Some(config.max_inbound))
        .with_max_established_outgoing(Some(config.max_outbound))
        .with_max_established_per_peer(Some(2));
    let name = protocol(&config.chain_id).ok_or_else(|| failed("the chain id cannot name a protocol"))?;
    let settings = request_response::Config::default().with_max_concurrent_streams(MAX_QUESTIONS);
    Ok(Behaviour {
        gate: Gate::new(Instant::now()),
        limits: connection_limits::Behaviour::new(limits),
        blocked: allow_block_list::Behaviour::default(),
        gossip,
        serve: request_response::Behaviour::new([(name, ProtocolSupport::Inbound)], settings),
    })
}

/// A swarm on the key made from `seed` that takes part in `topics`.
pub fn swarm(config: &GossipConfig, seed: [u8; 32], topics: &[IdentTopic]) -> Result<Swarm<Behaviour>, GossipError> {
    let behaviour = behaviour(config, topics)?;
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
