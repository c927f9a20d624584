//! Errors of the module; codes never change.

use ve_base::Coded;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("{0} is no attester; list them with `query attester attesters`")]
    NotFound(String),
    #[error("{0} is an attester already")]
    Exists(String),
    #[error("attester {0} is {1}: {2}")]
    State(String, &'static str, &'static str),
    #[error("the bond must be at least {0}uve, got {1}uve")]
    Bond(String, String),
    #[error("attester {0} does not vouch for {1}")]
    Kind(String, String),
    #[error("signer key {0} cannot be used: {1}")]
    Key(String, &'static str),
    #[error("the attestation is refused: {0}")]
    Attestation(&'static str),
    #[error("this nonce of the attester was used before; an attestation is accepted once")]
    Replayed,
    #[error("attester {0} has {1} nonces that are remembered, the most at a time; try again when some expired")]
    TooManyNonces(String, u32),
    #[error("this upstream account belongs to another account of the chain")]
    UpstreamTaken,
    #[error("{0} has {1} attestations, the most at a time; withdraw one")]
    TooMany(String, u32),
    #[error("there is no attestation {0}")]
    UnknownAttestation(String),
    #[error("the signature of {0} does not fit")]
    Signature(&'static str),
    #[error("these attestations do not contradict each other: {0}")]
    NoEquivocation(&'static str),
    #[error("{0} has from 1 to {1} printable characters")]
    Text(&'static str, usize),
    #[error("parameters refused: {0}")]
    Params(String),
    #[error("genesis of attesters refused: {0}")]
    Genesis(String),
}

impl Coded for Error {
    fn codespace(&self) -> &'static str {
        "attester"
    }

    fn code(&self) -> u32 {
        match self {
            Self::NotFound(_) => 2,
            Self::Exists(_) => 3,
            Self::State(..) => 4,
            Self::Bond(..) => 5,
            Self::Kind(..) => 6,
            Self::Key(..) => 7,
            Self::Attestation(_) => 8,
            Self::Replayed => 9,
            Self::TooManyNonces(..) => 10,
            Self::UpstreamTaken => 11,
            Self::TooMany(..) => 12,
            Self::UnknownAttestation(_) => 13,
            Self::Signature(_) => 14,
            Self::NoEquivocation(_) => 15,
            Self::Text(..) => 16,
            Self::Params(_) => 17,
            Self::Genesis(_) => 18,
        }
    }
}
