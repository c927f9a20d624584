//! The signer's side: answers the nodes that it knows, one question after the other.

use std::sync::Arc;

use futures::StreamExt as _;
use libp2p::swarm::SwarmEvent;
use libp2p_request_response::{self as request_response, Message, ProtocolSupport};
use tokio::sync::watch;

use super::link::{self, Ask, BehaviourEvent, Question, Reply, Told};
use super::payload::Payload;
use super::{LocalSigner, SignerConfig, ValidatorSigner as _};

/// Answers until `stop` becomes true. `seed` is of the signer's identity on the link.
pub async fn serve(
    signer: Arc<LocalSigner>,
    config: &SignerConfig,
    seed: [u8; 32],
    mut stop: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let failed = |error: String| anyhow::anyhow!("the signer's link: {error}");
    let mut swarm = link::swarm(seed, ProtocolSupport::Inbound, &config.allowed()?).map_err(failed)?;
    swarm.listen_on(config.listen_address()?).map_err(|error| failed(error.to_string()))?;
    loop {
        let event = tokio::select! {
            event = swarm.select_next_some() => event,
            _ = stop.wait_for(|stopped| *stopped) => return Ok(()),
        };
        match event {
            SwarmEvent::Behaviour(BehaviourEvent::Link(request_response::Event::Message {
                peer,
                message: Message::Request { request, channel, .. },
                ..
            })) => {
                let signer = signer.clone();
                // The guard writes the disk. One after the other, so that its order is the order of arrival.
                let reply = tokio::task::spawn_blocking(move || answer(&signer, request)).await?;
                if let Some(Told::Refused(reason)) = &reply.told {
                    tracing::error!(node = %peer, reason, "not signed");
                }
                // A node that is gone asks again.
                let _ = swarm.behaviour_mut().link.send_response(channel, reply);
            }
            SwarmEvent::ConnectionEstablished { peer_id, .. } => tracing::info!(node = %peer_id, "a node is connected"),
            SwarmEvent::NewListenAddr { address, .. } => tracing::info!(%address, "the signer listens"),
            SwarmEvent::ListenerClosed { reason: Err(error), .. } => return Err(failed(error.to_string())),
            _ => {}
        }
    }
}

pub(super) fn answer(signer: &LocalSigner, question: Question) -> Reply {
    let payload = match question.ask {
        None => return Reply { told: Some(Told::Refused("the question is of another release".into())) },
        Some(Ask::PublicKey(_)) => return Reply { told: Some(Told::Bytes(signer.public().to_vec())) },
        Some(Ask::Consensus(bytes)) => Payload::Consensus(bytes),
        Some(Ask::Extension(bytes)) => Payload::Extension(bytes),
        Some(Ask::PeerProof(bytes)) => Payload::PeerProof(bytes),
    };
    let told = match signer.sign_now(&payload) {
        Ok(signature) => Told::Bytes(signature.to_vec()),
        Err(error) => Told::Refused(error.to_string()),
    };
    Reply { told: Some(told) }
}
