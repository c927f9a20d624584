//! The connection between node and signer: one question and one answer per stream, both short.

use std::io;
use std::time::Duration;

use async_trait::async_trait;
use futures::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use libp2p::swarm::NetworkBehaviour;
use libp2p::{PeerId, StreamProtocol, Swarm, allow_block_list};
use libp2p_request_response::{self as request_response, ProtocolSupport};
use sha2::{Digest, Sha256};

use super::payload::Payload;

const PROTOCOL: StreamProtocol = StreamProtocol::new("/ve/signer/1");
const MAX_MESSAGE: u64 = 32 << 10;
/// A signature that comes later is of no use.
const TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Question {
    #[prost(oneof = "Ask", tags = "1, 2, 3, 4")]
    pub ask: Option<Ask>,
}

#[derive(Clone, PartialEq, Eq, prost::Oneof)]
pub enum Ask {
    #[prost(bool, tag = "1")]
    PublicKey(bool),
    #[prost(bytes = "vec", tag = "2")]
    Consensus(Vec<u8>),
    #[prost(bytes = "vec", tag = "3")]
    Extension(Vec<u8>),
    #[prost(bytes = "vec", tag = "4")]
    PeerProof(Vec<u8>),
}

impl From<Payload> for Ask {
    fn from(payload: Payload) -> Self {
        match payload {
            Payload::Consensus(bytes) => Self::Consensus(bytes),
            Payload::Extension(bytes) => Self::Extension(bytes),
            Payload::PeerProof(bytes) => Self::PeerProof(bytes),
        }
    }
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Reply {
    #[prost(oneof = "Told", tags = "1, 2")]
    pub told: Option<Told>,
}

#[derive(Clone, PartialEq, Eq, prost::Oneof)]
pub enum Told {
    /// The key, or the signature.
    #[prost(bytes = "vec", tag = "1")]
    Bytes(Vec<u8>),
    /// Why nothing was signed; asking again changes nothing.
    #[prost(string, tag = "2")]
    Refused(String),
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Codec;

async fn read<M: prost::Message + Default>(io: &mut (impl AsyncRead + Unpin + Send)) -> io::Result<M> {
    let mut bytes = Vec::new();
    io.take(MAX_MESSAGE + 1).read_to_end(&mut bytes).await?;
    if bytes.len() as u64 > MAX_MESSAGE {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the message is too long"));
    }
    M::decode(bytes.as_slice()).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

async fn write(io: &mut (impl AsyncWrite + Unpin + Send), message: &impl prost::Message) -> io::Result<()> {
    io.write_all(&message.encode_to_vec()).await?;
    io.close().await
}

#[async_trait]
impl request_response::Codec for Codec {
    type Protocol = StreamProtocol;
    type Request = Question;
    type Response = Reply;

    async fn read_request<T: AsyncRead + Unpin + Send>(
        &mut self,
        _: &Self::Protocol,
        io: &mut T,
    ) -> io::Result<Question> {
        read(io).await
    }

    async fn read_response<T: AsyncRead + Unpin + Send>(
        &mut self,
        _: &Self::Protocol,
        io: &mut T,
    ) -> io::Result<Reply> {
        read(io).await
    }

    async fn write_request<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &Self::Protocol,
        io: &mut T,
        question: Question,
    ) -> io::Result<()> {
        write(io, &question).await
    }

    async fn write_response<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &Self::Protocol,
        io: &mut T,
        reply: Reply,
    ) -> io::Result<()> {
        write(io, &reply).await
    }
}

#[derive(NetworkBehaviour)]
pub struct Behaviour {
    /// Connections of others end before they can ask anything.
    pub allowed: allow_block_list::Behaviour<allow_block_list::AllowedPeers>,
    pub link: request_response::Behaviour<Codec>,
}

/// The identity that a node has towards its signer, derived from its node key.
pub fn link_seed(node_seed: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update(b"VE|signer-link|v1|").chain_update(node_seed).finalize().into()
}

/// How the other side knows the holder of `seed`.
pub fn link_id(seed: [u8; 32]) -> Option<PeerId> {
    let mut seed = seed;
    Some(libp2p::identity::Keypair::ed25519_from_bytes(&mut seed).ok()?.public().to_peer_id())
}

/// A swarm on the identity of `seed` that talks to `peers` only.
pub fn swarm(seed: [u8; 32], support: ProtocolSupport, peers: &[PeerId]) -> Result<Swarm<Behaviour>, String> {
    let mut seed = seed;
    let key = libp2p::identity::Keypair::ed25519_from_bytes(&mut seed).map_err(|error| error.to_string())?;
    let settings = request_response::Config::default().with_request_timeout(TIMEOUT);
    let mut allowed = allow_block_list::Behaviour::default();
    for peer in peers {
        allowed.allow_peer(*peer);
    }
    let link = request_response::Behaviour::new([(PROTOCOL, support)], settings);
    let swarm = libp2p::SwarmBuilder::with_existing_identity(key)
        .with_tokio()
        .with_tcp(
            libp2p::tcp::Config::default().nodelay(true),
            libp2p::noise::Config::new,
            libp2p::yamux::Config::default,
        )
        .map_err(|error| error.to_string())?
        .with_behaviour(|_| Behaviour { allowed, link })
        .map_err(|error| error.to_string())?
        .with_swarm_config(|config| config.with_idle_connection_timeout(Duration::from_secs(600)))
        .build();
    Ok(swarm)
}
