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
    #[error("escrow account {0} is overdrawn; top it up first")]
    NotOpen(String),
    #[error("the release needs {0}; wait until it holds")]
    ConditionUnmet(String),
    #[error("conditions refused: {0}")]
    Condition(String),
    #[error("{0} is not asked for an approval, or gave it already; read the account's conditions")]
    NotSigner(String),
    #[error("{wanted} cannot be released: at most {most} of the signer's deposits are unspent and undisputed")]
    Release { wanted: String, most: String },
    #[error("{0} has no deposit in this account; only its depositors take deposits back")]
    NoDeposit(String),
    #[error("escrow account {0} has or had payments; end the deployment to get back what is not spent")]
    HasPayments(String),
    #[error("{0} is neither the account's owner nor the payee of the payment; only they dispute and resolve")]
    NotParty(String),
    #[error("{wanted} cannot be disputed: {most} are unspent and undisputed")]
    Disputed { wanted: String, most: String },
    #[error("dispute {0} is not open; read the account")]
    NoDispute(u32),
    #[error(
        "{given} of {amount} is not this party's to decide; the owner gives all to the payee, the payee gives all back"
    )]
    Verdict { given: String, amount: String },
    #[error("a life of {got} s is refused; choose {low} to {high} s")]
    Duration { got: u64, low: u64, high: u64 },
    #[error("only accounts of deployments can be released, refunded or disputed, not {0}")]
    Scope(String),
    #[error("less than {0} would stay in the account; end the deployment to get back all of it")]
    LastDeposit(String),
    #[error("the hash of a statement has 32 bytes, not {0}; use SHA-256")]
    Hash(usize),
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
            Self::NotOpen(_) => 18,
            Self::ConditionUnmet(_) => 19,
            Self::Condition(_) => 20,
            Self::NotSigner(_) => 21,
            Self::Release { .. } => 22,
            Self::NoDeposit(_) => 23,
            Self::HasPayments(_) => 24,
            Self::NotParty(_) => 25,
            Self::Disputed { .. } => 26,
            Self::NoDispute(_) => 27,
            Self::Verdict { .. } => 28,
            Self::Duration { .. } => 29,
            Self::Scope(_) => 30,
            Self::Hash(_) => 31,
            Self::LastDeposit(_) => 32,
        }
    }
}
