//! The node's side: asks the signer and waits while it cannot be reached, since a validator without its signer has
//! nothing to say.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::SwarmEvent;
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::{Multiaddr, PeerId, Swarm};
use libp2p_request_response::{self as request_response, Message, OutboundRequestId, ProtocolSupport};
use tokio::sync::{mpsc, oneshot};

use super::link::{self, Ask, Behaviour, BehaviourEvent, Question, Told};
use super::payload::Payload;
use super::{SignError, ValidatorSigner};
use crate::comet::validators::verifies;

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(500);
/// Tries between two lines in the log.
const QUIET: u32 = 10;
/// Questions that wait; consensus asks few at once.
const MAX_ASKED: usize = 16;

type Command = (Ask, oneshot::Sender<Option<Told>>);

/// A signer elsewhere. The key is only there.
pub struct RemoteSigner {
    public: [u8; 32],
    commands: mpsc::Sender<Command>,
}

struct Task {
    swarm: Swarm<Behaviour>,
    peer: PeerId,
    address: Multiaddr,
    asked: BTreeMap<OutboundRequestId, oneshot::Sender<Option<Told>>>,
}

fn failed(cause: impl ToString) -> SignError {
    SignError::Link(cause.to_string())
}

impl RemoteSigner {
    /// Connects to the signer at `address`, which ends with `/p2p/` and its id, and asks for the key. Waits until the
    /// signer is there. `seed` is of this node's identity on the link.
    pub async fn connect(address: &str, seed: [u8; 32]) -> Result<Self, SignError> {
        let address: Multiaddr = address.parse().map_err(|_| failed(format!("`{address}` is not a multiaddress")))?;
        let Some(Protocol::P2p(peer)) = address.iter().last() else {
            return Err(failed(format!("`{address}` must end with /p2p/ and the id that `node signer init` prints")));
        };
        let swarm = link::swarm(seed, ProtocolSupport::Outbound, &[peer]).map_err(failed)?;
        let (commands, received) = mpsc::channel(MAX_ASKED);
        tokio::spawn(Task { swarm, peer, address, asked: BTreeMap::new() }.run(received));
        let mut signer = Self { public: [0; 32], commands };
        let told = signer.ask(Ask::PublicKey(true)).await?;
        signer.public = told.try_into().map_err(|_| failed("the signer's key has another length than ed25519 keys"))?;
        Ok(signer)
    }

    async fn ask(&self, ask: Ask) -> Result<Vec<u8>, SignError> {
        let mut tries = 0u32;
        loop {
            let (reply, told) = oneshot::channel();
            self.commands.send((ask.clone(), reply)).await.map_err(|_| failed("its task ended"))?;
            match told.await.ok().flatten() {
                Some(Told::Bytes(bytes)) => return Ok(bytes),
                Some(Told::Refused(reason)) => return Err(SignError::Remote(reason)),
                None => {}
            }
            if tries.is_multiple_of(QUIET) {
                tracing::warn!("the remote signer does not answer; this validator signs nothing until it does");
            }
            tries = tries.wrapping_add(1);
            tokio::time::sleep(PAUSE).await;
        }
    }
}

#[async_trait]
impl ValidatorSigner for RemoteSigner {
    fn public(&self) -> [u8; 32] {
        self.public
    }

    async fn sign(&self, payload: Payload) -> Result<[u8; 64], SignError> {
        let bytes = payload.bytes().to_vec();
        let signature = self.ask(payload.into()).await?;
        if !verifies(&self.public, &bytes, &signature) {
            return Err(failed("it answered with something that is no signature of its key"));
        }
        signature.try_into().map_err(|_| failed("a signature has 64 bytes"))
    }
}

impl Task {
    async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        loop {
            tokio::select! {
                command = commands.recv() => {
                    let Some((ask, reply)) = command else { return };
                    self.dial();
                    let id = self.swarm.behaviour_mut().link.send_request(&self.peer, Question { ask: Some(ask) });
                    self.asked.insert(id, reply);
                }
                event = self.swarm.select_next_some() => self.on_event(event),
            }
        }
    }

    fn dial(&mut self) {
        if self.swarm.is_connected(&self.peer) {
            return;
        }
        let options = DialOpts::peer_id(self.peer).addresses(vec![self.address.clone()]).build();
        if let Err(error) = self.swarm.dial(options) {
            tracing::debug!(%error, "cannot dial the signer");
        }
    }

    fn on_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(BehaviourEvent::Link(request_response::Event::Message {
                message: Message::Response { request_id, response },
                ..
            })) => self.answered(&request_id, response.told),
            SwarmEvent::Behaviour(BehaviourEvent::Link(request_response::Event::OutboundFailure {
                request_id,
                error,
                ..
            })) => {
                tracing::debug!(%error, "the signer gives no answer");
                self.answered(&request_id, None);
            }
            _ => {}
        }
    }

    fn answered(&mut self, id: &OutboundRequestId, told: Option<Told>) {
        if let Some(reply) = self.asked.remove(id) {
            // Consensus may have ended.
            let _ = reply.send(told);
        }
    }
}
