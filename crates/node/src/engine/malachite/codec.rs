//! How consensus messages look on the wire and in the write-ahead log. These bytes are ours alone: nothing outside the
//! nodes reads them. Sync messages are written by hand because the engine has no encoding for them.

use std::io;
use std::ops::RangeInclusive;

use borsh::{BorshDeserialize, BorshSerialize};
use bytes::Bytes;
use malachitebft_app_channel::app::consensus::{LivenessMsg, ProposedValue, SignedConsensusMsg};
use malachitebft_app_channel::app::types::codec::{Codec, HasEncodedLen};
use malachitebft_app_channel::app::types::streaming::StreamMessage;
use malachitebft_core_types::{
    ExtendedCommitCertificate, ExtendedCommitSignature, NilOrVal, PolkaCertificate, Round, SignedExtension,
    SignedMessage, ValidatorProof, VoteType,
};
use malachitebft_sync::{PeerId, RawDecidedValue, Request, Response, Status, ValueRequest, ValueResponse};

use super::context::{Address, Height, MAX_EXTENSION_BYTES, ProposalPart, Signature, ValueId, VeContext};

/// Blocks in one sync response; more are refused before they are read.
const MAX_SYNC_VALUES: usize = 1000;

#[derive(Clone, Copy, Debug)]
pub struct WireCodec;

macro_rules! borsh_codec {
    ($($message:ty),*) => {$(
        impl Codec<$message> for WireCodec {
            type Error = io::Error;

            fn decode(&self, bytes: Bytes) -> io::Result<$message> {
                borsh::from_slice(&bytes)
            }

            fn encode(&self, message: &$message) -> io::Result<Bytes> {
                borsh::to_vec(message).map(Into::into)
            }
        }
    )*};
}

impl Codec<SignedConsensusMsg<VeContext>> for WireCodec {
    type Error = io::Error;

    fn decode(&self, bytes: Bytes) -> io::Result<SignedConsensusMsg<VeContext>> {
        let message = borsh::from_slice(&bytes)?;
        placed(&message)?;
        Ok(message)
    }

    fn encode(&self, message: &SignedConsensusMsg<VeContext>) -> io::Result<Bytes> {
        borsh::to_vec(message).map(Into::into)
    }
}

/// What is signed has no place for these differences, so a message that has them is not what its signer sent: no round,
/// a round that CometBFT cannot write, a malformed time, an extension where none belongs.
fn placed(message: &SignedConsensusMsg<VeContext>) -> io::Result<()> {
    let round = |round: Round| round.as_u32().is_some_and(|round| i32::try_from(round).is_ok());
    let timed = |id: &ValueId| (0..1_000_000_000).contains(&id.time_nanos);
    let good = match message {
        SignedConsensusMsg::Vote(SignedMessage { message: vote, .. }) => {
            let named = match &vote.value {
                NilOrVal::Nil => vote.extension.is_none(),
                NilOrVal::Val(id) => timed(id),
            };
            let extended = vote
                .extension
                .as_ref()
                .is_none_or(|signed| vote.kind == VoteType::Precommit && signed.message.0.len() <= MAX_EXTENSION_BYTES);
            round(vote.round) && named && extended
        }
        SignedConsensusMsg::Proposal(SignedMessage { message: proposal, .. }) => {
            let locked = proposal.pol_round.as_u32();
            round(proposal.round)
                && locked.is_none_or(|locked| proposal.round.as_u32().is_some_and(|round| locked < round))
                && timed(&proposal.value)
        }
    };
    if good { Ok(()) } else { Err(invalid("a vote or proposal that nobody can have signed")) }
}

borsh_codec!(
    ProposalPart,
    LivenessMsg<VeContext>,
    StreamMessage<ProposalPart>,
    ProposedValue<VeContext>,
    PolkaCertificate<VeContext>
);

macro_rules! mirrored_codec {
    ($($message:ty => $mirror:ty),*) => {$(
        impl Codec<$message> for WireCodec {
            type Error = io::Error;

            fn decode(&self, bytes: Bytes) -> io::Result<$message> {
                <$mirror>::try_from_slice(&bytes)?.into_message()
            }

            fn encode(&self, message: &$message) -> io::Result<Bytes> {
                borsh::to_vec(&<$mirror>::from_message(message)).map(Into::into)
            }
        }
    )*};
}

mirrored_codec!(
    ValidatorProof<VeContext> => Proof,
    Status<VeContext> => StatusWire,
    Request<VeContext> => RequestWire,
    Response<VeContext> => ResponseWire
);

impl HasEncodedLen<Response<VeContext>> for WireCodec {
    fn encoded_len(&self, message: &Response<VeContext>) -> io::Result<usize> {
        borsh::object_length(&ResponseWire::from_message(message))
    }
}

fn invalid(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, cause)
}

#[derive(BorshSerialize, BorshDeserialize)]
struct Proof {
    public_key: Vec<u8>,
    peer_id: Vec<u8>,
    signature: Signature,
}

impl Proof {
    fn from_message(proof: &ValidatorProof<VeContext>) -> Self {
        Self { public_key: proof.public_key.clone(), peer_id: proof.peer_id.clone(), signature: proof.signature }
    }

    fn into_message(self) -> io::Result<ValidatorProof<VeContext>> {
        Ok(ValidatorProof::new(self.public_key, self.peer_id, self.signature))
    }
}

#[derive(BorshSerialize, BorshDeserialize)]
struct StatusWire {
    peer: Vec<u8>,
    tip: Height,
    history_min: Height,
}

impl StatusWire {
    fn from_message(status: &Status<VeContext>) -> Self {
        Self { peer: status.peer_id.to_bytes(), tip: status.tip_height, history_min: status.history_min_height }
    }

    fn into_message(self) -> io::Result<Status<VeContext>> {
        let peer_id = PeerId::from_bytes(&self.peer).map_err(|cause| invalid(cause.to_string()))?;
        Ok(Status { peer_id, tip_height: self.tip, history_min_height: self.history_min })
    }
}

#[derive(BorshSerialize, BorshDeserialize)]
struct RequestWire {
    first: Height,
    last: Height,
}

impl RequestWire {
    fn from_message(Request::ValueRequest(request): &Request<VeContext>) -> Self {
        Self { first: *request.range.start(), last: *request.range.end() }
    }

    fn into_message(self) -> io::Result<Request<VeContext>> {
        Ok(Request::ValueRequest(ValueRequest::new(RangeInclusive::new(self.first, self.last))))
    }
}

#[derive(BorshSerialize, BorshDeserialize)]
struct ResponseWire {
    start: Height,
    values: Vec<(Vec<u8>, CertificateWire)>,
}

impl ResponseWire {
    fn from_message(Response::ValueResponse(response): &Response<VeContext>) -> Self {
        let values = response
            .values
            .iter()
            .map(|value| (value.value_bytes.to_vec(), CertificateWire::from_message(&value.certificate)))
            .collect();
        Self { start: response.start_height, values }
    }

    fn into_message(self) -> io::Result<Response<VeContext>> {
        if self.values.len() > MAX_SYNC_VALUES {
            return Err(invalid("too many blocks in one sync response"));
        }
        let values = self
            .values
            .into_iter()
            .map(|(bytes, certificate)| RawDecidedValue::new(bytes.into(), certificate.into_message()))
            .collect();
        Ok(Response::ValueResponse(ValueResponse::new(self.start, values)))
    }
}

/// A commit certificate with extensions, as it is synced.
#[derive(Clone, BorshSerialize, BorshDeserialize)]
struct CertificateWire {
    height: Height,
    round: Round,
    value_id: ValueId,
    signatures: Vec<(Address, Signature, Option<SignedExtension<VeContext>>)>,
}

impl CertificateWire {
    fn from_message(certificate: &ExtendedCommitCertificate<VeContext>) -> Self {
        Self {
            height: certificate.height,
            round: certificate.round,
            value_id: certificate.value_id.clone(),
            signatures: certificate
                .commit_signatures
                .iter()
                .map(|entry| (entry.address, entry.signature, entry.extension.clone()))
                .collect(),
        }
    }

    fn into_message(self) -> ExtendedCommitCertificate<VeContext> {
        ExtendedCommitCertificate {
            height: self.height,
            round: self.round,
            value_id: self.value_id,
            commit_signatures: self
                .signatures
                .into_iter()
                .map(|(address, signature, extension)| ExtendedCommitSignature::new(address, signature, extension))
                .collect(),
        }
    }
}
