//! What a grant allows. Accepting a message may use the grant up.

use prost::{Message, Name};
use prost_types::Any;
use ve_base::{CodedError, errors::sdk};
use ve_proto::cosmos::authz::v1beta1::GenericAuthorization;
use ve_proto::cosmos::bank::v1beta1::{MsgSend, SendAuthorization};
use ve_proto::cosmos::staking::v1beta1::StakeAuthorization;
use ve_sdk::{Registry, type_url};

use super::error::Error;
use super::{send, stake};

/// An authorization of any supported type.
#[derive(Clone, Debug, PartialEq)]
pub enum Authorization {
    Generic(GenericAuthorization),
    Send(SendAuthorization),
    Stake(StakeAuthorization),
}

/// What is left of an authorization after it accepted a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Left {
    Same,
    Less(Authorization),
    Nothing,
}

impl Authorization {
    pub fn from_any(any: &Any) -> Result<Self, CodedError> {
        fn decode<M: Message + Default>(any: &Any) -> Result<M, CodedError> {
            M::decode(any.value.as_slice())
                .map_err(|_| sdk::Error::InvalidRequest(format!("{} does not decode", any.type_url)).into())
        }
        let url = any.type_url.as_str();
        if url == type_url::<GenericAuthorization>() {
            Ok(Self::Generic(decode(any)?))
        } else if url == type_url::<SendAuthorization>() {
            Ok(Self::Send(decode(any)?))
        } else if url == type_url::<StakeAuthorization>() {
            Ok(Self::Stake(decode(any)?))
        } else {
            Err(Error::UnknownType(url.chars().take(100).collect()).into())
        }
    }

    pub fn to_any(&self) -> Any {
        fn pack<M: Message + Name>(message: &M) -> Any {
            Any { type_url: type_url::<M>(), value: message.encode_to_vec() }
        }
        match self {
            Self::Generic(inner) => pack(inner),
            Self::Send(inner) => pack(inner),
            Self::Stake(inner) => pack(inner),
        }
    }

    /// Type URL of the messages that it allows.
    pub fn message(&self) -> String {
        match self {
            Self::Generic(generic) => generic.msg.clone(),
            Self::Send(_) => type_url::<MsgSend>(),
            Self::Stake(stake) => stake::message(stake),
        }
    }

    /// Refuses what could never accept anything.
    pub fn check(&self) -> Result<(), CodedError> {
        match self {
            Self::Generic(_) => Ok(()),
            Self::Send(inner) => send::check(inner),
            Self::Stake(inner) => stake::check(inner),
        }
    }

    /// Refuses a message type that the chain does not have.
    pub fn check_known(&self, registry: &Registry) -> Result<(), CodedError> {
        let url = self.message();
        registry.message(&url).map(|_| ()).ok_or_else(|| ve_sdk::admission::unknown_message(&url).into())
    }

    /// Whether the message, whose type is [`Authorization::message`], is within the limits.
    pub fn accept(&self, message: &Any) -> Result<Left, CodedError> {
        match self {
            Self::Generic(_) => Ok(Left::Same),
            Self::Send(inner) => send::accept(inner, message),
            Self::Stake(inner) => stake::accept(inner, message),
        }
    }
}
