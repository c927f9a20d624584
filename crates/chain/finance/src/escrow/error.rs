//! Errors of the module; codes never change.

use ve_base::Coded;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("{0:?} names no escrow account: give a scope and an id of at most 256 bytes")]
    Id(String),
    #[error("escrow account {0} does not exist; check scope and id")]
    NotFound(String),
    #[error("escrow account {0} exists already; use another id")]
    Exists(String),
    #[error("escrow account {0} is closed; nothing can be added to it or paid from it")]
    Closed(String),
    #[error("escrow account {account} is overdrawn; deposit at least {needed} to bring it back")]
    Overdrawn { account: String, needed: String },
    #[error("escrow account {account} holds {expected}, got {got}; use {expected}")]
    Denom { account: String, expected: String, got: String },
    #[error("a payment needs a rate above zero; raise the price")]
    ZeroRate,
    #[error("the deposit {got} is too small; deposit at least {least}")]
    Insufficient { got: String, least: String },
    #[error("payment {0} does not exist; check its id")]
    PaymentNotFound(String),
    #[error("only the payee {0} withdraws from this payment; sign with that account")]
    Unauthorized(String),
    #[error("payment {0} is locked until the service is delivered; report it active first")]
    Locked(String),
    #[error("payment {payment} has {available} to withdraw, less than the minimum of {least}; wait until more accrued")]
    NothingToWithdraw { payment: String, available: String, least: String },
    #[error("escrow account {0} has as many deposits or payments as it can hold; use a new one")]
    Full(String),
    #[error("escrow parameters refused: {0}")]
    Params(String),
    #[error("amounts of escrow account {0} leave the range of their type; use smaller ones")]
    Arithmetic(String),
    #[error("genesis of escrow refused: {0}")]
    Genesis(String),
}

impl Coded for Error {
    fn codespace(&self) -> &'static str {
        "escrow"
    }

    fn code(&self) -> u32 {
        match self {
            Self::Id(_) => 2,
            Self::NotFound(_) => 3,
            Self::Exists(_) => 4,
            Self::Closed(_) => 5,
            Self::Overdrawn { .. } => 6,
            Self::Denom { .. } => 7,
            Self::ZeroRate => 8,
            Self::Insufficient { .. } => 9,
            Self::PaymentNotFound(_) => 10,
            Self::Unauthorized(_) => 11,
            Self::Locked(_) => 12,
            Self::NothingToWithdraw { .. } => 13,
            Self::Full(_) => 14,
            Self::Params(_) => 15,
            Self::Arithmetic(_) => 16,
            Self::Genesis(_) => 17,
        }
    }
}
