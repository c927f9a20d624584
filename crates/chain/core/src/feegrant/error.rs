//! Errors of the module, with the codes of the Cosmos SDK.

use ve_base::Coded;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("{0}: fee limit exceeded")]
    LimitExceeded(&'static str),
    #[error("{0}: fee allowance expired")]
    Expired(&'static str),
    #[error("the period must be longer than 0 s: invalid duration")]
    Duration,
    #[error("fee-grant not found: no allowance")]
    NoAllowance,
    #[error("name 1 to {0} allowed messages: allowed messages are empty")]
    NoMessages(usize),
    #[error("message does not exist in allowed messages: message not allowed")]
    MessageNotAllowed,
}

impl Coded for Error {
    fn codespace(&self) -> &'static str {
        "feegrant"
    }

    fn code(&self) -> u32 {
        match self {
            Self::LimitExceeded(_) => 2,
            Self::Expired(_) => 3,
            Self::Duration => 4,
            Self::NoAllowance => 5,
            Self::NoMessages(_) => 6,
            Self::MessageNotAllowed => 7,
        }
    }
}
