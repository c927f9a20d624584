//! The engine's types, mapped so that every byte that is signed is CometBFT's (ADR 0001). A value *is* its id: the block
//! id with the header's time, which is the timestamp of all votes for it. Block bytes travel beside, as parts.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};
use malachitebft_core_types::{
    Context, Extension, Height as HeightTrait, LinearTimeouts, NilOrVal, Round, SignedExtension, SigningScheme,
    VoteType,
};
use prost_types::Timestamp;
use ve_proto::tendermint::types::{BlockId, PartSetHeader};

use crate::comet::validators;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct Height(pub u64);

impl fmt::Display for Height {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl HeightTrait for Height {
    const ZERO: Self = Self(0);
    const INITIAL: Self = Self(1);

    fn increment_by(&self, n: u64) -> Self {
        Self(self.0.saturating_add(n))
    }

    fn decrement_by(&self, n: u64) -> Option<Self> {
        self.0.checked_sub(n).map(Self)
    }

    fn as_u64(&self) -> u64 {
        self.0
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct Address(pub [u8; 20]);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode_upper(self.0))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl malachitebft_core_types::Address for Address {}

/// A block id and the block's time. The application recomputes it from received bytes, so an id with a false time never
/// meets a block.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct ValueId {
    pub hash: [u8; 32],
    pub parts_total: u32,
    pub parts_hash: [u8; 32],
    pub time_seconds: i64,
    pub time_nanos: i32,
}

impl ValueId {
    pub fn new(id: &BlockId, time: &Timestamp) -> Option<Self> {
        let parts = id.part_set_header.as_ref()?;
        Some(Self {
            hash: id.hash.as_slice().try_into().ok()?,
            parts_total: parts.total,
            parts_hash: parts.hash.as_slice().try_into().ok()?,
            time_seconds: time.seconds,
            time_nanos: time.nanos,
        })
    }

    pub fn block_id(&self) -> BlockId {
        BlockId {
            hash: self.hash.to_vec(),
            part_set_header: Some(PartSetHeader { total: self.parts_total, hash: self.parts_hash.to_vec() }),
        }
    }

    pub fn time(&self) -> Timestamp {
        Timestamp { seconds: self.time_seconds, nanos: self.time_nanos }
    }
}

impl fmt::Display for ValueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode_upper(self.hash))
    }
}

impl fmt::Debug for ValueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl malachitebft_core_types::Value for ValueId {
    type Id = Self;

    fn id(&self) -> Self {
        self.clone()
    }
}

/// An ed25519 signature as bytes: most votes are compared and stored more often than verified.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Signature(pub [u8; 64]);

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode_upper(&self.0[..8]))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey(pub [u8; 32]);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ed25519;

#[derive(Debug, thiserror::Error)]
#[error("wrong length of a key or signature")]
pub struct WrongLength;

impl SigningScheme for Ed25519 {
    type DecodingError = WrongLength;
    type Signature = Signature;
    type PublicKey = PublicKey;
    /// Keys stay with the signer; the engine never holds one.
    type PrivateKey = ();

    fn decode_signature(bytes: &[u8]) -> Result<Signature, WrongLength> {
        bytes.try_into().map(Signature).map_err(|_| WrongLength)
    }

    fn encode_signature(signature: &Signature) -> Vec<u8> {
        signature.0.to_vec()
    }

    fn decode_public_key(bytes: &[u8]) -> Result<PublicKey, WrongLength> {
        bytes.try_into().map(PublicKey).map_err(|_| WrongLength)
    }

    fn encode_public_key(key: &PublicKey) -> Vec<u8> {
        key.0.to_vec()
    }
}

/// Largest vote extension: a hundred of them with their commit fit easily into one sync answer.
pub const MAX_EXTENSION_BYTES: usize = 16_384;

/// What an application attaches to a precommit.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct VoteExtension(pub Vec<u8>);

impl Extension for VoteExtension {
    fn size_bytes(&self) -> usize {
        self.0.len()
    }
}

/// Equality ignores the extension: WAL replay compares re-derived with recorded votes and stops on a difference.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub struct Vote {
    pub kind: VoteType,
    pub height: Height,
    pub round: Round,
    pub value: NilOrVal<ValueId>,
    pub address: Address,
    pub extension: Option<SignedExtension<VeContext>>,
}

impl PartialEq for Vote {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.height == other.height
            && self.round == other.round
            && self.value == other.value
            && self.address == other.address
    }
}

impl Eq for Vote {}

impl malachitebft_core_types::Vote<VeContext> for Vote {
    fn height(&self) -> Height {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &NilOrVal<ValueId> {
        &self.value
    }

    fn take_value(self) -> NilOrVal<ValueId> {
        self.value
    }

    fn vote_type(&self) -> VoteType {
        self.kind
    }

    fn validator_address(&self) -> &Address {
        &self.address
    }

    fn extension(&self) -> Option<&SignedExtension<VeContext>> {
        self.extension.as_ref()
    }

    fn take_extension(&mut self) -> Option<SignedExtension<VeContext>> {
        self.extension.take()
    }

    fn extend(self, extension: SignedExtension<VeContext>) -> Self {
        Self { extension: Some(extension), ..self }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Proposal {
    pub height: Height,
    pub round: Round,
    pub value: ValueId,
    pub pol_round: Round,
    pub address: Address,
}

impl malachitebft_core_types::Proposal<VeContext> for Proposal {
    fn height(&self) -> Height {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &ValueId {
        &self.value
    }

    fn take_value(self) -> ValueId {
        self.value
    }

    fn pol_round(&self) -> Round {
        self.pol_round
    }

    fn validator_address(&self) -> &Address {
        &self.address
    }
}

/// One message of a proposal stream. Parts need no signature: the id commits to them.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum ProposalPart {
    Init {
        height: Height,
        round: Round,
        pol_round: Round,
        proposer: Address,
        id: ValueId,
    },
    /// `tendermint.types.Part`, encoded; whether it is the last one.
    Piece {
        part: Vec<u8>,
        last: bool,
    },
}

impl malachitebft_core_types::ProposalPart<VeContext> for ProposalPart {
    fn is_first(&self) -> bool {
        matches!(self, Self::Init { .. })
    }

    fn is_last(&self) -> bool {
        matches!(self, Self::Piece { last: true, .. })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validator {
    pub address: Address,
    pub key: PublicKey,
    pub power: u64,
}

impl malachitebft_core_types::Validator<VeContext> for Validator {
    fn address(&self) -> &Address {
        &self.address
    }

    fn public_key(&self) -> &PublicKey {
        &self.key
    }

    fn voting_power(&self) -> u64 {
        self.power
    }
}

/// CometBFT's set, with the engine's view of its members beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidatorSet {
    pub comet: validators::ValidatorSet,
    members: Vec<Validator>,
}

impl ValidatorSet {
    pub fn new(comet: validators::ValidatorSet) -> Self {
        let members = comet
            .validators()
            .iter()
            .map(|validator| Validator {
                address: Address(validator.address),
                key: PublicKey(validator.key),
                power: validator.power,
            })
            .collect();
        Self { comet, members }
    }
}

impl malachitebft_core_types::ValidatorSet<VeContext> for ValidatorSet {
    fn count(&self) -> usize {
        self.members.len()
    }

    fn total_voting_power(&self) -> u64 {
        self.comet.total_power()
    }

    fn get_by_address(&self, address: &Address) -> Option<&Validator> {
        self.members.iter().find(|member| member.address == *address)
    }

    fn get_by_index(&self, index: usize) -> Option<&Validator> {
        self.members.get(index)
    }
}

#[derive(Clone, Copy, Debug)]
pub struct VeContext;

impl Context for VeContext {
    type Address = Address;
    type Height = Height;
    type ProposalPart = ProposalPart;
    type Proposal = Proposal;
    type Validator = Validator;
    type ValidatorSet = ValidatorSet;
    type Timeouts = LinearTimeouts;
    type Value = ValueId;
    type Vote = Vote;
    type Extension = VoteExtension;
    type SigningScheme = Ed25519;

    fn select_proposer<'a>(&self, set: &'a ValidatorSet, _height: Height, round: Round) -> &'a Validator {
        let round = round.as_u32().unwrap_or(0);
        let chosen = if round == 0 {
            set.comet.proposer().map(|proposer| proposer.address)
        } else {
            set.comet.at_round(round).proposer().map(|proposer| proposer.address)
        };
        set.members
            .iter()
            .find(|member| Some(member.address.0) == chosen)
            .or(set.members.first())
            .expect("a validator set is never empty")
    }

    fn new_proposal(
        &self,
        height: Height,
        round: Round,
        value: ValueId,
        pol_round: Round,
        address: Address,
    ) -> Proposal {
        Proposal { height, round, value, pol_round, address }
    }

    fn new_prevote(&self, height: Height, round: Round, value: NilOrVal<ValueId>, address: Address) -> Vote {
        Vote { kind: VoteType::Prevote, height, round, value, address, extension: None }
    }

    fn new_precommit(&self, height: Height, round: Round, value: NilOrVal<ValueId>, address: Address) -> Vote {
        Vote { kind: VoteType::Precommit, height, round, value, address, extension: None }
    }
}
