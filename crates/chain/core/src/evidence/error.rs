//! Errors of the module, with the codes of the Cosmos SDK.

use ve_base::Coded;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("evidence of type {0:?} is not understood; submit a /tendermint.types.DuplicateVoteEvidence")]
    NoHandler(String),
    #[error("invalid evidence: {0}")]
    Invalid(String),
    #[error("evidence {0} does not exist: key not found")]
    NotFound(String),
    #[error("this was punished already, or nothing is left to punish")]
    Known,
}

impl Coded for Error {
    fn codespace(&self) -> &'static str {
        "evidence"
    }

    fn code(&self) -> u32 {
        match self {
            Self::NoHandler(..) => 2,
            Self::Invalid(..) => 3,
            Self::NotFound(..) => 4,
            Self::Known => 5,
        }
    }
}
