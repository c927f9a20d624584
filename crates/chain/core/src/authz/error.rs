//! Errors of the module, with the codes of the Cosmos SDK.

use ve_base::Coded;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error(
        "no authorization of {granter} for {grantee} to send {url}: authorization not found; the granter can send MsgGrant"
    )]
    NotFound { granter: String, grantee: String, url: String },
    #[error("expiration must be after the current block time: expiration time of authorization")]
    Expiration,
    #[error(
        "unknown authorization type {0:?}; known are GenericAuthorization, SendAuthorization and StakeAuthorization"
    )]
    UnknownType(String),
    #[error("the authorization of {granter} for {grantee} to send {url} has expired: authorization expired")]
    Expired { granter: String, grantee: String, url: String },
    #[error("grantee and granter should be different: grantee and granter should be different")]
    SameAccount,
    #[error("{0} has {1} signers, only messages with exactly one can be executed for another account")]
    SignerCount(String, usize),
}

impl Coded for Error {
    fn codespace(&self) -> &'static str {
        "authz"
    }

    fn code(&self) -> u32 {
        match self {
            Self::NotFound { .. } => 2,
            Self::Expiration => 3,
            Self::UnknownType(_) => 4,
            Self::Expired { .. } => 6,
            Self::SameAccount => 7,
            Self::SignerCount(..) => 9,
        }
    }
}
