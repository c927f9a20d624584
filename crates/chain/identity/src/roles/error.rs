//! Errors of the module; codes never change.

use ve_base::Coded;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("{0} may not do this: {1}")]
    Unauthorized(String, &'static str),
    #[error("nobody decides about himself; somebody else must act on {0}")]
    SelfAction(String),
    #[error("one genesis account and two administrators must remain")]
    LastAdmin,
    #[error("{0} is a genesis account; only governance changes what it is")]
    GenesisProtected(String),
    #[error("an account that is {0} cannot become {1}")]
    InvalidTransition(&'static str, &'static str),
    #[error("{0} has {1} roles, the most allowed")]
    RoleLimit(String, u32),
    #[error("there is no {0} {1}")]
    NotFound(&'static str, u64),
    #[error("action {0} is {1}; this needs one that is {2}")]
    Status(u64, &'static str, &'static str),
    #[error("{0} has approved already, itself or through a delegate")]
    Twice(String),
    #[error("{0}")]
    Invalid(String),
    #[error("{0} {1} already")]
    Exists(String, &'static str),
    #[error("{0} has {1} open {2}, the most allowed; end one first")]
    TooMany(String, u32, &'static str),
    #[error("the delegation {0} does not cover this: {1}")]
    Delegation(u64, &'static str),
    #[error("{0} is {1} and cannot send {2}; see `query roles message-classes` for what it can")]
    Restricted(String, &'static str, String),
    #[error("{0} is {1} and cannot pay the fees of others")]
    RestrictedPayer(String, &'static str),
    #[error("{0} is flagged and has moved the {1} uve that it may move in a day")]
    Outflow(String, String),
    #[error("what is left can be claimed from {0} on (seconds since 1970)")]
    TooEarly(u64),
    #[error("{0} is blocked by compliance; what it owns stays where it is until that ends")]
    Blocked(String),
    #[error("parameters refused: {0}")]
    Params(String),
    #[error("genesis of roles refused: {0}")]
    Genesis(String),
}

impl Coded for Error {
    fn codespace(&self) -> &'static str {
        "roles"
    }

    fn code(&self) -> u32 {
        match self {
            Self::Unauthorized(..) => 2,
            Self::SelfAction(_) => 3,
            Self::LastAdmin => 4,
            Self::GenesisProtected(_) => 5,
            Self::InvalidTransition(..) => 6,
            Self::RoleLimit(..) => 7,
            Self::NotFound(..) => 8,
            Self::Status(..) => 9,
            Self::Twice(_) => 10,
            Self::Invalid(_) => 11,
            Self::Exists(..) => 12,
            Self::TooMany(..) => 13,
            Self::Delegation(..) => 14,
            Self::Restricted(..) => 15,
            Self::RestrictedPayer(..) => 16,
            Self::Outflow(..) => 17,
            Self::TooEarly(_) => 18,
            Self::Blocked(_) => 19,
            Self::Params(_) => 20,
            Self::Genesis(_) => 21,
        }
    }
}
