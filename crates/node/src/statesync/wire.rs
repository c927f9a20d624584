//! What a node that starts from a snapshot asks its peers, and their answers: one request and one answer per stream,
//! each a protobuf message of bounded length.

use std::io;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use libp2p::StreamProtocol;
use prost::Message as _;
use ve_proto::tendermint::types::{Header, LightBlock, ValidatorSet};
use ve_sdk::application::{MAX_CHUNK_BYTES, StateSnapshot};

const MAX_REQUEST: u64 = 256;
/// A chunk with its frame. Lists are cut to less by whoever answers.
pub const MAX_ANSWER: u64 = MAX_CHUNK_BYTES as u64 + 65_536;

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Request {
    #[prost(oneof = "Ask", tags = "1, 2, 3, 4, 5")]
    pub ask: Option<Ask>,
}

#[derive(Clone, PartialEq, Eq, prost::Oneof)]
pub enum Ask {
    /// Which snapshots are there.
    #[prost(bool, tag = "1")]
    Snapshots(bool),
    #[prost(message, tag = "2")]
    Chunk(AskChunk),
    /// Header, commit and validators of a height.
    #[prost(uint64, tag = "3")]
    Light(u64),
    /// The validator set of a height, which may be one or two after the last block.
    #[prost(uint64, tag = "4")]
    Validators(u64),
    /// Headers from this height downwards, with the sets that they name.
    #[prost(uint64, tag = "5")]
    History(u64),
}

#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct AskChunk {
    #[prost(uint64, tag = "1")]
    pub height: u64,
    #[prost(uint32, tag = "2")]
    pub format: u32,
    #[prost(uint32, tag = "3")]
    pub index: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Answer {
    #[prost(oneof = "Told", tags = "1, 2, 3, 4, 5, 6, 7")]
    pub told: Option<Told>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub enum Told {
    #[prost(message, tag = "1")]
    Snapshots(SnapshotList),
    #[prost(bytes = "bytes", tag = "2")]
    Chunk(Bytes),
    #[prost(message, boxed, tag = "3")]
    Light(Box<LightBlock>),
    #[prost(message, tag = "4")]
    Validators(ValidatorSet),
    #[prost(message, tag = "5")]
    History(History),
    /// Not here.
    #[prost(bool, tag = "6")]
    Nothing(bool),
    /// Too much was asked; again later.
    #[prost(bool, tag = "7")]
    Busy(bool),
}

impl From<Told> for Answer {
    fn from(told: Told) -> Self {
        Self { told: Some(told) }
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct SnapshotList {
    #[prost(message, repeated, tag = "1")]
    pub snapshots: Vec<Offered>,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Offered {
    #[prost(uint64, tag = "1")]
    pub height: u64,
    #[prost(uint32, tag = "2")]
    pub format: u32,
    #[prost(uint32, tag = "3")]
    pub chunks: u32,
    #[prost(bytes = "vec", tag = "4")]
    pub hash: Vec<u8>,
    #[prost(bytes = "bytes", tag = "5")]
    pub metadata: Bytes,
}

impl From<StateSnapshot> for Offered {
    fn from(snapshot: StateSnapshot) -> Self {
        let StateSnapshot { height, format, chunks, hash, metadata } = snapshot;
        Self { height, format, chunks, hash: hash.to_vec(), metadata }
    }
}

impl Offered {
    pub fn parse(self) -> Option<StateSnapshot> {
        let Self { height, format, chunks, hash, metadata } = self;
        Some(StateSnapshot { height, format, chunks, hash: hash.try_into().ok()?, metadata })
    }
}

/// Headers, the highest first, without gaps.
#[derive(Clone, PartialEq, prost::Message)]
pub struct History {
    #[prost(message, repeated, tag = "1")]
    pub headers: Vec<Header>,
    /// Each set that one of the headers names as its own, once, without meaning in its priorities.
    #[prost(message, repeated, tag = "2")]
    pub sets: Vec<ValidatorSet>,
}

/// The protocol's name among the peers of a chain.
pub fn protocol(chain_id: &str) -> Option<StreamProtocol> {
    StreamProtocol::try_from_owned(format!("/ve/{chain_id}/statesync/1")).ok()
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Codec;

async fn read<M: prost::Message + Default>(io: &mut (impl AsyncRead + Unpin + Send), most: u64) -> io::Result<M> {
    let mut bytes = Vec::new();
    io.take(most + 1).read_to_end(&mut bytes).await?;
    if bytes.len() as u64 > most {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the message is too long"));
    }
    M::decode(Bytes::from(bytes)).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

#[async_trait]
impl libp2p_request_response::Codec for Codec {
    type Protocol = StreamProtocol;
    type Request = Request;
    type Response = Answer;

    async fn read_request<T: AsyncRead + Unpin + Send>(
        &mut self,
        _: &Self::Protocol,
        io: &mut T,
    ) -> io::Result<Request> {
        read(io, MAX_REQUEST).await
    }

    async fn read_response<T: AsyncRead + Unpin + Send>(
        &mut self,
        _: &Self::Protocol,
        io: &mut T,
    ) -> io::Result<Answer> {
        read(io, MAX_ANSWER).await
    }

    async fn write_request<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &Self::Protocol,
        io: &mut T,
        request: Request,
    ) -> io::Result<()> {
        io.write_all(&request.encode_to_vec()).await?;
        io.close().await
    }

    async fn write_response<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &Self::Protocol,
        io: &mut T,
        answer: Answer,
    ) -> io::Result<()> {
        io.write_all(&answer.encode_to_vec()).await?;
        io.close().await
    }
}
