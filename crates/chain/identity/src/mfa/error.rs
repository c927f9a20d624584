//! Errors of the module; codes never change.

use ve_base::Coded;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("{0} of {1} demands a session with: {2}; `query mfa requirements` lists what is needed")]
    Required(&'static str, String, String),
    #[error("the proven factors do not suffice for {0}; needed are: {1}")]
    InsufficientFactors(&'static str, String),
    #[error("session {0} is expired or unknown")]
    SessionExpired(u64),
    #[error("session {0} was used or revoked")]
    SessionUsed(u64),
    #[error("the session is for {0}, not for {1}")]
    WrongAction(&'static str, &'static str),
    #[error("the session is for another message than this one")]
    WrongIntent,
    #[error("the client key of session {0} did not sign this transaction")]
    ClientKeyMismatch(u64),
    #[error("no row of the table of actions says what {0} demands; it is refused")]
    NoRow(String),
    #[error("challenge {0} took too many tries; create another one")]
    MaxAttempts(u64),
    #[error("{0} is locked after failed tries until {1}")]
    Locked(String, u64),
    #[error("factor {0} is {1}")]
    Factor(u64, &'static str),
    #[error("the proof is refused: {0}")]
    Proof(&'static str),
    #[error("the certificate is refused: {0}")]
    Certificate(&'static str),
    #[error("the request is refused: {0}")]
    Request(&'static str),
    #[error("there are {0} {1}, the most allowed")]
    TooMany(u32, &'static str),
    #[error("there is no {0} {1}")]
    NotFound(&'static str, u64),
    #[error("{0} of {1} waits while a recovery is under way")]
    Frozen(&'static str, String),
    #[error("recovery: {0}")]
    Recovery(&'static str),
    #[error("{0} needs a score of {1}, {2} has {3}")]
    Score(&'static str, u32, String, u32),
    #[error("parameters refused: {0}")]
    Params(String),
    #[error("genesis of multi-factor authentication refused: {0}")]
    Genesis(String),
}

impl Coded for Error {
    fn codespace(&self) -> &'static str {
        "mfa"
    }

    fn code(&self) -> u32 {
        match self {
            Self::Required(..) => 2,
            Self::InsufficientFactors(..) => 3,
            Self::SessionExpired(_) => 4,
            Self::SessionUsed(_) => 5,
            Self::WrongAction(..) => 6,
            Self::WrongIntent => 7,
            Self::ClientKeyMismatch(_) => 8,
            Self::NoRow(_) => 9,
            Self::MaxAttempts(_) => 10,
            Self::Locked(..) => 11,
            Self::Factor(..) => 12,
            Self::Proof(_) => 13,
            Self::Certificate(_) => 14,
            Self::Request(_) => 15,
            Self::TooMany(..) => 16,
            Self::NotFound(..) => 17,
            Self::Frozen(..) => 18,
            Self::Recovery(_) => 19,
            Self::Score(..) => 20,
            Self::Params(_) => 21,
            Self::Genesis(_) => 22,
        }
    }
}
