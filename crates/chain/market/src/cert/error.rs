//! Errors of the module; codes never change.

use ve_base::Coded;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("certificate refused: {0}; make a new one with the client's tools")]
    Invalid(String),
    #[error("certificate refused: it is expired or begins more than a day from now; make a new one")]
    Time,
    #[error("certificate {0} exists already; make one with another serial number")]
    Exists(String),
    #[error("certificate {0} does not exist or is revoked; list the valid ones by owner")]
    NotFound(String),
    #[error("{0} has {1} valid certificates, the most allowed; revoke one first")]
    TooMany(String, usize),
    #[error("genesis of certificates refused: {0}")]
    Genesis(String),
}

impl Coded for Error {
    fn codespace(&self) -> &'static str {
        "cert"
    }

    fn code(&self) -> u32 {
        match self {
            Self::Invalid(_) => 2,
            Self::Time => 3,
            Self::Exists(_) => 4,
            Self::NotFound(_) => 5,
            Self::TooMany(..) => 6,
            Self::Genesis(_) => 7,
        }
    }
}
