//! Errors of the module; codes never change. 2 to 19 belong to envelopes ([`ve_base::envelope::Error`]).

use ve_base::Coded;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("key {0} is revoked, expired or replaced; seal to an active key of its owner")]
    KeyNotActive(String),
    #[error("there is no key {0}; list the keys of an owner with `query encryption keys`")]
    NotFound(String),
    #[error("this public key was registered before; generate another one")]
    Exists,
    #[error("{0} has {1} keys, the most allowed; revoke one first")]
    TooMany(String, u32),
    #[error("key {0} is not of {1}")]
    NotOwner(String, String),
    #[error("a label has at most 64 printable characters")]
    Label,
    #[error("key {0} is already {1}")]
    State(String, &'static str),
    #[error("parameters refused: {0}")]
    Params(String),
    #[error("genesis of encryption keys refused: {0}")]
    Genesis(String),
    #[error("seal to every member of the committee and nobody else; {0} is missing")]
    NotAllMembers(String),
}

impl Coded for Error {
    fn codespace(&self) -> &'static str {
        "encryption"
    }

    fn code(&self) -> u32 {
        match self {
            Self::KeyNotActive(_) => 20,
            Self::NotFound(_) => 21,
            Self::Exists => 22,
            Self::TooMany(..) => 23,
            Self::NotOwner(..) => 24,
            Self::Label => 25,
            Self::State(..) => 26,
            Self::Params(_) => 27,
            Self::Genesis(_) => 28,
            Self::NotAllMembers(_) => 29,
        }
    }
}
