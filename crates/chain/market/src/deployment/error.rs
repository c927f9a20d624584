//! Errors of the module; codes never change.

use ve_base::Coded;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("{0} is not an id of the order book; give owner, dseq and the rest of it")]
    Id(String),
    #[error("{0} does not exist; check its id")]
    NotFound(String),
    #[error("deployment {0} exists already; choose another dseq")]
    Exists(String),
    #[error("group {group}: {why}; change the deployment file")]
    Spec { group: String, why: String },
    #[error("the hash of a manifest has 32 bytes, not {0}; use SHA-256")]
    Hash(usize),
    #[error("{object} is {state}; this needs it {needed}")]
    State { object: String, state: String, needed: &'static str },
    #[error("order {0} is expired; bid on a newer one")]
    Expired(String),
    #[error("bid {0} is expired; ask the provider for a new one")]
    BidExpired(String),
    #[error("price {price} refused: it must be above 0 and at most {max}, in the same coin")]
    Price { price: String, max: String },
    #[error("the bid's price is {is}, not {given}; look at the bid again and accept what it says")]
    PriceChanged { is: String, given: String },
    #[error("provider {provider} lacks the attribute {attribute}; bid on orders that it fits")]
    Attributes { provider: String, attribute: String },
    #[error("the offer differs from the order in unit {unit}: {why}; offer exactly what was ordered")]
    Offer { unit: u32, why: &'static str },
    #[error(
        "the reclamation window {0} s is refused: 3600 to 2592000 s, at least what the order asks, or 0 if it asks none"
    )]
    Window(u64),
    #[error("order {0} has as many open bids as it can take; bid when one ends")]
    TooManyBids(String),
    #[error("provider {0} has an open bid on this order; close it before bidding again")]
    DuplicateBid(String),
    #[error("deposit {got} is too small; deposit at least {least}")]
    Deposit { got: String, least: String },
    #[error("{0} has {1} open orders, the most allowed; close one first")]
    TooManyOrders(String, u32),
    #[error("{0} made too many orders or bids in this block; try again in the next one")]
    Rate(String),
    #[error("{0} may not do this; only {1} may")]
    Unauthorized(String, &'static str),
    #[error("reason {0} is not one that this party can give; the customer gives 1, a provider 10000 to 10004")]
    Reason(i32),
    #[error("lease {0} was agreed with a reclamation window; begin it with MsgStartReclaim")]
    ReclaimFirst(String),
    #[error("lease {0} has no reclamation window; close it with MsgCloseLease")]
    NoWindow(String),
    #[error("report {got} of lease {lease} refused: the next sequence is {expected}")]
    Sequence { lease: String, got: u64, expected: u64 },
    #[error(
        "the signature of the report does not verify; sign with an active callback key of the lease's provider for this chain"
    )]
    Signature,
    #[error("the report was observed at {observed}, the block is at {now}; send it within an hour and in order")]
    ObservedAt { observed: u64, now: u64 },
    #[error("a resource that is {from} does not become {to}; read its state and report what is possible")]
    Transition { from: String, to: String },
    #[error("operation {0} is not the running one; read the resource and name its operation")]
    Operation(u64),
    #[error("report refused: {0}")]
    Report(&'static str),
    #[error("the report is about revision {got}, the deployment is at {current}; apply the newer manifest first")]
    Revision { got: u64, current: u64 },
    #[error("no provider has attributes signed by auditors; remove signed_by from the deployment file")]
    Unaudited,
    #[error("market parameters refused: {0}")]
    Params(String),
    #[error("genesis of the market refused: {0}")]
    Genesis(String),
    #[error("{0} made {1} of them within a minute, the most allowed; try again a minute later")]
    RatePerMinute(String, u32),
    #[error("{account} cancelled most of what it made and pauses until {until}; try again then")]
    Paused { account: String, until: u64 },
    #[error("{0} cannot bid on its own order; let others bid")]
    OwnOrder(String),
    #[error("{0} is not an operation that a customer requests; use stop, start or restart")]
    Action(String),
    #[error("the key of an operation has 32 bytes, not {0}; choose random ones")]
    IdemKey(usize),
    #[error("the key stands for operation {0} of another kind; choose another key")]
    IdemConflict(u64),
    #[error("operation {0} is still running; wait until it ends")]
    Busy(u64),
}

impl Coded for Error {
    fn codespace(&self) -> &'static str {
        "market"
    }

    fn code(&self) -> u32 {
        match self {
            Self::Id(_) => 2,
            Self::NotFound(_) => 3,
            Self::Exists(_) => 4,
            Self::Spec { .. } => 5,
            Self::Hash(_) => 6,
            Self::State { .. } => 7,
            Self::Expired(_) => 8,
            Self::BidExpired(_) => 9,
            Self::Price { .. } => 10,
            Self::PriceChanged { .. } => 11,
            Self::Attributes { .. } => 12,
            Self::Offer { .. } => 13,
            Self::Window(_) => 14,
            Self::TooManyBids(_) => 15,
            Self::DuplicateBid(_) => 16,
            Self::Deposit { .. } => 17,
            Self::TooManyOrders(..) => 18,
            Self::Rate(_) => 19,
            Self::Unauthorized(..) => 20,
            Self::Reason(_) => 21,
            Self::ReclaimFirst(_) => 22,
            Self::NoWindow(_) => 23,
            Self::Sequence { .. } => 24,
            Self::Signature => 25,
            Self::ObservedAt { .. } => 26,
            Self::Transition { .. } => 27,
            Self::Operation(_) => 28,
            Self::Report(_) => 29,
            Self::Revision { .. } => 30,
            Self::Unaudited => 31,
            Self::Params(_) => 32,
            Self::Genesis(_) => 33,
            Self::RatePerMinute(..) => 34,
            Self::Paused { .. } => 35,
            Self::OwnOrder(_) => 36,
            Self::Action(_) => 37,
            Self::IdemKey(_) => 38,
            Self::IdemConflict(_) => 39,
            Self::Busy(_) => 40,
        }
    }
}

/// How a state of an enumeration reads in errors and events: `ORDER_STATE_OPEN` → `open`.
pub fn state_name(full: &str) -> String {
    full.split_once("_STATE_").map_or(full, |(_, name)| name).to_ascii_lowercase()
}
